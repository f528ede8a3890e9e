"""A crop that follows its object by fractions of a pixel: the object stands still in it, as far as motion is smooth.

For effects that see flicker where a window moves by whole pixels. Pixels are resampled once on the way in and once on
the way back; what an effect leaves alone is not resampled at all. Where nothing may be lost, roi_tools.crop_path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.crop_path import following_corners
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size

STEPS_PER_PX = 32
"""Windows lie on a grid this fine, on which OpenCV's resampling is exact: it knows 32 places between two pixels."""
_KERNEL_PX = 4
"""A Lanczos kernel of eight taps reaches so far to either side."""

Image = TypeVar("Image", bound=NDArray[Any])
Corner = tuple[float, float]


@dataclass(frozen=True)
class GlidingCropPath:
    """Windows of one size over a shot, at 1:1. ``corners`` are their top left ones (x, y) in px, multiples of
    1 / STEPS_PER_PX, of the frames from ``first_frame`` on; before and after them the nearest."""

    frame_size: Size
    size: Size
    corners: tuple[Corner, ...]
    first_frame: int = 0

    def __post_init__(self) -> None:
        if not self.corners or any(number * STEPS_PER_PX % 1 for corner in self.corners for number in corner):
            raise ShapeError(f"a gliding crop needs a corner for each frame, in steps of 1/{STEPS_PER_PX} px")

    def corner_at(self, frame: int) -> Corner:
        """Where the window's top left corner lies on ``frame``, x, y in px."""
        return self.corners[max(0, min(frame - self.first_frame, len(self.corners) - 1))]

    def to_crop(self, points: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
        """Places of the frame (n, 2) as places of the crop."""
        return points - self.corner_at(frame)

    def to_frame(self, points: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
        """Places of the crop (n, 2) as places of the frame: the exact inverse of :meth:`to_crop`."""
        return points + self.corner_at(frame)

    def crop(self, image: Image, frame: int) -> Image:
        """The window's pixels, (H, W, ...) of the frame -> (height, width, ...) of the same dtype.

        Lanczos; a copy where the corner lies on whole pixels. Beyond the frame it goes on as its own mirror image.
        """
        self._require(image, self.frame_size, "image")
        x, y = self.corner_at(frame)
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        return _moved(image, x, y, self.size, flags, cv2.BORDER_REFLECT_101)

    def paste(self, image: Image, cropped: Image, frame: int) -> Image:
        """A copy of ``image`` (H, W, ...) that shows ``cropped`` where it differs from :meth:`crop`; the rest stays.

        Exact inverse for what was left alone: ``paste(image, crop(image, n), n) == image``.
        """
        self._require(cropped, self.size, "crop")
        before = self.crop(image, frame)
        differs = (cropped != before).reshape(*before.shape[:2], -1).any(axis=2).astype(np.uint8)
        if not differs.any():
            return image.copy()
        x, y = self.corner_at(frame)
        reach = cv2.dilate(differs, np.ones((2 * _KERNEL_PX + 1, 2 * _KERNEL_PX + 1), np.uint8))
        back = _moved(cropped, x, y, self.frame_size, cv2.INTER_LANCZOS4, cv2.BORDER_REPLICATE)
        touched = _moved(reach, x, y, self.frame_size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) > 0
        result = image.copy()
        result[touched] = back[touched]
        return result

    def _require(self, image: NDArray[Any], size: Size, what: str) -> None:
        height, width = image.shape[:2]
        if (width, height) != (size.width_px, size.height_px):
            raise ShapeError(f"the {what} is {width}x{height}, this crop path is made for {size}")


def plan_gliding_crop(
    boxes: Sequence[Box | None],
    frame_size: Size,
    margin_px: int,
    multiple: int = 16,
    minimum_side_px: int = 1,
    smoothing_frames: float = 8.0,
    first_frame: int = 0,
) -> GlidingCropPath:
    """The crop of a shot as :func:`roi_tools.crop_path.plan_following_crop` plans it, but not held to whole pixels."""
    still, corners = following_corners(boxes, frame_size, margin_px, multiple, None, minimum_side_px, smoothing_frames)
    steps = np.rint(corners * STEPS_PER_PX) / STEPS_PER_PX
    placed = tuple((float(x), float(y)) for x, y in steps)
    return GlidingCropPath(frame_size, still.window.size, placed, first_frame)


def _moved(image: Image, x: float, y: float, size: Size, flags: int, border: int) -> Image:
    matrix = np.array([[1.0, 0.0, x], [0.0, 1.0, y]])
    # OpenCV resamples no half floats; they lose nothing on the way through single ones.
    known = image.astype(np.float32) if image.dtype == np.float16 else image
    moved = cv2.warpAffine(known, matrix, (size.width_px, size.height_px), flags=flags, borderMode=border)
    return moved.astype(image.dtype).reshape(size.height_px, size.width_px, *image.shape[2:])  # type: ignore[return-value]
