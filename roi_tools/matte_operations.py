"""What is done to a matte once it is there: union over time, holes, hull, growing, feather."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from roi_tools.errors import ShapeError
from roi_tools.matte import Matte, grow, inward_feather

_SHARPEST_PX = 1e-3


@dataclass(frozen=True)
class MatteFinish:
    """What is done to a shot's mattes, in this order; the defaults do nothing. Raises ShapeError for a union over
    negative frames."""

    union_frames: int = 0
    """Each matte becomes the largest of those up to so many frames before and after it."""
    fills_holes: bool = False
    is_hull: bool = False
    """Each matte's convex hull is filled."""
    grow_px: int = 0
    """By so much wider on every side, or narrower where negative."""
    feather_px: float = 0.0
    """Soft outwards, or inwards where negative."""

    def __post_init__(self) -> None:
        if self.union_frames < 0:
            raise ShapeError(f"a union over {self.union_frames} frames is not possible; give 0 or more")


AS_IT_IS = MatteFinish()


def finished(mattes: Iterable[Matte], finish: MatteFinish) -> Iterator[Matte]:
    """The mattes (H, W) of neighbouring frames, in order, with ``finish`` done to each."""
    for matte in union_over_time(mattes, finish.union_frames):
        matte = without_holes(matte) if finish.fills_holes else matte
        matte = hull(matte) if finish.is_hull else matte
        matte = grow(matte, finish.grow_px)
        yield (
            outward_feather(matte, finish.feather_px)
            if finish.feather_px > 0
            else inward_feather(matte, -finish.feather_px)
        )


def outward_feather(matte: Matte, feather_px: float) -> Matte:
    """Soft only on the outside: the matte stays, and around what is solid (>= 0.5) it falls to 0 within ``feather_px``.

    Shape (H, W). Raises ShapeError for a negative ``feather_px``.
    """
    if feather_px < 0:
        raise ShapeError(f"a feather of {feather_px} px is negative; give 0 for a hard edge")
    solid = matte >= 0.5
    if feather_px < _SHARPEST_PX or not solid.any():
        return matte.copy()
    distance_px = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # The transform measures from the last pixel's centre inside, half a pixel before the edge.
    return np.asarray(np.maximum(matte, np.clip(1 - (distance_px - 0.5) / feather_px, 0.0, 1.0)), np.float32)


def hull(matte: Matte) -> Matte:
    """The matte with the convex hull of what is solid (>= 0.5) filled. Shape (H, W)."""
    rows, columns = np.nonzero(matte >= 0.5)
    if not rows.size:
        return matte.copy()
    corners = cv2.convexHull(np.column_stack([columns, rows]).astype(np.int32))
    filled = np.zeros(matte.shape, np.uint8)
    cv2.fillConvexPoly(filled, corners, 1)
    return np.maximum(matte, filled.astype(np.float32))


def without_holes(matte: Matte) -> Matte:
    """The matte with what it encloses filled: what is not solid (< 0.5) and does not reach the border. Shape (H, W)."""
    empty = np.pad((matte < 0.5).astype(np.uint8), 1, constant_values=1)
    _, labels = cv2.connectedComponents(empty, connectivity=4)
    outside = (labels == labels[0, 0])[1:-1, 1:-1]
    enclosed = (matte < 0.5) & ~outside
    return np.where(enclosed, np.float32(1.0), matte)


def union_over_time(mattes: Iterable[Matte], frames: int) -> Iterator[Matte]:
    """For each matte the maximum of it and of those up to ``frames`` before and after it.

    Takes and gives one matte per frame, in order; 2 * frames + 1 are kept. Raises ShapeError for negative ``frames``.
    """
    if frames < 0:
        raise ShapeError(f"a union over {frames} frames is not possible; give 0 or more")
    window: deque[Matte] = deque()
    waiting = 0
    for matte in mattes:
        window.append(matte)
        waiting += 1
        if waiting > frames:
            yield np.maximum.reduce(list(window))
            waiting -= 1
            if len(window) > 2 * frames:
                window.popleft()
    while waiting:
        while len(window) > frames + waiting:
            window.popleft()
        yield np.maximum.reduce(list(window))
        waiting -= 1
