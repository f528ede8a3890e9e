"""Mattes: float32 coverage in [0, 1], 1 where to remove."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box
from roi_tools.shapes import RectF

Matte = NDArray[np.float32]
_Edges = tuple[float, float, float, float]


def rasterise(rects: Iterable[RectF | Box], size: Size, window: Box | None = None) -> Matte:
    """Coverage of the union of ``rects`` by the pixels of ``window`` (default: the whole frame of ``size``).

    Area-exact: each value is the share of that pixel's area inside the union, so edges are antialiased and
    overlapping rectangles count once. Shape (window height, window width); ``window`` may leave the frame, where
    coverage is 0.
    """
    window = window or frame_box(size)
    matte = np.zeros((window.height_px, window.width_px), np.float64)
    for x0, y0, x1, y1 in _disjoint([rect.as_tuple() for rect in rects]):
        rows = _overlap(y0, y1, window.y0, window.y1, size.height_px)
        columns = _overlap(x0, x1, window.x0, window.x1, size.width_px)
        matte += np.outer(rows, columns)
    return np.clip(matte, 0.0, 1.0).astype(np.float32)


def grow(matte: Matte, px: int) -> Matte:
    """The matte dilated by ``px`` on every side (a negative ``px`` erodes). Shape (H, W).

    The structuring element is a square, so a box grown by n is exactly the box with n more on every side. The
    frame's border neither adds to the matte nor eats into it.
    """
    if px == 0 or matte.size == 0:
        return matte.copy()
    element = np.ones((2 * abs(px) + 1, 2 * abs(px) + 1), np.uint8)
    operation = cv2.dilate if px > 0 else cv2.erode
    return np.asarray(operation(matte, element), np.float32)


def inward_feather(matte: Matte, feather_px: float) -> Matte:
    """Alpha that is soft only on the inside: the plate outside the matte's support stays untouched. Shape (H, W).

    0 outside the support (``matte > 0``); rises linearly with the distance from the support's edge to the matte's own
    value ``feather_px`` inside it. The frame's border is no edge. Raises ShapeError for a negative ``feather_px``.
    """
    if feather_px < 0:
        raise ShapeError(f"a feather of {feather_px} px is negative; give 0 for a hard edge")
    support = (matte > 0).astype(np.uint8)
    if feather_px <= 0.5 or support.all():  # the outermost pixel's centre lies half a pixel inside
        return matte.copy()
    # The transform measures between pixel centres; the edge lies half a pixel before the first one inside.
    distance_px = cv2.distanceTransform(support, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
    return np.asarray(matte * np.clip(distance_px / feather_px, 0.0, 1.0), np.float32)


def bounds(matte: Matte) -> Box | None:
    """Bounding box of everything above 0, in the matte's own pixels; None for an empty matte."""
    rows, columns = np.flatnonzero((matte > 0).any(axis=1)), np.flatnonzero((matte > 0).any(axis=0))
    if rows.size == 0:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _overlap(start: float, end: float, first: int, end_exclusive: int, limit: int) -> NDArray[np.float64]:
    """Length of [start, end) inside [0, limit) within each of the unit cells ``first .. end_exclusive - 1``."""
    cells = np.arange(first, end_exclusive, dtype=np.float64)
    start, end = max(start, 0.0), min(end, float(limit))
    return np.clip(np.minimum(cells + 1, end) - np.maximum(cells, start), 0.0, 1.0)


def _disjoint(rects: list[_Edges]) -> Iterator[_Edges]:
    """The same union as rectangles that do not overlap: cut into horizontal slabs, intervals merged within each."""
    levels = sorted({y for rect in rects for y in (rect[1], rect[3])})
    for y0, y1 in pairwise(levels):
        for x0, x1 in _merged(sorted((rect[0], rect[2]) for rect in rects if rect[1] <= y0 and rect[3] >= y1)):
            yield x0, y0, x1, y1


def _merged(intervals: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Sorted intervals with those that touch or overlap joined."""
    while intervals:
        start, end = intervals.pop(0)
        while intervals and intervals[0][0] <= end:
            end = max(end, intervals.pop(0)[1])
        yield start, end
