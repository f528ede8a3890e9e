"""Things that walk by behind a hole, under a locked camera: kept whole where the still background would cut them off.

What differs from the still background, and lies outside the holes, is a mover. Each is followed, as a rigid patch,
through the frames around; where the hole covers it, its place is measured on what still shows or interpolated between
frames that show it. The frames that see a place of the mover vote whether it is mover there; the nearest lends it.
What goes along with the hole is the object's own shadow and is left away.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import Gray, box_around, dilate
from engine.plate.footage import Footage, Once
from engine.plate.inventions import Painted
from engine.plate.layer_motion import WORST_CODES
from engine.plate.model import FloatImage, Mask
from roi_tools.geometry import Box

SPAN_FRAMES = 8
"""Movers are lent by, and followed through, so many frames to both sides: they bend and turn."""

PLATE_BLOCK_FRAMES = 16
PLATE_REACH_FRAMES = 60
PLATE_STRIDE_FRAMES = 3
LEAST_SAMPLES = 5
"""The still background is what most of such frames around a block of frames show; of fewer it is not known."""

LEAST_REACH_FRAMES = 40
"""With less than that it would be measured on frames that are out of reach."""

BLUR_PX = 1.0
FAINT_CODES, FAINT_GRAINS = 6.0, 3.5
CLEAR_CODES, CLEAR_GRAINS = 14.0, 7.0
"""A mover differs all over by the first, somewhere by the second: codes, and times the grain."""

CLOSE_PX = 5
LEAST_AREA = 4e-4
"""Of the frame; what is smaller is left out."""

FLICKER_SHARE = 0.3
"""Where so much of the frame differs the light has changed."""

POINTS = 600
FIRST_SEARCH_PX = 24
SEARCH_PX = 9
COARSE_PX = 3
"""Movers are looked for so far from where they should be, in such steps at first; in analysis pixels."""

SUPPORT = 0.35
SURE_SUPPORT = 0.7
LEAST_POINTS = 40
"""A place is measured where so much of the mover is seen there; where it fits badly though so much is, it is lost."""

FIT = 0.72
"""A mover may misfit by so much of what the still background does there. Chosen on one clip, with a running dog."""

STILL_FRAMES, STILL_PX = 4, 1.5
LEAST_WAY_PX = 4.0
"""What has not moved after so many frames, or so far at all, is a change of light, or something left behind."""

EVEN_FRAMES, EVEN_PX = 3, 4.0
BEYOND_FRAMES = 3
"""Behind the hole it goes on for so many frames as in so many before, if it went evenly there."""

ALONG_PX, ALONG = 2.0, 0.35
"""What stays so near the hole, in pixels and in parts of the hole's own way, is the object's shadow."""

FEATHER_PX = 1.2
MARGIN_PX = 3
CONFIDENCE = 0.15

Place = NDArray[np.float64]
Ways = dict[int, Place | None]
"""By frame, (2,) x, y by which a patch has moved until then, in analysis pixels, where that could be measured; None
where it was lost: it does not look the same any more."""


@dataclass(frozen=True)
class Patch:
    """What is seen of a mover in a frame: (h, w) `mask` of `box`, in analysis pixels; `number`: among the frame's."""

    frame: int
    number: int
    box: Box
    mask: Mask


class Movers:
    """Those of one footage."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._plates: Once[tuple[int, int], tuple[FloatImage, Mask]] = Once(self._still_plate)
        self._patches: Once[int, list[Patch]] = Once(self._find_patches)
        self._ways: Once[tuple[int, int], Ways] = Once(lambda key: self._followed(self._patches[key[0]][key[1]]))
        self._smooth: Once[int, Gray] = Once(self._smoothed)

    def forget_before(self, frame: int) -> None:
        """Frees what no later frame asks for."""
        oldest = frame - 2 * SPAN_FRAMES
        self._plates.forget(lambda key: key[1] < oldest)
        self._patches.forget(lambda key: key < oldest)
        self._ways.forget(lambda key: key[0] < oldest)
        self._smooth.forget(lambda key: key < oldest)

    def paint(self, painted: Painted) -> Painted:
        """The frame with what walks by behind its hole."""
        return _Stage(self._footage, self, painted).finished()

    def near(self, frame: int, reach_frames: int) -> range:
        """The frames around one between which the camera is locked."""
        first = last = frame
        available = self._footage.available
        while first > max(frame - reach_frames, available.start) and self._is_static(first - 1):
            first -= 1
        while last < min(frame + reach_frames, available.stop - 1) and self._is_static(last):
            last += 1
        return range(first, last + 1)

    def patches(self, frame: int) -> list[Patch]:
        """What is seen of movers in a frame."""
        return self._patches[frame]

    def moved(self, patch: Patch, frame: int) -> Place | None:
        """(2,) x, y how far a patch has moved until a frame, in analysis pixels; None where that is not known."""
        ways = self._ways[patch.frame, patch.number]
        if max(float(np.abs(place).max()) for place in ways.values() if place is not None) < LEAST_WAY_PX:
            return None
        if frame in ways:
            return ways[frame]
        return _between(ways, frame)

    def _is_static(self, first: int) -> bool:
        step = self._footage.step(first, first + 1)
        return step is not None and step.static

    def _smoothed(self, frame: int) -> Gray:
        return np.asarray(cv2.GaussianBlur(self._footage.view(frame).gray, (0, 0), BLUR_PX), np.uint8)

    def _plate(self, frame: int) -> tuple[FloatImage, Mask]:
        begin = frame - frame % PLATE_BLOCK_FRAMES
        reach = min(PLATE_REACH_FRAMES, self._footage.settings.reach_frames)
        near = self.near(frame, reach + PLATE_BLOCK_FRAMES)
        first = max(near.start, begin - reach)
        last = min(near.stop, begin + PLATE_BLOCK_FRAMES + reach)
        return self._plates[first, last]

    def _still_plate(self, key: tuple[int, int]) -> tuple[FloatImage, Mask]:
        """(h, w) what most of the frames show, and where that is known."""
        views = [self._footage.view(n) for n in range(*key, PLATE_STRIDE_FRAMES)]
        stack = np.stack([np.where(v.guarded_small, np.uint8(255), v.gray) for v in views])
        stack.sort(axis=0)
        count = np.sum([~v.guarded_small for v in views], axis=0)
        plate = _mode(stack, count).astype(np.float32)
        return np.asarray(cv2.GaussianBlur(plate, (0, 0), BLUR_PX), np.float32), np.asarray(count >= LEAST_SAMPLES)

    def mask(self, frame: int) -> Mask:
        """(h, w) what differs from the still background, outside the hole, in analysis pixels."""
        plate, known = self._plate(frame)
        known = known & ~self._footage.view(frame).guarded_small
        if known.mean() < 0.05:
            return np.zeros_like(known)
        off = self._smooth[frame] - plate
        some = off[known][::7]
        off = np.abs(off - np.median(some))
        grain = 1.4826 * float(np.median(np.abs(some - np.median(some))))
        clear = known & (off > max(CLEAR_CODES, CLEAR_GRAINS * grain))
        if clear.mean() > FLICKER_SHARE or not clear.any():
            return np.zeros_like(known)
        faint = (known & (off > max(FAINT_CODES, FAINT_GRAINS * grain))).astype(np.uint8)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSE_PX, CLOSE_PX))
        faint = cv2.morphologyEx(cv2.morphologyEx(faint, cv2.MORPH_CLOSE, disc), cv2.MORPH_OPEN, disc[1:-1, 1:-1])
        return faint.astype(bool) & known

    def _find_patches(self, frame: int) -> list[Patch]:
        mask = self.mask(frame)
        if not mask.any():
            return []
        count, label, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        plate, _ = self._plate(frame)
        clear = np.abs(self._smooth[frame] - plate) > CLEAR_CODES
        found: list[Patch] = []
        for n in range(1, count):
            x, y, w, h, area = (int(v) for v in stats[n])
            box = Box(x, y, x + w, y + h)
            own = label[box.slices] == n
            if area >= LEAST_AREA * mask.size and (own & clear[box.slices]).mean() > 0.1 * own.mean():
                found.append(Patch(frame, len(found), box, own))
        return found

    def _followed(self, patch: Patch) -> Ways:
        row, column = np.nonzero(patch.mask)
        stride = max(len(row) // POINTS, 1)
        points = np.stack([column + patch.box.x0, row + patch.box.y0], axis=1)[::stride]
        value = self._smooth[patch.frame][points[:, 1], points[:, 0]].astype(np.float32)
        near = self.near(patch.frame, 2 * SPAN_FRAMES)
        ways: Ways = {patch.frame: np.zeros(2)}
        for way in (-1, 1):
            now, speed, search = np.zeros(2), np.zeros(2), FIRST_SEARCH_PX
            last = patch.frame
            for frame in range(patch.frame + way, (near.stop if way > 0 else near.start - 1), way):
                guess = now + speed * (abs(frame - last))
                place, fits = self._found(frame, points, value, guess, min(search + 3 * abs(frame - last), 30))
                if fits is False:
                    ways[frame] = None
                    break
                if place is None:
                    continue
                speed = (place - now) / abs(frame - last)
                now, last, search = place, frame, SEARCH_PX
                ways[frame] = place
                if abs(frame - patch.frame) >= STILL_FRAMES and np.abs(place).max() < STILL_PX:
                    break
        return ways

    def _found(
        self, frame: int, points: NDArray[np.intp], value: FloatImage, guess: Place, search: int
    ) -> tuple[Place | None, bool | None]:
        """Where the points are in a frame, and whether they fit; None where too few are seen."""
        gray, (plate, _) = self._smooth[frame], self._plate(frame)
        # Where it should be hidden, something else that is seen nearby would be taken for it.
        shown = 1.0 if not guess.any() else float(self._shown(frame, points + np.rint(guess).astype(np.intp)).mean())
        if shown < SUPPORT:
            return None, None
        best, place, still = np.inf, guess, 0.0
        for reach, step, every in ((search, COARSE_PX, 3), (COARSE_PX - 1, 1, 1)):
            middle, best = np.rint(place), np.inf
            some, values = points[::every], value[::every]
            for dy, dx in itertools.product(range(-reach, reach + 1, step), repeat=2):
                there = middle + np.array([dx, dy])
                at = some + there.astype(np.intp)
                seen = self._shown(frame, at)
                if seen.sum() < max(SUPPORT * len(some), LEAST_POINTS / every):
                    continue
                cost = _misfit(gray, at[seen], values[seen])
                if cost < best:
                    best, place, still = cost, there, _misfit(plate, at[seen], values[seen])
        fits = best < FIT * still
        if not np.isfinite(best) or (not fits and shown < SURE_SUPPORT):
            return None, None
        return place, fits

    def _shown(self, frame: int, points: NDArray[np.intp]) -> Mask:
        """(n,) which of the whole analysis pixels a frame shows."""
        hidden = self._footage.view(frame).guarded_small
        inside = np.asarray(((points >= 0) & (points < hidden.shape[::-1])).all(axis=1))
        inside[inside] = ~hidden[points[inside, 1], points[inside, 0]]
        return inside


class _Stage:
    """One frame, on which the movers are put."""

    def __init__(self, footage: Footage, movers: Movers, painted: Painted) -> None:
        self._footage, self._movers, self._painted = footage, movers, painted
        view = footage.view(painted.frame)
        self._scale = np.array(view.scale)
        shape = painted.hole.shape
        self._yes, self._no = np.zeros((2, *shape), np.float32), np.zeros(shape, np.float32)
        self._lent: list[tuple[int, Place, Mask, Mask]] = []

    def finished(self) -> Painted:
        painted, frame = self._painted, self._painted.frame
        near = self._movers.near(frame, SPAN_FRAMES)
        if len(near) < 2 or self._footage.settings.reach_frames < LEAST_REACH_FRAMES:
            return painted
        lenders = sorted((n for n in near if n != frame), key=lambda n: (abs(n - frame), n))
        for lender in lenders:
            for patch in self._movers.patches(lender):
                self._vote(patch)
        if not self._lent:
            return painted
        return self._composed()

    def _vote(self, patch: Patch) -> None:
        painted = self._painted
        if not self._is_in_reach(patch):
            return
        moved = self._movers.moved(patch, painted.frame)
        if moved is None or self._goes_along(patch, moved):
            return
        shift = moved / self._scale
        own = self._warped(self._full_size(patch), shift)
        if not (own & painted.hole).any():
            return
        seen = self._warped(~self._footage.hidden(patch.frame), shift)
        later = int(patch.frame > painted.frame)
        worth = np.float32(1.0 / abs(patch.frame - painted.frame) ** 2)
        self._yes[later][own] += worth
        self._no[seen & ~own & dilate(own, 3 * MARGIN_PX)] += worth
        self._lent.append((patch.frame, shift, own & seen, seen & dilate(own, MARGIN_PX)))

    def _colour(self, frame: int, shift: Place) -> FloatImage:
        """(h, w, 3) of this window, as a lender shows it that far away; of its frame no more is read than that."""
        x, y = (int(v) for v in np.rint(shift))
        window = self._painted.window.shifted(-x, -y).grown(MARGIN_PX).clipped(self._footage.size)
        if window is None:
            return self._painted.plate
        rgb = np.ascontiguousarray(self._footage.source.rgb(frame, window), np.float32)
        there = self._there(shift + np.array([window.x0, window.y0]))
        size = self._painted.hole.shape[::-1]
        return np.asarray(cv2.warpAffine(rgb, there, size, borderMode=cv2.BORDER_REPLICATE), np.float32)

    def _there(self, shift: Place) -> Place:
        """2x3, from a whole frame to this window."""
        corner = self._painted.window.x0, self._painted.window.y0
        return np.array([[1.0, 0.0, shift[0] - corner[0]], [0.0, 1.0, shift[1] - corner[1]]])

    def _warped(self, mask: Mask, shift: Place) -> Mask:
        size = self._painted.hole.shape[::-1]
        return cv2.warpAffine(mask.view(np.uint8), self._there(shift), size, flags=cv2.INTER_NEAREST).astype(bool)

    def _full_size(self, patch: Patch) -> Mask:
        mask = np.zeros(self._footage.view(patch.frame).gray.shape, np.uint8)
        mask[patch.box.slices] = patch.mask
        return self._enlarged(mask)

    def _enlarged(self, mask: NDArray[np.uint8]) -> Mask:
        size = self._footage.size.width_px, self._footage.size.height_px
        return cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST).astype(bool)

    def _is_in_reach(self, patch: Patch) -> bool:
        """Whether the patch may have come from, or get to, the hole."""
        hole = box_around(self._footage.view(self._painted.frame).guarded_small)
        far = FIRST_SEARCH_PX * abs(patch.frame - self._painted.frame)
        near = patch.box.grown(far)
        return hole is not None and (
            near.x0 < hole.x1 and hole.x0 < near.x1 and near.y0 < hole.y1 and hole.y0 < near.y1
        )

    def _goes_along(self, patch: Patch, moved: Place) -> bool:
        frames = patch.frame, self._painted.frame
        a, b = (box_around(self._footage.view(n).guarded_small) for n in frames)
        if a is None or b is None:
            return False
        ways = np.array([[b.x0 - a.x0, b.y0 - a.y0], [b.x1 - a.x1, b.y1 - a.y1]])
        near = np.maximum(ALONG_PX, ALONG * np.linalg.norm(ways, axis=1))
        return bool((np.linalg.norm(moved - ways, axis=1) < near).any())

    def _kept(self, mover: Mask) -> Mask:
        """The (h, w) mover without pieces that neither go on outside the hole nor are seen both before and after."""
        own = np.zeros_like(mover)
        for patch in self._movers.patches(self._painted.frame):
            own |= self._full_size(patch)[self._painted.window.slices]
        both = np.all(self._yes > 0, axis=0)
        label = cv2.connectedComponents((mover | own).astype(np.uint8), connectivity=8)[1]
        kept = np.zeros_like(mover)
        for n in np.unique(label[mover]):
            piece = mover & (label == n)
            if (own & (label == n)).sum() >= MARGIN_PX**2 or both[piece].mean() > 0.5:
                kept |= piece
        return kept

    def _composed(self) -> Painted:
        painted = self._painted
        yes = self._yes.sum(axis=0)
        mover = self._kept((yes > self._no) & (yes > 0))
        colour, frames = painted.plate.copy(), painted.provenance.copy()
        lent = np.zeros(mover.shape, bool)
        wanted = painted.hole & dilate(mover, MARGIN_PX)
        # The rim that a patch has around it is only for the feather.
        for rim in (False, True):
            for frame, shift, own, around in self._lent:
                free = (around if rim else own) & wanted & ~lent
                if free.any():
                    colour[free], frames[free] = self._colour(frame, shift)[free], frame
                    lent |= free
        alpha = cv2.GaussianBlur((mover & (lent | ~painted.hole)).astype(np.float32), (0, 0), FEATHER_PX)
        alpha = np.where(lent, alpha, np.float32(0.0))
        change = painted.hole & (alpha > 0.02)
        plate = painted.plate.copy()
        mixed = plate + alpha[..., None] * (colour - plate)
        plate[change] = mixed[change]
        shown = change & (alpha > 0.5)
        provenance, trust = painted.provenance.copy(), painted.confidence.copy()
        provenance[shown] = frames[shown]
        trust[change] = np.minimum(trust[change], CONFIDENCE)
        return replace(painted, plate=plate, provenance=provenance, confidence=trust)


def _between(ways: Ways, frame: int) -> Place | None:
    """Where a patch was or will be in a frame that hides it: between two places, or shortly beyond several."""
    earlier, later = ([n for n in sorted(ways) if (n > frame) == side] for side in (False, True))
    before, after = (ways[earlier[-1]] if earlier else None), (ways[later[0]] if later else None)
    if before is not None and after is not None:
        share = (frame - earlier[-1]) / (later[0] - earlier[-1])
        return np.asarray(before * (1.0 - share) + after * share)
    known = [n for n in (earlier[-EVEN_FRAMES:] if before is not None else later[:EVEN_FRAMES]) if ways[n] is not None]
    if len(known) < EVEN_FRAMES or min(abs(frame - n) for n in known) > BEYOND_FRAMES:
        return None
    places = np.array([ways[n] for n in known])
    speed, start = np.polyfit(np.array(known) - frame, places, 1)
    if np.abs(np.outer(np.array(known) - frame, speed) + start - places).max() > EVEN_PX:
        return None
    return np.asarray(start)


def _misfit(picture: Gray | FloatImage, at: NDArray[np.intp], value: FloatImage) -> float:
    """Codes by which (n,) values differ, in the mean, from the picture at (n, 2) whole pixels."""
    return float(np.minimum(np.abs(picture[at[:, 1], at[:, 0]] - value), WORST_CODES).mean())


def _mode(stack: NDArray[np.uint8], count: NDArray[np.intp]) -> NDArray[np.uint8]:
    """(h, w) the middle of the shortest interval with a third of the first `count` of (n, h, w) sorted values."""
    share = count // 3
    least, out = np.full(count.shape, 256, np.int16), stack[0].copy()
    for start in range(len(stack)):
        end = np.minimum(start + share, len(stack) - 1)
        width = np.take_along_axis(stack, end[None], axis=0)[0].astype(np.int16) - stack[start]
        better = (start + share < count) & (width < least)
        least[better] = width[better]
        middle = np.take_along_axis(stack, np.minimum(start + share // 2, len(stack) - 1)[None], axis=0)[0]
        out[better] = middle[better]
    return out
