"""Following an object's outline: a soft mask carried by optical flow, corrected by motion and colour.

A pixel that departs from the background as the camera sees it keeps the label that the flow carries to it, and its
colour may change it; a pixel that does not depart is background, the surer the more the object moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box
from roi_tools.tracking.appearance import Appearance, Mask
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.region import RegionTracker, Registration, transformed
from roi_tools.tracking.working import WorkingFrames

Reach: TypeAlias = tuple[float, float, float, float]
"""x0, y0, x1, y1 in working px: where the object may be."""

# Log odds; tuned on clips with masks drawn by hand (bench/tracking.py).
_COLOUR_WEIGHT, _LARGEST_COLOUR = 0.6, 3.0
_STILL_IS_BACKGROUND = 6.0
_DEPARTED_IS_OBJECT = 1.5
_LARGEST_CARRIED, _CARRIED_OF_A_STILL_OBJECT = 1.5, 2.5
_OUT_OF_REACH = 8.0
_CARRIED_BLUR_PX = 3.0

_NOISE_FACTOR = 4.0
"""A pixel departs when it does so by this many times the frame's median departure."""
_DEPARTURE_RANGE = (10.0, 30.0)
_DEPARTURE_SOFTNESS = 5.0
_SHRINKING = 0.95
"""Per frame: how much of what the reach has more than the outline stays, so that a hidden object is found again."""
_REACH_SHARE, _REACH_PX = 0.1, 2.0
_RIGID_CONFIDENCE = 0.3
_FEWEST_PX = 8
_GAP_SHARE, _NARROWEST_GAP_PX = 0.5, 3
"""Parts that are further apart than this share of the object's size (the root of its area) belong to two objects."""
_TOO_LARGE = 1.3
_SIZE_WEIGHT = 2.0
_GROWTH, _IMPLAUSIBLE = 0.06, 1.6
"""By how much an object's area changes from frame to frame, at most; and from which ratio on it is not its area."""
_SMALLEST_SHARE = 0.02
"""Of the keyframe's area: less than this is what noise leaves where the object was."""


_LEAST_OF_BOX = 0.1
"""A first mask that fills less of the artist's box than this is none."""
_CORE_SHARE = 0.35
"""How much of a box's width and height belongs to the object for sure."""


@dataclass(frozen=True)
class Outline:
    """The object on one frame."""

    frame: int
    mask: Mask
    appearance: Appearance
    confidence: float
    """Overlap of the mask with what was expected, 0 to 1; 0 where the object was not found."""
    moving: float
    """Share of the object that departs from the background, over the last frames."""
    reach: Reach
    usual_px: float
    """Its area, px^2: that of the keyframe, and since then only as much more or less as objects change in size."""

    @property
    def box(self) -> Box | None:
        """The box of the solid part, without single pixels that stick out."""
        solid = self.mask > 0.5
        rows, columns = np.flatnonzero(solid.sum(axis=1) > 1), np.flatnonzero(solid.sum(axis=0) > 1)
        if not rows.size or not columns.size:
            return None
        return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)

    @property
    def plausibility(self) -> float:
        """1 where its size is one that the object may have; less, the more of something else it has taken up."""
        return min(1.0, _IMPLAUSIBLE * self.usual_px / max(self.area_px, 1))

    @property
    def area_px(self) -> int:
        """Of the solid part, px^2."""
        return int(np.count_nonzero(self.mask > 0.5))

    def has_parted(self, before: Outline) -> bool:
        """Whether another object went that the mask of the frame before held, or the object came out of hiding."""
        return not self.is_doubtful and (before.confidence == 0 or before.area_px > _IMPLAUSIBLE * self.area_px)

    def within_itself(self) -> Outline:
        """With no more reach than it has itself: what it held of another object leads there no more."""
        rows, columns = np.flatnonzero((self.mask > 0.5).any(axis=1)), np.flatnonzero((self.mask > 0.5).any(axis=0))
        reach = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
        return replace(self, reach=reach)

    @property
    def is_doubtful(self) -> bool:
        """Whether the object is hidden, or the mask holds more than it."""
        return self.confidence == 0 or self.plausibility < 1


def start_outline(frames: WorkingFrames, camera: Camera, frame: int, box: Box) -> Outline:
    """The object inside ``box`` (working px): GrabCut of the box against its surroundings, helped by motion."""
    image, departure = frames.rgb(frame), camera.departure(frame)
    inside = np.zeros(image.shape[:2], np.float32)
    inside[box.slices] = 1
    departs = np.nan_to_num(departure, nan=np.inf) > _DEPARTURE_RANGE[0] + 4
    labels = np.where(inside > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if np.count_nonzero(departs & np.isfinite(departure) & (inside > 0)) > 0.15 * box.area_px:
        labels[(inside > 0) & ~departs] = cv2.GC_PR_BGD
    more_x, more_y = max(4, box.width_px // 2), max(4, box.height_px // 2)
    window = np.s_[max(0, box.y0 - more_y) : box.y1 + more_y, max(0, box.x0 - more_x) : box.x1 + more_x]
    mask = np.zeros_like(inside)
    mask[window] = _grab_cut(image[window], labels[window])
    if mask.sum() < _LEAST_OF_BOX * box.area_px:  # all of it looked like its surroundings: a part is held against that
        labels[_core(box, inside.shape)] = cv2.GC_FGD
        mask[window] = _grab_cut(image[window], labels[window])
    if mask.sum() < _LEAST_OF_BOX * box.area_px:  # nothing stands out: the artist's box is the best there is
        mask = inside * np.float32(0.9)
    known = (mask > 0.5) & np.isfinite(departure)
    moving = float(departs[known].mean()) if known.any() else 0.5
    appearance = Appearance.of(image, mask, _surroundings(mask, inside))
    x0, y0, x1, y1 = box.as_tuple()
    reach = (float(x0), float(y0), float(x1), float(y1))
    return Outline(frame, mask, appearance, 1.0, moving, reach, max(float((mask > 0.5).sum()), 1.0))


class OutlineFollower:
    """Carries an outline from its keyframe to the next frames, in one direction."""

    def __init__(self, frames: WorkingFrames, camera: Camera, key: Outline) -> None:
        self._frames = frames
        self._camera = camera
        self._key = key
        solid = (key.mask > 0.5).astype(np.uint8)
        self._rigid = RegionTracker(frames.gray, key.frame, solid, "similarity", camera.between)
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def follow(self, outline: Outline, frame: int) -> Outline:
        """The object on ``frame``, next to the frame of ``outline``. Confidence 0 where it is not to be found."""
        carried, reach = self._expected(outline, frame)
        departure = self._camera.departure(frame)
        threshold = departure_threshold(departure)
        odds = self._log_odds(outline, frame, carried, departure, threshold)
        odds[~_region(reach, odds.shape)] -= _OUT_OF_REACH
        mask = _one_object(_connected(_probability(odds), carried), carried, outline.usual_px)
        solid = mask > 0.5
        if np.count_nonzero(solid) < max(_FEWEST_PX, _SMALLEST_SHARE * float(self._key.mask.sum())):
            return replace(outline, frame=frame, mask=carried, confidence=0.0, reach=reach)
        return Outline(
            frame,
            mask,
            self._learned(outline.appearance, frame, mask, carried),
            _overlap(solid, carried > 0.5),
            _moving(outline.moving, solid, departure, threshold),
            _narrowed(mask, reach),
            _usual(outline.usual_px, int(np.count_nonzero(solid))),
        )

    def _expected(self, outline: Outline, frame: int) -> tuple[Mask, Reach]:
        """The mask carried to ``frame`` and where the object may be; by the keyframe itself where it is recognised."""
        rigid = self._rigid.follow(frame)
        if rigid is not None and rigid.is_anchored and rigid.confidence > _RIGID_CONFIDENCE:
            return self._registered(rigid)
        flow = self._flow.calc(self._frames.gray(frame), self._frames.gray(outline.frame), None)  # type: ignore[call-overload]
        height, width = outline.mask.shape
        columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        carried = cv2.remap(outline.mask, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)
        mask = np.asarray(carried, np.float32)
        return mask, _carried_reach(outline, mask)

    def _registered(self, rigid: Registration) -> tuple[Mask, Reach]:
        x0, y0, x1, y1 = self._key.reach
        corners = transformed(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), rigid.matrix)
        height, width = self._key.mask.shape
        moved = cv2.warpPerspective(self._key.mask, rigid.matrix, (width, height))
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return np.asarray(moved, np.float32), (float(left), float(top), float(right), float(bottom))

    def _log_odds(
        self, outline: Outline, frame: int, carried: Mask, departure: NDArray[np.float32], threshold: float
    ) -> NDArray[np.float32]:
        mover = float(np.clip((outline.moving - 0.25) / 0.35, 0, 1))
        image = self._frames.rgb(frame)
        departs = np.nan_to_num(_probability((departure - threshold) / (2 * _DEPARTURE_SOFTNESS)), nan=0.5)
        height, width = carried.shape
        matrix = self._camera.between(outline.frame, frame)
        still = np.asarray(cv2.warpPerspective(outline.mask, matrix, (width, height)), np.float32)
        stays = _logit(np.minimum(still, carried)) - _STILL_IS_BACKGROUND * mover
        largest = _LARGEST_CARRIED + _CARRIED_OF_A_STILL_OBJECT * (1 - mover)
        blurred = np.asarray(cv2.GaussianBlur(carried, (0, 0), _CARRIED_BLUR_PX), np.float32)
        colour = np.clip(outline.appearance.log_ratio(image), -_LARGEST_COLOUR, _LARGEST_COLOUR)
        seen = cv2.GaussianBlur(departs * (_COLOUR_WEIGHT * colour + _DEPARTED_IS_OBJECT * mover), (0, 0), 1.0)
        odds = (1 - departs) * stays + departs * np.clip(_logit(blurred), -largest, largest) + seen
        return np.asarray(odds, np.float32)

    def _learned(self, appearance: Appearance, frame: int, mask: Mask, carried: Mask) -> Appearance:
        solid = (mask > 0.5).astype(np.float32)
        return appearance.updated(self._frames.rgb(frame), solid * (carried > 0.5), _surroundings(mask, solid))


def _core(box: Box, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """An ellipse in the middle of the box: an artist puts a box around its object."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    across = (columns + 0.5 - (box.x0 + box.x1) / 2) / (0.5 * _CORE_SHARE * box.width_px)
    down = (rows + 0.5 - (box.y0 + box.y1) / 2) / (0.5 * _CORE_SHARE * box.height_px)
    return np.asarray(across**2 + down**2 < 1)


def _grab_cut(image: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    image, labels = np.ascontiguousarray(image), np.ascontiguousarray(labels)
    cv2.setRNGSeed(1)  # its mixtures start from random clusters; a track must come out the same every time
    models = np.zeros((1, 65)), np.zeros((1, 65))
    if len(np.unique(labels)) > 1:
        cv2.grabCut(image, labels, None, *models, 4, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _surroundings(mask: Mask, inside: Mask) -> Mask:
    """1 around the object, half its size far, but not on it."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    near = np.zeros_like(mask)
    near[
        max(0, rows[0] - height // 2) : rows[-1] + height // 2,
        max(0, columns[0] - width // 2) : columns[-1] + width // 2,
    ] = 1
    near[cv2.dilate((mask > 0.3).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0] = 0
    return near


def departure_threshold(departure: NDArray[np.float32]) -> float:
    """From which departure (8-bit codes) on a pixel is something other than the background; by the frame's noise."""
    known = departure[np.isfinite(departure)]
    return float(np.clip(_NOISE_FACTOR * np.median(known), *_DEPARTURE_RANGE)) if known.size else _DEPARTURE_RANGE[1]


def _probability(log_odds: NDArray[np.float32]) -> Mask:
    """Of twice the log odds, which sharpens the edge."""
    return np.asarray(1 / (1 + np.exp(np.clip(-2 * log_odds, -30, 30))), np.float32)


def _logit(mask: Mask) -> NDArray[np.float32]:
    return np.log((mask + np.float32(0.02)) / (np.float32(1.02) - mask))


def _overlap(mask: NDArray[np.bool_], expected: NDArray[np.bool_]) -> float:
    either = int(np.count_nonzero(mask | expected))
    return int(np.count_nonzero(mask & expected)) / max(either, 1)


def _moving(before: float, solid: NDArray[np.bool_], departure: NDArray[np.float32], threshold: float) -> float:
    known = solid & np.isfinite(departure)
    return 0.95 * before + 0.05 * float((departure[known] > threshold).mean()) if known.any() else before


def _centre(mask: Mask) -> tuple[float, float] | None:
    """Centre of gravity in px; None for next to nothing."""
    columns, rows = mask.sum(axis=0, dtype=np.float64), mask.sum(axis=1, dtype=np.float64)
    total = float(columns.sum())
    if total <= _FEWEST_PX:
        return None
    return float(columns @ np.arange(columns.size)) / total, float(rows @ np.arange(rows.size)) / total


def _carried_reach(outline: Outline, carried: Mask) -> Reach:
    before, now = _centre(outline.mask), _centre(carried)
    if before is None or now is None or outline.confidence == 0:
        return outline.reach
    dx, dy = now[0] - before[0], now[1] - before[1]
    x0, y0, x1, y1 = outline.reach
    return x0 + dx, y0 + dy, x1 + dx, y1 + dy


def _narrowed(mask: Mask, reach: Reach) -> Reach:
    """The mask's bounds and, less from frame to frame, the reach before."""
    rows, columns = np.flatnonzero((mask > 0.5).any(axis=1)), np.flatnonzero((mask > 0.5).any(axis=0))
    low, high = (float(columns[0]), float(rows[0])), (float(columns[-1] + 1), float(rows[-1] + 1))
    x0, y0 = (min(a, a + _SHRINKING * (b - a)) for a, b in zip(low, reach[:2], strict=True))
    x1, y1 = (max(a, a + _SHRINKING * (b - a)) for a, b in zip(high, reach[2:], strict=True))
    return x0, y0, x1, y1


def _region(reach: Reach, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = reach
    more_x, more_y = _REACH_SHARE * (x1 - x0) + _REACH_PX, _REACH_SHARE * (y1 - y0) + _REACH_PX
    region = np.zeros(shape, bool)
    rows = slice(max(0, round(y0 - more_y)), max(0, round(y1 + more_y)))
    region[rows, max(0, round(x0 - more_x)) : max(0, round(x1 + more_x))] = True
    return region


def _one_object(mask: Mask, carried: Mask, usual_px: float) -> Mask:
    """Without what has parted from the object: of groups of parts that lie well apart, the one most like it.

    Another object that crossed in front may have been taken for a part of this one: then there is more of it than
    there can be, and once they part only one is it.
    """
    solid = (mask > 0.5).astype(np.uint8)
    if float(solid.sum()) <= _TOO_LARGE * usual_px:
        return mask
    columns, rows = np.flatnonzero(solid.any(axis=0)), np.flatnonzero(solid.any(axis=1))
    reach = max(_NARROWEST_GAP_PX, round(_GAP_SHARE * math.sqrt(float(solid.sum())) / 2))
    around = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    joined = cv2.dilate(solid[around], np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    if count <= 2:
        return mask
    groups = [np.where(labels == number, mask[around], 0).astype(np.float32) for number in range(1, count)]
    scores = [_likeness(group, carried[around], usual_px) for group in groups]
    kept = np.zeros_like(mask)
    kept[around] = groups[int(np.argmax(scores))]
    return kept


def _usual(usual_px: float, area_px: int) -> float:
    """The usual area after a frame with ``area_px``: unchanged where that is another object's as well."""
    change = area_px / usual_px
    is_plausible = 1 / _IMPLAUSIBLE < change < _IMPLAUSIBLE
    return usual_px * min(max(change, 1 - _GROWTH), 1 + _GROWTH) if is_plausible else usual_px


def _likeness(group: Mask, carried: Mask, usual_px: float) -> float:
    """Log odds, up to a constant, that a group of parts is the object: it was expected there, and is of its size."""
    expected = float(np.minimum(group, carried).sum()) / max(float(carried.sum()), 1.0)
    larger = math.log(max(float((group > 0.5).sum()), 1.0) / usual_px)
    return math.log(expected + 0.05) - _SIZE_WEIGHT * larger**2


def _connected(mask: Mask, carried: Mask) -> Mask:
    """Without small specks, and without smaller parts that touch nothing of the carried outline."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8), connectivity=8)
    overlap = np.bincount(labels.ravel(), (carried > 0.4).ravel(), count)
    areas = stats[:, cv2.CC_STAT_AREA]
    largest = areas[1:].max(initial=1)
    keep = ((overlap > 0.15 * areas) & (areas > 0.02 * largest)) | (areas > 0.1 * largest)
    keep[0] = True
    return np.asarray(mask * keep[labels], np.float32)
