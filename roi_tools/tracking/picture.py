"""Following an object that keeps looking like its keyframe: normalised correlation with its picture there."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.region import transformed
from roi_tools.tracking.working import Image, WorkingFrames

_TEMPLATE_PX = 1200
"""About how many pixels are compared: the picture is scaled down to this."""
_SEARCH_SHARE, _SEARCH_PX = 0.15, 12
_SMALLEST_SIDE_PX = 12
_UNKNOWN_SHARE = 0.2
_LIKE_BACKGROUND = 0.5
"""Correlation above which what lies behind the object looks so much like it that it would be found there."""


class PictureFollower:
    """Looks for the keyframe's picture of the object, in one direction, near where the camera's motion puts it."""

    def __init__(self, frames: WorkingFrames, camera: Camera, frame: int, box: Box, mask: NDArray[np.float32]) -> None:
        """``box`` in working px, inside the frame; ``mask`` (h, w) says which of its pixels are the object's."""
        self._frames = frames
        self._camera = camera
        self._frame = frame
        self._box = box
        self._corner = np.array([[box.x0, box.y0]], np.float64)
        self._size = np.array([box.width_px, box.height_px])
        self._shrink = max(1, round((box.area_px / _TEMPLATE_PX) ** 0.5))
        self._template = _shrunk(frames.rgb(frame)[box.slices], self._shrink)
        weights = cv2.GaussianBlur(mask, (0, 0), 2.0)[box.slices] * 255
        self._weights = np.dstack([_shrunk(weights.astype(np.uint8), self._shrink)] * 3)

    def is_telling(self) -> bool:
        """Whether the picture looks like nothing but the object: not like what lies behind it on its keyframe, too."""
        behind = self._camera.background(self._frame, self._box)
        if behind is None or np.isnan(behind).any(axis=2).mean() > _UNKNOWN_SHARE:
            return True
        picture = _shrunk(np.nan_to_num(behind).astype(np.uint8), self._shrink)
        return not float(self._correlated(picture)[0, 0]) > _LIKE_BACKGROUND

    def follow(self, frame: int) -> tuple[float, float, float]:
        """``(x0, y0, correlation)``: the box's corner on ``frame``, next to the last one; correlation -1 to 1."""
        expected = transformed(self._corner, self._camera.between(self._frame, frame))[0]
        reach = _SEARCH_PX + _SEARCH_SHARE * self._size
        x0, y0 = (max(0, int(start / self._shrink)) for start in expected - reach)
        x1, y1 = (max(0, int(end / self._shrink)) for end in expected + reach + self._size)
        around = Box(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
        window = self._shrunk_part(frame, around)
        self._frame, self._corner = frame, expected[np.newaxis].astype(np.float64)
        if min(self._size) < _SMALLEST_SIDE_PX or any(
            has < needs for has, needs in zip(window.shape[:2], self._template.shape[:2], strict=True)
        ):
            return float(expected[0]), float(expected[1]), -1.0
        _, best, _, (column, row) = cv2.minMaxLoc(self._correlated(window))
        self._corner = np.array([[(column + x0) * self._shrink, (row + y0) * self._shrink]], np.float64)
        return float(self._corner[0, 0]), float(self._corner[0, 1]), float(best)

    def _correlated(self, window: Image) -> NDArray[np.float32]:
        """Of the template with each place of ``window``, -1 to 1."""
        found = cv2.matchTemplate(window, self._template, cv2.TM_CCOEFF_NORMED, mask=self._weights)
        return np.asarray(np.nan_to_num(found, nan=-1.0, posinf=-1.0, neginf=-1.0), np.float32)

    def _shrunk_part(self, frame: int, part: Box) -> Image:
        """A part of the frame, in shrunk pixels; smaller where it leaves the frame."""
        x0, y0, x1, y1 = (edge * self._shrink for edge in part.as_tuple())
        image = self._frames.rgb(frame)[y0:y1, x0:x1]
        return image[:0] if min(image.shape[:2]) < self._shrink else _shrunk(image, self._shrink)


def _shrunk(image: Image, factor: int) -> Image:
    size = max(1, image.shape[1] // factor), max(1, image.shape[0] // factor)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
