"""What no frame within reach shows, sought in the rest of the shot.

A few far frames are taken, greedily, by how much of what is missing each shows. They are aligned directly to the
frame, and only lend where the ring around its hole fits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.plate.alignment import Matrix, apply_matrix
from engine.plate.analysis import FrameView
from engine.plate.chain import SIGHTING_ORDERS, Sighting, shown
from engine.plate.footage import Footage
from engine.plate.model import Mask, Points
from engine.plate.refit import refit
from engine.plate.registration import Ring

LENDERS = 10
"""So many frames are sought for each pixel, as many as there are slots: the more, the less grain their mean has, the
better their aliases cancel, and a passer-by is outvoted."""

SPARE = 2
"""So many times more are compared before some are taken."""

MAX_ALIGNED = 20
MAX_SAMPLES = 1500
"""So many of the missing pixels say how much a frame shows."""

MIN_SHARE = 0.01
"""A frame that shows less of what is missing is not worth its time."""

NEARNESS_FRAMES = 500.0
"""A frame so much further away must show twice as much: light and scene change in time."""

BETWEEN_WORTH = 0.25
"""Far frames go first: what passes by is in several neighbours."""

WORTH = np.float32(0.02)
"""What such a frame counts in the vote, like one that is followed over some dozens of frames: it makes a pixel less
sure than near ones."""

WAYS = len(SIGHTING_ORDERS)
Sightings = tuple[list[Sighting], list[Sighting]]


@dataclass(frozen=True)
class Around:
    """What is seen elsewhere too: the `ring` around a hole, and (K, 2) `points` of it to measure light on."""

    ring: Ring
    points: Points


@dataclass(frozen=True)
class _Start:
    """The far frame that is nearest to a frame, the motion there, and whether the camera is locked."""

    frame: int
    matrix: Matrix
    locked: bool


@dataclass(frozen=True)
class _Candidate:
    """A far frame, or one between two; `matrix`: about the motion there, analysis pixels; `shows`: (S,) which of the
    samples."""

    frame: int
    matrix: Matrix
    shows: Mask
    is_between: bool = False

    def gain(self, target: int, counts: NDArray[np.intp]) -> float:
        """By how much it helps a target whose samples are shown by (S,) frames already."""
        wanted = self.shows & (counts < LENDERS)
        worth = 1.0 / (1.0 + abs(self.frame - target) / NEARNESS_FRAMES)
        return float((1.0 / (1.0 + counts[wanted])).sum()) * worth * (BETWEEN_WORTH if self.is_between else 1.0)


def far_sightings(footage: Footage, frame: int, around: Around, missing: NDArray[np.intp]) -> Sightings:
    """The far frames that show some of a frame's `missing` pixels, in the slots of both ways.

    `missing`: (n,) their numbers among the guarded ones.
    """
    view, start = footage.view(frame), _nearest(footage, frame)
    found: Sightings = [], []
    if view.box is None or start is None:
        return found
    row, column = (at[missing] for at in np.nonzero(view.guarded))
    home = np.stack([column + view.box.x0, row + view.box.y0], axis=1).astype(np.float32)
    samples = _small(view, home[:: -(-len(home) // MAX_SAMPLES)])
    candidates = _candidates(footage, frame, start, samples)
    counts, lent = np.zeros(len(samples), np.intp), np.zeros(len(home), np.int8)
    for _ in range(MAX_ALIGNED):
        best = max(candidates, key=lambda each: each.gain(frame, counts), default=None)
        if best is None or best.gain(frame, counts) < MIN_SHARE * len(samples):
            break
        candidates.remove(best)
        matrix = refit(around.ring, view, footage.far.view(best.frame), best.matrix, start.locked)
        if matrix is not None:
            for way, sighting in _seen(footage, view, around, (best.frame, matrix), (missing, home, lent)):
                found[way].append(sighting)
            counts += best.shows
            if not best.is_between:
                candidates += _beside(footage, frame, replace(best, matrix=matrix))
    return found


def _beside(footage: Footage, frame: int, fitting: _Candidate) -> Iterator[_Candidate]:
    """Frames between one that fits and the far frame before it, on the way from a frame: they show much the same."""
    for away in footage.far.between:
        beside = fitting.frame + (away if fitting.frame < frame else -away)
        if abs(beside - frame) > footage.settings.reach_frames and beside in footage.available:
            yield replace(fitting, frame=beside, is_between=True)


def _nearest(footage: Footage, frame: int) -> _Start | None:
    """None where there is a cut before every one of them."""
    for near in sorted(footage.far.frames, key=lambda near: abs(near - frame))[:2]:
        way = 1 if near > frame else -1
        steps = [footage.step(a, b) for a, b in itertools.pairwise(range(frame, near + way, way))]
        matrix, locked = np.eye(3), _is_locked(footage, frame)
        for step in steps:
            if step is None:
                break
            matrix, locked = step.matrix @ matrix, locked and step.static
        else:
            return _Start(near, matrix, locked)
    return None


def _is_locked(footage: Footage, frame: int) -> bool:
    beside = (n for n in (frame + 1, frame - 1) if n in footage.available)
    steps = [step for n in beside if (step := footage.step(frame, n)) is not None]
    return bool(steps) and all(step.static for step in steps)


def _candidates(footage: Footage, frame: int, start: _Start, samples: Points) -> list[_Candidate]:
    """Enough of those that show some of the samples, (S, 2) analysis pixels, the nearest first."""
    out: list[_Candidate] = []
    counts = np.zeros(len(samples), np.intp)
    for far in footage.far.outwards(start.frame):
        # Within reach all frames have been asked.
        link = None if abs(far - frame) <= footage.settings.reach_frames else footage.far.link(start.frame, far)
        if link is None:
            continue
        matrix = link @ start.matrix
        shows = footage.far.landmarks(far).show(apply_matrix(matrix, samples))
        if shows.any():
            out.append(_Candidate(far, matrix, shows))
            counts += shows
            if (counts >= SPARE * LENDERS).all():
                break
    return out


def _seen(
    footage: Footage,
    view: FrameView,
    around: Around,
    motion: tuple[int, Matrix],
    wanted: tuple[NDArray[np.intp], Points, NDArray[np.int8]],
) -> Iterator[tuple[int, Sighting]]:
    """What a far frame shows of the wanted pixels: (n,) their numbers, (n, 2) places, and (n,) how many slots they
    have taken, which is counted on. Those of one way are filled first, then those of the other."""
    (far, matrix), (numbers, home, lent) = motion, wanted
    static, hidden = bool(np.array_equal(matrix, np.eye(3))), footage.far.view(far).hidden()
    points, beside = (p if static else _moved(view, matrix, p) for p in (home, around.points))
    taken, beside_seen, offset = shown(points, hidden), shown(beside, hidden), np.zeros(3, np.float32)
    for way in range(2):
        now = np.flatnonzero(taken & (lent // WAYS == way))
        if len(now):
            place = numbers[now].astype(np.int32), points[now], (lent[now] - way * WAYS).astype(np.int8)
            yield way, Sighting(far, *place, offset, static, beside, beside_seen, WORTH)
    lent[taken] += 1


def _small(view: FrameView, points: Points) -> Points:
    """(n, 2) full-size pixels as analysis pixels."""
    scale = np.array(view.scale, np.float32)
    return np.asarray((points + np.float32(0.5)) * scale - np.float32(0.5), np.float32)


def _moved(view: FrameView, matrix: Matrix, points: Points) -> Points:
    """Where (n, 2) full-size pixels are after a motion of analysis pixels."""
    scale = np.array(view.scale, np.float32)
    moved = apply_matrix(matrix, _small(view, points))
    return np.asarray((moved + np.float32(0.5)) / scale - np.float32(0.5), np.float32)
