"""The loops of scene.py and ways.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import Gray
from engine.plate.compiled import compiled
from engine.plate.model import Mask

WORST_CODES = 60.0
"""A point that differs by more, luma and chroma together, counts as if by this: something else is in front of it."""

COVERED_CODES = 25
"""Where something may be hidden, what differs by more than that from mover and background is in front of both."""

Planes = NDArray[np.uint8]
Spots = NDArray[np.int32]


@compiled
def mode(values: Gray, count: NDArray[np.int32]) -> Gray:
    """(h, w) the middle of the shortest interval with a third of the first `count` of the (h, w, n) values."""
    out = np.zeros(count.shape, np.uint8)
    sorted_ = np.zeros(values.shape[2], np.uint8)
    for row in range(count.shape[0]):
        for column in range(count.shape[1]):
            number = count[row, column]
            for n in range(number):
                value, place = values[row, column, n], n
                while place > 0 and sorted_[place - 1] > value:
                    sorted_[place] = sorted_[place - 1]
                    place -= 1
                sorted_[place] = value
            share, least = number // 3, np.int32(256)
            for start in range(number - share):
                width = np.int32(sorted_[start + share]) - np.int32(sorted_[start])
                if width < least:
                    least = width
                    out[row, column] = sorted_[start + share // 2]
    return out


@compiled
def gain(
    spots: Spots,
    values: Planes,
    planes: Planes,
    still: Planes,
    shown: Mask,
    coloured: Mask,
    x: int,
    y: int,
    every: int,
) -> tuple[float, float, int, float, float, int]:
    """By how many codes more every n-th of (n, 3) values at (n, 2) spots explains the (h, w, 3) planes x, y away than
    the still background does, in all; by how many the background misses them, in all; and how many are told apart. Then
    the same for those alone that are `shown`.

    Chroma counts where planes and values know it, `coloured`: 0 is unknown. Where it is not `shown`, what neither
    explains is the object and says nothing.
    """
    total, missed, told = 0.0, 0.0, 0
    shown_total, shown_missed, shown_told = 0.0, 0.0, 0
    height, width = shown.shape
    for n in range(0, spots.shape[0], every):
        column, row = spots[n, 0] + x, spots[n, 1] + y
        if column < 0 or row < 0 or column >= width or row >= height:
            continue
        off = abs(np.int32(planes[row, column, 0]) - np.int32(values[n, 0]))
        was = abs(np.int32(planes[row, column, 0]) - np.int32(still[row, column, 0]))
        if coloured[row, column] and values[n, 1] > 0:
            for channel in (1, 2):
                off += abs(np.int32(planes[row, column, channel]) - np.int32(values[n, channel]))
                was += abs(np.int32(planes[row, column, channel]) - np.int32(still[row, column, channel]))
        if not shown[row, column] and min(off, was) > COVERED_CODES:
            continue
        most = min(float(was), WORST_CODES)
        less = most - min(float(off), WORST_CODES)
        total += less
        missed += most
        told += 1
        if shown[row, column]:
            shown_total += less
            shown_missed += most
            shown_told += 1
    return total, missed, told, shown_total, shown_missed, shown_told


@compiled
def search(
    spots: Spots,
    values: Planes,
    planes: Planes,
    still: Planes,
    shown: Mask,
    coloured: Mask,
    middle: tuple[int, int],
    reach: int,
    step: int,
    every: int,
) -> tuple[float, int, int]:
    """The greatest gain, and its x and y, up to `reach` around the middle; the nearest of equals."""
    best_x, best_y = middle
    best = gain(spots, values, planes, still, shown, coloured, best_x, best_y, every)[0]
    for y in range(middle[1] - reach, middle[1] + reach + 1, step):
        for x in range(middle[0] - reach, middle[0] + reach + 1, step):
            found = gain(spots, values, planes, still, shown, coloured, x, y, every)[0]
            if found > best:
                best, best_x, best_y = found, x, y
    return best, best_x, best_y
