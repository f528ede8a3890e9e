"""The loops over what one frame lends to another; see target.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled
from engine.plate.model import FloatImage, Points

Numbers = NDArray[np.int32]
Slots = NDArray[np.int8]


@compiled
def lend_still(
    colour: FloatImage,
    index: Numbers,
    slot: Slots,
    rgb: FloatImage,
    points: Points,
    corner: Points,
    gain: FloatImage,
    offset: FloatImage,
) -> None:
    """Writes to (3, S, N) colours, at the (n,) numbers and slots, the pixels at (n, 2) points of a frame.

    `rgb`: (h, w, 3) of a window of it, whose `corner` is at x, y; `gain` and `offset`, (3,), bring them to the light of
    the target.
    """
    x0, y0 = int(corner[0]), int(corner[1])
    for n in range(index.size):
        # Numbers without a sign are not looked at for counting from the end.
        pixel, to = np.uint32(index[n]), np.uint32(slot[n])
        column, row = np.uint32(int(points[n, 0]) - x0), np.uint32(int(points[n, 1]) - y0)
        for channel in range(3):
            colour[channel, to, pixel] = rgb[row, column, channel] * gain[channel] + offset[channel]


@compiled
def lend(
    colour: FloatImage, index: Numbers, slot: Slots, rgb: FloatImage, gain: FloatImage, offset: FloatImage
) -> None:
    """The same for (n, 3) colours that have been read."""
    for n in range(index.size):
        pixel, to = np.uint32(index[n]), np.uint32(slot[n])
        for channel in range(3):
            colour[channel, to, pixel] = rgb[n, channel] * gain[channel] + offset[channel]


@compiled
def enter(table: NDArray, value: np.float32 | np.int32, index: Numbers, slot: Slots) -> None:
    """Writes a value to an (S, N) table at the (n,) numbers and slots."""
    for n in range(index.size):
        table[np.uint32(slot[n]), np.uint32(index[n])] = value


@compiled
def enter_phase(phase: FloatImage, points: Points, index: Numbers, slot: Slots) -> None:
    """Writes to (2, S, N), at the (n,) numbers and slots, how far (n, 2) points are from the nearest pixel's centre."""
    for n in range(index.size):
        for axis in range(2):
            phase[axis, np.uint32(slot[n]), np.uint32(index[n])] = points[n, axis] - np.rint(points[n, axis])


@compiled
def enter_nearest(
    table: FloatImage, picture: FloatImage, corner: Points, scale: float, points: Points, index: Numbers, slot: Slots
) -> None:
    """Writes to an (S, N) table, at the (n,) numbers and slots, the pixels of a picture that are nearest to points.

    `picture`: (H, W), its corner at x, y, `scale` of its pixels to one of the frame, extended beyond its edges;
    `points`: (n, 2) x, y of the frame.
    """
    height, width = picture.shape
    for n in range(index.size):
        column = min(max(int(np.rint((points[n, 0] - corner[0]) * scale)), 0), width - 1)
        row = min(max(int(np.rint((points[n, 1] - corner[1]) * scale)), 0), height - 1)
        table[np.uint32(slot[n]), np.uint32(index[n])] = picture[row, column]


@compiled
def extent(points: Points) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """The least and the largest x and y of (n, 2) points: left, top, right, bottom."""
    left, top, right, bottom = points[0, 0], points[0, 1], points[0, 0], points[0, 1]
    for n in range(points.shape[0]):
        left, right = min(left, points[n, 0]), max(right, points[n, 0])
        top, bottom = min(top, points[n, 1]), max(bottom, points[n, 1])
    return left, top, right, bottom
