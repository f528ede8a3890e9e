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

_SHARPEST_FRAMES = 0.1
"""A Gaussian narrower than this changes nothing."""
_SMOOTHING_ROUNDS = 4
"""Smoothing and keeping the box inside take turns; after a few rounds both hold."""

Image = TypeVar("Image", bound=NDArray[Any])


@dataclass(frozen=True)
class CropPath:
    """One window of constant size over a shot, worked on at ``working_size``. Made by :func:`plan_crop`.

    This window stands still, that of :class:`FollowingCropPath` moves; callers name the frame all the same. Where the
    window leaves the frame (a frame that is no multiple), the frame continues as its own mirror image.
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

    def crop(self, image: Image, frame: int) -> Image:
        """The window's pixels at the working size: (H, W, ...) of the frame -> (working height, width, ...).

        A copy of the same dtype. Scaling down averages areas, scaling up is bicubic (it may overshoot by a little).
        """
        _require_size(image, self.frame_size, "image")
        window = self.window_at(frame)
        rows = _mirrored(window.y0, window.y1, self.frame_size.height_px)
        columns = _mirrored(window.x0, window.x1, self.frame_size.width_px)
        window_image: Image = image[rows[:, np.newaxis], columns]  # type: ignore[assignment]
        return _resampled(window_image, self.working_size)

    def paste(self, image: Image, cropped: Image, frame: int) -> Image:
        """A copy of ``image`` (H, W, ...) whose window holds ``cropped``; the rest is untouched.

        Exact inverse of :meth:`crop` where the crop is not scaled: ``paste(image, crop(image, n), n) == image``.
        """
        _require_size(image, self.frame_size, "image")
        _require_size(cropped, self.working_size, "crop")
        window, inside = self.window_at(frame), self.inside_at(frame)
        result = image.copy()
        result[inside.slices] = _resampled(cropped, window.size)[inside.shifted(-window.x0, -window.y0).slices]
        return result


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
    window holds the box and the margin around it, as far as the frame reaches; within that freedom it moves as smoothly
    as a Gaussian of ``smoothing_frames`` makes it. The rest as :func:`plan_crop`. Raises ShapeError.
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
    wanted = [box.grown(margin_px).intersected(frame_box(frame_size)) or box if box else None for box in inside]
    present = [box for box in wanted if box is not None]
    if not present:
        raise ShapeError("no box marks anything inside the frame, so there is nothing to crop to")
    largest = Box(0, 0, max(box.width_px for box in present), max(box.height_px for box in present))
    # The crop of one box of the largest size has the size that every frame's crop gets.
    still = plan_crop([largest], frame_size, 0, multiple, max_area_px, minimum_side_px)
    spans = (
        [None if box is None else (box.x0, box.x1) for box in wanted],
        [None if box is None else (box.y0, box.y1) for box in wanted],
    )
    size = still.window.size
    lengths = (size.width_px, frame_size.width_px), (size.height_px, frame_size.height_px)
    paths = [_smooth_path(along, *length, smoothing_frames) for along, length in zip(spans, lengths, strict=True)]
    return still, np.column_stack(paths)


def _smooth_path(
    spans: Sequence[tuple[int, int] | None], length: int, frame_length: int, smoothing_frames: float
) -> NDArray[np.float64]:
    """Starts of a window of ``length`` that holds every span [start, end) and moves smoothly."""
    furthest = max(0, frame_length - length)
    low, high = np.zeros(len(spans)), np.full(len(spans), float(furthest))
    for index, span in enumerate(spans):
        if span is not None:
            low[index], high[index] = min(max(0, span[1] - length), furthest), min(max(0, span[0]), furthest)
    known = np.array([index for index, span in enumerate(spans) if span is not None])
    centres = np.array([(span[0] + span[1] - length) / 2 for span in spans if span is not None])
    path = np.clip(np.interp(np.arange(len(spans)), known, centres), low, high)
    for _ in range(_SMOOTHING_ROUNDS):
        path = np.clip(_blurred(path, smoothing_frames), low, high)
    return np.asarray(path)


def _blurred(path: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    if sigma < _SHARPEST_FRAMES:
        return path
    reach = math.ceil(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(path, reach, mode="edge"), weights / weights.sum(), mode="valid")


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


def _mirrored(start: int, end: int, length: int) -> NDArray[np.intp]:
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
