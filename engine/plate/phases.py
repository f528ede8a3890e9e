"""Weights under which the aliases of several lenders cancel.

A camera's pixels don't hold the finest detail: what is finer than two pixels folds back as an alias. A reading at d
pixels from the nearest pixel's centre repeats the alias turned by the angle 2 pi d, per axis, whatever its frequency
(the relation on which Tsai and Huang 1984 build a sharper picture). So of several lenders that read at different
phases the aliases can be made to cancel: the weights are those of least expected square error under the condition
that they sum to 1, and some may be negative.
"""

from __future__ import annotations

import numpy as np

from engine.plate.compiled import compiled
from engine.plate.model import FloatImage

UNDERSTATED = 3.0
"""The loss is measured on points that fit, which leaves out the strongest edges, where most is lost. Chosen on made
pans, zooms and handheld shots of five pictures; from 2 to 4 the result is the same within 0.2 dB."""

LEAST_LOSS = 0.05
"""Below, there is nothing to gain."""

NOTHING = 1e-12
"""Weights that sum to less are none."""


def balanced(weight: FloatImage, phase: FloatImage, loss: float) -> FloatImage:
    """(S, N) the weights of S lenders, changed so that their aliases cancel as far as their grain allows.

    `weight`: (S, N), in the inverse proportion of the lenders' variances; `phase`: (2, S, N) how far from the nearest
    pixel's centre they were read, x and y, in pixels; `loss`: see Surround.interpolation_loss. They sum to 1, or are
    all 0.
    """
    if loss < LEAST_LOSS:
        return weight
    # A full turn off in one axis alone, where `between_pixels` is 1, is an error of 2 and 0: in square, 4.
    return _balanced(weight, phase, np.float32(UNDERSTATED * loss / 4.0))


@compiled
def _balanced(weight: FloatImage, phase: FloatImage, loss: np.float32) -> FloatImage:
    """See `balanced`. With D the lenders' variances and F their alias errors, the weights go as (D + F F')^-1 1; by
    Woodbury's formula that takes a system of four equations per pixel, solved by Cholesky's method."""
    slots, pixels = weight.shape
    out = np.zeros(weight.shape, np.float32)
    share, error = np.zeros(slots, np.float32), np.zeros((slots, 4), np.float32)
    system, pull = np.zeros((4, 4), np.float32), np.zeros(4, np.float32)
    turn = np.float32(2.0 * np.pi)
    for pixel in range(pixels):
        total, squares = np.float32(0.0), np.float32(0.0)
        for slot in range(slots):
            total += weight[slot, pixel]
            squares += weight[slot, pixel] ** 2
        if total <= NOTHING:
            continue
        variances = squares / (loss * total * total)
        system[:] = 0.0
        pull[:] = 0.0
        for slot in range(slots):
            share[slot] = weight[slot, pixel] / total
            if share[slot] <= 0:
                continue
            for axis in range(2):
                angle = turn * phase[axis, slot, pixel]
                error[slot, 2 * axis], error[slot, 2 * axis + 1] = np.cos(angle) - np.float32(1.0), np.sin(angle)
            for i in range(4):
                pull[i] += share[slot] * error[slot, i]
                for j in range(i + 1):
                    system[i, j] += share[slot] * error[slot, i] * error[slot, j]
        for i in range(4):
            system[i, i] += variances
        _solve(system, pull)
        whole = np.float32(0.0)
        for slot in range(slots):
            if share[slot] > 0:
                off = np.float32(0.0)
                for i in range(4):
                    off += pull[i] * error[slot, i]
                out[slot, pixel] = share[slot] * (np.float32(1.0) - off)
                whole += out[slot, pixel]
        for slot in range(slots):
            out[slot, pixel] /= whole
    return out


@compiled
def _solve(system: FloatImage, right: FloatImage) -> None:
    """Solves a positive definite system in place, the answer in `right`; its lower half is given."""
    size = right.size
    for i in range(size):
        for j in range(i + 1):
            for k in range(j):
                system[i, j] -= system[i, k] * system[j, k]
            system[i, j] = np.sqrt(system[i, i]) if i == j else system[i, j] / system[j, j]
    for i in range(size):
        for k in range(i):
            right[i] -= system[i, k] * right[k]
        right[i] /= system[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            right[i] -= system[k, i] * right[k]
        right[i] /= system[i, i]
