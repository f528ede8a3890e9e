"""The loops of shift_map.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled, inlined
from engine.plate.model import FloatImage

Ints = NDArray[np.intp]
Floats = NDArray[np.float32]


@compiled
def shown_by_shifts(
    rgb: FloatImage, allowed: NDArray[np.bool_], nodes: Ints, shifts: Ints
) -> tuple[Floats, NDArray[np.bool_]]:
    """(n, C, K) the colours that each shift brings to each node, and (n, K) whether they may be copied."""
    height, width, channels = rgb.shape
    colours = np.empty((nodes.shape[0], channels, shifts.shape[0]), np.float32)
    valid = np.empty((nodes.shape[0], shifts.shape[0]), np.bool_)
    for n in range(nodes.shape[0]):
        for k in range(shifts.shape[0]):
            row, column = nodes[n, 0] + shifts[k, 0], nodes[n, 1] + shifts[k, 1]
            valid[n, k] = 0 <= row < height and 0 <= column < width and allowed[row, column]
            row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
            for c in range(channels):
                colours[n, c, k] = rgb[row, column, c]
    return colours, valid


@compiled
def border_costs(
    rgb: FloatImage, known: NDArray[np.bool_], nodes: Ints, shifts: Ints, radius: int, lacking: float
) -> Floats:
    """(n, K) squared difference of what is known around each node and what the shift brings there.

    What a shift brings from outside the picture or from the unknown costs `lacking`.
    """
    height, width, channels = rgb.shape
    costs = np.zeros((nodes.shape[0], shifts.shape[0]), np.float32)
    for n in range(nodes.shape[0]):
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                y, x = nodes[n, 0] + dy, nodes[n, 1] + dx
                if y < 0 or x < 0 or y >= height or x >= width or not known[y, x]:
                    continue
                share = 1.0 / (dy * dy + dx * dx)
                for k in range(shifts.shape[0]):
                    row, column = y + shifts[k, 0], x + shifts[k, 1]
                    if row < 0 or column < 0 or row >= height or column >= width or not known[row, column]:
                        costs[n, k] += share * lacking
                        continue
                    total = 0.0
                    for c in range(channels):
                        total += (rgb[row, column, c] - rgb[y, x, c]) ** 2
                    costs[n, k] += share * total
    return costs


@inlined
def _at_most(out: Floats, both: Floats, a: int, base: float) -> None:
    """Lowers `out` to what label `a` and the other cost. Written out: so it becomes vector instructions."""
    a0, a1, a2, a3, a4, a5 = both[0, a], both[1, a], both[2, a], both[3, a], both[4, a], both[5, a]
    for b in range(out.shape[0]):
        here = (both[0, b] - a0) ** 2 + (both[1, b] - a1) ** 2 + (both[2, b] - a2) ** 2
        there = (both[3, b] - a3) ** 2 + (both[4, b] - a4) ** 2 + (both[5, b] - a5) ** 2
        total = base + here + there
        out[b] = total if total < out[b] else out[b]


@compiled
def send(
    unary: Floats,
    colours: Floats,
    neighbours: Ints,
    messages: Floats,
    change: float,
    limit: float,
    backward: bool,
) -> None:
    """One sweep of sequential tree-reweighted message passing (Kolmogorov, PAMI 2006), forward or backward.

    `unary`: (n, K); `colours`: (n, 3, K); `neighbours`: (n, 4) the nodes left, above, right, below, or -1; `messages`:
    (n, 4, K), from there. Two labels next to each other cost what they disagree about at both nodes, at most `limit`,
    and `change`.
    """
    count, labels = unary.shape
    both = np.empty((6, labels), np.float32)
    belief = np.empty(labels, np.float32)
    start = np.empty(labels, np.float32)
    out = np.empty(labels, np.float32)
    for step in range(count):
        n = count - 1 - step if backward else step
        before, after = 0, 0
        for side in range(4):
            if neighbours[n, side] >= 0:
                if side < 2:
                    before += 1
                else:
                    after += 1
        share = np.float32(1.0 / max(before, after, 1))
        belief[:] = unary[n]
        for side in range(4):
            if neighbours[n, side] >= 0:
                belief += messages[n, side]
        for side in range(4):
            other = neighbours[n, side]
            if other < 0 or (side < 2) != backward:
                continue
            start[:] = share * belief - messages[n, side]
            lowest = start.min()
            both[:3] = colours[n]
            both[3:] = colours[other]
            for b in range(labels):
                out[b] = min(start[b], lowest + np.float32(change + limit))
            # Disagreement costs nothing or more: with a good label first, many others can lower nothing.
            _at_most(out, both, int(start.argmin()), lowest + np.float32(change))
            highest = out.max()
            for a in range(labels):
                if start[a] + np.float32(change) < highest:
                    _at_most(out, both, a, start[a] + np.float32(change))
            messages[other, (side + 2) % 4] = out - out.min()


@compiled
def decide(unary: Floats, colours: Floats, neighbours: Ints, messages: Floats, change: float, limit: float) -> Ints:
    """(n,) labels, each the best given those before it."""
    count, labels = unary.shape
    channels = colours.shape[1]
    chosen = np.empty(count, np.intp)
    cost = np.empty(labels, np.float32)
    for n in range(count):
        cost[:] = unary[n]
        for side in range(4):
            other = neighbours[n, side]
            if other < 0:
                continue
            if side >= 2:
                cost += messages[n, side]
                continue
            a = chosen[other]
            for b in range(labels):
                total = np.float32(0.0)
                if a != b:
                    for c in range(channels):
                        total += (colours[n, c, a] - colours[n, c, b]) ** 2
                        total += (colours[other, c, a] - colours[other, c, b]) ** 2
                    total = min(total, np.float32(limit)) + np.float32(change)
                cost[b] += total
        chosen[n] = cost.argmin()
    return chosen
