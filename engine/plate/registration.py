"""Takes out the drift of a chain: compares a ring around the hole, directly, with where the chain says it has gone.

Every step of a chain is a little wrong, and the errors add up. The ring around the hole is visible in both frames, so
what is left of the error can be measured there: a few Gauss-Newton steps of an affine alignment (Lucas and Kanade 1981,
in the form of Baker and Matthews 2004 with the target's gradients, computed once).
"""

from __future__ import annotations

import math
from copy import copy
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import BLUR_PX, FrameView, Gray
from engine.plate.footage import Footage
from engine.plate.model import Mask, Points
from engine.plate.nodes import Nodes, Shift
from engine.plate.sampling import pick
from roi_tools.geometry import Box, Size

RING_PX = 32
"""Width of the ring, in analysis pixels."""

MAX_POINTS = 1500
MIN_POINTS = 400
AUDIT_POINTS = 600
"""So many of them say how well the colours of a frame fit."""

ITERATIONS = 2
MAX_DRIFT_PX = 3.0
"""A larger answer, in analysis pixels, is a misfit."""

MIN_FIT_POINTS = 100
ALIKE_CODES = 5.0
ALIKE_SHARE = 0.25
"""Values differ by grain, compression and a fraction of a pixel: less than this, and this part of their deviation."""

RIDGE = 100.0
"""Without contrast a change of light is an offset."""

FIT_ROUNDS = 4
MAX_FIT_GAIN = 2.0
CROP_MARGIN_PX = 8
MIN_GAIN = 0.02
"""The ring must match better by this part, or the chain is right as it is."""

Affine = NDArray[np.float64]


class Registration:
    """Takes the drift out of the chains of one target. A Correction."""

    def __init__(self, footage: Footage, frame: int) -> None:
        self._footage = footage
        self._view = footage.view(frame)
        self._ring = Ring(self._view)

    @property
    def ring(self) -> Ring:
        """The points that it registers with."""
        return self._ring

    @property
    def margin_px(self) -> int:
        """How far around the box it looks."""
        return math.ceil(RING_PX / min(self._view.scale)) + 1

    @property
    def around(self) -> Points:
        """(K, 2) whole pixels among the ring's points, enough to measure colours on."""
        return self._ring.audited

    def correction(self, frame: int, nodes: Nodes) -> Shift:
        """See Correction."""
        affine = self._ring.drift(self._footage.view(frame), nodes.reached(self._ring.points))
        return np.zeros_like if affine is None else partial(self._ring.shift, affine)


class Ring:
    """Textured points around a frame's hole, to register other frames with."""

    def __init__(self, view: FrameView) -> None:
        box = view.box_small or Box(0, 0, 1, 1)
        # What lies further away is not looked at: blurring whole frames takes long.
        window = box.grown(RING_PX + CROP_MARGIN_PX).clipped(Size(view.gray.shape[1], view.gray.shape[0])) or box
        gray = cv2.GaussianBlur(view.gray[window.slices].astype(np.float32), (0, 0), BLUR_PX)
        outside = cv2.distanceTransform((~view.guarded_small[window.slices]).view(np.uint8), cv2.DIST_L2, 3)
        row, column = np.nonzero((outside > 1.0) & (outside <= RING_PX))
        stride = max(-(-len(row) // MAX_POINTS), 1)
        row, column = row[::stride], column[::stride]
        slope_x, slope_y = (cv2.Sobel(gray, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=0.125) for dx in (1, 0))
        self._value = np.asarray(gray[row, column], np.float32)
        self._slope = np.asarray(np.stack([slope_x[row, column], slope_y[row, column]], axis=1), np.float32)
        row, column = row + window.y0, column + window.x0
        self._scale = np.array(view.scale, np.float32)
        self._least = MIN_POINTS
        self._place(np.stack([column, row], axis=1).astype(np.float32))

    def _place(self, small: Points) -> None:
        """Takes (N, 2) analysis pixels as its points."""
        self.small: Points = small
        self.points: Points = self.full_size(small)
        self._middle = small.mean(axis=0) if len(small) else np.zeros(2, np.float32)
        self._size_px = float(max(np.ptp(small, axis=0).max(), 1.0)) / 2.0 if len(small) else 1.0

    def full_size(self, small: Points) -> Points:
        """(n, 2) analysis pixels as full-size pixels."""
        return np.asarray((small + np.float32(0.5)) / self._scale - np.float32(0.5), np.float32)

    @property
    def audited(self) -> Points:
        """(K, 2) whole pixels among the points, enough to measure colours on."""
        stride = max(-(-len(self.points) // AUDIT_POINTS), 1)
        return np.asarray(np.rint(self.points[::stride]), np.float32)

    def only(self, members: Mask, least_points: int) -> Ring:
        """The ring with some of its points only; `least_points` of them must be seen for a measurement."""
        part = copy(self)
        part._value, part._slope = self._value[members], self._slope[members]
        part._place(self.small[members])
        part._least = least_points
        return part

    def drift(self, other: FrameView, reached: Points) -> Affine | None:
        """The affine correction, (3, 2) on `basis`, that a chain to `other` needs; None where it needs or bears none.

        `reached`: (N, 2) where the chain has taken `points`, full-size pixels of the other frame.
        """
        there = (reached + np.float32(0.5)) * self._scale - np.float32(0.5)
        usable = self._shown(other, there)
        return None if usable.sum() < self._least else self._align(other.blurred, there, usable)

    def error(self, other: FrameView, there: Points) -> NDArray[np.float32]:
        """(N,) codes by which the points differ from `other` at (N, 2) analysis pixels; NaN where it shows nothing."""
        from engine.plate.registration_loops import differences

        usable = self._shown(other, there)
        out = np.full(len(there), np.nan, np.float32)
        if usable.sum() >= self._least:
            off = differences(other.blurred, there[usable], self._value[usable])
            out[usable] = np.abs(off - np.median(off))
        return out

    def fit(self, other: FrameView, there: Points) -> tuple[float, float]:
        """How well another frame fits, whatever its light: the share of the points that it shows at (N, 2) analysis
        pixels, and the share of those that look alike, once a gain and an offset are matched."""
        from engine.plate.registration_loops import differences

        usable = self._shown(other, there)
        if usable.sum() < MIN_FIT_POINTS:
            return 0.0, 0.0
        value = self._value[usable]
        found = value - differences(other.blurred, there[usable], value)
        alike = np.abs(_relit(found, value) - value) <= ALIKE_CODES + ALIKE_SHARE * float(value.std())
        return float(usable.mean()), float(alike.mean())

    def _shown(self, other: FrameView, there: Points) -> Mask:
        """(N,) which of the (N, 2) places can be read in another frame."""
        height, width = other.gray.shape
        usable = np.asarray((there > 2.0).all(axis=1) & (there[:, 0] < width - 3) & (there[:, 1] < height - 3))
        usable[usable] = ~pick(other.guarded_small, there[usable])
        return usable

    def basis(self, points: Points) -> NDArray[np.float64]:
        """(n, 3) what a correction is a combination of, at full-size positions in the ring's own frame."""
        small = (points + 0.5) * self._scale - 0.5
        return np.column_stack([np.ones(len(points)), (small - self._middle) / self._size_px])

    def shift(self, affine: Affine, points: Points) -> Points:
        """(n, 2) full-size pixels by which a chain's end must move for the given points of the ring's frame."""
        return np.asarray((self.basis(points) @ affine) / self._scale, np.float32)

    def _align(self, blurred: Gray, there: Points, usable: NDArray[np.bool_]) -> Affine | None:
        from engine.plate.registration_loops import align

        basis = self.basis(self.points)[usable]
        slope, value, start = self._slope[usable], self._value[usable], there[usable]
        affine, before, after, farthest = align(blurred, start, basis, slope, value, ITERATIONS + 1)
        if not after < before * (1.0 - MIN_GAIN) or farthest > MAX_DRIFT_PX:
            return None
        return affine


def _relit(found: NDArray[np.float32], value: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) the found values with the gain and the offset that bring most of them to the (n,) wanted ones."""
    near = np.ones(len(value), bool)
    gain, offset = 1.0, float(np.median(value - found))
    for _ in range(FIT_ROUNDS):
        off = np.abs(found * gain + offset - value)
        near = off <= max(2.0 * float(np.median(off)), 1.0)
        x, y = found[near].astype(np.float64), value[near].astype(np.float64)
        spread = float(np.square(x - x.mean()).sum())
        slope = float(((x - x.mean()) * (y - y.mean())).sum() + RIDGE) / (spread + RIDGE)
        gain = min(max(slope, 1.0 / MAX_FIT_GAIN), MAX_FIT_GAIN)
        offset = float(y.mean() - gain * x.mean())
    return np.asarray(found * np.float32(gain) + np.float32(offset), np.float32)
