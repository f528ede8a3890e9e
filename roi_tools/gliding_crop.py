"""A crop that follows its object by fractions of a pixel: the object stands still in it, as far as motion is smooth.

For effects that see flicker where a window moves by whole pixels. Pixels are resampled once on the way in and once on
the way back; what an effect leaves alone is not resampled at all. Where nothing may be lost, roi_tools.crop_path.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.crop_path import CropPath, following_corners, mirrored
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size

STEPS_PER_PX = 32
"""Windows lie on a grid this fine, on which OpenCV's resampling is exact: it knows 32 places between two pixels."""
_TIE = 1e-6
"""Far above what is lost in computing a place, far below the step from one place to the next."""
_KERNEL_PX = 4
"""A Lanczos kernel of eight taps reaches so far to either side."""

Image = TypeVar("Image", bound=NDArray[Any])
Corner = tuple[float, float]


@dataclass(frozen=True)
class GlidingCropPath(CropPath):
    """Windows of the size of ``window`` whose top left corners (x, y) lie on ``corners``, in px, multiples of
    1 / STEPS_PER_PX, on the frames from ``first_frame`` on; before and after them the nearest."""

    corners: tuple[Corner, ...] = ()
    first_frame: int = 0

    def __post_init__(self) -> None:
        if not self.corners or any(number * STEPS_PER_PX % 1 for corner in self.corners for number in corner):
            raise ShapeError(f"a gliding crop needs a corner for each frame, in steps of 1/{STEPS_PER_PX} px")

    def corner_at(self, frame: int) -> Corner:
        """Where the window's top left corner lies on ``frame``, x, y in px."""
        return self.corners[max(0, min(frame - self.first_frame, len(self.corners) - 1))]

    def window_at(self, frame: int) -> Box:
        """The whole pixels that the window touches on ``frame``, and those that its resampling looks at."""
        x, y = self.corner_at(frame)
        x1, y1 = math.ceil(x + self.window.width_px), math.ceil(y + self.window.height_px)
        return Box(math.floor(x), math.floor(y), x1, y1).grown(_KERNEL_PX)

    def local(self, frame: int) -> tuple[Box, GlidingCropPath]:
        """See CropPath."""
        inside, (x, y) = self.inside_at(frame), self.corner_at(frame)
        corners = ((x - inside.x0, y - inside.y0),)
        return inside, GlidingCropPath(inside.size, self.window, self.working_size, corners)

    def crop(self, image: Image, frame: int) -> Image:
        """See CropPath. At 1:1 Lanczos, or a copy where the corner lies on whole pixels; areas are averaged where it is
        scaled."""
        self._require_frame(image)
        if self.is_scaled:
            return _averaged(image, self.corner_at(frame), self.window.size, self.working_size)
        return _warped(image, self._placement(frame), self.working_size, cv2.INTER_LANCZOS4, cv2.BORDER_REFLECT_101)

    def coverage(self, matte: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
        """See CropPath."""
        covered = _averaged(matte, self.corner_at(frame), self.window.size, self.working_size)
        # On every frame alike, also where it is copied, so that a matte that glides along keeps its size.
        return covered if self.is_scaled else np.asarray(cv2.dilate(covered, _REACH), np.float32)

    def paste(self, image: Image, cropped: Image, frame: int) -> Image:
        """A copy of ``image`` (H, W, ...) that shows ``cropped`` where it differs from :meth:`crop`; the rest stays.

        Exact inverse for what was left alone: ``paste(image, crop(image, n), n) == image``.
        """
        before = self.crop(image, frame)
        self._require_crop(cropped)
        differs = (cropped != before).reshape(*before.shape[:2], -1).any(axis=2).astype(np.uint8)
        if not differs.any():
            return image.copy()
        placement = np.asarray(cv2.invertAffineTransform(self._placement(frame)), np.float64)
        # Scaled up again, Lanczos would ring on the way back.
        method = cv2.INTER_CUBIC if self.is_scaled else cv2.INTER_LANCZOS4
        back = _warped(cropped, placement, self.frame_size, method, cv2.BORDER_REPLICATE)
        reach = cv2.dilate(differs, _REACH)
        touched = _warped(reach, placement, self.frame_size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) > 0
        result = image.copy()
        result[touched] = back[touched]
        return result

    def _placement(self, frame: int) -> NDArray[np.float64]:
        """Takes places of the crop to places of the frame, 2x3; a pixel's place is its middle's."""
        x, y = self.corner_at(frame)
        across = self.window.width_px / self.working_size.width_px
        down = self.window.height_px / self.working_size.height_px
        return np.array([[across, 0.0, x + (across - 1) / 2], [0.0, down, y + (down - 1) / 2]])


_REACH = np.ones((2 * _KERNEL_PX + 1, 2 * _KERNEL_PX + 1), np.uint8)


def plan_gliding_crop(
    boxes: Sequence[Box | None],
    frame_size: Size,
    margin_px: int,
    multiple: int = 16,
    max_area_px: int | None = None,
    minimum_side_px: int = 1,
    smoothing_frames: float = 8.0,
    first_frame: int = 0,
) -> GlidingCropPath:
    """The crop of a shot as :func:`roi_tools.crop_path.plan_following_crop` plans it, but not held to whole pixels."""
    still, corners = following_corners(
        boxes, frame_size, margin_px, multiple, max_area_px, minimum_side_px, smoothing_frames
    )
    steps = np.rint(corners * STEPS_PER_PX) / STEPS_PER_PX
    placed = tuple((float(x), float(y)) for x, y in steps)
    return GlidingCropPath(frame_size, still.window, still.working_size, placed, first_frame)


def _averaged(image: Image, corner: Corner, window: Size, working: Size) -> Image:
    """The means of the areas that each pixel of ``working`` covers in the window; at 1:1 linear interpolation."""
    (x, y), values = corner, image.astype(np.float64)
    averaged = _averaged_along(values, 0, y, window.height_px, working.height_px)
    averaged = _averaged_along(averaged, 1, x, window.width_px, working.width_px)
    return (averaged if image.dtype.kind == "f" else np.rint(averaged)).astype(image.dtype)


def _averaged_along(values: NDArray[np.float64], axis: int, start: float, length: int, count: int) -> Any:
    """The means over ``count`` equal parts of [start, start + length) along an axis that goes on as its own mirror."""
    first, last = math.floor(start), math.ceil(start + length)
    part = np.moveaxis(np.take(values, mirrored(first, last, values.shape[axis]), axis), axis, 0)
    edges = start - first + np.arange(count + 1) * (length / count)
    whole = np.floor(edges[:-1]).astype(np.int64)
    sums = np.zeros((count, *part.shape[1:]))
    # Pixel by pixel and not by running sums: what lies outside a part must not reach it, not even by rounding.
    for pixel in range(math.ceil(length / count) + 1):
        at = whole + pixel
        share = np.maximum(np.minimum(edges[1:], at + 1) - np.maximum(edges[:-1], at), 0)
        sums += share.reshape(-1, *[1] * (part.ndim - 1)) * part[np.minimum(at, len(part) - 1)]
    return np.moveaxis(sums * (count / length), 0, axis)


def _warped(image: Image, placement: NDArray[np.float64], size: Size, method: int, border: int) -> Image:
    """``image`` as a picture of ``size``, whose places ``placement`` takes to places of the image."""
    # OpenCV resamples no half floats; they lose nothing on the way through single ones.
    known = image.astype(np.float32) if image.dtype == np.float16 else image
    steps = 1 if method == cv2.INTER_NEAREST else STEPS_PER_PX
    columns, rows = (
        _on_grid(np.arange(count) * placement[axis, axis] + placement[axis, 2], steps)
        for axis, count in enumerate((size.width_px, size.height_px))
    )
    moved = cv2.remap(known, *np.meshgrid(columns, rows), method, borderMode=border)
    return moved.astype(image.dtype).reshape(size.height_px, size.width_px, *image.shape[2:])  # type: ignore[return-value]


def _on_grid(places: NDArray[np.float64], steps: int) -> NDArray[np.float32]:
    """Rounded to the grid that OpenCV resamples on; by itself it would round another way where the frame is cut."""
    return (np.floor(places * steps + 0.5 + _TIE) / steps).astype(np.float32)
