"""Footage made of one textured picture under a known camera, with a known hole."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import SYNTHESISED
from roi_tools.geometry import Box

BoxOf = Callable[[int], Box | None]


def texture(width_px: int, height_px: int, seed: int = 1) -> NDArray[np.float32]:
    """(h, w, 3) noise of several sizes, [0, 1], smooth enough to be resampled."""
    random = np.random.default_rng(seed)
    total = np.zeros((height_px, width_px, 3), np.float32)
    for sigma_px in (2.0, 5.0, 16.0):
        noise = random.standard_normal(total.shape).astype(np.float32)
        layer = cv2.GaussianBlur(noise, (0, 0), sigma_px)
        total += (layer / layer.std()).astype(np.float32)
    return np.clip(0.5 + 0.09 * total, 0.0, 1.0).astype(np.float32)


def shifted(picture: NDArray[np.float32], x_px: float, y_px: float, width_px: int, height_px: int) -> NDArray:
    """The width x height view of the picture from (x, y); exact where both are whole."""
    if x_px == int(x_px) and y_px == int(y_px):
        return picture[int(y_px) : int(y_px) + height_px, int(x_px) : int(x_px) + width_px].copy()
    view = np.array([[1.0, 0.0, x_px], [0.0, 1.0, y_px]])
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, view, (width_px, height_px), flags=flags), np.float32)


def equally(frames: NDArray[np.int32]) -> NDArray[np.float32]:
    """Weights by which every lender counts the same."""
    return np.asarray(frames != SYNTHESISED, np.float32)


def exactly(frames: NDArray[np.int32]) -> NDArray[np.float32]:
    """Errors of lenders that are never off."""
    return np.zeros(frames.shape, np.float32)


class Clip:
    """A PlateSource: true frames with an object, a bright checkerboard, drawn over a box per frame."""

    def __init__(self, truth: list[NDArray[np.float32]], box_of: BoxOf) -> None:
        self.truth = truth
        self.box_of = box_of
        self.asked: list[int] = []

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        self.asked.append(frame)
        image = self.truth[frame].copy()
        hole = self.hole(frame)
        checks = (np.indices(hole.shape).sum(axis=0) // 4 + frame) % 2
        image[hole] = np.stack([checks, 1 - checks, checks], axis=2)[hole]
        return image if window is None else image[window.slices]

    def hole(self, frame: int) -> NDArray[np.bool_]:
        mask = np.zeros(self.truth[frame].shape[:2], bool)
        box = self.box_of(frame)
        if box is not None:
            mask[box.slices] = True
        return mask


class Shadowed(Clip):
    """Beside the object lies its shadow, of which 16 px are below the box."""

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        image = super().rgb(frame)
        box = self.box_of(frame)
        if box is not None:
            image[box.y1 : box.y1 + 16, box.x0 : box.x1] *= np.float32(0.7)
        return image if window is None else image[window.slices]
