"""Image sequences and stills as media."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction
from pathlib import Path

from timeline.errors import MediaUnreadableError
from timeline.media.frame import Frame
from timeline.media.image_file import ImageHeader, read_header, read_image
from timeline.media.info import MediaInfo, MediaKind
from timeline.media.media_reader import MediaReader
from timeline.media.sequence_files import ImageSequence, single_image

_DEFAULT_RATE = Fraction(24)
_CACHE_FRAMES = 4


class SequenceReader(MediaReader):
    """One image file per frame; the first one's header stands for all, and a frame that differs is an error."""

    def __init__(self, sequence: ImageSequence, rate: Fraction | None = None, kind: MediaKind = "sequence") -> None:
        self._sequence = sequence
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        header = read_header(sequence.file(0))
        super().__init__(_info(sequence, header, rate, kind))

    def close(self) -> None:
        """Drop the cache; no file stays open between frames."""
        self._cache.clear()

    def _read(self, frame: int) -> Frame:
        if frame not in self._cache:
            self._cache[frame] = self._load(frame)
            if len(self._cache) > _CACHE_FRAMES:
                self._cache.popitem(last=False)
        return self._cache[frame]

    def _load(self, frame: int) -> Frame:
        path = self._sequence.file(frame)
        picture = read_image(path)
        if picture.size != self.info.size or picture.format != self.info.format:
            raise MediaUnreadableError(
                f"{path} is {picture.size} {picture.format.name} where the sequence starts as {self.info.size} "
                f"{self.info.format.name}; render it again like the others"
            )
        return picture


def open_still(path: Path, rate: Fraction | None = None) -> SequenceReader:
    """One image file as media of one frame."""
    return SequenceReader(single_image(path), rate, "still")


def _info(sequence: ImageSequence, header: ImageHeader, rate: Fraction | None, kind: MediaKind) -> MediaInfo:
    return MediaInfo(
        path=sequence.pattern.text,
        kind=kind,
        frame_count=sequence.frame_count,
        size=header.size,
        rate=rate or header.rate or _DEFAULT_RATE,
        format=header.format,
        stored_format=header.stored_format,
        color=header.color,
        timecode=header.timecode,
        codec=header.codec,
        container="image",
        has_audio=False,
        first_file_number=sequence.first_number if kind == "sequence" else None,
        pixel_aspect=header.pixel_aspect,
    )
