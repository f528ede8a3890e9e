"""Keeps the frame's own pixels where the recovered plate says the same: there is nothing to remove.

A box around an object holds much plain background. Kept pixels have their own grain and sharpness, and nothing visible
can stay behind, since only what equals the plate is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.plate.analysis import dilate, largest
from engine.plate.mask_motion import join_moved
from engine.plate.model import OUTSIDE_HOLE, SYNTHESISED, FloatImage, Mask, PlateSource, RecoveredFrame
from roi_tools.geometry import Box

FINE_SIGMA_PX = 1.0
WEAK = 0.03
STRONG = 0.08
"""A difference of the range counts above the weak limit where it is connected to one above the strong limit."""

BROAD_SIGMA_PX = 4.0
WEAK_BROAD = 0.015
STRONG_BROAD = 0.03
"""The same for the signed mean over a wider neighbourhood, in which grain cancels and a faint shadow does not."""

CLOSE_PX = 4
MARGIN_PX = 2
FEATHER_PX = 4.0


@dataclass(frozen=True)
class Marked:
    """Where a frame shows something else than its plate: (h, w) of the `box` of its hole; None without a hole."""

    frame: int
    box: Box | None
    differs: Mask


@dataclass(frozen=True)
class _Compared:
    """A recovered frame, its own pixels in the box, and where the two differ."""

    result: RecoveredFrame
    own: FloatImage
    marked: Marked


def keep_agreeing(results: Iterable[RecoveredFrame], source: PlateSource) -> Iterator[RecoveredFrame]:
    """The frames with their own pixels wherever these and the plate agree, in this frame and those next to it.

    Kept pixels have the frame itself as their provenance. Every result is yielded, one later than it comes in.
    """
    before: _Compared | None = None
    now: _Compared | None = None
    for result in results:
        after = _compare(result, source)
        if now is not None:
            yield _kept(now, before, after)
        before, now = now, after
    if now is not None:
        yield _kept(now, before, None)


def differing(plate: FloatImage, own: FloatImage, invented: Mask) -> Mask:
    """(h, w) where a frame shows something else than its plate, holes closed; what was `invented` differs."""
    error = plate - own
    fine = cv2.GaussianBlur(largest(np.abs(error)), (0, 0), FINE_SIGMA_PX)
    broad = largest(np.abs(np.asarray(cv2.GaussianBlur(error, (0, 0), BROAD_SIGMA_PX), np.float32)))
    weak = (fine > WEAK) | (broad > WEAK_BROAD) | invented
    strong = (fine > STRONG) | (broad > STRONG_BROAD) | invented
    # NaN compares as nothing, and must not be kept.
    weak |= ~np.isfinite(fine)
    strong |= ~np.isfinite(fine)
    return _solid(_touched(weak, strong))


def _touched(weak: Mask, strong: Mask) -> Mask:
    """The connected parts of `weak` with something `strong` in them (hysteresis, Canny 1986)."""
    count, labels = cv2.connectedComponents(weak.view(np.uint8))
    hit = np.zeros(count, bool)
    hit[np.unique(labels[strong & weak])] = True
    return np.asarray(hit[labels])


def _solid(mask: Mask) -> Mask:
    """Closed, and filled where the outside cannot be reached."""
    edge = 2 * CLOSE_PX
    padded = np.pad(mask, edge).view(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * CLOSE_PX + 1, 2 * CLOSE_PX + 1))
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc)
    labels = cv2.connectedComponents(1 - closed, connectivity=4)[1]
    return np.asarray((labels != labels[0, 0])[edge:-edge, edge:-edge])


def mark(result: RecoveredFrame, source: PlateSource) -> Marked:
    """Compares a recovered frame with what the frame shows."""
    return _compare(result, source).marked


def replaced(now: Marked, beside: Sequence[Marked]) -> Mask:
    """(h, w) of the frame's box: what it and those next to it mark, moved along with the object, and a margin."""
    differs = now.differs
    for other in beside:
        if abs(other.frame - now.frame) == 1:
            differs = differs | _moved_here(now, other)
    return dilate(differs, MARGIN_PX)


def _compare(result: RecoveredFrame, source: PlateSource) -> _Compared:
    if result.box is None:
        return _Compared(result, result.rgb, Marked(result.frame, None, np.zeros((0, 0), bool)))
    own = source.rgb(result.frame, result.box)
    differs = differing(result.rgb, own, result.provenance == SYNTHESISED)
    return _Compared(result, own, Marked(result.frame, result.box, differs))


def _kept(now: _Compared, before: _Compared | None, after: _Compared | None) -> RecoveredFrame:
    result = now.result
    if result.box is None:
        return result
    beside = [other.marked for other in (before, after) if other is not None]
    alpha = _softened(replaced(now.marked, beside))[..., None]
    hole = result.provenance != OUTSIDE_HOLE
    provenance = np.where(hole & (alpha[..., 0] <= 0.0), result.frame, result.provenance).astype(np.int32)
    # Relative to the plate, so that it comes back unrounded where all of it is taken.
    rgb = np.where(alpha >= 1.0, result.rgb, now.own + alpha * (result.rgb - now.own)).astype(np.float32)
    # Where the two are mixed, the plate's: own pixels may be as far off as their grain.
    confidence = np.where(provenance == result.frame, np.float32(1.0), result.confidence).astype(np.float32)
    return replace(result, rgb=rgb, provenance=provenance, confidence=confidence)


def _moved_here(now: Marked, other: Marked) -> Mask:
    """(h, w) of the frame's box: what a neighbour marks, moved along with the object."""
    if now.box is None or other.box is None:
        return now.differs
    both = now.box.united(other.box)
    here, there = _in_box(both, now.differs, now.box), _in_box(both, other.differs, other.box)
    return join_moved(here, there)[now.box.shifted(-both.x0, -both.y0).slices]


def _in_box(box: Box, other: Mask, other_box: Box) -> Mask:
    """(h, w) of `box`: what the mask of another box marks there."""
    out = np.zeros((box.height_px, box.width_px), bool)
    shared = box.intersected(other_box)
    if shared is not None:
        part = other[shared.shifted(-other_box.x0, -other_box.y0).slices]
        out[shared.shifted(-box.x0, -box.y0).slices] = part
    return out


def _softened(mask: Mask) -> FloatImage:
    """(h, w) 1 in the mask, falling to 0 over FEATHER_PX around it."""
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    away = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5)
    return np.clip(1.0 - np.asarray(away, np.float32) / FEATHER_PX, 0.0, 1.0).astype(np.float32)
