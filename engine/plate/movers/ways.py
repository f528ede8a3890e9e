"""Where what moves under a locked camera goes: patches followed from frame to frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.movers.scene import Patch, Scene
from engine.plate.once import Once

POINTS = 500
LEAST_POINTS = 40
FIRST_SEARCH, FIRST_SEARCH_PX = 0.04, 12
SEARCH_PX, SEARCH_GROWTH_PX, MOST_SEARCH_PX = 7, 3, 30
COARSE_PX = 3
"""A mover is looked for within this part of the frame's width at first, then so far from where it should be, farther
for every frame it was hidden; in such steps at first."""

SUPPORT, SHOWN = 0.35, 0.15
SURE_SUPPORT = 0.7
"""A place is measured where so much of the mover is told from the object there, and so much of it is outside the hole;
where it fits badly though so much is, it is lost."""

FIT = 0.8
"""A mover may misfit by so much of what the still background does there."""

STILL_FRAMES, STILL_PX = 4, 1.5
LEAST_WAY_PX = 4.0
"""What has not moved after so many frames, or so far at all, is a change of light, or something left behind."""

HEIR = 0.4
"""What takes the place of a mover must have so much of the larger of the two in common with it."""

FOLLOWED_BLOCK_FRAMES = 16
"""A mover is followed to the ends of the blocks of so many frames before and after its own. They are counted from frame
0, so that those who take its place are followed to the same ends."""

Place = NDArray[np.float64]
Ways = dict[int, Place | None]
"""By frame, (2,) x, y by which a patch has moved until then, in working pixels, where that could be measured; None
where it was lost: it does not look the same any more."""

EVEN_FRAMES, EVEN_PX = 3, 4.0
BEYOND_FRAMES = 3
"""Behind the hole it goes on for so many frames as in so many before, if it went evenly there."""


class Followed:
    """The ways of a scene's patches, each made once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ways: Once[tuple[int, int, int], Ways] = Once(lambda key: self._followed(*key))

    def forget_before(self, frame: int) -> None:
        """Frees those of earlier frames' patches."""
        self._ways.forget(lambda key: key[0] < frame)

    def ways(self, patch: Patch) -> Ways:
        """Where a patch is in the frames around it."""
        block = patch.frame // FOLLOWED_BLOCK_FRAMES
        ends = (block - 1) * FOLLOWED_BLOCK_FRAMES - 1, (block + 2) * FOLLOWED_BLOCK_FRAMES
        before, after = (self._ways[patch.frame, patch.number, end] for end in ends)
        return before | after

    def _followed(self, frame: int, number: int, end: int) -> Ways:
        """Where a patch is from its frame to the end, left out, until it is lost or turns out to be still."""
        patch = self._scene.patches(frame)[number]
        spots, values = self._samples(patch)
        ways: Ways = {frame: np.zeros(2)}
        now, speed, last = np.zeros(2), np.zeros(2), frame
        reach = max(round(FIRST_SEARCH * self._scene.size.width_px), FIRST_SEARCH_PX)
        for there in range(frame, end, 1 if end > frame else -1)[1:]:
            if there not in self._scene.frames:
                break
            gap = abs(there - last)
            place, fits = self._place(there, spots, values, now + speed * gap, reach + SEARCH_GROWTH_PX * (gap - 1))
            if fits is False:
                return self._handed_on(patch, ways, last, end) if last != frame else {**ways, there: None}
            if place is None:
                continue
            speed, now, last, reach = (place - now) / gap, place, there, SEARCH_PX
            ways[there] = place
            if abs(there - frame) >= STILL_FRAMES and np.abs(place).max() < STILL_PX:
                break
        return ways

    def _handed_on(self, patch: Patch, ways: Ways, last: int, end: int) -> Ways:
        """The ways of a patch that looks different after the `last` frame, gone on with by what took its place."""
        place = ways[last]
        heir = None if place is None else self._heir(patch, place, last)
        if place is None or heir is None:
            return {**ways, last + (1 if end > last else -1): None}
        later = self._ways[last, heir.number, end].items()
        return ways | {frame: None if there is None else place + there for frame, there in later if frame != last}

    def _heir(self, patch: Patch, place: Place, frame: int) -> Patch | None:
        """What is seen in a frame where a patch has moved, if it covers much the same."""
        moved = patch.box.shifted(*(int(v) for v in np.rint(place)))
        best, heir = HEIR, None
        for other in self._scene.patches(frame):
            shared = moved.intersected(other.box)
            if shared is not None:
                mine = patch.mask[shared.shifted(-moved.x0, -moved.y0).slices]
                its = other.mask[shared.shifted(-other.box.x0, -other.box.y0).slices]
                larger = max(np.count_nonzero(patch.mask), np.count_nonzero(other.mask))
                share = np.count_nonzero(mine & its) / larger
                if share > best:
                    best, heir = share, other
        return heir

    def _samples(self, patch: Patch) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """(n, 2) x, y of some pixels of a patch and the (n, 3) planes there, 0 where the chroma is not known."""
        picture = self._scene.picture(patch.frame)
        row, column = np.nonzero(patch.mask)
        stride = max(len(row) // POINTS, 1)
        spots = np.stack([column + patch.box.x0, row + patch.box.y0], axis=1)[::stride].astype(np.int32)
        at = spots[:, 1], spots[:, 0]
        known = picture.coloured[at][:, None] | np.array([True, False, False])
        return spots, np.where(known, picture.planes[at], np.uint8(0))

    def _place(
        self, frame: int, spots: NDArray[np.int32], values: NDArray[np.uint8], guess: Place, reach: int
    ) -> tuple[Place | None, bool | None]:
        """Where the spots are in a frame, and whether they fit; None where too few are seen."""
        from engine.plate.movers.loops import gain, search

        picture, still = self._scene.picture(frame), self._scene.background
        there = spots, values, picture.planes, still.planes, picture.shown, picture.coloured & still.coloured
        reach = min(reach, max(MOST_SEARCH_PX, round(FIRST_SEARCH * self._scene.size.width_px)))
        x, y = (int(v) for v in np.rint(guess))
        _, x, y = search(*there, (x, y), reach, COARSE_PX, 3)
        _, x, y = search(*there, (x, y), COARSE_PX - 1, 1, 1)
        more, missed, told, shown_more, shown_missed, shown = gain(*there, x, y, 1)
        if shown < max(SHOWN * len(spots), LEAST_POINTS) or told < SUPPORT * len(spots):
            return None, None
        fits = min(more - (1.0 - FIT) * missed, shown_more - (1.0 - FIT) * shown_missed) > 0.0
        if not fits and shown < SURE_SUPPORT * len(spots):
            return None, None
        at = [gain(*there, x + dx, y + dy, 1)[0] for dx, dy in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))]
        return np.array([x + _top(at[1], at[0], at[2]), y + _top(at[3], at[0], at[4])]), fits


def _top(before: float, middle: float, after: float) -> float:
    """Where a parabola through three values, the middle one the greatest, has its top: -1/2 to 1/2 from the middle."""
    bend = 2.0 * middle - before - after
    return float(np.clip((after - before) / (2.0 * bend), -0.5, 0.5)) if bend > 0.0 else 0.0


def between(ways: Ways, frame: int) -> Place | None:
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
