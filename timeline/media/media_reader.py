"""What every reader of media offers, whatever the frames lie in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from timeline.errors import MediaError
from timeline.media.frame import Frame
from timeline.media.info import MediaInfo


class MediaReader(ABC):
    """Exact frames by number; fast when they are asked for in rising order.

    One reader belongs to one thread. Memory is bounded whatever the length.
    """

    def __init__(self, info: MediaInfo) -> None:
        self.info = info
        self._is_wanted: Callable[[], bool] = _always

    def read(self, frame: int) -> Frame:
        """Frame ``frame``, counted from 0 in order of presentation.

        Raises MediaError outside ``0 <= frame < info.frame_count``, MediaUnreadableError where the data is damaged.
        """
        if not 0 <= frame < self.info.frame_count:
            raise MediaError(
                f"{self.info.path} has no frame {frame}; its {self.info.frame_count} frames are numbered from 0"
            )
        return self._read(frame)

    def read_while(self, frame: int, is_wanted: Callable[[], bool]) -> Frame:
        """:meth:`read`, given up with ReadGivenUpError when ``is_wanted`` says False on the long way to a frame."""
        self._is_wanted = is_wanted
        try:
            return self.read(frame)
        finally:
            self._is_wanted = _always

    def group_start(self, frame: int) -> int:
        """The frame at which decoding begins on the way to ``frame``: itself where each picture stands alone."""
        return frame

    def pictures_to(self, frame: int) -> int:
        """How many pictures are decoded until ``frame`` is there; 0: it is in the reader's memory."""
        del frame
        return 1

    def frames(self, start: int, end_exclusive: int) -> Iterator[Frame]:
        """The frames ``start <= n < end_exclusive``, one after the other."""
        for frame in range(start, end_exclusive):
            yield self.read(frame)

    @abstractmethod
    def _read(self, frame: int) -> Frame:
        """A frame that exists."""

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _always() -> bool:
    return True
