"""The loops of light.py and surround.py over points and pixels. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled, inlined
from engine.plate.light import (
    CUTOFF,
    GAIN_PRIOR,
    GAIN_SLACK,
    MAX_GAIN,
    MIN_SPREAD,
    ROUNDS,
    SIGNIFICANT,
    Values,
)
from engine.plate.model import FloatImage, Points

Numbers = NDArray[np.int32]
Slots = NDArray[np.int8]


@compiled
def fit(rgb: FloatImage, truth: FloatImage) -> tuple[FloatImage, FloatImage]:
    """(3,) gains and offsets that bring (n, 3) colours to the true ones; see light.fit_light."""
    gain, offset = np.ones(3, np.float32), np.zeros(3, np.float32)
    for channel in range(3):
        x = rgb[:, channel].astype(np.float64)
        error, middle = truth[:, channel] - x, x.mean()
        slope, shift, mere, contrast, spread, total = _regression(x - middle, error)
        if abs(slope) * np.sqrt(contrast) >= SIGNIFICANT * spread:
            level = _plausible(1.0 + slope, middle, shift)
            gain[channel], offset[channel] = level, shift - (level - 1.0) * middle
        elif abs(mere) >= SIGNIFICANT * spread / np.sqrt(total):
            offset[channel] = mere
    return gain, offset


@inlined
def _regression(away: Values, error: Values) -> tuple[float, float, float, float, float, float]:
    """Of the error on how far a colour is from the mean: slope, shift, shift without a slope; contrast, spread and
    number of what is no outlier."""
    shift, slope = np.median(error), 0.0
    contrast, spread, total, mere = 0.0, 0.0, 1.0, 0.0
    for _ in range(ROUNDS):
        left = np.abs(error - shift - slope * away)
        spread = max(1.4826 * np.median(left), MIN_SPREAD)
        robust = np.square(np.maximum(1.0 - np.square(left / (CUTOFF * spread)), 0.0))
        total = max(robust.sum(), 1.0)
        centred = away - (robust * away).sum() / total
        contrast = (robust * centred * centred).sum()
        slope = (robust * error * centred).sum() / (contrast + (spread / GAIN_PRIOR) ** 2)
        shift = (robust * (error - slope * away)).sum() / total
        mere = (robust * error).sum() / total
    return slope, shift, mere, contrast, spread, total


@inlined
def _plausible(gain: float, middle: float, shift: float) -> float:
    """The gain, kept near what lies between none and that which alone turns the mean level into the other."""
    whole = 1.0 + shift / middle if middle > 0.01 else 1.0
    whole = min(max(whole, 1.0 / MAX_GAIN), MAX_GAIN)
    return min(max(gain, min(1.0, whole) - GAIN_SLACK), max(1.0, whole) + GAIN_SLACK)


@compiled
def columns(values: Numbers) -> tuple[Numbers, Numbers]:
    """The different columns of (S, N) numbers: (U,) where each is met first, and (N,) which of these each column is."""
    rows, count = values.shape
    size = 1024
    while size < 2 * count:
        size *= 2
    table, key_of = np.full(size, -1, np.int32), np.empty(count, np.int64)
    first, which = np.empty(count, np.int32), np.empty(count, np.int32)
    found, last_key, last = 0, np.int64(0), np.int32(-1)
    for column in range(count):
        key = np.int64(0)
        for row in range(rows):
            key = key * np.int64(1_000_003) + np.int64(values[row, column])
        if last < 0 or key != last_key:
            place = (key ^ (key >> np.int64(29))) & np.int64(size - 1)
            while table[place] >= 0 and key_of[table[place]] != key:
                place = (place + 1) & np.int64(size - 1)
            if table[place] < 0:
                table[place], key_of[found], first[found] = found, key, column
                found += 1
            last_key, last = key, table[place]
        which[column] = last
    return first[:found].copy(), which


@compiled
def rows_of(table: FloatImage, which: Numbers) -> FloatImage:
    """(S, N): for each of N, the row of a (U, S) table that `which` says."""
    out = np.empty((table.shape[1], which.size), np.float32)
    for slot in range(table.shape[1]):
        for pixel in range(which.size):
            out[slot, pixel] = table[which[pixel], slot]
    return out


@compiled
def lend_still(
    colour: FloatImage,
    index: Numbers,
    slot: Slots,
    rgb: FloatImage,
    points: Points,
    gain: FloatImage,
    offset: FloatImage,
) -> None:
    """Writes to (3, S, N) colours, at the (n,) numbers and slots, the pixels at (n, 2) points of an (H, W, 3) picture.

    `gain` and `offset`, (3,), bring them to the light of the target.
    """
    for n in range(index.size):
        pixel, to, column, row = index[n], slot[n], int(points[n, 0]), int(points[n, 1])
        for channel in range(3):
            colour[channel, to, pixel] = rgb[row, column, channel] * gain[channel] + offset[channel]


@compiled
def lend(
    colour: FloatImage, index: Numbers, slot: Slots, rgb: FloatImage, gain: FloatImage, offset: FloatImage
) -> None:
    """The same for (n, 3) colours that have been read."""
    for n in range(index.size):
        pixel, to = index[n], slot[n]
        for channel in range(3):
            colour[channel, to, pixel] = rgb[n, channel] * gain[channel] + offset[channel]


@compiled
def enter(table: NDArray, value: np.float32 | np.int32, index: Numbers, slot: Slots) -> None:
    """Writes a value to an (S, N) table at the (n,) numbers and slots."""
    for n in range(index.size):
        table[slot[n], index[n]] = value


@compiled
def enter_phase(phase: FloatImage, points: Points, index: Numbers, slot: Slots) -> None:
    """Writes to (2, S, N), at the (n,) numbers and slots, how far (n, 2) points are from the nearest pixel's centre."""
    for n in range(index.size):
        for axis in range(2):
            phase[axis, slot[n], index[n]] = points[n, axis] - np.rint(points[n, axis])


@compiled
def enter_nearest(table: FloatImage, picture: FloatImage, points: Points, index: Numbers, slot: Slots) -> None:
    """Writes to an (S, N) table, at the (n,) numbers and slots, the pixels of a picture that are nearest to points.

    `picture`: (H, W), extended beyond its edges; `points`: (n, 2) x, y.
    """
    height, width = picture.shape
    for n in range(index.size):
        column = min(max(int(np.rint(points[n, 0])), 0), width - 1)
        row = min(max(int(np.rint(points[n, 1])), 0), height - 1)
        table[slot[n], index[n]] = picture[row, column]
