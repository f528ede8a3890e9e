"""The loops of the fusion over pixels and slots; see fusion.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled, inlined
from engine.plate.model import FloatImage
from engine.plate.votes import AGREEMENT, LIKELY, OUTVOTED_SPREAD, PRIOR_SPREAD, PRIOR_VOTE

BLOCK = 512
"""So many pixels at once: what is read of them stays in the nearest cache, and vectors have enough to do."""

Places = NDArray[np.intp]

_LOG2_E = np.float32(1.44269504)
_EXPONENT_BIAS, _MANTISSA = np.int32(127), np.int32(1 << 23)
_LOWEST = np.float32(-120.0)
_HALF, _ONE = np.float32(0.5), np.float32(1.0)
# 2^x for |x| <= 1/2: Taylor's series, the last terms bent for the smallest error (4e-6).
_C1, _C2, _C3, _C4, _C5 = (np.float32(c) for c in (0.69314718, 0.24022651, 0.05550411, 0.00961813, 0.00133336))
_FALL = np.float32(-0.5 / (3.0 * AGREEMENT**2))
_LIKELY_SQUARE = np.float32(math.log(LIKELY) / _FALL)


@inlined
def exp(x: np.float32) -> np.float32:
    """e^x of a float32 up to 0, to about 4e-6 of it; unlike the library's, it runs on whole vectors."""
    power = max(x * _LOG2_E, _LOWEST)
    whole = np.floor(power + _HALF)
    rest = power - whole
    part = _ONE + rest * (_C1 + rest * (_C2 + rest * (_C3 + rest * (_C4 + rest * _C5))))
    return part * np.int32((np.int32(whole) + _EXPONENT_BIAS) * _MANTISSA).view(np.float32)


@inlined
def near(colour: FloatImage, slot: int, base: FloatImage, pixel: int) -> np.float32:
    """How much a slot of (3, S, N) colours agrees with the (3, N) base at a pixel, in [0, 1]."""
    return exp(_FALL * square(colour, slot, base, pixel))


@inlined
def square(colour: FloatImage, slot: int, base: FloatImage, pixel: int) -> np.float32:
    """Square distance of a slot of (3, S, N) colours from the (3, N) base at a pixel."""
    red = colour[0, slot, pixel] - base[0, pixel]
    green = colour[1, slot, pixel] - base[1, pixel]
    blue = colour[2, slot, pixel] - base[2, pixel]
    return red * red + green * green + blue * blue


@compiled
def support(colour: FloatImage, vote: FloatImage, starts: Places, at: Places, images: FloatImage) -> None:
    """Writes, for each of the slots in `starts`, how many votes agree with its colours to a flat image, (n, H * W).

    `at`: (N,) the places of the pixels in it.
    """
    slots, pixels = vote.shape
    for number in range(starts.size):
        start = starts[number]
        for first in range(0, pixels, BLOCK):
            part = slice(first, min(first + BLOCK, pixels))
            total = np.zeros(part.stop - part.start, np.float32)
            for slot in range(slots):
                red, green, blue = colour[0, slot, part], colour[1, slot, part], colour[2, slot, part]
                red_0, green_0, blue_0 = colour[0, start, part], colour[1, start, part], colour[2, start, part]
                votes = vote[slot, part]
                for n in range(total.size):
                    x, y, z = red[n] - red_0[n], green[n] - green_0[n], blue[n] - blue_0[n]
                    total[n] += votes[n] * exp(_FALL * (x * x + y * y + z * z))
            for n in range(total.size):
                there = vote[start, first + n] > 0
                images[number, at[first + n]] = total[n] if there else np.float32(0.0)


@compiled
def elect(colour: FloatImage, vote: FloatImage, starts: Places, at: Places, images: FloatImage) -> FloatImage:
    """(3, N) the colours of those `starts` that have the most votes in the flat images; see `support`."""
    winner, most = np.zeros(colour[:, 0].shape, np.float32), np.zeros(vote.shape[1], np.float32)
    for number in range(starts.size):
        slot = starts[number]
        for pixel in range(most.size):
            votes = images[number, at[pixel]] + np.float32(1e-6)
            if vote[slot, pixel] > 0 and votes > most[pixel]:
                most[pixel] = votes
                for channel in range(3):
                    winner[channel, pixel] = colour[channel, slot, pixel]
    return winner


@compiled
def agreement(colour: FloatImage, vote: FloatImage, base: FloatImage) -> FloatImage:
    """(S, N) how much the slots agree with the (3, N) base, in [0, 1]; 0 where they are empty."""
    agrees = np.empty(vote.shape, np.float32)
    for slot in range(vote.shape[0]):
        for pixel in range(vote.shape[1]):
            agrees[slot, pixel] = near(colour, slot, base, pixel) if vote[slot, pixel] > 0 else np.float32(0.0)
    return agrees


@compiled
def mean(colour: FloatImage, base: FloatImage, weight: FloatImage) -> FloatImage:
    """(3, N) weighted mean of the slots, taken relative to a base so that equal colours come back unrounded."""
    slots, pixels = weight.shape
    out = np.empty(base.shape, np.float32)
    for first in range(0, pixels, BLOCK):
        part = slice(first, min(first + BLOCK, pixels))
        total = np.full(part.stop - part.start, np.float32(1e-12))
        for slot in range(slots):
            for n in range(total.size):
                total[n] += weight[slot, first + n]
        for channel in range(3):
            shift = np.zeros(total.size, np.float32)
            for slot in range(slots):
                _add_shift(colour[channel, slot, part], base[channel, part], weight[slot, part], shift)
            for n in range(total.size):
                out[channel, first + n] = base[channel, first + n] + shift[n] / total[n]
    return out


@inlined
def _add_shift(colour: FloatImage, base: FloatImage, weight: FloatImage, shift: FloatImage) -> None:
    for n in range(shift.size):
        # A slot without weight may hold a NaN.
        shift[n] += weight[n] * (colour[n] - base[n]) if weight[n] != 0 else np.float32(0.0)


@compiled
def shares(weight: FloatImage, at: Places, images: FloatImage) -> None:
    """Writes each slot's part of the sum of the (S, N) weights to its flat image, (S, H * W)."""
    total = np.full(weight.shape[1], np.float32(1e-12))
    for slot in range(weight.shape[0]):
        for pixel in range(total.size):
            total[pixel] += weight[slot, pixel]
    for slot in range(weight.shape[0]):
        for pixel in range(total.size):
            images[slot, at[pixel]] = weight[slot, pixel] / total[pixel]


@compiled
def feathered(images: FloatImage, at: Places, agrees: FloatImage) -> FloatImage:
    """(S, N) what the flat images, (S, H * W), say at the pixels, times `agrees`."""
    weight = np.empty(agrees.shape, np.float32)
    for slot in range(agrees.shape[0]):
        for pixel in range(agrees.shape[1]):
            weight[slot, pixel] = images[slot, at[pixel]] * agrees[slot, pixel]
    return weight


@compiled
def spread(colour: FloatImage, vote: FloatImage, base: FloatImage) -> tuple[FloatImage, FloatImage]:
    """(N,) mean square distance of the votes from the base, capped, with a prior for what nobody says; and (N,) how
    many slots show the base."""
    total = np.full(vote.shape[1], np.float32(PRIOR_VOTE * PRIOR_SPREAD))
    votes = np.full(vote.shape[1], np.float32(PRIOR_VOTE))
    supporters = np.zeros(vote.shape[1], np.float32)
    for slot in range(vote.shape[0]):
        for pixel in range(total.size):
            away = square(colour, slot, base, pixel)
            total[pixel] += vote[slot, pixel] * min(away / np.float32(3.0), np.float32(OUTVOTED_SPREAD))
            votes[pixel] += vote[slot, pixel]
            supporters[pixel] += _ONE if vote[slot, pixel] > 0 and away < _LIKELY_SQUARE else np.float32(0.0)
    return total / votes, supporters


@compiled
def strongest(weight: FloatImage, frame: NDArray[np.int32]) -> NDArray[np.int32]:
    """(N,) the frame with the largest of the (S, N) weights."""
    out, most = frame[0].copy(), weight[0].copy()
    for slot in range(1, weight.shape[0]):
        for pixel in range(most.size):
            if weight[slot, pixel] > most[pixel]:
                most[pixel], out[pixel] = weight[slot, pixel], frame[slot, pixel]
    return out
