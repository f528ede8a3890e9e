"""Reading images at sub-pixel positions."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask, Points

ROW = 1024
"""Points travel through cv2.remap as rows of this length: it takes no image side beyond 32767."""


NO_SECOND_MAP = np.zeros((0, 0), np.float32)
"""cv2.remap takes x and y in one map when the second is empty."""


def sample_linear(image: FloatImage, points: Points) -> FloatImage:
    """(N, C) bilinear samples of an (H, W, C) image at (N, 2) x, y positions; edges are extended."""
    return _remap(image, points, cv2.INTER_LINEAR)


def sample_sharp(image: FloatImage, points: Points) -> FloatImage:
    """(N, C) samples by the 8x8 Lanczos filter; a position on a pixel centre returns that pixel exactly."""
    return _remap(image, points, cv2.INTER_LANCZOS4)


def sample_nearest(image: FloatImage, points: Points) -> FloatImage:
    """(N, C) nearest pixels of an (H, W, C) image at (N, 2) x, y positions; edges are extended."""
    return _remap(image, points, cv2.INTER_NEAREST)


def pick(image: FloatImage | Mask, points: Points) -> NDArray:
    """(N, ...) nearest pixels at (N, 2) x, y positions, which must lie inside the image."""
    column, row = np.rint(points).astype(np.intp).T
    return image[row, column]


def _remap(image: FloatImage, points: Points, filter_: int) -> FloatImage:
    count = len(points)
    if count == 0:
        return np.zeros((0, image.shape[2]), np.float32)
    rows = -(-count // ROW)
    padded = np.zeros((rows * ROW, 2), np.float32)
    padded[:count] = points
    out = cv2.remap(image, padded.reshape(rows, ROW, 2), NO_SECOND_MAP, filter_, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32).reshape(rows * ROW, -1)[:count]
