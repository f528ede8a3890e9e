"""How the camera moves: the homography of the background from frame to frame, and what departs from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box, Size, frame_box
from roi_tools.tracking.features import find_features, follow_features
from roi_tools.tracking.region import Matrix
from roi_tools.tracking.working import Image, WorkingFrames

_FEATURES = 200
_INLIER_PX = 1.0
_FEWEST_INLIERS = 12
_COARSE_PX = 6
"""What holds for the whole frame, its noise and its exposure, is looked at on every sixth pixel across and down."""
_SAME_EXPOSURE = 2
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
        self._glance: _Glance | None = None

    def between(self, start: int, end: int) -> Matrix:
        """Maps working pixels of frame ``start`` to frame ``end``."""
        if end < start:
            return np.asarray(np.linalg.inv(self.between(end, start)), np.float64)
        matrix: Matrix = np.eye(3)
        for frame in range(start, end):
            matrix = self._step(frame) @ matrix
        return matrix / matrix[2, 2]

    def departure(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """How far each pixel's colour lies from the background seen around ``frame``: 8-bit codes, (h, w).

        The background is what most of the frames before and after it show, moved by the camera; NaN where too few of
        them show the pixel. ``window`` (working px, inside the frame) gives that part only.
        """
        image = self._frames.rgb(frame)
        grid = _Grid(window or frame_box(Size(image.shape[1], image.shape[0])))
        image = grid.of(image)
        offsets = self._glanced(frame).offsets
        if len(offsets) < 2:
            return np.full(image.shape[:2], np.nan, np.float32)
        layers = []
        for other, offset in offsets.items():
            moved, seen = self._background(frame, other, grid)
            layers.append(_difference(image, _lightened(moved, offset), seen))
        return _middle(layers)

    def noise(self, frame: int) -> float:
        """The median departure of ``frame``: what most pixels depart by mistake; NaN where nothing is known."""
        return self._glanced(frame).noise

    def _glanced(self, frame: int) -> _Glance:
        """What holds for the whole of ``frame``, by a coarse grid of its pixels."""
        if self._glance is None or self._glance.frame != frame:
            here = self._frames.rgb(frame)
            grid = _Grid(frame_box(Size(here.shape[1], here.shape[0])), _COARSE_PX)
            image = grid.of(here)
            offsets, layers = {}, []
            for other in (frame + step for step in _BACKGROUND_STEPS if frame + step in self._span):
                moved, seen = self._background(frame, other, grid)
                offsets[other] = _offset(image[seen], moved[seen])
                layers.append(_difference(image, _lightened(moved, offsets[other]), seen))
            known = (departure := _middle(layers))[np.isfinite(departure)] if len(layers) > 1 else np.zeros(0)
            self._glance = _Glance(frame, offsets, float(np.median(known)) if known.size else math.nan)
        return self._glance

    def background(self, frame: int, window: Box | None = None) -> NDArray[np.float32] | None:
        """What the frames around ``frame`` show behind what moves: their median, (h, w, 3), 8-bit codes.

        NaN where fewer than two of them see the pixel; None where there are fewer than two. ``window`` (working px,
        inside the frame) gives that part only.
        """
        others = [frame + step for step in _BACKGROUND_STEPS if frame + step in self._span]
        if len(others) < 2:
            return None
        image = self._frames.rgb(frame)
        grid = _Grid(window or frame_box(Size(image.shape[1], image.shape[0])))
        pictures = []
        for other in others:
            moved, seen = self._background(frame, other, grid)
            pictures.append(np.where(seen[..., np.newaxis], moved, np.float32(np.nan)))
        stack = np.stack(pictures)
        known = np.count_nonzero(np.isfinite(stack[..., 0]), axis=0) >= 2
        stack[:, ~known] = 0  # nanmedian warns of pixels that nothing is known of
        median = np.nanmedian(stack, axis=0).astype(np.float32)
        median[~known] = np.nan
        return median

    def _background(self, frame: int, other: int, grid: _Grid) -> tuple[Image, NDArray[np.bool_]]:
        """What ``other`` shows of the places of ``grid`` on ``frame``, and which of them it sees."""
        image = self._frames.rgb(other)
        matrix = grid.matrix @ self.between(other, frame)
        moved = cv2.warpPerspective(image, matrix, grid.size)
        return np.asarray(moved, np.uint8), _seen(matrix, (image.shape[1], image.shape[0]), grid.size)

    def _step(self, frame: int) -> Matrix:
        if frame not in self._steps:
            self._steps[frame] = _homography(self._frames.gray(frame), self._frames.gray(frame + 1))
        return self._steps[frame]


@dataclass(frozen=True)
class _Grid:
    """The pixels of a part of the frame: all of them, or every ``step``-th across and down."""

    part: Box
    step: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return -(-self.part.width_px // self.step), -(-self.part.height_px // self.step)

    @property
    def matrix(self) -> Matrix:
        """From the frame's pixels to the grid's."""
        x0, y0 = self.part.x0 / self.step, self.part.y0 / self.step
        return np.array([[1 / self.step, 0, -x0], [0, 1 / self.step, -y0], [0, 0, 1]])

    def of(self, image: Image) -> Image:
        """``image`` at these pixels."""
        return image[self.part.slices][:: self.step, :: self.step]


@dataclass(frozen=True)
class _Glance:
    """What a look at the whole of a frame tells: by how much it is lighter than others, and how noisy it is."""

    frame: int
    offsets: dict[int, NDArray[np.float64]]
    noise: float


def _offset(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
    """By how much pixels (n, 3) are lighter than others: the exposure may differ. Each channel's median, 8-bit."""
    return np.median(image.astype(np.int16) - other, axis=0) if len(image) else np.zeros(3)


def _middle(layers: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """The median of those that are known at each pixel; NaN where there are fewer than two."""
    ranked = _sorted(layers)  # those that don't see the pixel come last
    count = np.count_nonzero(ranked != _UNSEEN, axis=0)
    middle = np.take_along_axis(ranked, (np.maximum(count, 1) - 1)[np.newaxis] // 2, axis=0)[0]
    return np.where(count < 2, np.float32(np.nan), middle)


def _seen(matrix: Matrix, size: tuple[int, int], target: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels of a picture of ``target`` size a moved one of ``size`` (both width, height) fills wholly."""
    width, height = target
    right, bottom = size[0] - 1, size[1] - 1
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


def _lightened(image: Image, offset: NDArray[np.float64]) -> Image:
    if np.all(np.abs(offset) < _SAME_EXPOSURE):
        return image
    levels = np.clip(np.rint(np.arange(256)[:, np.newaxis] + offset), 0, 255)
    return np.asarray(cv2.LUT(image, levels.astype(np.uint8)[np.newaxis]), np.uint8)


def _difference(image: Image, moved: Image, seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Largest difference of the three channels, 0 to 254; 255 where the other frame does not see the pixel."""
    red, green, blue = cv2.split(cv2.blur(cv2.absdiff(image, moved), (3, 3)))
    largest = np.minimum(cv2.max(cv2.max(red, green), blue), _UNSEEN - 1)
    largest[~seen] = _UNSEEN
    return np.asarray(largest, np.uint8)
