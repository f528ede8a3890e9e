"""Image sequences: written into a hidden folder beside the target, moved into place when complete."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from timeline.errors import MediaExistsError, MediaUnreadableError, MediaWriteError
from timeline.media.av_errors import explain_write
from timeline.media.delivery import Delivery
from timeline.media.frame import Frame
from timeline.media.image_file import read_image, write_image
from timeline.media.info import MediaInfo
from timeline.media.media_writer import MediaWriter, check_folder
from timeline.media.sequence_files import parse_pattern

_FIRST_NUMBER = 1


class SequenceWriter(MediaWriter):
    """One image per frame, numbered from the source's first file number, or 1.

    With ``overwrite``, files of the same number are replaced and others of that pattern stay.
    """

    def __init__(self, delivery: Delivery, info: MediaInfo, overwrite: bool) -> None:
        super().__init__(delivery, info)
        self._pattern = parse_pattern(Path(delivery.path))
        self._overwrite = overwrite
        check_folder(Path(delivery.path))
        self._check_free()
        self._first = _FIRST_NUMBER if info.first_file_number is None else info.first_file_number
        self._folder = self._pattern.folder / f".{self._pattern.prefix}{uuid4().hex[:8]}.part"
        try:
            self._folder.mkdir()
        except OSError as error:
            raise self._failed(error) from error

    def _write(self, frame: Frame) -> None:
        target = self._folder / self._pattern.file(self._first + self.frames_written).name
        try:
            write_image(target, frame, self.info.rate, self.info.pixel_aspect)
            read_image(target)  # OpenImageIO reports no error when a PNG's last bytes find no room
        except MediaUnreadableError as error:
            raise self._incomplete(target) from error

    def _finish(self) -> None:
        self._check_free()
        try:
            for file in sorted(self._folder.iterdir()):
                file.replace(self._pattern.folder / file.name)
            self._folder.rmdir()
        except OSError as error:
            raise self._failed(error) from error

    def _discard(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _check_free(self) -> None:
        if not self._overwrite and (numbers := self._pattern.existing_numbers()):
            raise MediaExistsError(
                f"{self._pattern.text} exists already ({self._pattern.file(numbers[0]).name}); "
                "choose another name or allow overwriting it"
            )

    def _incomplete(self, target: Path) -> MediaWriteError:
        return MediaWriteError(
            f"cannot write {self._pattern.folder / target.name}: the image came out incomplete, so the disk is "
            "probably full; free space or write to another disk"
        )

    def _failed(self, error: OSError) -> MediaWriteError:
        return MediaWriteError(f"cannot write {self._pattern.text}: {explain_write(error)}")
