"""The camera's motion from one frame to the next, as a homography measured outside the holes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import FrameView, Gray
from engine.plate.model import Mask, Points

MAX_FEATURES = 800
FEATURE_QUALITY = 0.001
LEVELS = 4
FEW = 4
"""One feature of so many tells whether the camera is locked."""

REPROJECTION_PX = 1.0
ROUND_TRIP_PX = 0.5
HOMOGRAPHY_INLIERS = 60
SIMILARITY_INLIERS = 8
"""A model needs this many features behind it; with fewer the next simpler one is steadier."""

STATIC_DRIFT_PX = 0.04
"""A locked camera seldom measures more from frame to frame."""

NOISY_DRIFT_PX = 0.2
"""Grain and compression can make a locked camera measure this much from frame to frame ..."""

STATIC_SPAN_FRAMES = 12
STATIC_SPAN_DRIFT_PX = 0.3
"""... but it has not moved further after a dozen frames, when a real drift has added up."""

STATIC_WIDTH_PX = 640.0
"""In a picture this wide a feature of a locked camera seldom strays further than these drifts; see `_noise_scale`."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class CameraMotion:
    """Where the background goes from frame a to frame b.

    `matrix`: 3x3, maps analysis-size pixel centres of a to those of b; exactly the identity under a locked camera.
    `drift_px`: how far the bulk of the picture moves, infinite where most of it does or nothing could be measured.
    `matched`: features tracked there and back; `support`: the share of them that moves with the camera.
    """

    matrix: Matrix
    drift_px: float
    matched: int
    support: float

    @property
    def static(self) -> bool:
        """Whether the camera is locked: nothing may be resampled."""
        return bool(np.array_equal(self.matrix, np.eye(3)))

    def locked(self) -> CameraMotion:
        """The same as a locked camera's motion."""
        return replace(self, matrix=np.eye(3))

    def inverse(self) -> CameraMotion:
        """The motion from b to a."""
        if self.static:
            return self
        matrix = np.linalg.inv(self.matrix)
        return replace(self, matrix=matrix / matrix[2, 2])


def measure_motion(a: FrameView, b: FrameView) -> CameraMotion:
    """Homography from a to b by tracked features, or the best simpler model that the features carry."""
    gray_b = match_levels(b.gray, a.gray, ~(a.guarded_small | b.guarded_small))
    found, known_b = _features(a.gray, ~a.guarded_small), ~b.guarded_small
    locked = _look_if_locked(a.gray, gray_b, found[::FEW], known_b)
    if locked is not None:
        return locked
    start, end = _followed(a.gray, gray_b, found, known_b, LEVELS)
    if len(start) < 3:
        return CameraMotion(np.eye(3), math.inf, len(start), 0.0)
    matrix, inliers = fit_motion(start, end)
    return CameraMotion(matrix, _drift(start, end, a.gray.shape), len(start), float(inliers.mean()))


def _look_if_locked(a: Gray, b: Gray, found: Points, known_b: Mask) -> CameraMotion | None:
    """A locked camera's motion, which a few features tell that are sought where they were; None where they don't."""
    start, end = _followed(a, b, found, known_b, 0)
    if len(start) < HOMOGRAPHY_INLIERS:
        return None
    drift_px = _drift(start, end, a.shape)
    if drift_px >= STATIC_DRIFT_PX:
        return None
    return CameraMotion(np.eye(3), drift_px, len(start), float(_inliers(np.eye(3), start, end).mean()))


def _noise_scale(shape: tuple[int, ...]) -> float:
    """By how much farther compression and grain push features about in a picture (h, w) than in one 640 px wide."""
    return max(shape[1] / STATIC_WIDTH_PX, 1.0)


def apply_matrix(matrix: Matrix, points: Points) -> Points:
    """Maps (N, 2) points through a 3x3 homography."""
    moved = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return (moved[:, :2] / moved[:, 2:3]).astype(np.float32)


def match_levels(gray: Gray, reference: Gray, known: Mask) -> Gray:
    """`gray` brought to the reference's mean and contrast, when a flash or an exposure step set them apart."""
    if not known.any():
        return gray
    mean, deviation = (float(v[0, 0]) for v in cv2.meanStdDev(gray, mask=known.view(np.uint8)))
    mean_ref, deviation_ref = (float(v[0, 0]) for v in cv2.meanStdDev(reference, mask=known.view(np.uint8)))
    if abs(mean - mean_ref) < 4.0 or deviation < 1.0:
        return gray
    gain = min(max(deviation_ref / deviation, 0.5), 2.0)
    return np.clip(gray * gain + (mean_ref - gain * mean), 0, 255).astype(np.uint8)


def track(a: Gray, b: Gray, known_a: Mask, known_b: Mask) -> tuple[Points, Points]:
    """Feature points of a outside its hole and where they are in b, kept when they track back to the start."""
    return _followed(a, b, _features(a, known_a), known_b, LEVELS)


def _features(gray: Gray, known: Mask) -> Points:
    """(n, 2) corners of the known part, the strongest first."""
    found: Any = cv2.goodFeaturesToTrack(
        gray, MAX_FEATURES, FEATURE_QUALITY, max(6.0, min(gray.shape) / 50), mask=known.view(np.uint8), blockSize=5
    )
    return np.zeros((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)


def _followed(a: Gray, b: Gray, found: Points, known_b: Mask, levels: int) -> tuple[Points, Points]:
    """Those of the features of a that are found in b, and from there at the start again; and where they are in b.

    `levels`: how often the pictures are halved to find far motions.
    """
    if not len(found):
        return found, found
    start = np.ascontiguousarray(found)
    window: dict[str, Any] = {"winSize": (21, 21), "criteria": (3, 30, 0.005), "flags": cv2.OPTFLOW_USE_INITIAL_FLOW}
    end, ok_forth, _ = cv2.calcOpticalFlowPyrLK(a, b, start, start.copy(), maxLevel=levels, **window)
    # From a place that is right the start isn't far: the way back needs no coarse pictures.
    back, ok_back, _ = cv2.calcOpticalFlowPyrLK(b, a, end, start.copy(), maxLevel=min(levels, 1), **window)
    good = (ok_forth.ravel() > 0) & (ok_back.ravel() > 0)
    good &= np.linalg.norm(back - start, axis=1) < ROUND_TRIP_PX
    column, row = np.rint(end).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < b.shape[1]) & (row < b.shape[0])
    good &= inside
    good[good] &= known_b[row[good], column[good]]
    return np.asarray(start[good], np.float32), np.asarray(end[good], np.float32)


def fit_motion(start: Points, end: Points) -> tuple[Matrix, Mask]:
    """The richest model with enough inliers: homography, then similarity, then translation."""
    if len(start) >= HOMOGRAPHY_INLIERS:
        matrix = _homography(start, end, cv2.USAC_MAGSAC)
        if matrix is not None:
            return _refit(matrix, start, end)
    if len(start) >= SIMILARITY_INLIERS:
        matrix = _similarity(start, end, REPROJECTION_PX)
        if matrix is not None and is_sane(matrix):
            return matrix, _inliers(matrix, start, end)
    matrix = np.eye(3)
    matrix[:2, 2] = np.median(end - start, axis=0)
    return matrix, _inliers(matrix, start, end)


def _homography(start: Points, end: Points, method: int) -> Matrix | None:
    """None where the points carry no homography or carry an absurd one. USAC seeds itself: results repeat."""
    found: Any = cv2.findHomography(start, end, method, REPROJECTION_PX, maxIters=2000, confidence=0.999)[0]
    if found is None:
        return None
    matrix = np.asarray(found, np.float64)
    enough = _inliers(matrix, start, end).sum() >= HOMOGRAPHY_INLIERS
    return matrix if enough and is_sane(matrix) else None


def _similarity(start: Points, end: Points, within_px: float) -> Matrix | None:
    cv2.setRNGSeed(0)
    found: Any = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=within_px)[0]
    return None if found is None else np.vstack([found, [0.0, 0.0, 1.0]]).astype(np.float64)


def _inliers(matrix: Matrix, start: Points, end: Points) -> Mask:
    return np.linalg.norm(apply_matrix(matrix, start) - end, axis=1) < REPROJECTION_PX


def _refit(matrix: Matrix, start: Points, end: Points) -> tuple[Matrix, Mask]:
    """Least squares over the inliers: sharper than the sampled model alone."""
    for _ in range(2):
        inliers = _inliers(matrix, start, end)
        refined = _homography(start[inliers], end[inliers], 0)
        if refined is None:
            break
        matrix = refined
    return matrix, _inliers(matrix, start, end)


def is_sane(matrix: Matrix) -> bool:
    """No fold, no mirror and no change of size beyond what a camera does within a shot."""
    determinant = float(np.linalg.det(matrix[:2, :2] / matrix[2, 2]))
    return 0.25 < determinant < 4.0 and float(np.abs(matrix[2, :2]).max()) < 2e-3


def _drift(start: Points, end: Points, shape: tuple[int, ...]) -> float:
    """How far the similarity of the features that stand still moves the picture; infinite where most of them move."""
    noise_px = STATIC_SPAN_DRIFT_PX * _noise_scale(shape)
    still = np.linalg.norm(end - start, axis=1) < 2.0 * noise_px
    if still.sum() < SIMILARITY_INLIERS or still.mean() < 0.6:
        return math.inf
    similarity = _similarity(start[still], end[still], noise_px)
    if similarity is None:
        return math.inf
    # Measured where the features are: towards the corners, where there are few, their noise is magnified.
    moved = apply_matrix(similarity, start[still]) - start[still]
    return float(np.sqrt(np.square(moved).sum(axis=1).mean()))
