"""The loop of the registration over a ring's points; see registration.py. Compiled: to be imported inside functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import Gray
from engine.plate.compiled import compiled, inlined
from engine.plate.model import FloatImage, Points

Affine = NDArray[np.float64]

CUTOFF = 4.685
"""Tukey's biweight gives no weight beyond so many standard deviations."""


@compiled
def align(
    blurred: Gray, start: Points, basis: Affine, slope: FloatImage, value: FloatImage, rounds: int
) -> tuple[Affine, float, float, float]:
    """The (3, 2) correction on the (n, 3) basis that brings the (n,) values of points at `start` to those of a picture.

    `blurred`: (H, W); `slope`: (n, 2) of the values. Also the mean error before and
    after, outliers cut off, and the farthest that a point is moved.
    """
    count = value.size
    affine, last, step = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros(6)
    design, system = np.empty(6), np.zeros((6, 6))
    error = np.empty(count)
    first_error, last_error, texture = 0.0, 0.0, 0.0
    for point in range(count):
        texture += 0.5 * (np.float64(slope[point, 0]) ** 2 + np.float64(slope[point, 1]) ** 2)
    for turn in range(rounds):
        for point in range(count):
            x, y = np.float64(start[point, 0]), np.float64(start[point, 1])
            for i in range(3):
                x += basis[point, i] * affine[i, 0]
                y += basis[point, i] * affine[i, 1]
            error[point] = value[point] - _between(blurred, x, y)
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
def differences(blurred: Gray, there: Points, value: FloatImage) -> FloatImage:
    """(n,) by how much the values exceed those of a blurred picture at (n, 2) places; see `align`."""
    out = np.empty(value.size, np.float32)
    for point in range(value.size):
        x, y = np.float64(there[point, 0]), np.float64(there[point, 1])
        out[point] = value[point] - _between(blurred, x, y)
    return out


@inlined
def _between(picture: Gray, x: float, y: float) -> np.float32:
    """The picture between four pixels; at the edges it is extended."""
    height, width = picture.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    right, below = np.float32(x - left), np.float32(y - top)
    column, next_column = min(max(left, 0), width - 1), min(max(left + 1, 0), width - 1)
    row, next_row = min(max(top, 0), height - 1), min(max(top + 1, 0), height - 1)
    here, beside = np.float32(picture[row, column]), np.float32(picture[row, next_column])
    under, across = np.float32(picture[next_row, column]), np.float32(picture[next_row, next_column])
    upper, lower = here + right * (beside - here), under + right * (across - under)
    return upper + below * (lower - upper)


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
