"""How the camera moves: the homography of the background from frame to frame, and what departs from it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.tracking.features import find_features, follow_features
from roi_tools.tracking.region import Matrix
from roi_tools.tracking.working import Image, WorkingFrames

_FEATURES = 300
_INLIER_PX = 1.0
_FEWEST_INLIERS = 12
_UNSEEN = np.uint8(255)
_SUBPIXEL_BITS = 4
_SUBPIXELS = 1 << _SUBPIXEL_BITS
_FAR_PX = 1e5
_BACKGROUND_STEPS = (-20, -10, -4, 4, 10, 20)
"""Frames whose median stands for the background: far enough that a walking person has moved by its width."""


class Camera:
    """The motion of the dominant background, found by RANSAC over features of the whole frame; computed when asked."""

    def __init__(self, frames: WorkingFrames, span: range) -> None:
        self._frames = frames
        self._span = span
        self._steps: dict[int, Matrix] = {}

    def between(self, start: int, end: int) -> Matrix:
        """Maps working pixels of frame ``start`` to frame ``end``."""
        if end < start:
            return np.asarray(np.linalg.inv(self.between(end, start)), np.float64)
        matrix: Matrix = np.eye(3)
        for frame in range(start, end):
            matrix = self._step(frame) @ matrix
        return matrix / matrix[2, 2]

    def departure(self, frame: int) -> NDArray[np.float32]:
        """How far each pixel's colour lies from the background seen around ``frame``: 8-bit codes, (h, w).

        The background is what most of the frames before and after it show, moved by the camera; NaN where too few of
        them show the pixel.
        """
        image = self._frames.rgb(frame)
        others = [frame + step for step in _BACKGROUND_STEPS if frame + step in self._span]
        unknown = np.full(image.shape[:2], np.nan, np.float32)
        if len(others) < 2:
            return unknown
        # Those that don't see the pixel come last.
        ranked = _sorted([_difference(image, *self._background(frame, other)) for other in others])
        count = np.count_nonzero(ranked != _UNSEEN, axis=0)
        middle = np.take_along_axis(ranked, (np.maximum(count, 1) - 1)[np.newaxis] // 2, axis=0)[0]
        return np.where(count < 2, unknown, middle)

    def background(self, frame: int) -> NDArray[np.float32] | None:
        """What the frames around ``frame`` show behind what moves: their median, (h, w, 3), 8-bit codes.

        NaN where fewer than two of them see the pixel; None where there are fewer than two.
        """
        others = [frame + step for step in _BACKGROUND_STEPS if frame + step in self._span]
        if len(others) < 2:
            return None
        pictures = []
        for other in others:
            moved, seen = self._background(frame, other)
            pictures.append(np.where(seen[..., np.newaxis], moved, np.float32(np.nan)))
        stack = np.stack(pictures)
        known = np.count_nonzero(np.isfinite(stack[..., 0]), axis=0) >= 2
        stack[:, ~known] = 0  # nanmedian warns of pixels that nothing is known of
        median = np.nanmedian(stack, axis=0).astype(np.float32)
        median[~known] = np.nan
        return median

    def _background(self, frame: int, other: int) -> tuple[Image, NDArray[np.bool_]]:
        matrix = self.between(other, frame)
        image = self._frames.rgb(other)
        size = image.shape[1], image.shape[0]
        moved = cv2.warpPerspective(image, matrix, size)
        return np.asarray(moved, np.uint8), _seen(matrix, size)

    def _step(self, frame: int) -> Matrix:
        if frame not in self._steps:
            self._steps[frame] = _homography(self._frames.gray(frame), self._frames.gray(frame + 1))
        return self._steps[frame]


def _seen(matrix: Matrix, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels of a frame a moved one of ``size`` (width, height) fills wholly, (height, width)."""
    width, height = size
    right, bottom = width - 1, height - 1
    corners = np.array([[0, 0, 1], [right, 0, 1], [right, bottom, 1], [0, bottom, 1]]) @ matrix.T
    if (corners[:, 2] <= 0).any():  # turned out of sight: no camera does that from one frame to another
        return np.zeros((height, width), bool)
    places = np.clip(corners[:, :2] / corners[:, 2:], -_FAR_PX, _FAR_PX)
    filled = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(filled, np.rint(places * _SUBPIXELS).astype(np.int32), 1, shift=_SUBPIXEL_BITS)
    return filled.view(bool)


def _sorted(layers: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The layers' values in rising order at each pixel, (layers, h, w): a bubble of minima and maxima."""
    ranked = np.stack(layers)
    for end in range(len(ranked) - 1, 0, -1):
        for index in range(end):
            low, high = cv2.min(ranked[index], ranked[index + 1]), cv2.max(ranked[index], ranked[index + 1])
            ranked[index], ranked[index + 1] = low, high
    return ranked


def _homography(image: Image, following: Image) -> Matrix:
    points = find_features(image, None, _FEATURES)
    there, good = follow_features(image, following, points)
    if np.count_nonzero(good) < _FEWEST_INLIERS:
        return np.eye(3)
    matrix, inliers = cv2.findHomography(points[good], there[good], cv2.RANSAC, _INLIER_PX, maxIters=300)
    if matrix is None or np.count_nonzero(inliers) < _FEWEST_INLIERS:
        return np.eye(3)
    return np.asarray(matrix, np.float64)


def _difference(image: Image, moved: Image, seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Largest difference of the three channels, 0 to 254; 255 where the other frame does not see the pixel."""
    # The exposure may differ: each channel's offset, by its median over a coarse grid.
    grid = np.s_[::8, ::8]
    here, there = image[grid][seen[grid]].astype(np.int16), moved[grid][seen[grid]]
    offset = np.median(here - there, axis=0) if len(here) else np.zeros(3)
    if np.any(np.abs(offset) >= 2):
        levels = np.clip(np.rint(np.arange(256)[:, np.newaxis] + offset), 0, 255)
        moved = np.asarray(cv2.LUT(moved, levels.astype(np.uint8)[np.newaxis]), np.uint8)
    red, green, blue = cv2.split(cv2.blur(cv2.absdiff(image, moved), (3, 3)))
    largest = np.minimum(cv2.max(cv2.max(red, green), blue), _UNSEEN - 1)
    largest[~seen] = _UNSEEN
    return np.asarray(largest, np.uint8)
