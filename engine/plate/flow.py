"""Where every background pixel goes from one frame to the next, hidden pixels included.

A step is the camera's homography plus what it leaves over: a dense residual (DIS flow, Kroeger et al., ECCV 2016),
measured around the hole and completed inside it by a robust affine fit to a ring plus a remainder that fades inwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.alignment import CameraMotion, Matrix, match_levels
from engine.plate.analysis import FrameView
from engine.plate.model import FloatImage, Mask, Points
from roi_tools.geometry import Box, Size

RING_PX = 48
"""How far around the hole motion is measured, in analysis pixels."""

RING_START_PX = 3.0
RING_FALLOFF_PX = 24.0
REMAINDER_REACH_PX = 12.0
MAX_RESIDUAL_PX = 24.0
MIN_RING_SAMPLES = 200
MAX_FIT_SAMPLES = 3000
PATCH_STRIDE_PX = 4
MAX_OFFSET_POINTS = 4000
"""Enough to measure a change of light on."""


@dataclass(frozen=True)
class Step:
    """The background's motion between two neighbouring frames.

    `matrix`: homography at analysis size. `residual`: (h, w, 2) what is added to it inside `window` (analysis pixels;
    the residual may be coarser), None where the homography says all. `colour_offset`: (3,) what must be added to a
    colour of the second frame to match the first. `scale`: analysis size over full size, x and y.
    """

    matrix: Matrix
    static: bool
    window: Box | None
    residual: NDArray[np.float16] | None
    colour_offset: NDArray[np.float32]
    scale: tuple[float, float]

    def advance(self, points: Points) -> Points:
        """Full-size (N, 2) pixel-centre positions in the first frame -> where they are in the second."""
        if self.static:
            return points
        from engine.plate.flow_loops import advance

        residual = np.zeros((0, 0, 2), np.float32) if self.residual is None else self.residual.astype(np.float32)
        window = (0, 0, 0, 0) if self.window is None else self.window.as_tuple()
        return advance(np.ascontiguousarray(points, np.float32), self.matrix, residual, window, self.scale)


def make_step(a: FrameView, b: FrameView, motion: CameraMotion, follow_flow: bool) -> Step:
    """The step from a to b; the residual is only made around a's hole, where chains pass."""
    window = _window(a) if follow_flow and not motion.static else None
    residual = None if window is None else _residual(a, b, motion.matrix, window)
    # Hundreds of steps are held.
    held = None if residual is None else residual.astype(np.float16)
    return Step(motion.matrix, motion.static, window, held, colour_offset(a, b, motion.matrix), a.scale)


def colour_offset(a: FrameView, b: FrameView, matrix: Matrix) -> NDArray[np.float32]:
    """(3,) what the light changed from b back to a: robust mean difference outside both holes."""
    height, width = a.thumbnail.shape[:2]
    to_small = np.diag([width / a.gray.shape[1], height / a.gray.shape[0], 1.0])
    small = to_small @ matrix @ np.linalg.inv(to_small)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(b.thumbnail, small, (width, height), flags=flags)
    seen = b.thumbnail_known.astype(np.float32)
    known = a.thumbnail_known & (cv2.warpPerspective(seen, small, (width, height), flags=flags) > 0.999)
    places = np.flatnonzero(known)
    if len(places) < 50:
        return np.zeros(3, np.float32)
    places = places[:: max(len(places) // MAX_OFFSET_POINTS, 1)]
    there, here = (np.take(image.reshape(-1, 3), places, axis=0) for image in (warped, a.thumbnail))
    difference = np.ascontiguousarray(np.nan_to_num(here - there).T)
    middle = np.median(difference, axis=1, keepdims=True)
    away = np.abs(difference - middle)
    close = (away <= 3.0 * np.median(away, axis=1, keepdims=True)).all(axis=0)
    return np.asarray(difference[:, close].mean(axis=1) if close.any() else middle[:, 0], np.float32)


def _window(a: FrameView) -> Box | None:
    """The hole and enough around it to measure motion on."""
    box = a.box_small
    return None if box is None else box.grown(RING_PX + 16).clipped(Size(a.gray.shape[1], a.gray.shape[0]))


def _residual(a: FrameView, b: FrameView, matrix: Matrix, window: Box) -> FloatImage | None:
    """(h, w, 2) residual motion in the window, completed in the hole; None where too little can be measured."""
    if min(window.width_px, window.height_px) < 24:
        return None
    size = (window.width_px, window.height_px)
    shift = np.array([[1.0, 0.0, window.x0], [0.0, 1.0, window.y0], [0.0, 0.0, 1.0]])
    local = matrix @ shift
    gray_a = a.gray[window.slices]
    warped = cv2.warpPerspective(
        b.gray, local, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    seen = (~b.guarded_small).astype(np.uint8)
    seen_there = cv2.warpPerspective(seen, local, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    hole = a.guarded_small[window.slices]
    known = ~hole & (seen_there > 0)
    if known.sum() < MIN_RING_SAMPLES:
        return None
    matched = match_levels(warped.astype(np.uint8, copy=False), gray_a, known)
    # The object must not pull the flow around it: where either frame hides the background both show the same.
    masked = np.where(known, matched, gray_a)
    flow = np.zeros((window.height_px, window.width_px, 2), np.float32)
    dense = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dense.setPatchStride(PATCH_STRIDE_PX)
    dense.calc(np.ascontiguousarray(gray_a), np.ascontiguousarray(masked), flow)
    # A completed flow is smooth enough for half the resolution.
    half = (-(-window.width_px // 2), -(-window.height_px // 2))
    coarse = np.asarray(cv2.resize(flow, half, interpolation=cv2.INTER_AREA), np.float32)
    return complete(coarse, _touched(hole, half), ~_touched(~known, half), 2)


def _touched(mask: Mask, size: tuple[int, int]) -> Mask:
    """The mask at half the size: all that it touches."""
    return np.asarray(cv2.resize(mask.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0)


def complete(flow: FloatImage, hole: Mask, known: Mask, step_px: int = 1) -> FloatImage | None:
    """Fills the flow, (h, w, 2), where it is not `known` from the ring around `hole`; None with too thin a ring.

    A sample of it stands for `step_px` pixels along each axis.
    """
    outside = _distance(~hole) * np.float32(step_px)
    away = _distance(known) * np.float32(step_px)
    ring = (away >= RING_START_PX) & (outside <= RING_PX)
    ring &= (np.abs(flow[..., 0]) < MAX_RESIDUAL_PX) & (np.abs(flow[..., 1]) < MAX_RESIDUAL_PX)
    if np.count_nonzero(ring) * step_px**2 < MIN_RING_SAMPLES:
        return None
    smooth = _affine_around(flow, ring, np.exp(-outside[ring] / RING_FALLOFF_PX))
    fade = np.exp(_distance(~ring) * np.float32(-step_px / REMAINDER_REACH_PX))
    filled = smooth + _spread(flow - smooth, ring, REMAINDER_REACH_PX / 2 / step_px) * fade[..., None]
    unsure = hole | (away < RING_START_PX)
    return np.where(unsure[..., None], filled, flow)


def _distance(mask: Mask) -> FloatImage:
    """(h, w) how far inside the mask a sample lies; 0 outside."""
    return np.asarray(cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3), np.float32)


def _affine_around(flow: FloatImage, ring: Mask, nearness: FloatImage) -> FloatImage:
    """(h, w, 2) the affine motion that the ring's pixels, weighted by `nearness`, agree on, everywhere."""
    height, width = ring.shape
    # Coordinates of about unit size keep the equations well conditioned.
    size = max(width, height) / 2.0
    x = ((np.arange(width) - width / 2.0) / size).astype(np.float32)
    y = ((np.arange(height) - height / 2.0) / size).astype(np.float32)
    row, column = np.nonzero(ring)
    stride = max(len(row) // MAX_FIT_SAMPLES, 1)
    row, column = row[::stride], column[::stride]
    basis = np.stack([np.ones(len(row)), x[column], y[row]], axis=1)
    constant, by_x, by_y = fit_robustly(basis, flow[row, column], nearness[::stride]).astype(np.float32)
    return np.asarray(constant + x[None, :, None] * by_x + y[:, None, None] * by_y, np.float32)


def fit_robustly(basis: NDArray[np.float64], flow: FloatImage, weight: FloatImage) -> NDArray[np.float64]:
    """(3, 2) affine model by iteratively reweighted least squares with Tukey's biweight."""
    # The camera's homography has been taken out: without evidence the linear part stays nil.
    ridge = np.diag([0.0, 1.0, 1.0]) * 0.01 * float(weight.sum())
    model = np.zeros((3, 2))
    model[0] = np.median(flow, axis=0)
    for _ in range(8):
        error = np.linalg.norm(flow - basis @ model, axis=1)
        cutoff = 4.685 * max(1.4826 * float(np.median(error)), 0.03)
        robust = weight * np.square(np.maximum(1.0 - np.square(error / cutoff), 0.0))
        model = np.linalg.solve((basis.T * robust) @ basis + ridge, (basis.T * robust) @ flow)
    return model


def _spread(values: FloatImage, known: Mask, sigma: float) -> FloatImage:
    """Known values, (h, w, 2), carried into the unknown by normalised convolution."""
    amount = known.astype(np.float32)
    total = cv2.GaussianBlur(values * amount[..., None], (0, 0), sigma)
    near = cv2.GaussianBlur(amount, (0, 0), sigma)
    return np.asarray(total / np.maximum(near, 1e-4)[..., None], np.float32)
