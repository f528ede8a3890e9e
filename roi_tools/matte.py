"""Mattes: float32 coverage in [0, 1], 1 where to remove."""

from __future__ import annotations

import math
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
    matte = np.zeros((window.height_px, window.width_px), np.float32)
    for x0, y0, x1, y1 in _disjoint([rect.as_tuple() for rect in rects]):
        top, rows = _overlap(y0, y1, window.y0, window.y1, size.height_px)
        left, columns = _overlap(x0, x1, window.x0, window.x1, size.width_px)
        touched = matte[top : top + rows.size, left : left + columns.size]
        np.minimum(touched + np.outer(rows, columns), 1.0, out=touched)  # 1.0: shares of a pixel may round above it
    return matte


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
    alpha = matte.copy()
    box = bounds(matte)
    if box is None or feather_px <= 0.5:  # the outermost pixel's centre lies half a pixel inside
        return alpha
    around = box.grown(1).clipped(Size(matte.shape[1], matte.shape[0])) or box
    support = (matte[around.slices] > 0).astype(np.uint8)
    if not support.all():
        # The transform measures between pixel centres; the edge lies half a pixel before the first one inside.
        distance_px = cv2.distanceTransform(support, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
        alpha[around.slices] *= np.clip(distance_px / feather_px, 0.0, 1.0)
    return alpha


def bounds(matte: Matte) -> Box | None:
    """Bounding box of everything above 0, in the matte's own pixels; None for an empty matte."""
    rows, columns = np.flatnonzero((matte > 0).any(axis=1)), np.flatnonzero((matte > 0).any(axis=0))
    if rows.size == 0:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _overlap(start: float, end: float, first: int, end_exclusive: int, limit: int) -> tuple[int, NDArray[np.float32]]:
    """Length of [start, end) inside [0, limit) within each of the unit cells ``first .. end_exclusive - 1``.

    Returned are the cells that it touches: the first one, counted from ``first``, and the lengths.
    """
    start, end = max(start, 0.0, float(first)), min(end, float(limit), float(end_exclusive))
    cells = np.arange(math.floor(start), math.ceil(end), dtype=np.float64)
    lengths = np.minimum(cells + 1, end) - np.maximum(cells, start)
    return (math.floor(start) - first if cells.size else 0), lengths.astype(np.float32)


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
