"""What every writer of media offers: frames in order, all of the result or none of it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from timeline.errors import MediaExistsError, MediaWriteError
from timeline.media.color import resolved_color
from timeline.media.convert import convert_frame
from timeline.media.delivery import Delivery
from timeline.media.frame import Frame
from timeline.media.info import MediaInfo


class MediaWriter(ABC):
    """Writes beside the target and renames when closed; :meth:`abort` leaves nothing behind.

    Frames are given in order, one per frame of a constant rate ``info.rate``: variable-rate sources keep their frame
    count and play at their average rate. As a context manager it aborts on an exception and closes otherwise.
    """

    def __init__(self, delivery: Delivery, info: MediaInfo) -> None:
        self.delivery = delivery
        self.info = info
        self.format = delivery.format_for(info)
        self.color = delivery.color_for(info)
        self.frames_written = 0
        self._is_open = True

    def write(self, frame: Frame) -> None:
        """Append ``frame``, converted where the delivery asks for it.

        Raises MediaWriteError when it differs from ``info`` in size or format, or when it cannot be stored; then
        nothing is left behind.
        """
        if not self._is_open:
            raise MediaWriteError(f"cannot write to {self.delivery.path}: it is closed; open a new writer")
        if frame.size != self.info.size or frame.format != self.info.format:
            raise MediaWriteError(
                f"cannot write {self.delivery.path}: frame {self.frames_written} is {frame.size} {frame.format.name}, "
                f"not {self.info.size} {self.info.format.name}; give frames like the first"
            )
        try:
            self._write(self._delivered(frame))
        except BaseException:
            self.abort()
            raise
        self.frames_written += 1

    def close(self) -> None:
        """Finish the file and move it into place. Closing twice does nothing."""
        if not self._is_open:
            return
        try:
            if self.frames_written == 0:
                raise MediaWriteError(f"cannot write {self.delivery.path}: there are no frames; check the range")
            self._finish()
        except BaseException:
            self.abort()
            raise
        self._is_open = False

    def abort(self) -> None:
        """Drop what was written; the target, if there was one before, stays as it was."""
        if self._is_open:
            self._is_open = False
            self._discard()

    def _delivered(self, frame: Frame) -> Frame:
        is_same_range = resolved_color(frame.color, frame.format, frame.size).full_range == self.color.full_range
        if self.format == self.info.format and is_same_range:
            return Frame(frame.planes, frame.format, self.color)
        return convert_frame(frame, self.format, self.color)

    @abstractmethod
    def _write(self, frame: Frame) -> None:
        """Store one converted frame."""

    @abstractmethod
    def _finish(self) -> None:
        """Flush and rename into place."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove all temporary files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


def check_folder(target: Path) -> None:
    """Raise MediaWriteError unless files can be made beside ``target``."""
    folder = target.parent
    if not folder.is_dir():
        raise MediaWriteError(f"cannot write {target}: the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MediaWriteError(f"cannot write {target}: the folder {folder} is not writable; choose another folder")


def check_free(target: Path, overwrite: bool) -> None:
    """Raise MediaExistsError when ``target`` is there already and may not be replaced."""
    if target.is_dir():
        raise MediaWriteError(f"cannot write {target}: it is a folder; give a file name")
    if target.exists() and not overwrite:
        raise MediaExistsError(f"{target} exists already; choose another name or allow overwriting it")
