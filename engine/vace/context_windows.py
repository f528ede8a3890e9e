"""Which frames the model sees together.

Windows follow each other without overlap: each is sampled on its own, so that a seam may show where two meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import groupby

BRIDGED_GAP_FRAMES = 16
"""An unmarked stretch up to this long stays inside its window: it shows the model what the object hides."""


def consecutive_windows(marked_frames: Iterable[int], context_frames: int) -> list[range]:
    """Ranges of at most ``context_frames`` frames that hold all ``marked_frames`` (rising), in order.

    Each starts and ends on a marked frame. A stretch that is longer than one window is shared out evenly, so that no
    window is left with a few frames and no motion to go by.
    """
    windows: list[range] = []
    for stretch in _stretches(marked_frames):
        span = range(stretch[0], stretch[-1] + 1)
        parts = math.ceil(len(span) / context_frames)
        windows.extend(range(part[0], part[-1] + 1) for part in _shared_out(stretch, span, parts))
    return windows


def _shared_out(frames: list[int], span: range, parts: int) -> Iterator[list[int]]:
    """``frames`` by which of ``parts`` equal parts of ``span`` they lie in."""
    for _, part in groupby(frames, key=lambda frame: (frame - span.start) * parts // len(span)):
        yield list(part)


def _stretches(frames: Iterable[int]) -> Iterator[list[int]]:
    """``frames`` cut wherever more than the bridged gap lies between two of them."""
    stretch: list[int] = []
    for frame in frames:
        if stretch and frame - stretch[-1] - 1 > BRIDGED_GAP_FRAMES:
            yield stretch
            stretch = []
        stretch.append(frame)
    if stretch:
        yield stretch
