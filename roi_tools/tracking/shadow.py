"""A companion box: a shadow, which lies beside an object, is darker than its background and moves with the object; or
a reflection, which lies below it and departs from the background as the object does, upside down."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box, Size
from roi_tools.shapes import RectF
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.working import FrameSource, WorkingFrames

_DARKEST, _LIGHTEST = 0.2, 0.93
"""What a shadow leaves of the background's brightness."""
_CHANNELS_APART = 0.25
"""A shadow darkens red, green and blue about alike; a thing of its own colour does not."""
_BLACK = 16
"""Backgrounds darker than this (8-bit) don't show a shadow."""
_TOUCHING_SHARE = 0.1
_SMALLEST_SHARE = 0.02
_REACH_SHARE = 0.75
"""How far from its object a shadow is looked for, in lengths of the object's longer side."""
_NOISE_PX = 3
_MIRRORED = 0.5
"""Correlation of how a reflection departs from the background with what its object looks like."""
_VISIBLE = 4.0
"""Mean departure from the background (8-bit) of a reflection that can be seen."""
_LEAST_REFLECTED = 0.25
"""Share of the object's height that must be there to be known as its reflection."""


def propose_shadow(source: FrameSource, span: range, frame: int, rect: RectF, margin_px: float = 4.0) -> RectF | None:
    """A box (source px) around the shadow that the object in ``rect`` casts on ``frame``, else around its reflection;
    None where neither is seen.

    The background is what the frames of ``span`` around it show, moved by the camera; so a shadow that stays where it
    is belongs to it. The proposal touches ``rect`` and may overlap it. For the artist to accept or change.
    """
    frames = WorkingFrames(source)
    image = frames.rgb(frame)
    background = Camera(frames, span).background(frame)
    size = Size(image.shape[1], image.shape[0])
    edges = [round(edge * frames.scale) for edge in rect.as_tuple()]
    box = Box(edges[0], edges[1], max(edges[2], edges[0] + 1), max(edges[3], edges[1] + 1)).clipped(size)
    if background is None or box is None:
        return None
    dark = _darkened(image.astype(np.float32), background)
    dark[box.slices] = 0
    reach = box.grown(round(_REACH_SHARE * max(box.width_px, box.height_px))).clipped(size) or box
    dark[~_inside(reach, dark)] = 0
    found = _touching(dark, box) or _reflected(image.astype(np.float32), background, box)
    if found is None:
        return None
    limits = np.array([size.width_px, size.height_px] * 2) / frames.scale
    grown = np.array(found.as_tuple()) / frames.scale + margin_px * np.array([-1, -1, 1, 1])
    return RectF(*map(float, np.clip(grown, 0, limits)))


def _inside(box: Box, like: NDArray[np.uint8]) -> NDArray[np.bool_]:
    mask = np.zeros(like.shape, bool)
    mask[box.slices] = True
    return mask


def _darkened(image: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where every channel lost about the same share of the background's light. NaN in ``background``: unknown."""
    unknown = np.isnan(background)
    known = np.where(unknown, image, background)  # a blur would carry what is no number along whole rows
    ratio = cv2.blur(image, (3, 3)) / np.maximum(cv2.blur(known, (3, 3)), 1.0)
    ratio[unknown] = np.nan
    # The exposure may differ between the frames: what most of the picture does is no shadow.
    ratio /= np.nanmedian(ratio[::4, ::4].reshape(-1, 3), axis=0)
    with np.errstate(invalid="ignore"):
        alike = ratio.max(axis=2) - ratio.min(axis=2) < _CHANNELS_APART
        mean = ratio.mean(axis=2)
        dark = alike & (mean > _DARKEST) & (mean < _LIGHTEST) & (known.min(axis=2) > _BLACK)
    element = np.ones((_NOISE_PX, _NOISE_PX), np.uint8)
    return np.asarray(cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, element), np.uint8)


def _touching(dark: NDArray[np.uint8], box: Box) -> Box | None:
    """Bounds of the parts of ``dark`` that reach into the box's near surroundings."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    near = box.grown(max(2, round(_TOUCHING_SHARE * max(box.width_px, box.height_px))))
    near = near.clipped(Size(dark.shape[1], dark.shape[0])) or box
    touching = np.bincount(labels[near.slices].ravel(), minlength=count) > 0
    touching[0] = False
    large = touching & (stats[:, cv2.CC_STAT_AREA] >= _SMALLEST_SHARE * box.area_px)
    rows, columns = np.nonzero(large[labels])
    if not rows.size:
        return None
    return Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def _reflected(image: NDArray[np.float32], background: NDArray[np.float32], box: Box) -> Box | None:
    """Where the object's picture lies upside down below its box, as far as the frame goes."""
    departure = np.nan_to_num(cv2.blur(image, (3, 3)).mean(axis=2) - background.mean(axis=2))
    slack = max(2, round(_TOUCHING_SHARE * box.height_px))
    height = min(box.height_px, image.shape[0] - box.y1 - slack)
    if height < max(_LEAST_REFLECTED * box.height_px, 2 * slack):
        return None
    mirrored = np.ascontiguousarray(image[box.slices].mean(axis=2)[::-1][:height], np.float32)
    below = np.ascontiguousarray(departure[box.y1 - slack : box.y1 + slack + height, box.x0 : box.x1], np.float32)
    # What a mirror adds to the ground has the object's shape, not its strength.
    scores = np.nan_to_num(cv2.matchTemplate(below, mirrored, cv2.TM_CCOEFF_NORMED), posinf=-1.0, neginf=-1.0)
    _, best, _, (_, row) = cv2.minMaxLoc(scores)
    y0 = box.y1 - slack + row
    found = Box(box.x0, max(y0, box.y1), box.x1, y0 + height)
    is_seen = float(np.abs(departure[found.slices]).mean()) > _VISIBLE
    return found if best > _MIRRORED and is_seen else None
