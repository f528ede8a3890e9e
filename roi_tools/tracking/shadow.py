"""A companion box: a shadow, which lies beside an object, is darker than its background and moves with the object; or
a reflection, which lies below it and departs from the background as the object does, upside down."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import TrackingError
from roi_tools.geometry import Box, Size
from roi_tools.matte import bounds
from roi_tools.shapes import RectF
from roi_tools.tracking.boxes import TrackedBox, follow_near
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.region import transformed
from roi_tools.tracking.working import FrameSource, WorkingFrames

_DARKEST, _LIGHTEST = 0.2, 0.93
"""What a shadow leaves of the background's brightness."""
_CHANNELS_APART = 0.25
"""A shadow darkens red, green and blue about alike; a thing of its own colour does not."""
_BLACK = 16
"""Backgrounds darker than this (8-bit) don't show a shadow."""
_TOUCHING_SHARE = 0.1
_SMALLEST_SHARE, _LARGEST_SHARE = 0.02, 1.0
"""Area of a shadow, in areas of the object's box."""
_REACH_SHARE = 1.0
"""How far from its object a shadow may reach, in lengths of the object's longer side."""
_SHADING_SHARE = 2.0
"""What changes over more than so many of these lengths is the lens or the light."""
_FINEST_SHARE = 0.04
"""Dark specks and lines that are thinner, in these lengths, come from edges that don't lie on each other."""
_NOISE_PX = 3
_STEPS = (-8, -4, 4, 8)
"""Frames on which it is looked whether the shadow has gone along."""
_FEWEST_VOTES = 2
_MOVED_SHARE = 0.08
"""How far the object has to go against the camera, in these lengths, to tell its shadow from a dark place."""
_SURE = 0.4
"""Confidence of a tracked box from which on it tells where the object went."""
_PATTERN_PX, _LARGEST_PATTERN = 9, 0.085
"""Standard deviation, over so many px, of the share of light that is left: shadows' is less. Chosen on painted shadows
over real clips (0.02 to 0.08) and people beside the object there (from 0.09)."""
_SLACK_SHARE = 0.04
"""How far a shadow may lie from where its object's feet went, in these lengths."""
_GONE_ALONG = 0.5
"""Share of the shadow that has to be dark where it would be if it had gone along."""
_RATHER_THAN_STAYED = 0.15
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
    size = Size(frames.rgb(frame).shape[1], frames.rgb(frame).shape[0])
    edges = [round(edge * frames.scale) for edge in rect.as_tuple()]
    box = Box(edges[0], edges[1], max(edges[2], edges[0] + 1), max(edges[3], edges[1] + 1)).clipped(size)
    camera = Camera(frames, span)
    here = None if box is None else _look(frames, camera, frame, _longer(box))
    if box is None or here is None:
        return None
    found = _cast(frames, camera, span, frame, here, box) or _reflected(here, box)
    if found is None:
        return None
    limits = np.array([size.width_px, size.height_px] * 2) / frames.scale
    grown = np.array(found.as_tuple()) / frames.scale + margin_px * np.array([-1, -1, 1, 1])
    return RectF(*map(float, np.clip(grown, 0, limits)))


@dataclass(frozen=True)
class _Look:
    """A frame beside its background: both as floats, (h, w, 3), NaN where the background is unknown; what is dark."""

    image: NDArray[np.float32]
    background: NDArray[np.float32]
    dark: NDArray[np.uint8]


def _look(frames: WorkingFrames, camera: Camera, frame: int, length_px: int) -> _Look | None:
    background = camera.background(frame)
    if background is None:
        return None
    image = frames.rgb(frame).astype(np.float32)
    return _Look(image, background, _darkened(image, background, length_px))


def _longer(box: Box) -> int:
    return max(box.width_px, box.height_px)


def _cast(frames: WorkingFrames, camera: Camera, span: range, frame: int, here: _Look, box: Box) -> Box | None:
    """Bounds of the shadow beside ``box``; None where nothing that is dark there went along with the object."""
    parts = [part for part in _touching(here.dark, box) if _is_even(here, part)]
    feet = _feet(RectF.from_box(box))
    votes: list[list[bool]] = [[] for _ in parts]
    for other, tracked in _tracked(frames, span, frame, box).items() if parts else ():
        way = _feet(tracked.rect) - feet
        stay = transformed(feet[np.newaxis], camera.between(frame, other))[0] - feet
        if tracked.confidence < _SURE or np.hypot(*(way - stay)) < max(2.0, _MOVED_SHARE * _longer(box)):
            continue
        there = _look(frames, camera, other, _longer(box))
        if there is not None:
            for told, part in zip(votes, parts, strict=True):
                told.append(_went_along(part, there.dark, way, stay, _longer(box)))
    # Nothing told is no shadow, either.
    went = [part for told, part in zip(votes, parts, strict=True) if sum(told) >= max(_FEWEST_VOTES, len(told) / 2)]
    shadow = np.any(went, axis=0) if went else np.zeros_like(here.dark)
    is_sized = 0 < np.count_nonzero(shadow) <= _LARGEST_SHARE * box.area_px
    return bounds(shadow.astype(np.float32)) if is_sized else None


def _is_even(here: _Look, part: NDArray[np.bool_]) -> bool:
    """Whether the light that is left changes smoothly over ``part``: a thing that is dark has a pattern of its own."""
    ratio = cv2.blur(here.image, (3, 3)).mean(axis=2) / np.maximum(cv2.blur(here.background, (3, 3)).mean(axis=2), 1.0)
    fine = ratio - cv2.blur(np.nan_to_num(ratio, nan=1.0), (_PATTERN_PX, _PATTERN_PX))
    return float(fine[part].std()) < _LARGEST_PATTERN


def _tracked(frames: WorkingFrames, span: range, frame: int, box: Box) -> dict[int, TrackedBox]:
    """The object's box on frames around ``frame``, in working px."""
    try:
        found = follow_near(frames.rgb, span, frame, RectF.from_box(box), max(_STEPS))
    except TrackingError:  # too small to be followed
        return {}
    return {other: found[other] for other in (frame + step for step in _STEPS) if other in found}


def _feet(rect: RectF) -> NDArray[np.float64]:
    """Where a shadow begins: x, y."""
    return np.array([(rect.x0 + rect.x1) / 2, rect.y1])


def _went_along(
    part: NDArray[np.bool_],
    dark: NDArray[np.uint8],
    way: NDArray[np.float64],
    stay: NDArray[np.float64],
    length_px: int,
) -> bool:
    """Whether ``part`` is on another frame where the object went, and less of it where the scene's place went."""
    slack = 2 * max(1, round(_SLACK_SHARE * length_px)) + 1
    near = np.asarray(cv2.dilate(dark, np.ones((slack, slack), np.uint8)), np.uint8)
    shape = part.astype(np.uint8)
    along = _share_dark(shape, near, way)
    return along > _GONE_ALONG and along > _share_dark(shape, near, stay) + _RATHER_THAN_STAYED


def _share_dark(shadow: NDArray[np.uint8], dark: NDArray[np.uint8], way: NDArray[np.float64]) -> float:
    """Share of ``shadow``, moved by ``way``, that is dark, as far as it is on the frame; 0 where little of it is."""
    matrix = np.array([[1, 0, way[0]], [0, 1, way[1]]])
    moved = cv2.warpAffine(shadow, matrix, shadow.shape[::-1], flags=cv2.INTER_NEAREST).astype(bool)
    area = np.count_nonzero(moved)
    return float(np.count_nonzero(dark[moved]) / area) if area > 0.5 * np.count_nonzero(shadow) else 0.0


def _darkened(image: NDArray[np.float32], background: NDArray[np.float32], length_px: int) -> NDArray[np.uint8]:
    """1 where every channel lost about the same share of the background's light. NaN in ``background``: unknown."""
    unknown = np.isnan(background)
    known = np.where(unknown, image, background)  # a blur would carry what is no number along whole rows
    ratio = cv2.blur(image, (3, 3)) / np.maximum(cv2.blur(known, (3, 3)), 1.0)
    # The exposure may differ between the frames, at the frame's edges more than in its middle: what a whole
    # neighbourhood does is no shadow.
    window = 2 * round(_SHADING_SHARE * length_px / 2) + 1
    ratio /= np.maximum(cv2.blur(np.clip(ratio, 0.5, 1.5), (window, window)), 0.1)
    alike = ratio.max(axis=2) - ratio.min(axis=2) < _CHANNELS_APART
    mean = ratio.mean(axis=2)
    dark = alike & (mean > _DARKEST) & (mean < _LIGHTEST) & (known.min(axis=2) > _BLACK) & ~unknown.any(axis=2)
    finest = max(_NOISE_PX, round(_FINEST_SHARE * length_px))
    return np.asarray(cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, np.ones((finest, finest))), np.uint8)


def _touching(dark: NDArray[np.uint8], box: Box) -> list[NDArray[np.bool_]]:
    """The parts of ``dark`` outside the box that begin beside it and end not far from it."""
    size = Size(dark.shape[1], dark.shape[0])
    outside = dark.copy()
    outside[box.slices] = 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=8)
    near = box.grown(max(2, round(_TOUCHING_SHARE * _longer(box)))).clipped(size) or box
    reach = box.grown(round(_REACH_SHARE * _longer(box))).clipped(size) or box
    fits = np.bincount(labels[near.slices].ravel(), minlength=count) > 0
    beyond = labels.copy()
    beyond[reach.slices] = 0
    fits[np.unique(beyond)] = False
    fits[0] = False
    areas = stats[:, cv2.CC_STAT_AREA] / box.area_px
    fits &= (areas >= _SMALLEST_SHARE) & (areas <= _LARGEST_SHARE)
    return [np.asarray(labels == number) for number in np.flatnonzero(fits)]


def _reflected(here: _Look, box: Box) -> Box | None:
    """Where the object's picture lies upside down below its box, as far as the frame goes."""
    image, background = here.image, here.background
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
