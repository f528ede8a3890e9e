"""The loop of border_lines.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled
from engine.plate.model import FloatImage

Ints = NDArray[np.intp]

ASIDE_PX = (1.0, 2.5)
"""The colours so far on either side of an edge are compared."""

CHECKS, MOST_INSIDE, SHORTEST_PX, WIDTH_PX = 16, 0.6, 10.0, 3.0
"""Of so many places between two points, this part must be unknown, so far to both sides; nearer points are no pair."""

STEADIEST = 4.0
"""Beyond this an edge that is steadier is no better."""


@compiled
def _step_outside(
    rgb: FloatImage,
    unknown: NDArray[np.bool_],
    y: float,
    x: float,
    down: float,
    across: float,
    reach: int,
    aside: float,
    step: NDArray[np.float64],
) -> tuple[int, float]:
    """Writes the mean colour difference across a ray from (y, x) on into `step`; samples, and its steadiness."""
    height, width = unknown.shape
    step[:] = 0.0
    squares, count = 0.0, 0
    for n in range(reach):
        cy, cx = y + n * down, x + n * across
        ay, ax = int(np.rint(cy - aside * across)), int(np.rint(cx + aside * down))
        by, bx = int(np.rint(cy + aside * across)), int(np.rint(cx - aside * down))
        if min(ay, by) < 0 or min(ax, bx) < 0 or max(ay, by) >= height or max(ax, bx) >= width:
            break
        if unknown[ay, ax] or unknown[by, bx]:
            continue
        for c in range(3):
            difference = rgb[ay, ax, c] - rgb[by, bx, c]
            step[c] += difference
            squares += difference * difference
        count += 1
    if count == 0:
        return 0, 0.0
    length = 0.0
    for c in range(3):
        step[c] /= count
        length += step[c] * step[c]
    spread = max(squares / count - length, 1e-6)
    return count, np.sqrt(length / spread)


@compiled
def _inside(unknown: NDArray[np.bool_], y: float, x: float, down: float, across: float, length: float) -> int:
    """At how many of the places between two points it is unknown there and on both sides."""
    height, width = unknown.shape
    count = 0
    for n in range(1, CHECKS):
        all_unknown = True
        for side in range(-1, 2):
            aside = side * WIDTH_PX / length
            row = int(np.rint(y + down * n / CHECKS + across * aside))
            column = int(np.rint(x + across * n / CHECKS - down * aside))
            all_unknown = all_unknown and 0 <= row < height and 0 <= column < width and unknown[row, column]
        count += all_unknown
    return count


@compiled
def _likeness(one: NDArray[np.float64], other: NDArray[np.float64], min_step: float, most_unlike: float) -> float:
    """The weaker one of two steps of colour, less the more they differ; 0 below the limits."""
    a, b, between = 0.0, 0.0, 0.0
    for c in range(3):
        a += one[c] * one[c]
        b += other[c] * other[c]
        between += (one[c] - other[c]) ** 2
    weak, unlike = np.sqrt(min(a, b)), np.sqrt(between / max(a, b, 1e-12))
    return weak * (1.0 - unlike / most_unlike) if weak >= min_step and unlike < most_unlike else 0.0


@compiled
def edge_pairs(
    rgb: FloatImage,
    unknown: NDArray[np.bool_],
    ring: Ints,
    reach: int,
    min_samples: int,
    min_step: float,
    min_steady: float,
    most_unlike: float,
) -> tuple[Ints, NDArray[np.float64]]:
    """(m, 2) pairs of ring points between which a straight edge goes through the hole, and (m,) how strong it is."""
    most = ring.shape[0] * (ring.shape[0] - 1) // 2
    pairs, scores = np.empty((most, 2), np.intp), np.empty(most)
    found = 0
    one, other = np.zeros(3), np.zeros(3)
    for i in range(ring.shape[0]):
        for j in range(i + 1, ring.shape[0]):
            y, x = float(ring[i, 0]), float(ring[i, 1])
            down, across = ring[j, 0] - y, ring[j, 1] - x
            length = np.sqrt(down * down + across * across)
            inside = _inside(unknown, y, x, down, across, max(length, 1.0))
            if length < SHORTEST_PX or inside < MOST_INSIDE * CHECKS:
                continue
            down, across = down / length, across / length
            score = np.inf
            for aside in ASIDE_PX:
                count, steady = _step_outside(rgb, unknown, y, x, -down, -across, reach, -aside, one)
                if count >= min_samples and steady >= min_steady:
                    there = _step_outside(
                        rgb, unknown, y + length * down, x + length * across, down, across, reach, aside, other
                    )
                    count, steady = min(count, there[0]), min(steady, there[1])
                if count < min_samples or steady < min_steady:
                    score = 0.0
                    break
                score = min(score, _likeness(one, other, min_step, most_unlike) * min(steady, STEADIEST))
            if score > 0.0:
                pairs[found, 0], pairs[found, 1] = i, j
                scores[found] = score
                found += 1
    return pairs[:found], scores[:found]


@compiled
def edge_reach(
    rgb: FloatImage,
    unknown: NDArray[np.bool_],
    start: NDArray[np.float64],
    along: NDArray[np.float64],
    piece: int,
    min_samples: int,
    min_step: float,
    most_unlike: float,
) -> int:
    """How far an edge goes on from a point, in whole pieces: as long as each looks like the first."""
    first, step = np.zeros(3), np.zeros(3)
    _step_outside(rgb, unknown, start[0], start[1], along[0], along[1], piece, ASIDE_PX[0], first)
    reach = piece
    while True:
        y, x = start[0] + reach * along[0], start[1] + reach * along[1]
        count, steady = _step_outside(rgb, unknown, y, x, along[0], along[1], piece, ASIDE_PX[0], step)
        if count < min_samples or steady < 1.0 or _likeness(first, step, min_step, most_unlike) <= 0.0:
            return reach
        reach += piece
