"""Exact coverage of pixels by polygons: the share of each pixel's area that lies inside.

Each edge adds to the pixels it crosses the signed area between it and their right border; summed along the row that is
the coverage (the signed-area accumulation of font rasterisers such as FreeType's). All polygons of a call go through
one pass over flat arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box
from roi_tools.polylines import following
from roi_tools.roto.outlines import Polygon

Coverage = tuple[Box, NDArray[np.float32]]
"""The pixels that a polygon may touch, and their coverage, 0 to 1."""
_NOTHING = 1e-5
_Edges = tuple[NDArray[np.float64], ...]


def cover(polygons: Sequence[Polygon], window: Box) -> list[Coverage | None]:
    """Coverage of each polygon inside ``window`` (px of the polygons' own raster); None where it touches nothing.

    Overlaps of a polygon with itself count as inside (non-zero winding; where only one of two overlapping parts covers
    a pixel's part the sum of both counts, at most 1).
    """
    boxes = [_touched(polygon, window) for polygon in polygons]
    sizes = [box.height_px * (box.width_px + 1) if box else 0 for box in boxes]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    edges = _edges(polygons, boxes, offsets)
    flat = _accumulated(edges, int(offsets[-1]))
    result: list[Coverage | None] = []
    for box, start, size in zip(boxes, offsets, sizes, strict=False):
        if box is None:
            result.append(None)
            continue
        rows = flat[start : start + size].reshape(box.height_px, box.width_px + 1)
        covered = _summed_along_rows(rows[:, :-1])
        np.minimum(np.abs(covered, out=covered), 1.0, out=covered)
        # Rounding errors are no coverage: what is outside must be exactly 0.
        cv2.threshold(covered, _NOTHING, 0, cv2.THRESH_TOZERO, dst=covered)
        result.append((box, covered))
    return result


def _summed_along_rows(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """The running sum of each row: the difference of neighbouring rows of the summed-area table, which is fast."""
    table = cv2.integral(rows, sdepth=cv2.CV_64F)
    return np.subtract(table[1:, 1:], table[:-1, 1:], dtype=np.float32, casting="unsafe")


def _touched(polygon: Polygon, window: Box) -> Box | None:
    if len(polygon) < 3 or not np.isfinite(polygon).all():
        return None
    limit = 1e9
    x0, y0 = np.floor(np.clip(polygon.min(axis=0), -limit, limit))
    x1, y1 = np.ceil(np.clip(polygon.max(axis=0), -limit, limit))
    if x1 <= x0 or y1 <= y0:
        return None
    return Box(int(x0), int(y0), int(x1), int(y1)).intersected(window)


def _edges(polygons: Sequence[Polygon], boxes: Sequence[Box | None], offsets: NDArray[np.int64]) -> _Edges:
    """x0, y0, x1, y1 of all edges relative to their box, its width, height and offset in the flat buffer."""
    parts = []
    for polygon, box, offset in zip(polygons, boxes, offsets, strict=False):
        if box is None:
            continue
        start = polygon - (box.x0, box.y0)
        end = following(start)
        rest = np.broadcast_to((box.width_px, box.height_px, offset), (len(start), 3))
        parts.append(np.hstack([start, end, rest]))
    table = np.vstack(parts) if parts else np.zeros((0, 7))
    return tuple(np.ascontiguousarray(table.T))


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
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(y1 != y0, (x1 - x0) / (y1 - y0), 0.0)
        a, b = np.clip(y0, 0, height), np.clip(y1, 0, height)
        xa, xb = x0 + (a - y0) * slope, x0 + (b - y0) * slope
    keep = a != b
    xa, a, xb, b, width, height, offset = (part[keep] for part in (xa, a, xb, b, width, height, offset))
    pieces = []
    low, high = np.minimum(xa, xb), np.maximum(xa, xb)
    crossing = (low < 0) & (high > 0) | (low < width) & (high > width)
    pieces.append(tuple(part[~crossing] for part in (xa, a, xb, b, width, height, offset)))
    xa, a, xb, b, width, height, offset = (part[crossing] for part in (xa, a, xb, b, width, height, offset))
    if len(xa):
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
    low, high = np.minimum(y0, y1), np.maximum(y0, y1)
    first = np.floor(low)
    counts = np.maximum(np.ceil(high) - first, 1).astype(np.int64)
    index = np.repeat(np.arange(len(y0)), counts)
    cell = first[index] + (np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts))
    a, b = np.clip(y0[index], cell, cell + 1), np.clip(y1[index], cell, cell + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(y1 != y0, (x1 - x0) / (y1 - y0), 0.0)[index]
    straight = (y1 == y0)[index]
    xa = x0[index] + (a - y0[index]) * slope
    xb = np.where(straight, x1[index], x0[index] + (b - y0[index]) * slope)
    return xa, a, xb, b, cell, tuple(other[index] for other in others)
