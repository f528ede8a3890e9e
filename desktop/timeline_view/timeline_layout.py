"""Which pixel of the timeline strip is which frame, and where its ruler has marks. Without Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")

_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)
MAXIMUM_PX_PER_FRAME = 120.0


@dataclass(frozen=True)
class TimelineLayout:
    """Frame ``f`` covers ``[x_of(f), x_of(f + 1))``; ``first_frame`` (may be fractional) lies at ``left_px``."""

    px_per_frame: float
    first_frame: float = 0.0
    left_px: float = 0.0

    def x_of(self, frame: float) -> float:
        """Left edge of a frame, in widget px."""
        return self.left_px + (frame - self.first_frame) * self.px_per_frame

    def frame_at(self, x: float) -> int:
        """The frame under a widget x; may lie outside the timeline."""
        return math.floor(self.first_frame + (x - self.left_px) / self.px_per_frame)

    def zoomed_at(self, x: float, factor: float, length_frames: int, width_px: float) -> TimelineLayout:
        """Zoomed while the frame under ``x`` stays there, never wider than the whole timeline."""
        smallest = width_px / max(length_frames, 1)
        px_per_frame = min(max(self.px_per_frame * factor, smallest), max(MAXIMUM_PX_PER_FRAME, smallest))
        under = self.first_frame + (x - self.left_px) / self.px_per_frame
        zoomed = replace(self, px_per_frame=px_per_frame, first_frame=under - (x - self.left_px) / px_per_frame)
        return zoomed.scrolled(0.0, length_frames, width_px)

    def scrolled(self, by_frames: float, length_frames: int, width_px: float) -> TimelineLayout:
        """Moved along, kept within the timeline."""
        last = max(length_frames - width_px / self.px_per_frame, 0.0)
        return replace(self, first_frame=min(max(self.first_frame + by_frames, 0.0), last))

    def ruler_step(self, label_px: float) -> int:
        """Frames between labelled marks so that labels ``label_px`` wide don't touch."""
        return next((step for step in _STEPS if step * self.px_per_frame >= label_px), _STEPS[-1])


def fitted_layout(length_frames: int, left_px: float, width_px: float) -> TimelineLayout:
    """All of the timeline across ``width_px``."""
    return TimelineLayout(max(width_px, 1.0) / max(length_frames, 1), 0.0, left_px)


def runs(values: Sequence[T]) -> list[tuple[int, int, T]]:
    """Neighbours that are equal, as ``(start, end_exclusive, value)``."""
    found: list[tuple[int, int, T]] = []
    for index, value in enumerate(values):
        if found and found[-1][2] == value:
            found[-1] = (found[-1][0], index + 1, value)
        else:
            found.append((index, index + 1, value))
    return found
