"""Pictures whose motion is known: a textured thing over a textured, moving background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.shapes import RectF

WIDTH, HEIGHT = 320, 192


def texture(height: int, width: int, seed: int, sigma: float = 1.5) -> NDArray[np.uint8]:
    """Smooth noise in three channels, (height, width, 3)."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), sigma)
    low, high = blurred.min(), blurred.max()
    return ((blurred - low) / (high - low) * 255).astype(np.uint8)


class MovingThing:
    """A reddish textured square of 48 px that goes right over a bluish background, which pans left."""

    def __init__(self, step_px: float = 3.0, pan_px: float = 1.0, hidden: range = range(0)) -> None:
        self.step_px, self.pan_px, self.hidden = step_px, pan_px, hidden
        self._ground = texture(HEIGHT + 40, WIDTH + 200, 1)
        self._ground[..., 0] //= 2
        self._thing = texture(48, 48, 2)
        self._thing[..., 2] //= 3
        self.calls: list[int] = []

    def rect(self, frame: int) -> RectF:
        """Where the thing is."""
        x0 = 60 + self.step_px * frame
        return RectF(x0, 70, x0 + 48, 118)

    def __call__(self, frame: int) -> NDArray[np.uint8]:
        self.calls.append(frame)
        image = shifted(self._ground, -self.pan_px * frame - 20, -20)
        if frame not in self.hidden:
            rect = self.rect(frame)
            moved = shifted(self._thing, rect.x0, rect.y0)
            alpha = shifted(np.full((48, 48, 3), 255, np.uint8), rect.x0, rect.y0).astype(np.float32) / 255
            image = (image * (1 - alpha) + moved * alpha).astype(np.uint8)
        return image


def shifted(image: NDArray[np.uint8], dx_px: float, dy_px: float) -> NDArray[np.uint8]:
    """``image`` moved, on a frame of WIDTH x HEIGHT."""
    matrix = np.array([[1, 0, dx_px], [0, 1, dy_px]], np.float64)
    return np.asarray(cv2.warpAffine(image, matrix, (WIDTH, HEIGHT)), np.uint8)


def iou(a: RectF, b: RectF) -> float:
    """Intersection over union of two rectangles."""
    across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    both = max(across, 0.0) * max(down, 0.0)
    return both / (a.width_px * a.height_px + b.width_px * b.height_px - both)
