"""What the two effects of the hybrid say, as one effect's words."""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterator, Sequence

from engine.ofx.effect import Host, RenderedImage
from engine.protocol import Remedy, Stage

_PLATE_SHARE = 0.3
"""The part of a frame's progress that its plate makes; the rest comes with the finished frame."""


class RunProgress:
    """How far a render is, in frames: the runs before count as done."""

    def __init__(self, host: Host, marked: Sequence[int], run: Sequence[int]) -> None:
        self._host, self._total, self._length = host, len(marked), len(run)
        self._before = sum(frame < run[0] for frame in marked) if run else 0
        self._plates = self._finished = self._fraction = 0.0

    def plates(self, share: float, message: str) -> None:
        """So much of the run is recovered."""
        self._plates = max(self._plates, share * self._length)
        self._tell(message)

    def painted(self, share: float, frames: int, message: str) -> None:
        """So much of a group of ``frames`` is painted."""
        self._fraction = share * frames
        self._tell(message)

    def counted(self, finished: Iterator[tuple[int, RenderedImage]]) -> Generator[tuple[int, RenderedImage]]:
        """The same frames, counted."""
        for frame, image in finished:
            self._finished += 1
            self._fraction = max(self._fraction - 1, 0.0)
            self._tell("")
            yield frame, image

    def _tell(self, message: str) -> None:
        made = _PLATE_SHARE * self._plates + (1 - _PLATE_SHARE) * (self._finished + self._fraction)
        self._host.progress("render", self._before + min(made, self._length), self._total, message)


class PlateHost:
    """The host of the plate's effect."""

    def __init__(self, host: Host, progress: RunProgress | None = None) -> None:
        self._host, self._progress = host, progress

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        """See Host."""
        del stage
        if self._progress is not None:
            self._progress.plates(done / max(total, 1), message or "recovering the plate")

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        """See Host."""
        self._host.warn(message, remedy)

    def windows(self, windows: Sequence[range]) -> None:
        """See Host."""
        self._host.windows(windows)

    def preview(self, frame: int, image: RenderedImage) -> None:
        """See Host."""
        self._host.preview(frame, image)


class GroupHost:
    """The host of the model's effect, for one group of frames. ``told``: the windows of all groups so far.

    Of its warnings those are told whose remedy is within ``parameters``, the hybrid's own: others speak of what it has
    decided already.
    """

    def __init__(
        self,
        host: Host,
        progress: RunProgress,
        joined: Callable[[int, RenderedImage], RenderedImage],
        told: list[range],
        parameters: Container[str],
    ) -> None:
        self._host, self._progress, self._joined, self._told = host, progress, joined, told
        self._parameters = parameters

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        """See Host."""
        if stage == "render":
            self._progress.painted(done / max(total, 1), round(total), message)
        else:
            self._host.progress(stage, done, total, message)

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        """See Host."""
        if remedy is None or all(name in self._parameters for name in remedy.parameters):
            self._host.warn(message, remedy)

    def windows(self, windows: Sequence[range]) -> None:
        """See Host."""
        self._told.extend(windows)
        self._host.windows(self._told)

    def preview(self, frame: int, image: RenderedImage) -> None:
        """See Host: in the plate, as the finished picture will be."""
        self._host.preview(frame, self._joined(frame, image))
