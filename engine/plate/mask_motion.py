"""Joins what neighbouring frames mark, each part moved along with the object it belongs to."""

from __future__ import annotations

import cv2
import numpy as np

from engine.plate.model import FloatImage, Mask
from roi_tools.geometry import Box, Size

MAX_SHIFT_PX = 64
"""How far an object may move from one frame to the next."""

MIN_PART_PX = 64
"""Smaller parts are joined where they are: nothing says where they have gone."""

COVERED = 0.7
"""A part has been found again where so much of it is covered."""

COARSE_PX = 4
FINE_PX = 2
"""The shift is searched at a fraction of the size first, then this finely."""

FARNESS = 1e-4
"""What a pixel of shift costs, in parts of the covered area: of equal shifts the shortest wins."""


def join_moved(mask: Mask, other: Mask) -> Mask:
    """`mask`, (h, w), with what `other`, of a neighbouring frame, marks.

    Each part of it is shifted to cover most of `mask`; one that is found nowhere is joined where it is.
    """
    joined = mask.copy()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(other.view(np.uint8))
    for part in range(1, count):
        x, y, width, height, area = stats[part].tolist()
        window = Box(x, y, x + width, y + height)
        shape = labels[window.slices] == part
        dx, dy = best_shift(mask, shape, window) if area >= MIN_PART_PX else (0, 0)
        _paste(joined, shape, window.shifted(dx, dy))
    return joined


def best_shift(mask: Mask, shape: Mask, window: Box) -> tuple[int, int]:
    """The shift, x and y, of a `shape`, (h, w) of `window`, that covers most of the mask; 0 where none covers it."""
    coarse = _shift_at(mask, shape, window, (0, 0), MAX_SHIFT_PX, COARSE_PX)
    fine = _shift_at(mask, shape, window, coarse, COARSE_PX, FINE_PX)
    moved = window.shifted(*fine)
    inside = moved.clipped(Size(mask.shape[1], mask.shape[0]))
    if inside is None:
        return 0, 0
    visible = shape[inside.shifted(-moved.x0, -moved.y0).slices]
    covered = np.count_nonzero(visible & mask[inside.slices])
    return fine if covered >= COVERED * max(int(np.count_nonzero(visible)), 1) else (0, 0)


def _shift_at(
    mask: Mask, shape: Mask, window: Box, around: tuple[int, int], reach_px: int, step_px: int
) -> tuple[int, int]:
    """The best shift up to `reach_px` around another, at 1 / `step_px` of the size."""
    searched = window.shifted(*around).grown(reach_px)
    picture = _shrunk(_cut(mask, searched), step_px)
    pattern = _shrunk(shape, step_px)
    overlap = cv2.matchTemplate(picture, pattern, cv2.TM_CCORR)
    rows, columns = (np.arange(n) * step_px - reach_px for n in overlap.shape)
    away = np.hypot(rows[:, None] + around[1], columns[None] + around[0])
    best = int(np.argmax(overlap - FARNESS * float(np.sum(pattern)) * away))
    row, column = divmod(best, overlap.shape[1])
    return around[0] + int(columns[column]), around[1] + int(rows[row])


def _shrunk(mask: Mask, by: int) -> FloatImage:
    values = mask.astype(np.float32)
    size = (max(mask.shape[1] // by, 1), max(mask.shape[0] // by, 1))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _cut(mask: Mask, window: Box) -> Mask:
    """(h, w) of a window that may reach beyond the mask; False there."""
    out = np.zeros((window.height_px, window.width_px), bool)
    inside = window.clipped(Size(mask.shape[1], mask.shape[0]))
    if inside is not None:
        out[inside.shifted(-window.x0, -window.y0).slices] = mask[inside.slices]
    return out


def _paste(mask: Mask, shape: Mask, window: Box) -> None:
    inside = window.clipped(Size(mask.shape[1], mask.shape[0]))
    if inside is not None:
        mask[inside.slices] |= shape[inside.shifted(-window.x0, -window.y0).slices]
