"""The crop path: the part of each frame that an effect works on, and its exact inverse.

A shot has one crop size, in multiples of what the model asks for, with context around the object. Where the crop is
not scaled, cropping and pasting copy pixels and lose nothing; where it is, each direction resamples once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box, union_box
from roi_tools.steady_path import steady_path

Image = TypeVar("Image", bound=NDArray[Any])


@dataclass(frozen=True)
class CropPath:
    """One window of constant size over a shot, worked on at ``working_size``. Made by :func:`plan_crop`.

    This window stands still, that of :class:`FollowingCropPath` moves, and that of ``GlidingCropPath`` by fractions of
    a pixel (roi_tools.gliding_crop); callers name the frame all the same. Where the window leaves the frame (a frame
    that is no multiple), the frame continues as its own mirror image.
    """

    frame_size: Size
    window: Box
    working_size: Size

    @property
    def is_scaled(self) -> bool:
        """Whether cropping resamples: False means that it copies pixels."""
        return self.working_size != self.window.size

    def window_at(self, frame: int) -> Box:
        """The window on ``frame``, in frame pixels; it may leave the frame on the right and at the bottom."""
        del frame
        return self.window

    def inside_at(self, frame: int) -> Box:
        """The part of the window on ``frame`` that lies inside the frame: all that :meth:`paste` writes."""
        inside = self.window_at(frame).clipped(self.frame_size)
        if inside is None:
            raise ShapeError(f"crop window {self.window.as_tuple()} lies outside the {self.frame_size} frame")
        return inside

    def local(self, frame: int) -> tuple[Box, CropPath]:
        """The part of the frame that :meth:`crop` looks at on ``frame``, and this path in that part's own pixels.

        Reading that part alone gives the same crop: where the window leaves the frame, the part ends with the frame, so
        that it mirrors the same pixels.
        """
        inside = self.inside_at(frame)
        return inside, CropPath(inside.size, self.window_at(frame).shifted(-inside.x0, -inside.y0), self.working_size)

    def coverage(self, matte: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
        """The crop of a matte, (H, W) in [0, 1]: above 0 wherever :meth:`crop` shows anything of what is marked."""
        return self.crop(matte, frame)

    def crop(self, image: Image, frame: int) -> Image:
        """The window's pixels at the working size: (H, W, ...) of the frame -> (working height, width, ...).

        A copy of the same dtype. Scaling down averages areas, scaling up is bicubic (it may overshoot by a little).
        """
        self._require_frame(image)
        window = self.window_at(frame)
        rows = mirrored(window.y0, window.y1, self.frame_size.height_px)
        columns = mirrored(window.x0, window.x1, self.frame_size.width_px)
        window_image: Image = image[rows[:, np.newaxis], columns]  # type: ignore[assignment]
        return _resampled(window_image, self.working_size)

    def paste(self, image: Image, cropped: Image, frame: int) -> Image:
        """A copy of ``image`` (H, W, ...) whose window holds ``cropped``; the rest is untouched.

        Exact inverse of :meth:`crop` where the crop is not scaled: ``paste(image, crop(image, n), n) == image``.
        """
        self._require_frame(image)
        self._require_crop(cropped)
        window, inside = self.window_at(frame), self.inside_at(frame)
        result = image.copy()
        result[inside.slices] = _resampled(cropped, window.size)[inside.shifted(-window.x0, -window.y0).slices]
        return result

    def _require_frame(self, image: NDArray[Any]) -> None:
        _require_size(image, self.frame_size, "image")

    def _require_crop(self, cropped: NDArray[Any]) -> None:
        _require_size(cropped, self.working_size, "crop")


@dataclass(frozen=True)
class FollowingCropPath(CropPath):
    """A window that follows its object by whole pixels, so that crops at 1:1 lose nothing. See plan_following_crop.

    ``windows`` are those of the frames from ``first_frame`` on, all of one size; before and after them the nearest.
    """

    windows: tuple[Box, ...] = ()
    first_frame: int = 0

    def __post_init__(self) -> None:
        if not self.windows or any(window.size != self.window.size for window in self.windows):
            raise ShapeError("a following crop needs a window for each frame, all of one size")

    def window_at(self, frame: int) -> Box:
        """The window on ``frame``, in frame pixels; it may leave the frame on the right and at the bottom."""
        return self.windows[max(0, min(frame - self.first_frame, len(self.windows) - 1))]


def plan_following_crop(
    boxes: Sequence[Box | None],
    frame_size: Size,
    margin_px: int,
    multiple: int = 16,
    max_area_px: int | None = None,
    minimum_side_px: int = 1,
    smoothing_frames: float = 8.0,
    first_frame: int = 0,
) -> FollowingCropPath:
    """The crop of a shot whose window moves with the object: as small as its largest box and ``margin_px`` allow.

    ``boxes[i]`` is that of frame ``first_frame + i``; frames without one are passed through smoothly. On each frame the
    window holds the box and at least half of the margin around it, as far as the frame reaches. The other half is the
    freedom to move steadily: a track trembles, and a camera that trembles with it would be part of what an effect sees.
    See :func:`roi_tools.steady_path.steady_path`. The rest as :func:`plan_crop`. Raises ShapeError.
    """
    still, corners = following_corners(
        boxes, frame_size, margin_px, multiple, max_area_px, minimum_side_px, smoothing_frames
    )
    size = still.window.size
    windows = tuple(
        Box(x, y, x + size.width_px, y + size.height_px) for x, y in np.rint(corners).astype(np.int64).tolist()
    )
    return FollowingCropPath(frame_size, windows[0], still.working_size, windows, first_frame)


def following_corners(
    boxes: Sequence[Box | None],
    frame_size: Size,
    margin_px: int,
    multiple: int,
    max_area_px: int | None,
    minimum_side_px: int,
    smoothing_frames: float,
) -> tuple[CropPath, NDArray[np.float64]]:
    """A crop of the size that every frame's gets, and where its top left corner lies on each: (frames, 2) x, y in px.

    Rounded to whole px, or any finer grid that holds them, the windows still hold their boxes. See plan_following_crop.
    """
    if margin_px < 0 or multiple < 1 or smoothing_frames < 0:
        raise ShapeError(
            f"a crop with margin {margin_px} px, multiple {multiple} and smoothing {smoothing_frames} is not possible"
        )
    inside = [box.clipped(frame_size) if box else None for box in boxes]
    wanted = [_around(box, margin_px, frame_size) for box in inside]
    present = [box for box in wanted if box is not None]
    if not present:
        raise ShapeError("no box marks anything inside the frame, so there is nothing to crop to")
    largest = Box(0, 0, max(box.width_px for box in present), max(box.height_px for box in present))
    # The crop of one box of the largest size has the size that every frame's crop gets.
    still = plan_crop([largest], frame_size, 0, multiple, max_area_px, minimum_side_px)
    held = [_around(box, margin_px // 2, frame_size) for box in inside]
    size = still.window.size
    across = [None if box is None else (box.x0, box.x1) for box in held]
    down = [None if box is None else (box.y0, box.y1) for box in held]
    paths = [
        _following(across, size.width_px, frame_size.width_px, smoothing_frames),
        _following(down, size.height_px, frame_size.height_px, smoothing_frames),
    ]
    return still, np.column_stack(paths)


def _around(box: Box | None, margin_px: int, frame_size: Size) -> Box | None:
    return None if box is None else box.grown(margin_px).intersected(frame_box(frame_size))


def _following(
    spans: Sequence[tuple[int, int] | None], length: int, frame_length: int, smoothing_frames: float
) -> NDArray[np.float64]:
    """Starts of a window of ``length`` that holds every span [start, end) and moves steadily."""
    furthest = max(0, frame_length - length)
    low, high = np.zeros(len(spans)), np.full(len(spans), float(furthest))
    for index, span in enumerate(spans):
        if span is not None:
            low[index], high[index] = min(max(0, span[1] - length), furthest), min(span[0], furthest)
    known = np.array([index for index, span in enumerate(spans) if span is not None])
    centres = np.array([(span[0] + span[1] - length) / 2 for span in spans if span is not None])
    wanted = np.clip(np.interp(np.arange(len(spans)), known, centres), low, high)
    return steady_path(wanted, low, high, smoothing_frames)


def plan_crop(
    boxes: Iterable[Box | None],
    frame_size: Size,
    margin_px: int,
    multiple: int = 16,
    max_area_px: int | None = None,
    minimum_side_px: int = 1,
) -> CropPath:
    """The crop of a shot: holds every box and ``margin_px`` around it, as far as the frame reaches.

    ``boxes`` are per frame, None where nothing is marked; parts outside the frame don't count. Both sides of the
    working size are multiples of ``multiple`` and, before scaling, at least ``minimum_side_px``. Where the window has
    more than ``max_area_px`` pixels it is scaled down to fit (aspect kept to within a pixel).
    Raises ShapeError when no box marks anything, or for a negative margin or a multiple below 1.
    """
    if margin_px < 0 or multiple < 1:
        raise ShapeError(f"a crop with margin {margin_px} px and multiple {multiple} is not possible")
    union = union_box(clipped for box in boxes if box and (clipped := box.clipped(frame_size)))
    if union is None:
        raise ShapeError("no box marks anything inside the frame, so there is nothing to crop to")
    wanted = union.grown(margin_px).intersected(frame_box(frame_size)) or union
    size = Size(
        _round_up(max(wanted.width_px, min(minimum_side_px, frame_size.width_px)), multiple),
        _round_up(max(wanted.height_px, min(minimum_side_px, frame_size.height_px)), multiple),
    )
    window_size, working_size = _scaled_to_fit(size, multiple, max_area_px)
    x0 = _placed(wanted.x0, wanted.x1, window_size.width_px, frame_size.width_px)
    y0 = _placed(wanted.y0, wanted.y1, window_size.height_px, frame_size.height_px)
    window = Box(x0, y0, x0 + window_size.width_px, y0 + window_size.height_px)
    return CropPath(frame_size, window, working_size)


def _scaled_to_fit(size: Size, multiple: int, max_area_px: int | None) -> tuple[Size, Size]:
    """``(window size, working size)``: equal where no scaling is needed."""
    area_px = size.width_px * size.height_px
    if max_area_px is None or area_px <= max_area_px:
        return size, size
    scale = math.sqrt(max_area_px / area_px)
    working = Size(
        max(multiple, int(size.width_px * scale) // multiple * multiple),
        max(multiple, int(size.height_px * scale) // multiple * multiple),
    )
    # Rounding the working size changed its aspect; a slightly larger window gives it back.
    scale = min(working.width_px / size.width_px, working.height_px / size.height_px)
    window = Size(
        max(size.width_px, round(working.width_px / scale)), max(size.height_px, round(working.height_px / scale))
    )
    return window, working


def _placed(start: int, end: int, length: int, frame_length: int) -> int:
    """Where a window of ``length`` starts: centred on [start, end), moved into the frame as far as it fits."""
    centred = (start + end - length) // 2
    return max(0, min(centred, frame_length - length))


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def mirrored(start: int, end: int, length: int) -> NDArray[np.intp]:
    """Indices ``start .. end - 1`` folded into ``0 .. length - 1`` without repeating the border sample."""
    if length == 1:
        return np.zeros(end - start, np.intp)
    period = 2 * (length - 1)
    folded = np.arange(start, end) % period
    return np.minimum(folded, period - folded)


def _resampled(image: Image, size: Size) -> Image:
    height, width = image.shape[:2]
    if (width, height) == (size.width_px, size.height_px):
        return image
    shrinks = size.width_px <= width and size.height_px <= height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = cv2.resize(image, (size.width_px, size.height_px), interpolation=method)
    return resized.reshape(size.height_px, size.width_px, *image.shape[2:])  # type: ignore[return-value]


def _require_size(image: NDArray[Any], size: Size, what: str) -> None:
    height, width = image.shape[:2]
    if (width, height) != (size.width_px, size.height_px):
        raise ShapeError(f"the {what} is {width}x{height}, this crop path is made for {size}")
