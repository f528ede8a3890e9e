"""The loops of surround.py over points, lenders and pixels. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled
from engine.plate.model import FloatImage, Mask

Numbers = NDArray[np.int32]
Square = NDArray[np.float64]


@compiled
def readable(rgb: FloatImage, truth: FloatImage, seen: Mask) -> tuple[Mask, FloatImage, FloatImage]:
    """(K,) which points that are `seen` are numbers in both (K, 3) colours; the (n, 3) colours of those."""
    mask = np.zeros(seen.size, np.bool_)
    found, true = np.empty((seen.size, 3), np.float32), np.empty((seen.size, 3), np.float32)
    count = 0
    for point in range(seen.size):
        total = np.float32(0.0)
        for channel in range(3):
            total += rgb[point, channel] + truth[point, channel]
        if seen[point] and np.isfinite(total):
            mask[point] = True
            for channel in range(3):
                found[count, channel], true[count, channel] = rgb[point, channel], truth[point, channel]
            count += 1
    return mask, found[:count].copy(), true[:count].copy()


@compiled
def misfit(
    rgb: FloatImage, truth: FloatImage, seen: Mask, gain: FloatImage, offset: FloatImage, outlier: float, least: float
) -> tuple[FloatImage, FloatImage, Mask]:
    """By how much (K, 3) colours, their light matched, differ from the truth.

    The (3, K) error, 0 where it does not fit; (K,) its mean over the channels; (K,) which points fit: those that are
    `seen` and differ by no more than `outlier` standard deviations, of which one is `least` or more.
    """
    count = seen.size
    error, mean, fits = np.empty((3, count), np.float32), np.empty(count, np.float32), np.zeros(count, np.bool_)
    size, of_seen, number = np.empty(count, np.float32), np.empty(count, np.float32), 0
    for point in range(count):
        total, most = np.float32(0.0), np.float32(0.0)
        for channel in range(3):
            off = rgb[point, channel] * gain[channel] + offset[channel] - truth[point, channel]
            error[channel, point] = off
            total += off
            most = np.maximum(most, np.abs(off))
        mean[point], size[point] = total / np.float32(3.0), most
        if seen[point]:
            of_seen[number] = most
            number += 1
    limit = outlier * max(1.4826 * float(np.median(of_seen[:number])), least)
    for point in range(count):
        if seen[point] and size[point] <= limit:
            fits[point] = True
        else:
            for channel in range(3):
                error[channel, point] = np.float32(0.0)
    return error, mean, fits


@compiled
def loss_sums(error: FloatImage, fits: Mask, between: FloatImage) -> tuple[float, float, float]:
    """Sums for the regression of the squared (3, K) error on how far `between` pixels it was read, (K,).

    Of the points that fit: how the two go together, how far the place is spread, and the mean square.
    """
    number, places, square, both, spread = 0, 0.0, 0.0, 0.0, 0.0
    for point in range(fits.size):
        if fits[point]:
            place = np.float64(between[point])
            value = (error[0, point] ** 2 + error[1, point] ** 2 + error[2, point] ** 2) / 3.0
            number, places, square = number + 1, places + place, square + value
            both, spread = both + place * value, spread + place * place
    if number == 0:
        return 0.0, 0.0, 0.0
    return both - places * square / number, spread - places * places / number, square / number


@compiled
def squares_apart(error: FloatImage, fits: FloatImage) -> tuple[Square, Square]:
    """(L, L) sums, over the points that fit two lenders, of the square differences of their (L, 3, K) errors; and how
    many points those are. `fits`: (L, K), 0 or 1."""
    lenders, points = fits.shape
    apart, both = np.zeros((lenders, lenders)), np.zeros((lenders, lenders))
    for a in range(lenders):
        for b in range(a):
            total, number = np.float32(0.0), np.float32(0.0)
            for point in range(points):
                red = error[a, 0, point] - error[b, 0, point]
                green = error[a, 1, point] - error[b, 1, point]
                blue = error[a, 2, point] - error[b, 2, point]
                share = fits[a, point] * fits[b, point]
                number += share
                total += share * (red * red + green * green + blue * blue)
            apart[a, b] = apart[b, a] = total
            both[a, b] = both[b, a] = number
    return apart, both


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
