"""Who lends a frame what walks by behind its hole: patches of other frames, as they stand in this one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import box_around, dilate
from engine.plate.model import FloatImage, Mask
from engine.plate.movers.scene import Patch, Scene
from engine.plate.movers.ways import LEAST_WAY_PX, Followed, Place, Ways, between
from roi_tools.geometry import Box, Size

SPAN_FRAMES = 16
"""So many frames to both sides lend: movers bend and turn."""

FASTEST_PX = 40
"""Nothing is looked for that would have to move faster than that, in working pixels a frame."""

APART_PX, LEAST_APART = 4, 0.25
"""What is seen further than that from the hole, in working pixels, in less than this part of the frames is the object's
own shadow, or its reflection."""

FOUND = 0.4
"""A patch is seen in a frame where something that moves has so much of the larger of their boxes in common with it."""

ALONG = 0.4
"""So is what gets away from the hole by less than this part of its own way."""

SHADE = 0.08
"""So is what is beside the hole and, but for so much of it, an even part as bright as the background."""

BAND_PX = 32
AUDIT_BLUR_PX = 3.0
AUDIT = 0.5
LEAST_AUDIT_PX = 40
"""In what shows of it so far around the hole, a little blurred, a mover's squared error must be at most so much of the
still background's; where fewer pixels show, nothing is known. In working pixels."""

UNAUDITED, UNAUDITED_CUT, UNAUDITED_ERROR = 0.15, 0.03, 0.2
"""What is wholly behind the object is worth so much, or where its own frame's hole cuts it, since then it says less of
where it stands; the error, of the range, that must be expected of it."""

WORST_CODES, COVERED_CODES = 60.0, 25.0
"""Codes beyond the first count as the first; what differs by more than the second from mover and background is the
object in front of both."""


@dataclass(frozen=True)
class Lent:
    """A patch as it stands in another frame.

    `place`: (2,) x, y by which it has moved, in working pixels; `worth`: 0 to 1, the more the better it foretells what
    shows of it and the nearer its frame; `error`: of the range, where it was compared with what shows.
    """

    patch: Patch
    place: Place
    worth: float
    error: float


class Lenders:
    """Those of one frame."""

    def __init__(self, scene: Scene, followed: Followed, frame: int) -> None:
        self._scene, self._followed, self._frame = scene, followed, frame
        self._picture = scene.picture(frame)
        hidden = ~self._picture.shown
        around = box_around(hidden) or Box(0, 0, scene.size.width_px, scene.size.height_px)
        self._area = around.grown(BAND_PX).clipped(scene.size) or around
        self._hidden = hidden[self._area.slices]
        self._band = dilate(self._hidden, BAND_PX) & ~self._hidden

    def found(self) -> list[Lent]:
        """What is behind the hole, the most worth first."""
        frames = self._scene.frames
        near = range(max(frames.start, self._frame - SPAN_FRAMES), min(frames.stop, self._frame + SPAN_FRAMES + 1))
        patches = (patch for n in near if n != self._frame for patch in self._scene.patches(n))
        lent = (self._lent(patch) for patch in patches if self._is_in_reach(patch))
        return sorted((each for each in lent if each is not None), key=lambda each: -each.worth)

    def _is_in_reach(self, patch: Patch) -> bool:
        away = FASTEST_PX * abs(patch.frame - self._frame)
        return self._area.grown(away).intersected(patch.box) is not None

    def _lent(self, patch: Patch) -> Lent | None:
        """The patch as it stands in this frame; None where that is not sure, or it is nowhere behind the hole."""
        ways = self._followed.ways(patch)
        if max(float(np.abs(place).max()) for place in ways.values() if place is not None) < LEAST_WAY_PX:
            return None
        place = ways[self._frame] if self._frame in ways else between(ways, self._frame)
        if place is None:
            return None
        own = self._moved(patch.picture(self._scene.size), place).astype(bool)
        if not (own & self._hidden).any():
            return None
        measured = [n for n, where in ways.items() if where is not None]
        found = self._audited(patch, place, own, min(measured) < self._frame < max(measured))
        return None if found is None or self._goes_along(patch, ways, place) else found

    def _moved(self, picture: NDArray[np.uint8], place: Place, flags: int = cv2.INTER_NEAREST) -> NDArray[np.uint8]:
        """A whole working picture, moved, as far as it then lies in the area."""
        there = np.array([[1.0, 0.0, place[0] - self._area.x0], [0.0, 1.0, place[1] - self._area.y0]])
        return np.asarray(cv2.warpAffine(picture, there, self._hidden.shape[::-1], flags=flags), np.uint8)

    def _audited(self, patch: Patch, place: Place, own: Mask, is_between: bool) -> Lent | None:
        """The patch, if it foretells what shows of it around the hole; where nothing does it has to lie between two
        places that were measured."""
        lender, still, cut = self._scene.picture(patch.frame), self._scene.background, self._area.slices
        here = self._picture.planes[cut]
        coloured = self._picture.coloured[cut] & still.coloured[cut]
        coloured &= self._moved(lender.coloured.view(np.uint8), place).astype(bool)
        there = self._moved(lender.planes, place, cv2.INTER_LINEAR)
        off, was = (_codes(planes, here, coloured) for planes in (there, still.planes[cut]))
        seen = self._moved(lender.shown.view(np.uint8), place).astype(bool)
        known = own & seen & still.shown[cut]
        audit, away = known & self._band, abs(patch.frame - self._frame)
        if np.count_nonzero(audit) < LEAST_AUDIT_PX:
            worth = UNAUDITED_CUT if self._is_beside_hole(patch.box, patch.frame) else UNAUDITED
            return Lent(patch, place, worth / away, UNAUDITED_ERROR) if is_between else None
        # A box hides more than the object: what neither explains is the object.
        behind = known & self._hidden & (np.minimum(off, was) < COVERED_CODES)
        error, without = (float(np.square(codes[audit]).mean()) for codes in (off, was))
        all_error, all_without = (float(np.square(codes[audit | behind]).mean()) for codes in (off, was))
        if error > AUDIT * without or all_error > AUDIT * all_without:
            return None
        return Lent(patch, place, (1.0 - error / without) / away, math.sqrt(error) / 255.0)

    def _goes_along(self, patch: Patch, ways: Ways, place: Place) -> bool:
        """Whether the patch stays beside the hole, or keeps its place relative to it: then it is the object's own."""
        if self._is_beside_hole(patch.box, patch.frame) and self._is_shade(patch):
            return True
        places = {n: where for n, where in ways.items() if where is not None} | {self._frame: place}
        boxes = {n: patch.box.shifted(*(int(v) for v in np.rint(where))) for n, where in places.items()}
        found = [n for n in places if self._is_found(boxes[n], n)]
        apart = sum(not self._is_beside_hole(boxes[n], n) for n in found)
        if apart < LEAST_APART * len(found):
            return True
        marked = [n for n in sorted(places) if self._scene.holes(n)]
        first = min(marked, key=lambda n: (abs(n - patch.frame), n), default=patch.frame)
        moved = {n: places[n] - places[first] for n in marked}
        ratios = [self._got_away(first, n, by) for n, by in moved.items() if np.hypot(*by) > LEAST_WAY_PX]
        return not ratios or float(np.median(ratios)) < ALONG

    def _is_shade(self, patch: Patch) -> bool:
        """Whether the patch is the still background evenly darkened: a shadow."""
        here, still = (
            planes[patch.box.slices][patch.mask][:, 0].astype(np.float32) + 1.0
            for planes in (self._scene.picture(patch.frame).planes, self._scene.background.planes)
        )
        ratio = here / still
        middle = float(np.median(ratio))
        return middle < 1.0 and float(np.median(np.abs(ratio - middle))) < SHADE * middle

    def _is_found(self, box: Box, frame: int) -> bool:
        """Whether something that moves is seen where a patch should be."""
        for other in self._scene.patches(frame):
            both = box.intersected(other.box)
            if both is not None and both.area_px > FOUND * max(box.area_px, other.box.area_px):
                return True
        return False

    def _is_beside_hole(self, box: Box, frame: int) -> bool:
        return any(box.grown(APART_PX).intersected(hole) is not None for hole in self._scene.holes(frame))

    def _got_away(self, first: int, frame: int, moved: Place) -> float:
        """From the hole, in parts of its own way, by what has moved so from one frame to another."""
        holes = ((a, b) for a in self._scene.holes(first) for b in self._scene.holes(frame))
        away = min(_apart(a, b, moved, self._scene.size) for a, b in holes)
        return away / float(np.linalg.norm(moved))


def _codes(a: NDArray[np.uint8], b: NDArray[np.uint8], coloured: Mask) -> FloatImage:
    """(h, w) codes by which two blurred (h, w, 3) planes differ, luma and, where it is known, chroma together."""
    off = cv2.absdiff(*(cv2.GaussianBlur(planes, (0, 0), AUDIT_BLUR_PX) for planes in (a, b))).astype(np.float32)
    return np.minimum(off[..., 0] + coloured * (off[..., 1] + off[..., 2]), np.float32(WORST_CODES))


def _apart(a: Box, b: Box, moved: Place, size: Size) -> float:
    """How far something that has moved so has got away from a hole that has gone from a to b.

    Edges at the picture's border say nothing of the hole's motion; of two edges the one counts that went along more.
    """
    off = []
    for axis, limit in ((0, size.width_px), (1, size.height_px)):
        here, there = (box.as_tuple()[axis::2] for box in (a, b))
        edges = [(here[n], there[n]) for n, end in ((0, 0), (1, limit)) if here[n] != end and there[n] != end]
        off.append(min((abs(moved[axis] - (after - before)) for before, after in edges), default=0.0))
    return math.hypot(*off)
