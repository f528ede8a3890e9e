"""Names of image sequences as artists write them: ``plate.####.exr``, ``plate.%04d.png``, ``plate.@@@.dpx``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fileseq

from timeline.errors import MediaNotFoundError, MediaUnreadableError

IMAGE_ENDINGS = frozenset({".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".tga", ".hdr"})
"""Files that are one picture each; everything else is opened as a movie."""

_PADDING = re.compile(r"#+|@+|%0?\d*d")
_NAMES_IN_MESSAGE = 3


@dataclass(frozen=True)
class SequencePattern:
    """``prefix``, a number of at least ``digits`` digits, ``suffix``: one image per number, in ``folder``.

    With 0 digits it is the one file ``prefix + suffix``.
    """

    folder: Path
    prefix: str
    digits: int
    suffix: str
    text: str

    def file(self, number: int) -> Path:
        """The image of this number."""
        digits = f"{number:0{self.digits}d}" if self.digits else ""
        return self.folder / f"{self.prefix}{digits}{self.suffix}"

    def existing_numbers(self) -> list[int]:
        """The numbers that have a file, rising."""
        name = re.compile(rf"{re.escape(self.prefix)}(\d{{{self.digits},}}){re.escape(self.suffix)}")
        matches = (name.fullmatch(file.name) for file in self.folder.iterdir())
        found = (match[1] for match in matches if match)
        return sorted(int(text) for text in found if len(text) == self.digits or not text.startswith("0"))


@dataclass(frozen=True)
class ImageSequence:
    """The files ``first_number``, ``first_number + 1``, ... of a pattern, none missing."""

    pattern: SequencePattern
    first_number: int
    frame_count: int

    def file(self, frame: int) -> Path:
        """The image of frame ``frame``, counted from 0."""
        return self.pattern.file(self.first_number + frame)


def is_pattern(name: str) -> bool:
    """Whether a file name stands for a sequence."""
    return _PADDING.search(name) is not None


def parse_pattern(path: Path) -> SequencePattern:
    """The parts of a pattern; its last run of ``#``, ``@`` or ``%04d`` is the number."""
    *_, match = _PADDING.finditer(path.name)
    padding = match[0]
    digits = int(padding.strip("%d") or 1) if padding.startswith("%") else len(padding)
    return SequencePattern(path.parent, path.name[: match.start()], digits, path.name[match.end() :], str(path))


def find_sequence(path: Path) -> ImageSequence:
    """The sequence on disk that ``path`` describes.

    Raises MediaNotFoundError when there is no such file or when numbers between the first and the last are missing.
    """
    pattern = parse_pattern(path)
    if not pattern.folder.is_dir():
        raise MediaNotFoundError(f"{path}: the folder {pattern.folder} does not exist; check the path")
    numbers = pattern.existing_numbers()
    if not numbers:
        raise MediaNotFoundError(
            f"{path} matches no file, such as {pattern.file(1).name}; check the name and its digits"
        )
    missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if missing:
        raise MediaNotFoundError(_missing_text(pattern, missing))
    return ImageSequence(pattern, numbers[0], len(numbers))


def sequence_in_folder(folder: Path) -> ImageSequence:
    """The one image sequence in ``folder``.

    Raises MediaNotFoundError when it holds no images, MediaUnreadableError when it holds several sequences.
    """
    names = [file.name for file in folder.iterdir() if file.suffix.lower() in IMAGE_ENDINGS and not _is_hidden(file)]
    found = fileseq.findSequencesInList(names, pad_style=fileseq.PAD_STYLE_HASH1)
    if not found:
        raise MediaNotFoundError(f"{folder} holds no images; choose a folder with an image sequence, or a movie")
    patterns = sorted({f"{item.basename()}{item.padding()}{item.extension()}" for item in found})
    if len(patterns) > 1:
        raise MediaUnreadableError(
            f"{folder} holds {len(patterns)} sequences ({_shortened(patterns)}); name one of them by its pattern"
        )
    if not is_pattern(patterns[0]):
        return single_image(folder / patterns[0])
    return find_sequence(folder / patterns[0])


def single_image(path: Path) -> ImageSequence:
    """One file without a number as a sequence of one."""
    return ImageSequence(SequencePattern(path.parent, path.name, 0, "", str(path)), 0, 1)


def _missing_text(pattern: SequencePattern, missing: Sequence[int]) -> str:
    ranges = fileseq.framesToFrameRange(missing)
    files = _shortened([pattern.file(number).name for number in missing])
    count = f"{len(missing)} frames are" if len(missing) > 1 else "1 frame is"
    return f"{pattern.text}: {count} missing, number {ranges} ({files}); render or copy them, or name a shorter range"


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMES_IN_MESSAGE]) + (", ..." if len(names) > _NAMES_IN_MESSAGE else "")


def _is_hidden(file: Path) -> bool:
    return file.name.startswith(".")
