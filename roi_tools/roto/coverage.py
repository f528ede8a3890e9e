"""Exact coverage of pixels by polygons: the share of each pixel's area that lies inside.

Each edge adds to the pixels it crosses the signed area between it and their right border; summed along the row that is
the coverage (the signed-area accumulation of font rasterisers such as FreeType's). All polygons of a call go through
one pass over flat arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box
from roi_tools.roto.outlines import Polygon

Coverage = tuple[Box, NDArray[np.float32]]
"""The pixels that a polygon may touch, and their coverage, 0 to 1."""
_NOTHING = 1e-5
_LIMIT_PX = 1e9
_LEVEL = 1e-12
"""An edge that rises less has no slope that a number can hold, and no area beside it."""
_CELLS_AT_ONCE = 300_000
"""Polygons go together in groups of about so many px: few calls, and arrays that stay in the processor's cache."""
_Edges = tuple[NDArray[np.float64], ...]


def cover(polygons: Sequence[Polygon], window: Box) -> Iterator[Coverage | None]:
    """Coverage of each polygon inside ``window`` (px of the polygons' own raster); None where it touches nothing.

    One after the other: what joins each to its matte at once needs memory for one only.

    Overlaps of a polygon with itself count as inside (non-zero winding; where only one of two overlapping parts covers
    a pixel's part the sum of both counts, at most 1).
    """
    boxes = _touched(polygons, window)
    waiting: list[Polygon] = []
    ready: list[Box | None] = []
    cells = 0
    for polygon, box in zip(polygons, boxes, strict=True):
        waiting.append(polygon)
        ready.append(box)
        cells += _cells(box)
        if cells > _CELLS_AT_ONCE:
            yield from _covered(waiting, ready)
            waiting, ready, cells = [], [], 0
    yield from _covered(waiting, ready)


def _cells(box: Box | None) -> int:
    """Of the buffer for a polygon: every row has a spare column."""
    return box.height_px * (box.width_px + 1) if box else 0


def _covered(polygons: Sequence[Polygon], boxes: Sequence[Box | None]) -> Iterator[Coverage | None]:
    offsets = np.cumsum([0, *map(_cells, boxes)])
    flat = _accumulated(_edges(polygons, boxes, offsets), int(offsets[-1]))
    for box, start, end in zip(boxes, offsets, offsets[1:], strict=False):
        if box is None:
            yield None
            continue
        rows = flat[start:end].reshape(box.height_px, box.width_px + 1)
        covered = _summed_along_rows(rows[:, :-1])
        np.abs(covered, out=covered)
        cv2.threshold(covered, 1, 0, cv2.THRESH_TRUNC, dst=covered)
        # Rounding errors are no coverage: what is outside must be exactly 0.
        cv2.threshold(covered, _NOTHING, 0, cv2.THRESH_TOZERO, dst=covered)
        yield box, covered


def _summed_along_rows(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """The running sum of each row: the difference of neighbouring rows of the summed-area table, which is fast."""
    table = cv2.integral(rows, sdepth=cv2.CV_64F)
    return np.subtract(table[1:, 1:], table[:-1, 1:], dtype=np.float32, casting="unsafe")


def _touched(polygons: Sequence[Polygon], window: Box) -> list[Box | None]:
    touched: list[Box | None] = [None] * len(polygons)
    areas = [number for number, polygon in enumerate(polygons) if len(polygon) >= 3]
    if not areas:
        return touched
    corners, starts = _chained([polygons[number] for number in areas])
    low, high = np.minimum.reduceat(corners, starts), np.maximum.reduceat(corners, starts)
    is_finite = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
    low = np.floor(np.clip(low, -_LIMIT_PX, _LIMIT_PX))
    high = np.ceil(np.clip(high, -_LIMIT_PX, _LIMIT_PX))
    for row in np.flatnonzero(is_finite & (high > low).all(axis=1)).tolist():
        x0, y0, x1, y1 = map(int, (*low[row].tolist(), *high[row].tolist()))
        touched[areas[row]] = Box(x0, y0, x1, y1).intersected(window)
    return touched


def _edges(polygons: Sequence[Polygon], boxes: Sequence[Box | None], offsets: NDArray[np.int64]) -> _Edges:
    """x0, y0, x1, y1 of all edges relative to their box, its width, height and offset in the flat buffer."""
    drawn = [(polygon, box, offset) for polygon, box, offset in zip(polygons, boxes, offsets, strict=False) if box]
    if not drawn:
        return tuple(np.zeros((7, 0)))
    corners, starts = _chained([polygon for polygon, _, _ in drawn])
    places = [(box.x0, box.y0, box.width_px, box.height_px, offset) for _, box, offset in drawn]
    x0, y0, *rest = np.repeat(np.array(places, np.float64).T, np.diff(starts, append=len(corners)), axis=1)
    ahead = np.arange(1, len(corners) + 1)
    ahead[np.append(starts[1:], len(corners)) - 1] = starts
    x, y = corners[:, 0] - x0, corners[:, 1] - y0
    return x, y, x[ahead], y[ahead], *rest


def _chained(polygons: list[Polygon]) -> tuple[Polygon, NDArray[np.int64]]:
    """The corners of all polygons in one array, and where each one's begin."""
    lengths = [0, *(len(polygon) for polygon in polygons[:-1])]
    return np.concatenate(polygons), np.cumsum(lengths)


def _accumulated(edges: _Edges, size: int) -> NDArray[np.float64]:
    x0, y0, x1, y1, width, _, offset = _cut_at_borders(edges)
    x0, y0, x1, y1, row, (width, offset) = _cut(x0, y0, x1, y1, (width, offset))
    # Where an edge ends at the left border, rounding may have put its cut a hair before it: into another pixel.
    x0, x1 = np.maximum(x0, 0.0), np.maximum(x1, 0.0)
    # Every row has a spare column behind its last one for what goes to the right of an edge there.
    y0, x0, y1, x1, column, (row_start,) = _cut(y0, x0, y1, x1, (offset + row * (width + 1),))
    dy = y1 - y0
    right = dy * (0.5 * (x0 + x1) - column)
    cell = (row_start + column).astype(np.int64)
    cells = np.minimum(np.concatenate([cell, cell + 1]), max(size - 1, 0))
    return np.asarray(np.bincount(cells, np.concatenate([dy - right, right]), size), np.float64)


def _cut_at_borders(edges: _Edges) -> _Edges:
    """Edges inside their box: cut at its top and bottom, pressed flat against its sides where they leave it."""
    x0, y0, x1, y1, width, height, offset = edges
    a, b = np.clip(y0, 0, height), np.clip(y1, 0, height)
    keep = np.abs(b - a) > _LEVEL
    slope = np.zeros_like(x0)
    np.divide(x1 - x0, y1 - y0, out=slope, where=keep)
    xa, xb = x0 + (a - y0) * slope, x0 + (b - y0) * slope
    xa, a, xb, b, width, height, offset = (part[keep] for part in (xa, a, xb, b, width, height, offset))
    pieces = []
    low, high = np.minimum(xa, xb), np.maximum(xa, xb)
    crossing = (low < 0) & (high > 0) | (low < width) & (high > width)
    pieces.append(tuple(part[~crossing] for part in (xa, a, xb, b, width, height, offset)))
    xa, a, xb, b, width, height, offset = (part[crossing] for part in (xa, a, xb, b, width, height, offset))
    if len(xa):
        with np.errstate(over="ignore"):
            at = [np.clip((border - xa) / (xb - xa), 0, 1) for border in (0.0, width)]
        stops = np.sort(np.stack([np.zeros_like(xa), *at, np.ones_like(xa)]), axis=0)
        for start, end in pairwise(stops):
            pieces.append((xa + start * (xb - xa), a + start * (b - a), xa + end * (xb - xa), a + end * (b - a),
                           width, height, offset))  # fmt: skip
    x0, y0, x1, y1, width, height, offset = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return np.clip(x0, 0, width), y0, np.clip(x1, 0, width), y1, width, height, offset


def _cut(
    x0: NDArray[np.float64],
    y0: NDArray[np.float64],
    x1: NDArray[np.float64],
    y1: NDArray[np.float64],
    others: tuple[NDArray[np.float64], ...],
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    tuple[NDArray[np.float64], ...],
]:
    """Edges cut wherever y passes a whole number: the pieces, the whole number below each, and ``others`` for each."""
    first = np.floor(np.minimum(y0, y1))
    is_level = np.abs(y1 - y0) <= _LEVEL
    counts = np.where(is_level, 1, np.ceil(np.maximum(y0, y1)) - first).astype(np.int64)
    slope = np.zeros_like(x0)
    np.divide(x1 - x0, y1 - y0, out=slope, where=~is_level)
    index = np.repeat(np.arange(len(y0)), counts)
    cell = np.arange(len(index), dtype=np.float64) + np.repeat(first - np.cumsum(counts) + counts, counts)
    x_start, y_start, slope = x0[index], y0[index], slope[index]
    a = np.minimum(np.maximum(y_start, cell), cell + 1)
    b = np.minimum(np.maximum(y1[index], cell), cell + 1)
    xa, xb = x_start + (a - y_start) * slope, x_start + (b - y_start) * slope
    level = np.flatnonzero(is_level[index])
    xb[level] = x1[index[level]]
    return xa, a, xb, b, cell, tuple(other[index] for other in others)
