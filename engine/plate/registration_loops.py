"""The loop of the registration over a ring's points; see registration.py. Compiled: to be imported inside functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import Gray
from engine.plate.compiled import compiled, inlined
from engine.plate.model import FloatImage, Points

Affine = NDArray[np.float64]
REACH = 4
"""Of the blur, in pixels: `align` takes 2 * REACH + 1 taps."""

CUTOFF = 4.685
"""Tukey's biweight gives no weight beyond so many standard deviations."""


@compiled
def align(
    gray: Gray, taps: FloatImage, start: Points, basis: Affine, slope: FloatImage, value: FloatImage, rounds: int
) -> tuple[Affine, float, float, float]:
    """The (3, 2) correction on the (n, 3) basis that brings the (n,) values of points at `start` to those of a picture.

    `gray`: (H, W), read blurred by the `taps`; `slope`: (n, 2) of the values. Also the mean error before and
    after, outliers cut off, and the farthest that a point is moved.
    """
    count = value.size
    affine, last, step = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros(6)
    design, system = np.empty(6), np.zeros((6, 6))
    error = np.empty(count)
    across, down = np.empty(2 * REACH + 2, np.float32), np.empty(2 * REACH + 2, np.float32)
    first_error, last_error, texture = 0.0, 0.0, 0.0
    for point in range(count):
        texture += 0.5 * (np.float64(slope[point, 0]) ** 2 + np.float64(slope[point, 1]) ** 2)
    for turn in range(rounds):
        for point in range(count):
            x, y = np.float64(start[point, 0]), np.float64(start[point, 1])
            for i in range(3):
                x += basis[point, i] * affine[i, 0]
                y += basis[point, i] * affine[i, 1]
            error[point] = value[point] - _blurred(gray, taps, across, down, x, y)
        error -= np.median(error)
        spread = max(1.4826 * np.median(np.abs(error)), 1.0)
        last_error = np.minimum(np.abs(error), 3.0 * spread).mean()
        if turn == 0:
            first_error = last_error
        last[:] = affine
        # Without texture on all sides only a shift is measured, not a stretch.
        system[:], step[:] = 0.0, 0.0
        for i in range(6):
            system[i, i] = 1e-3 + (0.05 * texture if i % 3 else 0.0)
        for point in range(count):
            robust = max(1.0 - (error[point] / (CUTOFF * spread)) ** 2, 0.0) ** 2
            for i in range(6):
                design[i] = basis[point, i % 3] * slope[point, i // 3]
            for i in range(6):
                step[i] += robust * design[i] * error[point]
                for j in range(6):
                    system[i, j] += robust * design[i] * design[j]
        _solve(system, step)
        for i in range(6):
            affine[i % 3, i // 3] += step[i]
    farthest = 0.0
    for point in range(count):
        for axis in range(2):
            moved = basis[point, 0] * last[0, axis] + basis[point, 1] * last[1, axis] + basis[point, 2] * last[2, axis]
            farthest = max(farthest, abs(moved))
    return last, first_error, last_error, farthest


@compiled
def differences(gray: Gray, taps: FloatImage, there: Points, value: FloatImage) -> FloatImage:
    """(n,) by how much the values exceed those of the blurred picture at (n, 2) places; see `align`."""
    out = np.empty(value.size, np.float32)
    across, down = np.empty(2 * REACH + 2, np.float32), np.empty(2 * REACH + 2, np.float32)
    for point in range(value.size):
        x, y = np.float64(there[point, 0]), np.float64(there[point, 1])
        out[point] = value[point] - _blurred(gray, taps, across, down, x, y)
    return out


@inlined
def _blurred(gray: Gray, taps: FloatImage, across: FloatImage, down: FloatImage, x: float, y: float) -> np.float32:
    """The picture, blurred, between four pixels; at the edges it is extended. `across` and `down` are for its use."""
    height, width = gray.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    _between(taps, np.float32(x - left), across)
    _between(taps, np.float32(y - top), down)
    left, top = left - REACH, top - REACH
    total = np.float32(0.0)
    if left >= 0 and top >= 0 and left + 2 * REACH + 2 <= width and top + 2 * REACH + 2 <= height:
        for j in range(2 * REACH + 2):
            line = np.float32(0.0)
            for i in range(2 * REACH + 2):
                line += across[i] * np.float32(gray[top + j, left + i])
            total += down[j] * line
        return total
    for j in range(2 * REACH + 2):
        row = min(max(top + j, 0), height - 1)
        for i in range(2 * REACH + 2):
            total += down[j] * across[i] * np.float32(gray[row, min(max(left + i, 0), width - 1)])
    return total


@inlined
def _between(taps: FloatImage, share: np.float32, out: FloatImage) -> None:
    """Writes the taps of a blur at a place the given share of the way from a pixel to the next."""
    before = np.float32(0.0)
    for i in range(2 * REACH + 1):
        out[i] = (np.float32(1.0) - share) * taps[i] + share * before
        before = taps[i]
    out[2 * REACH + 1] = share * before


@inlined
def _solve(system: Affine, right: Affine) -> None:
    """Solves a positive definite system in place, by Gauss's elimination; the answer is in `right`."""
    size = right.size
    for i in range(size):
        for k in range(i + 1, size):
            part = system[k, i] / system[i, i]
            right[k] -= part * right[i]
            for j in range(i, size):
                system[k, j] -= part * system[i, j]
    for i in range(size - 1, -1, -1):
        for j in range(i + 1, size):
            right[i] -= system[i, j] * right[j]
        right[i] /= system[i, i]
