"""What the recovery measures on: small 8-bit views of the frames, made once per frame and kept while needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask, PlateSettings, PlateSource
from roi_tools.geometry import Box, Size

ANALYSIS_PIXELS = 1_100_000
"""Frames larger than this are analysed at reduced size; recovered pixels still come from the full size."""

BLUR_PX = 1.0
"""Of pictures that are registered with each other."""

THUMBNAIL_WIDTH_PX = 160
BRIGHTEST = np.float32(65504.0)
"""What a 16-bit float holds; EXR may exceed it."""

Gray = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameView:
    """One frame as the analysis sees it; small, since hundreds are held.

    `size`: of the full frame. `box`: of the grown hole in it, None where nothing is hidden; `hole` and `guarded`: the
    hole and the grown hole, (h, w) of the box. `gray`: 8-bit luma at analysis size; `blurred`: the same by BLUR_PX.
    `box_small`: of the grown hole at that size. `thumbnail_known`: (th, tw) where the thumbnail is free of the hole.
    """

    size: Size
    box: Box | None
    hole: Mask
    guarded: Mask
    gray: Gray
    blurred: Gray
    box_small: Box | None
    thumbnail_known: Mask
    _guarded_small: Mask
    _thumbnail: NDArray[np.float16]

    @property
    def guarded_small(self) -> Mask:
        """The grown hole at analysis size."""
        mask = np.zeros(self.gray.shape, bool)
        if self.box_small is not None:
            mask[self.box_small.slices] = self._guarded_small
        return mask

    @property
    def thumbnail(self) -> FloatImage:
        """(th, tw, 3) area-averaged, for colour measurements."""
        return self._thumbnail.astype(np.float32)

    @property
    def scale(self) -> tuple[float, float]:
        """Analysis size over full size, along x and y."""
        return self.gray.shape[1] / self.size.width_px, self.gray.shape[0] / self.size.height_px

    def hidden(self) -> Mask:
        """(H, W) what of the full frame lends no pixels."""
        mask = np.zeros((self.size.height_px, self.size.width_px), bool)
        if self.box is not None:
            mask[self.box.slices] = self.guarded
        return mask


def view_frame(source: PlateSource, frame: int, settings: PlateSettings) -> FrameView:
    """Reads a frame and makes its analysis view."""
    rgb = source.rgb(frame)
    hole = source.hole(frame)
    height, width = hole.shape
    guarded = dilate(hole, settings.guard_px)
    shrink = min(1.0, math.sqrt(ANALYSIS_PIXELS / (width * height)))
    size = (max(round(width * shrink), 1), max(round(height * shrink), 1))
    thumb_size = (min(THUMBNAIL_WIDTH_PX, width), max(round(height * min(THUMBNAIL_WIDTH_PX, width) / width), 1))
    box = box_around(guarded)
    inside = (slice(0), slice(0)) if box is None else box.slices
    gray, small = _luma_8bit(rgb, size), _shrink_mask(guarded, size)
    box_small = box_around(small)
    thumbnail = np.asarray(cv2.resize(rgb, thumb_size, interpolation=cv2.INTER_AREA), np.float32)
    return FrameView(
        size=Size(width, height),
        box=box,
        hole=hole[inside].copy(),
        guarded=guarded[inside].copy(),
        gray=gray,
        blurred=np.asarray(cv2.GaussianBlur(gray, (0, 0), BLUR_PX, borderType=cv2.BORDER_REPLICATE), np.uint8),
        box_small=box_small,
        thumbnail_known=~_shrink_mask(guarded, thumb_size),
        _guarded_small=small[(slice(0), slice(0)) if box_small is None else box_small.slices].copy(),
        # Half the bytes, and finer than eight bits.
        _thumbnail=np.clip(thumbnail, -BRIGHTEST, BRIGHTEST).astype(np.float16),
    )


def box_around(mask: Mask) -> Box | None:
    """The smallest box that holds every True pixel; None where there is none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def dilate(mask: Mask, by_px: int) -> Mask:
    """The mask grown by a disc of the given radius."""
    if by_px <= 0 or not mask.any():
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by_px + 1, 2 * by_px + 1))
    return cv2.dilate(mask.view(np.uint8), disc).astype(bool)


def largest(rgb: FloatImage) -> FloatImage:
    """(...) the largest of the three channels of (..., 3); several times quicker than a maximum along the last axis."""
    return np.asarray(np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2]), np.float32)


def mean_of(rgb: FloatImage) -> FloatImage:
    """(h, w) the mean of the three channels of (h, w, 3); several times quicker than a mean along the last axis."""
    return np.asarray(cv2.transform(rgb, np.full((1, 3), 1.0 / 3.0)), np.float32)


def _luma_8bit(rgb: FloatImage, size: tuple[int, int]) -> Gray:
    luma = cv2.cvtColor(np.ascontiguousarray(rgb, np.float32), cv2.COLOR_RGB2GRAY)
    if (luma.shape[1], luma.shape[0]) != size:
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    # Values beyond [0, 1] and NaN (both occur in EXR) matter to the pixels we return, not to what we measure.
    luma = np.nan_to_num(luma)
    codes = 255.0 * 0.5 ** _stops_over(np.asarray(luma, np.float32))
    return np.rint(np.clip(luma * codes, 0.0, 255.0)).astype(np.uint8)


def _stops_over(luma: FloatImage) -> int:
    """Whole doublings by which the bright parts of a picture exceed 1: it would be white all over to the analysis."""
    bright = float(np.percentile(luma[::4, ::4], 95))
    return max(math.ceil(math.log2(bright)), 0) if bright > 1.0 else 0


def _shrink_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """Any touched sample counts: a half-hidden sample is hidden."""
    if (mask.shape[1], mask.shape[0]) == size:
        return mask
    return cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.0
