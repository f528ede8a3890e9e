"""Straight edges that enter a hole on both sides: horizons, walls' edges, kerbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask

SMOOTH_PX = 0.7
AWAY_PX = 2
REACH_PX = 14
"""So far outside the hole an edge is looked at, on each side."""

MIN_SAMPLES = 6
MIN_STEP = 0.05
"""The colours' difference across an edge."""

MIN_STEADY = 1.4
"""Mean over spread of the step along the edge."""

MOST_UNLIKE = 0.6
"""The steps' difference on the two sides, of the larger one."""

TOUCHING_PX, APART_PX = 1.0, 3.0
"""Edges nearer than the one at one end, or the other at both, are one."""

MOST_LINES = 6
MAX_RING = 600
MOST_PAIRS = 300
UNSURE, SURE = 0.05, 0.25
"""Strengths below the first are chance; from the second on an edge is certain."""


@dataclass(frozen=True)
class Crossing:
    """An edge through a hole, from one border to the other, (y, x) positions; it was seen `reach_px` beyond each."""

    start: NDArray[np.float64]
    stop: NDArray[np.float64]
    strength: float
    reach_px: tuple[float, float] = (REACH_PX, REACH_PX)

    @property
    def length_px(self) -> float:
        """From border to border."""
        return float(np.linalg.norm(self.stop - self.start))

    @property
    def along(self) -> NDArray[np.float64]:
        """Unit vector from the start to the stop."""
        return np.asarray((self.stop - self.start) / self.length_px)

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across."""
        return np.array([-self.along[1], self.along[0]])

    def beside(self, at: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n,) how far positions, (n, 2), lie across the edge, and along it from its start."""
        there = at - self.start
        return there @ self.normal, there @ self.along

    def at_scale(self, scale: float) -> Crossing:
        """The same edge in a picture `scale` times as large."""
        start, stop = (scale * (end + 0.5) - 0.5 for end in (self.start, self.stop))
        return replace(self, start=start, stop=stop, reach_px=(scale * self.reach_px[0], scale * self.reach_px[1]))

    def shown(self, shape: tuple[int, ...], aside_px: float) -> Mask:
        """(H, W) what lies beside the edge where it was seen, outside the hole."""
        away, place = self.beside(np.argwhere(np.ones(shape[:2], bool)))
        return ((np.abs(away) < aside_px) & self.seen(place)).reshape(shape[:2])

    def seen(self, place: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether places along the edge, from its start, are where it was seen."""
        before, after = -place, place - self.length_px
        return ((before > 0.0) & (before < self.reach_px[0])) | ((after > 0.0) & (after < self.reach_px[1]))

    @property
    def certainty(self) -> float:
        """0 to 1."""
        return float(np.clip((self.strength - UNSURE) / (SURE - UNSURE), 0.0, 1.0))


def crossing_lines(pictures: Sequence[tuple[FloatImage, Mask]]) -> list[Crossing]:
    """The strongest straight edges that enter a hole on both sides, apart from each other.

    `pictures`: (H, W, 3) and the unknown of it, (H, W), at sizes that halve; positions are those of the last. Texture
    hides some edges in the finer ones, and others are too short for the coarser.
    """
    found: list[Crossing] = []
    for halvings, (rgb, unknown) in enumerate(reversed(pictures)):
        found += [line.at_scale(0.5**halvings) for line in _edges(rgb, unknown)]
    kept: list[Crossing] = []
    for line in sorted(found, key=lambda line: -line.strength):
        if len(kept) < MOST_LINES and line.strength > UNSURE and all(_apart(line, other) for other in kept):
            kept.append(line)
    return kept


def _edges(rgb: FloatImage, unknown: Mask) -> list[Crossing]:
    """All edges of one picture, the strongest first, at most MOST_PAIRS."""
    from engine.plate.synthesis.line_loops import edge_pairs

    away = cv2.distanceTransform((~unknown).view(np.uint8), cv2.DIST_L2, 5)
    ring = np.argwhere((away > AWAY_PX) & (away <= AWAY_PX + 1.0))
    ring = ring[:: -(-len(ring) // MAX_RING)] if len(ring) else ring
    if len(ring) < 2:
        return []
    smooth = np.asarray(cv2.GaussianBlur(rgb, (0, 0), SMOOTH_PX), np.float32)
    pairs, score = edge_pairs(smooth, unknown, ring, REACH_PX, MIN_SAMPLES, MIN_STEP, MIN_STEADY, MOST_UNLIKE)
    best = np.argsort(-score, kind="stable")[:MOST_PAIRS]
    ends = ring.astype(np.float64)
    return [_reaching(rgb, unknown, Crossing(ends[pairs[n, 0]], ends[pairs[n, 1]], float(score[n]))) for n in best]


def _reaching(rgb: FloatImage, unknown: Mask, line: Crossing) -> Crossing:
    """The edge as far on as it looks alike."""
    from engine.plate.synthesis.line_loops import edge_reach

    before = edge_reach(rgb, unknown, line.start, -line.along, REACH_PX, MIN_SAMPLES, MIN_STEP, MOST_UNLIKE)
    after = edge_reach(rgb, unknown, line.stop, line.along, REACH_PX, MIN_SAMPLES, MIN_STEP, MOST_UNLIKE)
    return replace(line, reach_px=(float(before), float(after)))


def _apart(a: Crossing, b: Crossing) -> bool:
    """Edges of one picture seldom cross or start from one point: of two that do, one is taken for chance."""
    ends = (((a.start, b.start), (a.stop, b.stop)), ((a.start, b.stop), (a.stop, b.start)))
    away = [sorted(float(np.abs(p - q).max()) for p, q in pairs) for pairs in ends]
    near = any(nearer < TOUCHING_PX or farther < APART_PX for nearer, farther in away)
    across = _side(a, b.start) * _side(a, b.stop) < 0 and _side(b, a.start) * _side(b, a.stop) < 0
    return not (near or across)


def _side(line: Crossing, point: NDArray[np.float64]) -> float:
    along, there = line.stop - line.start, point - line.start
    return float(along[0] * there[1] - along[1] * there[0])
