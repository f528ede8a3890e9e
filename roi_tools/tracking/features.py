"""Features and where they go: corners, pyramidal Lucas-Kanade, the forward-backward test."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.tracking.working import Image

Points = NDArray[np.float32]
"""(n, 2): x, y in px; the centre of the top left pixel is (0, 0), as in OpenCV."""

_QUALITY = 0.005
_DISTANCE_PX = 4
_WINDOW = (17, 17)
_LEVELS = 4
_BACK_PX = 0.7
"""Largest forward-backward error of a feature that counts (Kalal et al. 2010, "Forward-Backward Error")."""


def find_features(image: Image, mask: NDArray[np.uint8] | None, most: int) -> Points:
    """Up to ``most`` corners of a gray image (Shi and Tomasi 1994), inside ``mask`` (non-zero) where one is given."""
    x0, y0, width, height = (0, 0, image.shape[1], image.shape[0]) if mask is None else cv2.boundingRect(mask)
    if not (width and height):
        return np.zeros((0, 2), np.float32)
    part = np.s_[y0 : y0 + height, x0 : x0 + width]
    inside = None if mask is None else mask[part]
    corners = cv2.goodFeaturesToTrack(image[part], most, _QUALITY, _DISTANCE_PX, mask=inside)
    found = np.zeros((0, 2), np.float32) if corners is None else corners.reshape(-1, 2).astype(np.float32)
    return np.asarray(found + np.array([x0, y0], np.float32), np.float32)


def follow_features(
    image: Image, other: Image, points: Points, guess: Points | None = None
) -> tuple[Points, NDArray[np.bool_]]:
    """Where ``points`` of ``image`` are in ``other``, and which of them came back to their start when followed back.

    ``guess`` is where to start to look, if anything is known.
    """
    if not len(points):
        return points, np.zeros(0, bool)
    flags = 0 if guess is None else cv2.OPTFLOW_USE_INITIAL_FLOW
    start = points.copy() if guess is None else guess.copy()
    there, found, _ = cv2.calcOpticalFlowPyrLK(image, other, points, start, winSize=_WINDOW, maxLevel=_LEVELS,
                                               flags=flags)  # fmt: skip
    back, returned, _ = cv2.calcOpticalFlowPyrLK(other, image, there, points.copy(), winSize=_WINDOW,
                                                 maxLevel=_LEVELS, flags=cv2.OPTFLOW_USE_INITIAL_FLOW)  # fmt: skip
    close = np.linalg.norm(back - points, axis=1) < _BACK_PX
    good = (found.ravel() == 1) & (returned.ravel() == 1) & close
    return np.asarray(there, np.float32), good
