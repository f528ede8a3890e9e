"""Following a region as a plane: features, robust models, and registration to the keyframe so that nothing drifts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.tracking.features import Points, find_features, follow_features
from roi_tools.tracking.working import Image

Matrix: TypeAlias = NDArray[np.float64]
"""(3, 3): maps (x, y, 1) of one frame to another, up to scale."""
MotionModel: TypeAlias = Literal["translation", "similarity", "affine", "perspective"]

_FEATURES = 200
_INLIER_PX = 1.5
_FEWEST: dict[MotionModel, int] = {"translation": 3, "similarity": 4, "affine": 6, "perspective": 8}
"""Inliers below which a fit says nothing: about twice what determines the model."""
_REGISTERED_SHARE = 0.2
"""Share of the keyframe's features that must be found again for the registration to count."""

_SURE = 0.6
"""Share of the features that agree from which on no other place is looked at."""


@dataclass(frozen=True)
class Registration:
    """Where the keyframe's region is on ``frame``."""

    frame: int
    matrix: Matrix
    """Keyframe pixels to this frame's."""
    confidence: float
    """Share of the features that agree, 0 to 1."""
    is_anchored: bool
    """Whether the keyframe itself was found again, so that errors of the way there don't count."""


class RegionTracker:
    """Follows what a mask covers on the keyframe, one frame after the other."""

    def __init__(
        self,
        gray: Callable[[int], Image],
        frame: int,
        mask: NDArray[np.uint8],
        model: MotionModel = "similarity",
        camera: Callable[[int, int], Matrix] | None = None,
        features: int = _FEATURES,
    ) -> None:
        """``gray(frame)`` gives (H, W) pictures; features are taken where ``mask`` (H, W) is not 0.

        ``camera(a, b)`` maps the background of frame a to frame b. At most ``features`` of them are followed.
        """
        self._camera = camera
        self._gray = gray
        self._key_frame = frame
        self._mask = mask
        self._model = model
        self._features = features
        self._key_points = find_features(gray(frame), mask, features)
        self._last = Registration(frame, np.eye(3), 1.0, True)

    @property
    def can_start(self) -> bool:
        """Whether the region shows enough to be followed."""
        return len(self._key_points) >= _FEWEST[self._model]

    def follow(self, frame: int) -> Registration | None:
        """The region on ``frame``, which should be next to the last one; None where it is not found.

        After None the region is looked for where the camera's motion puts it, so it can be found again.
        """
        step = self._step(frame)
        guesses = [step[0]] if step else []
        if self._camera is not None:
            guesses.append(self._camera(self._last.frame, frame) @ self._last.matrix)
        found = []
        for guess in guesses:
            anchored = self._anchored(frame, guess)
            if anchored is not None:
                found.append(anchored)
                if anchored.confidence > _SURE:
                    break
        if found:
            self._last = max(found, key=lambda registration: registration.confidence)
            return self._last
        if step is not None:
            self._last = Registration(frame, step[0], 0.5 * step[1], False)
            return self._last
        self._last = Registration(frame, guesses[-1] if guesses else self._last.matrix, 0.0, False)
        return None

    def _step(self, frame: int) -> tuple[Matrix, float] | None:
        """Keyframe to ``frame`` by way of the last frame, and the share of features that agree."""
        image, other = self._gray(self._last.frame), self._gray(frame)
        size = image.shape[1], image.shape[0]
        moved = cv2.warpPerspective(self._mask, self._last.matrix, size, flags=cv2.INTER_NEAREST)
        points = find_features(image, np.asarray(moved, np.uint8), self._features)
        there, good = follow_features(image, other, points)
        fit = fit_motion(points[good], there[good], self._model)
        if fit is None:
            return None
        matrix, inliers = fit
        return matrix @ self._last.matrix, inliers / max(len(points), 1)

    def _anchored(self, frame: int, matrix: Matrix) -> Registration | None:
        """The keyframe, moved by ``matrix``, registered to ``frame``; None where too few features are found again."""
        key = self._gray(self._key_frame)
        size = key.shape[1], key.shape[0]
        moved = np.asarray(cv2.warpPerspective(key, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        points = transformed(self._key_points, matrix)
        inside = np.all((points >= 0) & (points < np.array(size)), axis=1)
        there, good = follow_features(moved, self._gray(frame), points[inside])
        fit = fit_motion(points[inside][good], there[good], self._model)
        looked_for = int(np.count_nonzero(inside))
        if fit is None or fit[1] < _REGISTERED_SHARE * looked_for:
            return None
        correction, inliers = fit
        return Registration(frame, correction @ matrix, inliers / max(looked_for, 1), True)


def fit_motion(start: Points, end: Points, model: MotionModel) -> tuple[Matrix, int] | None:
    """The motion of most of the points (RANSAC) and how many agree; None where too few do."""
    if len(start) < _FEWEST[model]:
        return None
    matrix, agree = _ROBUST[model](start, end)
    inliers = int(np.count_nonzero(agree))
    if matrix is None or inliers < _FEWEST[model]:
        return None
    full = np.vstack([matrix, [0.0, 0.0, 1.0]]) if matrix.shape == (2, 3) else matrix / matrix[2, 2]
    return np.asarray(full, np.float64), inliers


def transformed(points: NDArray[np.floating], matrix: Matrix) -> Points:
    """(n, 2) points through a 3 x 3 matrix."""
    if not len(points):
        return np.zeros((0, 2), np.float32)
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return (moved[:, :2] / moved[:, 2:]).astype(np.float32)


def _translation(start: Points, end: Points) -> tuple[Matrix, NDArray[np.bool_]]:
    steps = end - start
    near = np.linalg.norm(steps - np.median(steps, axis=0), axis=1) < 2 * _INLIER_PX
    shift = steps[near].mean(axis=0) if near.any() else np.zeros(2)
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64), near


_ROBUST: dict[MotionModel, Callable[[Any, Any], tuple[Any, Any]]] = {
    "translation": _translation,
    "similarity": lambda start, end: cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=_INLIER_PX),
    "affine": lambda start, end: cv2.estimateAffine2D(start, end, ransacReprojThreshold=_INLIER_PX),
    "perspective": lambda start, end: cv2.findHomography(start, end, cv2.RANSAC, _INLIER_PX),
}
