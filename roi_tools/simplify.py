"""From one box per frame (tracked, or read from a file) to a rectangle with few keyframes that a person can edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box
from roi_tools.keyframes import Keyframe, Track
from roi_tools.shapes import AnimatedRectangle

Edges = NDArray[np.float64]
"""(frames, 4): x0, y0, x1, y1."""

_OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])


def boxes_to_rectangle(boxes: Sequence[Box | None], slack_px: float = 4.0, first_frame: int = 0) -> AnimatedRectangle:
    """The rectangle with the fewest linear keyframes that covers every box and exceeds none by more than ``slack_px``.

    ``boxes[i]`` is the box of frame ``first_frame + i``. The rectangle is there from the first box to the last; it goes
    on through frames without a box in between (see :func:`boxes_to_rectangles`). Keyframes sit on frames with a box, at
    the box grown by half the slack; among such sets of keyframes the smallest is found (shortest path over the segments
    that stay within the slack). The covering holds for whole pixels: ``box_at`` contains the box.
    Raises ShapeError where there is no box at all, or for a negative slack.
    """
    if slack_px < 0:
        raise ShapeError(f"a slack of {slack_px} px is negative; give 0 to follow the boxes exactly")
    found = [(first_frame + index, box) for index, box in enumerate(boxes) if box is not None]
    if not found:
        raise ShapeError("there is no box on any frame to make a rectangle of")
    frames = np.array([frame for frame, _ in found])
    tight = np.array([box.as_tuple() for _, box in found], np.float64)
    keys = _constant_key(frames, tight, slack_px) or _fewest_keys(frames, tight, slack_px)
    return AnimatedRectangle(Track(keys), int(frames[0]), int(frames[-1]))


def boxes_to_rectangles(
    boxes: Sequence[Box | None], slack_px: float = 4.0, first_frame: int = 0
) -> tuple[AnimatedRectangle, ...]:
    """One rectangle for each run of frames with a box, so that frames without one stay unmarked; see above."""
    return tuple(boxes_to_rectangle(boxes[start:end], slack_px, first_frame + start) for start, end in _runs(boxes))


def _runs(boxes: Sequence[Box | None]) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for index, box in enumerate([*boxes, None]):
        if box is not None and start is None:
            start = index
        elif box is None and start is not None:
            yield start, index
            start = None


def _constant_key(frames: NDArray[np.int_], tight: Edges, slack_px: float) -> tuple[Keyframe, ...]:
    """One keyframe, where a rectangle that stands still is close enough to every box; else none."""
    outer, inner = np.max(tight * _OUTWARD, axis=0), np.min(tight * _OUTWARD, axis=0) + slack_px
    if np.any(outer > inner):
        return ()
    return (_key(frames[0], (outer + inner) / 2 * _OUTWARD),)


def _fewest_keys(frames: NDArray[np.int_], tight: Edges, slack_px: float) -> tuple[Keyframe, ...]:
    values = tight + _OUTWARD * slack_px / 2
    low = np.minimum(tight, tight + _OUTWARD * slack_px)
    high = np.maximum(tight, tight + _OUTWARD * slack_px)
    cost = np.full(len(frames), len(frames), np.int_)
    cost[0] = 0
    previous = np.zeros(len(frames), np.int_)
    for start in range(len(frames) - 1):  # frames rise, so costs are final when their turn comes
        reached = start + 1 + np.flatnonzero(_straight_to(frames, values, low, high, start))
        better = reached[cost[reached] > cost[start] + 1]
        cost[better], previous[better] = cost[start] + 1, start
    return tuple(_key(frames[index], values[index]) for index in _walk_back(previous))


def _straight_to(frames: NDArray[np.int_], values: Edges, low: Edges, high: Edges, start: int) -> NDArray[np.bool_]:
    """For each later frame: whether the straight line from ``start`` to it stays within [low, high] all the way."""
    elapsed = (frames[start + 1 :] - frames[start])[:, np.newaxis]
    slope = (values[start + 1 :] - values[start]) / elapsed
    steepest = np.minimum.accumulate((high[start + 1 :] - values[start]) / elapsed, axis=0)
    flattest = np.maximum.accumulate((low[start + 1 :] - values[start]) / elapsed, axis=0)
    return np.all((slope <= steepest) & (slope >= flattest), axis=1)


def _walk_back(previous: NDArray[np.int_]) -> list[int]:
    path = [len(previous) - 1]
    while path[-1] > 0:
        path.append(int(previous[path[-1]]))
    return path[::-1]


def _key(frame: np.int_, value: NDArray[np.float64]) -> Keyframe:
    return Keyframe(int(frame), tuple(map(float, value)))
