"""The loops of patch_match.py and texture.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled
from engine.plate.model import FloatImage

Ints = NDArray[np.intp]
Floats = NDArray[np.float32]


@compiled
def patch_distance(
    picture: FloatImage, row: int, column: int, source_row: int, source_column: int, radius: int, limit: float
) -> float:
    """Mean squared difference per pixel of two patches, as far as the first lies in the picture.

    What the other lacks is continued. Above the limit it is not summed to the end.
    """
    height, width, channels = picture.shape
    top, bottom = max(row - radius, 0), min(row + radius, height - 1)
    left, right = max(column - radius, 0), min(column + radius, width - 1)
    count = (bottom - top + 1) * (right - left + 1)
    most = limit * count
    total = 0.0
    for y in range(top, bottom + 1):
        sy = min(max(source_row + y - row, 0), height - 1)
        for x in range(left, right + 1):
            sx = min(max(source_column + x - column, 0), width - 1)
            for c in range(channels):
                total += (picture[y, x, c] - picture[sy, sx, c]) ** 2
        if total > most:
            break
    return total / count


@compiled
def measure(picture: FloatImage, target: Ints, at: Ints, distance: Floats, radius: int) -> None:
    """Writes into (H, W) `distance` those of the target patches, at (n, 2), to the patches at (H, W, 2) `at`."""
    for n in range(target.shape[0]):
        y, x = target[n, 0], target[n, 1]
        distance[y, x] = patch_distance(picture, y, x, at[y, x, 0], at[y, x, 1], radius, np.inf)


@compiled
def search(
    picture: FloatImage,
    allowed: NDArray[np.bool_],
    covered: NDArray[np.bool_],
    target: Ints,
    at: Ints,
    distance: Floats,
    random: Floats,
    radius: int,
    reach_px: float,
    nearest_px: float,
    backward: bool,
) -> None:
    """One round of PatchMatch (Barnes et al. 2009), in place.

    Each target, in scan order, tries what its neighbours have found, and places around its match.

    `allowed`: (H, W) centres that may be copied; `covered`: (H, W) pixels that `at` and `distance` hold for; `random`:
    (m, 2) in [-1, 1], used in turn; `reach_px`: how far around. Nothing nearer than `nearest_px` is taken.
    """
    height, width = allowed.shape
    step = -1 if backward else 1
    used = 0
    for k in range(target.shape[0]):
        n = target.shape[0] - 1 - k if backward else k
        y, x = target[n, 0], target[n, 1]
        reach = 2.0 * reach_px
        side = 0
        while reach >= 1.0:
            if side < 2:
                across, down = (step, 0) if side == 0 else (0, step)
                side += 1
                ny, nx = y - down, x - across
                if ny < 0 or nx < 0 or ny >= height or nx >= width or not covered[ny, nx]:
                    continue
                sy, sx = at[ny, nx, 0] + down, at[ny, nx, 1] + across
            else:
                reach *= 0.5
                sy = at[y, x, 0] + int(np.rint(reach * random[used, 0]))
                sx = at[y, x, 1] + int(np.rint(reach * random[used, 1]))
                used = (used + 1) % random.shape[0]
            if sy < 0 or sx < 0 or sy >= height or sx >= width or not allowed[sy, sx]:
                continue
            if sy == at[y, x, 0] and sx == at[y, x, 1]:
                continue
            if abs(sy - y) < nearest_px and abs(sx - x) < nearest_px:
                continue
            found = patch_distance(picture, y, x, sy, sx, radius, distance[y, x])
            if found < distance[y, x]:
                distance[y, x] = found
                at[y, x, 0], at[y, x, 1] = sy, sx


@compiled
def vote(values: FloatImage, target: Ints, at: Ints, weight: Floats, radius: int) -> tuple[FloatImage, Floats]:
    """(H, W, C) mean of what the patches say about the pixels they cover, and (H, W) their weight.

    `weight`: (n,) of the targets. What lies outside the picture says nothing.
    """
    height, width, channels = values.shape
    total = np.zeros((height, width, channels), np.float32)
    amount = np.zeros((height, width), np.float32)
    for n in range(target.shape[0]):
        y, x = target[n, 0], target[n, 1]
        sy, sx = at[y, x, 0], at[y, x, 1]
        for dy in range(-radius, radius + 1):
            if y + dy < 0 or y + dy >= height or sy + dy < 0 or sy + dy >= height:
                continue
            for dx in range(-radius, radius + 1):
                if x + dx < 0 or x + dx >= width or sx + dx < 0 or sx + dx >= width:
                    continue
                for c in range(channels):
                    total[y + dy, x + dx, c] += weight[n] * values[sy + dy, sx + dx, c]
                amount[y + dy, x + dx] += weight[n]
    for y in range(height):
        for x in range(width):
            if amount[y, x] > 0.0:
                for c in range(channels):
                    total[y, x, c] /= amount[y, x]
    return total, amount


@compiled
def relax(value: FloatImage, wanted: FloatImage, free: Ints, rounds: int, over: float) -> None:
    """Gauss-Seidel with overrelaxation, in place.

    Each free pixel, (n, 2), becomes the mean of its neighbours inside the picture, plus its share of `wanted`.
    """
    height, width, channels = value.shape
    for k in range(rounds):
        for step in range(free.shape[0]):
            n = free.shape[0] - 1 - step if k % 2 else step
            y, x = free[n, 0], free[n, 1]
            for c in range(channels):
                total, count = wanted[y, x, c], 0
                if y > 0:
                    total += value[y - 1, x, c]
                    count += 1
                if x > 0:
                    total += value[y, x - 1, c]
                    count += 1
                if y < height - 1:
                    total += value[y + 1, x, c]
                    count += 1
                if x < width - 1:
                    total += value[y, x + 1, c]
                    count += 1
                value[y, x, c] += over * (total / count - value[y, x, c])
