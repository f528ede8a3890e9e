"""Outlines of mattes: closed polygons along the borders of pixels, simplified to within a stated error, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box
from roi_tools.matte import Matte, bounds
from roi_tools.polylines import polygon_area, simplified
from roi_tools.roto.coverage import cover
from roi_tools.roto.outlines import Polygon

_CORNER_CUT_PX = 0.5**0.5 / 2
"""How far a pixel's corner lies from the line between the middles of the two sides that meet there."""
_LEAST_CUT_PX = 0.5
_STEPS = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
"""Right, down, left, up: borders run with the inside on their right, so clockwise around what is solid."""
_TURNS = (1, 0, 3)
"""Right, straight on, left: pixels that only touch at a corner stay apart."""


def outlines_of(matte: NDArray[Any], error_px: float = 1.0) -> tuple[Polygon, ...]:
    """Outlines of what is solid (>= 0.5) in (H, W), by falling area: each (n, 2) in px, within ``error_px`` of
    the pixels' border.

    Clockwise as seen around what is solid (a positive area), the other way round around holes. At 0 it is the pixels'
    border itself; from 0.5 on the steps along slanted edges are cut, and around pixels that are partly covered the
    outline runs where the coverage between two pixels' middles is 0.5: the edge that was drawn. What shrinks to a line
    is left out: it is no wider than the error. Raises ShapeError for a negative ``error_px``.
    """
    if error_px < 0:
        raise ShapeError(f"an outline cannot lie within {error_px} px; give 0 or more")
    solid = np.asarray(matte, np.float32) >= 0.5
    box = bounds(solid.astype(np.float32))
    if box is None:
        return ()
    corner = np.array([box.x0, box.y0], np.float64)
    coverage = np.pad(np.asarray(matte, np.float32)[box.slices], 1)
    loops = [_simplified(loop, coverage, error_px) + corner for loop in _borders(solid[box.slices])]
    whole = [loop for loop in loops if len(loop) >= 3 and abs(polygon_area(loop)) > 0]
    return tuple(sorted(whole, key=lambda loop: -abs(polygon_area(loop))))


def outlines_matte(outlines: Sequence[Polygon], size: Size, window: Box | None = None) -> Matte:
    """The matte of outlines as :func:`outlines_of` gives them: antialiased, 0 to 1, (window height, window width)."""
    window = window or frame_box(size)
    matte = np.zeros((window.height_px, window.width_px), np.float32)
    for outline, covered in zip(outlines, cover(outlines, window), strict=True):
        if covered is not None:
            box, values = covered
            matte[box.shifted(-window.x0, -window.y0).slices] += np.sign(polygon_area(outline)) * values
    return np.clip(matte, 0.0, 1.0)


def _borders(solid: NDArray[np.bool_]) -> list[Polygon]:
    """The closed borders between solid pixels and others, each as its unit steps' starting points (n, 2)."""
    padded = np.pad(solid, 1)
    inside = padded[1:-1, 1:-1]
    stride = solid.shape[1] + 1
    keys = []
    neighbours = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    for direction, (neighbour, (dx, dy)) in enumerate(zip(neighbours, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True)):
        y, x = np.nonzero(inside & ~neighbour)
        keys.append(((y + dy) * stride + x + dx) * 4 + direction)
    steps = np.sort(np.concatenate(keys))
    vertex, direction_of = np.divmod(steps, 4)
    following = _following(steps, vertex, direction_of, stride)
    points = np.column_stack([vertex % stride, vertex // stride]).astype(np.float64)
    return [points[loop] for loop in _loops(following)]


def _following(
    steps: NDArray[np.int64], vertex: NDArray[np.int64], direction: NDArray[np.int64], stride: int
) -> NDArray[np.int64]:
    """For each step the index of the one that goes on where it ends."""
    end = vertex + _STEPS[direction, 0] + _STEPS[direction, 1] * stride
    following = np.full(len(steps), -1, np.int64)
    for turn in _TURNS:
        wanted = end * 4 + (direction + turn) % 4
        found = np.minimum(np.searchsorted(steps, wanted), len(steps) - 1)
        following = np.where((following < 0) & (steps[found] == wanted), found, following)
    return following


def _loops(following: NDArray[np.int64]) -> list[list[int]]:
    after, seen = following.tolist(), bytearray(len(following))
    loops = []
    for start in range(len(after)):
        if seen[start]:
            continue
        loop, at = [], start
        while not seen[at]:
            seen[at] = 1
            loop.append(at)
            at = after[at]
        loops.append(loop)
    return loops


def _simplified(loop: Polygon, coverage: Matte, error_px: float) -> Polygon:
    """``coverage`` has one pixel more than the borders on each side."""
    if error_px < _LEAST_CUT_PX:
        return simplified(loop, error_px)
    steps = np.roll(loop, -1, axis=0) - loop
    middles, inward = loop + steps / 2, np.column_stack([-steps[:, 1], steps[:, 0]])
    inside, outside = (_values(coverage, middles + side * inward / 2) for side in (1, -1))
    depth = 0.5 - (inside - 0.5) / (inside - outside)
    slack_px = error_px if np.any(depth) else error_px - _CORNER_CUT_PX
    return simplified(middles + depth[:, np.newaxis] * inward, slack_px)


def _values(coverage: Matte, places: Polygon) -> NDArray[np.float64]:
    """Of the pixels that hold ``places``."""
    columns, rows = (np.floor(places).astype(np.int64) + 1).T
    return coverage[rows, columns].astype(np.float64)
