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

from roi_tools.geometry import Box, Size
from roi_tools.tracking.appearance import Appearance, Cells, Mask, colour_cells
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.region import Matrix, RegionTracker, Registration, transformed
from roi_tools.tracking.working import WorkingFrames

Reach: TypeAlias = tuple[float, float, float, float]
"""x0, y0, x1, y1 in working px: where the object may be."""

# Log odds; tuned on clips with masks drawn by hand (bench/tracking.py).
_COLOUR_WEIGHT, _LARGEST_COLOUR = 0.6, 3.0
_STILL_IS_BACKGROUND = 6.0
_DEPARTED_IS_OBJECT = 1.5
_LARGEST_CARRIED, _CARRIED_OF_A_STILL_OBJECT = 1.5, 2.5
_OUT_OF_REACH = 8.0
_OTHERS, _AS_BEFORE = 2.0, 0.5
"""Against what goes with the camera, and how much of that against what belonged to something else before."""
_TELLING_PX, _GOES_ALONG = 1.0, 0.3
"""How far the object has to go against the camera per frame for what goes less than a share of that to be no part."""
_OVERLAP_POWER = 0.25
"""The overlap with what was expected says little beside the colours."""
_CARRIED_BLUR_PX = 3.0

_NOISE_FACTOR = 4.0
"""A pixel departs when it does so by this many times the frame's median departure."""
_DEPARTURE_RANGE = (10.0, 30.0)
_DEPARTURE_SOFTNESS = 5.0
_SHRINKING = 0.95
"""Per frame: how much of what the reach has more than the outline stays, so that a hidden object is found again."""
_REACH_SHARE, _REACH_PX = 0.1, 2.0
_RIGID_CONFIDENCE = 0.3
_OFTEN_UNRECOGNISED, _LOOKED_FOR_EVERY = 6, 3
"""After so many frames on which the keyframe was not recognised it is looked for on every third frame only."""
_FEWEST_PX = 8
_FEATURES = 80
"""Of the keyframe: a similarity needs few, and each costs time on every frame."""
_WINDOW_PX = 10
"""Around the reach: what blurs and specks there may need."""
_FAINT = 0.02
_FLOW_MARGIN_PX, _FLOW_MARGIN_SHARE = 24, 0.35
"""Around the outline: as far as an object goes from one frame to the next."""
_GAP_SHARE, _NARROWEST_GAP_PX = 0.5, 3
"""Parts that are further apart than this share of the object's size (the root of its area) belong to two objects."""
_TOO_LARGE = 1.3
_SIZE_WEIGHT = 2.0
_GROWTH, _IMPLAUSIBLE = 0.03, 1.6
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
    """How much its colours are those of the keyframe, and its mask what was expected, 0 to 1; 0: it was not found."""
    moving: float
    """Share of the object that departs from the background, over the last frames."""
    reach: Reach
    usual_px: float
    """Its area, px^2: that of the keyframe, and since then only as much more or less as objects change in size."""
    others: Mask
    """(h, w): how surely a pixel belongs to something else that departs from the background, as far as known."""

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
    appearance = Appearance.of(colour_cells(image), mask, _surroundings(mask, inside))
    x0, y0, x1, y1 = box.as_tuple()
    reach = (float(x0), float(y0), float(x1), float(y1))
    others = (departs & np.isfinite(departure)) * (1 - mask)
    return Outline(
        frame, mask, appearance, 1.0, moving, reach, max(float((mask > 0.5).sum()), 1.0), others.astype(np.float32)
    )


@dataclass(frozen=True)
class _Expected:
    """What the frame before lets one expect."""

    mask: Mask
    others: Mask
    """How surely a pixel is something else: it was before, or it goes with the camera and the object does not."""
    reach: Reach


@dataclass(frozen=True)
class _Seen:
    """What a part of a frame shows."""

    frame: int
    window: Box
    departure: NDArray[np.float32]
    threshold: float
    cells: Cells

    @property
    def departs(self) -> NDArray[np.bool_]:
        """What is not background, as far as that is known."""
        return np.asarray(self.departure > self.threshold)


class OutlineFollower:
    """Carries an outline from its keyframe to the next frames, in one direction."""

    def __init__(self, frames: WorkingFrames, camera: Camera, key: Outline) -> None:
        self._frames = frames
        self._camera = camera
        self._key = key
        solid = (key.mask > 0.5).astype(np.uint8)
        self._rigid = RegionTracker(frames.gray, key.frame, solid, "similarity", camera.between, _FEATURES)
        self._unrecognised = 0
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def follow(self, outline: Outline, frame: int) -> Outline:
        """The object on ``frame``, next to the frame of ``outline``. Confidence 0 where it is not to be found."""
        expected = self._expected(outline, frame)
        region = _region(expected.reach, expected.mask.shape)
        hidden = replace(outline, frame=frame, mask=expected.mask, confidence=0.0, reach=expected.reach)
        if region is None:
            return hidden
        seen = self._seen(frame, region.grown(_WINDOW_PX).clipped(_size(expected.mask)) or region)
        mask = self._found(outline, expected, seen, region)
        solid = mask > 0.5
        if np.count_nonzero(solid) < max(_FEWEST_PX, _SMALLEST_SHARE * float(self._key.mask.sum())):
            return hidden
        others = np.zeros_like(mask)
        others[seen.window.slices] = seen.departs * (1 - mask[seen.window.slices])
        appearance, sureness = self._learned(outline.appearance, frame, mask, expected.mask)
        return Outline(
            frame,
            mask,
            appearance,
            sureness * _overlap(solid, expected.mask > 0.5) ** _OVERLAP_POWER,
            _moving(outline.moving, solid[seen.window.slices], seen),
            _narrowed(mask, expected.reach),
            _usual(outline.usual_px, int(np.count_nonzero(solid))),
            others,
        )

    def _expected(self, outline: Outline, frame: int) -> _Expected:
        """The mask carried to ``frame`` and where the object may be; by the keyframe itself where it is recognised."""
        rigid = self._recognised(frame)
        if rigid is not None:
            mask, reach = self._registered(rigid)
            return _Expected(mask, np.zeros_like(mask), reach)
        window = _around(outline)
        now, before = (np.ascontiguousarray(self._frames.gray(n)[window.slices]) for n in (frame, outline.frame))
        flow = np.asarray(self._flow.calc(now, before, None), np.float32)  # type: ignore[call-overload]
        height, width = now.shape
        columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        came = columns + flow[..., 0], rows + flow[..., 1]
        mask, others = np.zeros_like(outline.mask), np.zeros_like(outline.mask)
        mask[window.slices] = cv2.remap(outline.mask[window.slices], *came, cv2.INTER_LINEAR)
        carried = cv2.remap(outline.others[window.slices], *came, cv2.INTER_LINEAR)
        against = flow - _steps(_within(window, self._camera.between(frame, outline.frame)), columns, rows)
        others[window.slices] = np.maximum(_AS_BEFORE * carried, _with_camera(against, mask[window.slices]))
        return _Expected(mask, others, _carried_reach(outline, mask))

    def _seen(self, frame: int, window: Box) -> _Seen:
        departure = self._camera.departure(frame, window)
        cells = colour_cells(self._frames.rgb(frame)[window.slices])
        return _Seen(frame, window, departure, departure_threshold(self._camera.noise(frame)), cells)

    def _found(self, outline: Outline, expected: _Expected, seen: _Seen, region: Box) -> Mask:
        """The object's mask, where it is within ``region``."""
        odds = self._log_odds(outline, expected, seen)
        inside = np.zeros(odds.shape, bool)
        inside[region.shifted(-seen.window.x0, -seen.window.y0).slices] = True
        odds[~inside] -= _OUT_OF_REACH
        carried = expected.mask[seen.window.slices]
        mask = np.zeros_like(expected.mask)
        connected = _connected(_probability(odds), carried)
        mask[seen.window.slices] = _one_object(connected, carried, outline.usual_px)
        return mask

    def _recognised(self, frame: int) -> Registration | None:
        """The keyframe registered to ``frame``; looked for less often where it was not found for long."""
        self._unrecognised += 1
        if self._unrecognised > _OFTEN_UNRECOGNISED and self._unrecognised % _LOOKED_FOR_EVERY:
            return None
        rigid = self._rigid.follow(frame)
        if rigid is None or not rigid.is_anchored or rigid.confidence <= _RIGID_CONFIDENCE:
            return None
        self._unrecognised = 0
        return rigid

    def _registered(self, rigid: Registration) -> tuple[Mask, Reach]:
        x0, y0, x1, y1 = self._key.reach
        corners = transformed(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), rigid.matrix)
        height, width = self._key.mask.shape
        moved = cv2.warpPerspective(self._key.mask, rigid.matrix, (width, height))
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return np.asarray(moved, np.float32), (float(left), float(top), float(right), float(bottom))

    def _log_odds(self, outline: Outline, expected: _Expected, seen: _Seen) -> NDArray[np.float32]:
        mover = float(np.clip((outline.moving - 0.25) / 0.35, 0, 1))
        away = (seen.departure - seen.threshold) / (2 * _DEPARTURE_SOFTNESS)
        departs = np.nan_to_num(_probability(away), nan=0.5)
        held = _to(seen.window) @ self._camera.between(outline.frame, seen.frame)
        still = cv2.warpPerspective(outline.mask, held, (seen.window.width_px, seen.window.height_px))
        carried = expected.mask[seen.window.slices]
        stays = _logit(np.minimum(np.asarray(still, np.float32), carried)) - _STILL_IS_BACKGROUND * mover
        largest = _LARGEST_CARRIED + _CARRIED_OF_A_STILL_OBJECT * (1 - mover)
        blurred = np.asarray(cv2.GaussianBlur(carried, (0, 0), _CARRIED_BLUR_PX), np.float32)
        colour = np.clip(outline.appearance.log_ratio(seen.cells), -_LARGEST_COLOUR, _LARGEST_COLOUR)
        shown = cv2.GaussianBlur(departs * (_COLOUR_WEIGHT * colour + _DEPARTED_IS_OBJECT * mover), (0, 0), 1.0)
        odds = (1 - departs) * stays + departs * np.clip(_logit(blurred), -largest, largest) + shown
        # What has the object's colours may be a part of it that was missed.
        odds -= _OTHERS * expected.others[seen.window.slices] * np.clip(0.5 - 0.5 * colour, 0, 1)
        return np.asarray(odds, np.float32)

    def _learned(self, appearance: Appearance, frame: int, mask: Mask, carried: Mask) -> tuple[Appearance, float]:
        """The appearance with what this frame shows, and how surely that is the object, 0 to 1."""
        near = _bounds(mask)
        near = near.grown(max(near.width_px, near.height_px) // 2 + 1).clipped(_size(mask)) or near
        cells = colour_cells(self._frames.rgb(frame)[near.slices])
        mask, carried = mask[near.slices], carried[near.slices]
        solid = (mask > 0.5).astype(np.float32)
        around = _surroundings(mask, solid)
        return appearance.updated(cells, solid * (carried > 0.5), around), appearance.sureness(cells, solid)


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


def departure_threshold(noise: float) -> float:
    """From which departure (8-bit codes) on a pixel is not background, by the frame's noise; NaN: that is unknown."""
    return _DEPARTURE_RANGE[1] if math.isnan(noise) else float(np.clip(_NOISE_FACTOR * noise, *_DEPARTURE_RANGE))


def _size(image: NDArray[np.float32]) -> Size:
    return Size(image.shape[1], image.shape[0])


def _bounds(mask: Mask) -> Box:
    """Of the solid part, of which there is some."""
    solid = mask > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _within(window: Box, matrix: Matrix) -> Matrix:
    """``matrix`` for the pixels of a part of the frame."""
    return np.asarray(_to(window) @ matrix @ np.linalg.inv(_to(window)), np.float64)


def _steps(matrix: Matrix, columns: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far ``matrix`` moves each place (x, y), (h, w, 2)."""
    places = np.stack([columns, rows], axis=2).reshape(-1, 1, 2)
    moved = cv2.perspectiveTransform(places, matrix)
    return np.asarray((moved - places).reshape(*columns.shape, 2), np.float32)


def _with_camera(against: NDArray[np.float32], carried: Mask) -> Mask:
    """How surely a pixel goes with the camera and not with the object, by how it goes against the camera, (h, w, 2)."""
    inside = carried > 0.5
    object_way = np.median(against[inside], axis=0) if np.count_nonzero(inside) >= _FEWEST_PX else np.zeros(2)
    length = float(np.hypot(*object_way))
    if length <= _TELLING_PX:
        return np.zeros_like(carried)
    share = cv2.blur((against @ (object_way / length**2)).astype(np.float32), (3, 3))
    telling = min(1.0, length - _TELLING_PX)
    return np.asarray(telling * np.clip(1 - share / _GOES_ALONG, 0, 1), np.float32)


def _to(window: Box) -> Matrix:
    """From the frame's pixels to those of a part of it."""
    return np.array([[1.0, 0, -window.x0], [0, 1.0, -window.y0], [0, 0, 1.0]])


def _around(outline: Outline) -> Box:
    """The part of the frame in which the flow from one frame to the next is looked for."""
    size = _size(outline.mask)
    x0, y0, x1, y1 = cv2.boundingRect((outline.mask > _FAINT).astype(np.uint8))
    seen = Box(x0, y0, x0 + max(x1, 1), y0 + max(y1, 1))
    margin = max(_FLOW_MARGIN_PX, round(_FLOW_MARGIN_SHARE * max(seen.width_px, seen.height_px)))
    return seen.grown(margin).clipped(size) or Box(0, 0, size.width_px, size.height_px)


def _probability(log_odds: NDArray[np.float32]) -> Mask:
    """Of twice the log odds, which sharpens the edge."""
    return np.asarray(1 / (1 + np.exp(np.clip(-2 * log_odds, -30, 30))), np.float32)


def _logit(mask: Mask) -> NDArray[np.float32]:
    return np.log((mask + np.float32(0.02)) / (np.float32(1.02) - mask))


def _overlap(mask: NDArray[np.bool_], expected: NDArray[np.bool_]) -> float:
    either = int(np.count_nonzero(mask | expected))
    return int(np.count_nonzero(mask & expected)) / max(either, 1)


def _moving(before: float, solid: NDArray[np.bool_], seen: _Seen) -> float:
    known = solid & np.isfinite(seen.departure)
    return 0.95 * before + 0.05 * float(seen.departs[known].mean()) if known.any() else before


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


def _region(reach: Reach, shape: tuple[int, ...]) -> Box | None:
    """The pixels within reach; None where they lie outside the frame."""
    x0, y0, x1, y1 = reach
    more_x, more_y = _REACH_SHARE * (x1 - x0) + _REACH_PX, _REACH_SHARE * (y1 - y0) + _REACH_PX
    left, right = np.clip([round(x0 - more_x), round(x1 + more_x)], 0, shape[1]).tolist()
    top, bottom = np.clip([round(y0 - more_y), round(y1 + more_y)], 0, shape[0]).tolist()
    return Box(left, top, right, bottom) if right > left and bottom > top else None


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
