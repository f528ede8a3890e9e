"""The loops of the coordinate chain over pixels; see chain.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled, inlined
from engine.plate.model import FloatImage, Mask, Points
from engine.plate.nodes import NODE_PX

Numbers = NDArray[np.int32]

_HALF, _ONE, _NODE = np.float32(0.5), np.float32(1.0), np.float32(NODE_PX)


@compiled
def sight_still(
    left: Numbers, home: Numbers, seen: NDArray[np.uint8], slots: NDArray[np.int8], hidden: Mask
) -> tuple[Numbers, NDArray[np.int8], Numbers]:
    """Which pixels a frame shows where nothing has moved: their numbers and slots, and the numbers still `left`.

    `left`: which of the N wanted pixels have not been seen often enough; `seen`: (N,) how often, which is counted on.
    `slots`: which slot the n-th sight of a pixel goes to, -1 for none; with as many sights as that, a pixel needs no
    more. `home`: (N,) the pixels' places in the picture, row by row; `hidden`: (H, W).
    """
    covered = hidden.ravel()
    index, slot = np.empty(left.size, np.int32), np.empty(left.size, np.int8)
    rest = np.empty(left.size, np.int32)
    lent, unfinished = 0, 0
    for number in left:
        times = seen[number]
        if not covered[home[number]]:
            if slots[times] >= 0:
                index[lent], slot[lent] = number, slots[times]
                lent += 1
            times += np.uint8(1)
            seen[number] = times
        if times < slots.size:
            rest[unfinished] = number
            unfinished += 1
    return index[:lent].copy(), slot[:lent].copy(), rest[:unfinished].copy()


@compiled
def sight(
    left: Numbers,
    place: Numbers,
    seen: NDArray[np.uint8],
    slots: NDArray[np.int8],
    moved: FloatImage,
    pad: int,
    corner: tuple[int, int],
    hidden: Mask,
) -> tuple[Numbers, NDArray[np.int8], Numbers, Points]:
    """The same where something has moved, and where the pixels are: (n, 2) positions.

    `place`: (N, 2) x, y of the pixels in the box, whose corner is at x0, y0. `moved`: (rows, columns, 2) how far the
    nodes have moved; `pad`: so many of them lie before the box.
    """
    x0, y0 = corner
    index, slot = np.empty(left.size, np.int32), np.empty(left.size, np.int8)
    points = np.empty((left.size, 2), np.float32)
    rest = np.empty(left.size, np.int32)
    lent, unfinished = 0, 0
    for number in left:
        column, row = place[number, 0], place[number, 1]
        by_x, by_y = _interpolated(moved, column, row, pad)
        x, y = np.float32(column + x0) + by_x, np.float32(row + y0) + by_y
        times = seen[number]
        if _is_shown(hidden, x, y):
            if slots[times] >= 0:
                index[lent], slot[lent] = number, slots[times]
                points[lent, 0], points[lent, 1] = x, y
                lent += 1
            times += np.uint8(1)
            seen[number] = times
        if times < slots.size:
            rest[unfinished] = number
            unfinished += 1
    return index[:lent].copy(), slot[:lent].copy(), rest[:unfinished].copy(), points[:lent].copy()


@inlined
def _interpolated(moved: FloatImage, column: int, row: int, pad: int) -> tuple[np.float32, np.float32]:
    """How far a pixel of the box has moved: bilinear between nodes, of which the first `pad` lie before the box."""
    across = (np.float32(column) + _HALF) / _NODE - _HALF + np.float32(pad)
    down = (np.float32(row) + _HALF) / _NODE - _HALF + np.float32(pad)
    left, top = int(across), int(down)
    right, bottom = across - np.float32(left), down - np.float32(top)
    a, b = (_ONE - right) * (_ONE - bottom), right * (_ONE - bottom)
    c, d = (_ONE - right) * bottom, right * bottom
    near, far = moved[top], moved[top + 1]
    return (
        a * near[left, 0] + b * near[left + 1, 0] + c * far[left, 0] + d * far[left + 1, 0],
        a * near[left, 1] + b * near[left + 1, 1] + c * far[left, 1] + d * far[left + 1, 1],
    )


@inlined
def _is_shown(hidden: Mask, x: np.float32, y: np.float32) -> bool:
    """Whether the nearest pixel lies inside the picture and is not hidden. NaN is nowhere."""
    height, width = hidden.shape
    inside = x > -_HALF and y > -_HALF and x < np.float32(width) - _HALF and y < np.float32(height) - _HALF
    if not inside:
        return False
    return not hidden[int(np.rint(y)), int(np.rint(x))]
