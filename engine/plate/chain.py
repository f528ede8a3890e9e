"""The coordinate chain: follows hidden pixels from frame to frame until one shows them.

Positions are carried, never colours: a recovered pixel is resampled once, however many frames away it was found.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plate.flow import Step
from engine.plate.model import Mask, Points
from engine.plate.sampling import pick

SIGHTING_ORDERS = (0, 1, 3, 7, 15)
"""Which of the frames that show a pixel lend it, in each direction: near ones for the colour, far ones for the vote.

Just after the object has left a place its shadow is still there."""

STRAY = 0.5
"""A chain may leave the picture by this part of its size and still come back into it."""


@dataclass(frozen=True)
class Sighting:
    """Pixels of one target that one frame shows.

    `index`: (n,) which of the target's points; `points`: (n, 2) where they are in `frame`, full-size pixel
    centres; `slot`: (n,) which of SIGHTING_ORDERS this is for each; `colour_offset`: (3,) added to their colours
    to match the target's light; `static`: the positions are whole pixels, unmoved.
    """

    frame: int
    index: NDArray[np.intp]
    points: Points
    slot: NDArray[np.intp]
    colour_offset: NDArray[np.float32]
    static: bool


def follow(
    points: Points,
    frames: range,
    step: Callable[[int, int], Step | None],
    hidden: Callable[[int], Mask],
) -> list[Sighting]:
    """Follows (N, 2) points from the first of `frames` through the others, in their order.

    `step(a, b)` is the motion between neighbours, None over a cut, where the chain ends; `hidden(frame)` is the
    (H, W) area that lends no pixels.
    """
    position = points.copy()
    active = np.arange(len(points))
    seen = np.zeros(len(points), np.intp)
    offset = np.zeros(3, np.float32)
    static = True
    sightings: list[Sighting] = []
    for a, b in itertools.pairwise(frames):
        motion = step(a, b) if active.size else None
        if motion is None:
            break
        static = static and motion.static
        position[active] = motion.advance(position[active])
        offset = offset + motion.colour_offset
        mask = hidden(b)
        visible = active[_shown(position[active], mask)]
        wanted = visible[np.isin(seen[visible], SIGHTING_ORDERS)]
        if wanted.size:
            slot = np.searchsorted(SIGHTING_ORDERS, seen[wanted])
            sightings.append(Sighting(b, wanted, position[wanted], slot, offset, static))
        seen[visible] += 1
        active = active[(seen[active] <= SIGHTING_ORDERS[-1]) & _near_picture(position[active], mask.shape)]
    return sightings


def _shown(points: Points, mask: Mask) -> Mask:
    height, width = mask.shape
    x, y = points.T
    shown: Mask = np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))
    shown[shown] = ~pick(mask, points[shown])
    return shown


def _near_picture(points: Points, shape: tuple[int, ...]) -> Mask:
    size = np.array([shape[1], shape[0]], np.float32)
    near: Mask = np.all((points > -STRAY * size) & (points < (1.0 + STRAY) * size), axis=1)
    return near
