"""Features that are found again however far two frames lie apart in time: SIFT (Lowe 2004) on small pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.alignment import Matrix, apply_matrix, is_sane
from engine.plate.analysis import FrameView
from engine.plate.model import Mask, Points

WIDTH_PX = 640
"""Features of wider pictures are sought in smaller ones."""

MAX_LANDMARKS = 700
CONTRAST = 0.02
"""Half of what Lowe takes: soft and dark pictures have features too."""

RATIO = 0.8
"""A match is this much nearer than the next one (Lowe 2004)."""

WITHIN_PX = 2.0
MIN_MATCHES = 25
"""So many features agree on one motion, or the frames show different things."""


@dataclass(frozen=True)
class Landmarks:
    """What of a frame is found again.

    `points`: (n, 2) analysis pixels; `descriptors`: (n, 128). `shown`: (h, w) of a small picture, where the frame is
    free of its hole; `scale`: its size over the analysis size, x and y.
    """

    points: Points
    descriptors: NDArray[np.uint8]
    shown: Mask
    scale: tuple[float, float]

    def show(self, points: Points) -> Mask:
        """(n,) which of the (n, 2) analysis pixels lie inside the picture and outside its hole."""
        height, width = self.shown.shape
        x, y = ((points[:, axis] + 0.5) * self.scale[axis] for axis in range(2))
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        return np.asarray(inside & self.shown[_index(y, height), _index(x, width)])


def find_landmarks(view: FrameView) -> Landmarks:
    """The landmarks of a frame outside its hole."""
    height, width = view.gray.shape
    shrink = min(WIDTH_PX / width, 1.0)
    size = (max(round(width * shrink), 1), max(round(height * shrink), 1))
    gray = cv2.resize(view.gray, size, interpolation=cv2.INTER_AREA)
    free = cv2.resize((~view.guarded_small).view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    finder = cv2.SIFT_create(nfeatures=MAX_LANDMARKS, contrastThreshold=CONTRAST)  # type: ignore[attr-defined]
    keys, descriptors = finder.detectAndCompute(gray, free)
    points = np.array([key.pt for key in keys], np.float32).reshape(-1, 2)
    points = (points + np.float32(0.5)) * np.array([width / size[0], height / size[1]], np.float32) - np.float32(0.5)
    described = np.zeros((0, 128), np.uint8) if descriptors is None else descriptors.astype(np.uint8)
    shown = view.thumbnail_known
    return Landmarks(points, described, shown, (shown.shape[1] / width, shown.shape[0] / height))


def match_landmarks(a: Landmarks, b: Landmarks) -> Matrix | None:
    """The homography from a to b, analysis pixels; None where too little of one is found in the other."""
    if min(len(a.points), len(b.points)) < MIN_MATCHES:
        return None
    matcher: Any = cv2.BFMatcher(cv2.NORM_L2)
    forth, back = (
        {
            pair[0].queryIdx: pair[0].trainIdx
            for pair in matcher.knnMatch(one.descriptors, other.descriptors, k=2)
            if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance
        }
        for one, other in ((a, b), (b, a))
    )
    mutual = [(i, j) for i, j in forth.items() if back.get(j) == i]
    if len(mutual) < MIN_MATCHES:
        return None
    here, there = np.array(mutual).T
    start, end = a.points[here], b.points[there]
    found: Any = cv2.findHomography(start, end, cv2.USAC_MAGSAC, WITHIN_PX, maxIters=2000, confidence=0.999)[0]
    if found is None:
        return None
    matrix = np.asarray(found, np.float64)
    close = np.linalg.norm(apply_matrix(matrix, start) - end, axis=1) < WITHIN_PX
    return matrix if close.sum() >= MIN_MATCHES and is_sane(matrix) else None


def _index(at: NDArray[np.float32], size: int) -> NDArray[np.intp]:
    return np.asarray(np.clip(at, 0, size - 1).astype(np.intp))
