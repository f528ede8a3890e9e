"""The coordinate chain: follows hidden pixels from frame to frame until others show them.

Positions are carried, never colours: a recovered pixel is resampled once, however many frames away it was found.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.plate.flow import Step
from engine.plate.model import Mask, Points
from engine.plate.nodes import Nodes, Shift
from roi_tools.geometry import Box

EVERY_FRAME_UP_TO = 16
"""Up to this age each frame is asked for hidden pixels; beyond, every second one, then every fourth, ..."""

CORRECTED_FRAMES = 8
"""Drift is taken out at least so often: a slow pan's steps are all wrong in the same direction, and beyond a few pixels
nothing can be measured."""

SIGHTING_ORDERS = (0, 1, 3, 7, 12)
"""Which of the frames that show a pixel lend it, in each direction: near ones for the colour, far ones for the vote.

Just after the object has left a place its shadow is still there."""

_SLOT_OF_ORDER = np.full(SIGHTING_ORDERS[-1] + 1, -1, np.int8)
_SLOT_OF_ORDER[list(SIGHTING_ORDERS)] = np.arange(len(SIGHTING_ORDERS))


@dataclass(frozen=True)
class Sighting:
    """Pixels of one target that one frame shows.

    `index`: (n,) which of the target's wanted pixels; `points`: (n, 2) where they are in `frame`, full-size pixel
    centres; `slot`: (n,) which of SIGHTING_ORDERS this is for each; `colour_offset`: (3,) added to their colours
    to match the target's light; `static`: the positions are whole pixels, unmoved. `around`: (K, 2) where the points
    around the hole are in `frame`, and `around_seen`: (K,) which of them it shows. `worth`: what it
    counts in the vote; None for what its age says.
    """

    frame: int
    index: NDArray[np.int32]
    points: Points
    slot: NDArray[np.int8]
    colour_offset: NDArray[np.float32]
    static: bool
    around: Points
    around_seen: Mask
    worth: np.float32 | None = None


class Correction(Protocol):
    """What takes the drift out of a chain, and what is followed beside the hidden pixels."""

    @property
    def margin_px(self) -> int:
        """How far around the box it looks."""

    @property
    def around(self) -> Points:
        """(K, 2) points around the hole, full-size pixel centres."""

    def correction(self, frame: int, nodes: Nodes) -> Shift:
        """What the chain's ends in `frame` need."""


@dataclass(frozen=True)
class Uncorrected:
    """For a chain that has no drift. A Correction."""

    around: Points
    margin_px: int

    def correction(self, frame: int, nodes: Nodes) -> Shift:
        """See Correction."""
        return np.zeros_like


def follow(
    wanted: Mask,
    box: Box,
    frames: range,
    step: Callable[[int, int], Step | None],
    hidden: Callable[[int], Mask],
    correct: Correction,
) -> list[Sighting]:
    """Follows the `wanted` pixels, (h, w) of `box`, from the first of `frames` through the others, in their order.

    `step(a, b)` is the motion between neighbours, None over a cut, where the chain ends; `hidden(frame)` is the
    (H, W) area that lends no pixels; `correct` takes the drift out of the positions that are lent, where the camera
    moves. Sightings come in the order of the frames, and none where no pixel is lent.
    """
    from engine.plate.chain_loops import sight, sight_still

    row, column = (v.astype(np.int32) for v in np.nonzero(wanted))
    place, corner = np.stack([column, row], axis=1), (box.x0, box.y0)
    home = np.asarray(place + np.array(corner), np.float32)
    at = (row + np.int32(box.y0)) * np.int32(hidden(frames[0]).shape[1]) + (column + np.int32(box.x0))
    left, seen = np.arange(len(place), dtype=np.int32), np.zeros(len(place), np.uint8)
    nodes = Nodes(box, correct.margin_px)
    offset = np.zeros(3, np.float32)
    sightings: list[Sighting] = []
    corrected = 0
    for age, (a, b) in enumerate(itertools.pairwise(frames), start=1):
        motion = step(a, b)
        if motion is None:
            break
        nodes.advance(motion)
        offset = offset + motion.colour_offset
        if not _is_asked(age):
            continue
        covered = hidden(b)
        if nodes.static:
            index, slots, left = sight_still(left, at, seen, _SLOT_OF_ORDER, covered)
            points = np.take(home, index, axis=0)
        else:
            index, slots, left, points = sight(
                left, place, seen, _SLOT_OF_ORDER, nodes.moved, nodes.pad_cells, corner, covered
            )
        around, is_due = correct.around, age - corrected >= CORRECTED_FRAMES
        if not nodes.static and (len(index) or is_due):
            shift = correct.correction(b, nodes)
            points, around = points + shift(home[index]), nodes.reached(around) + shift(around)
            if is_due:
                nodes.shift(shift)
                corrected = age
        if len(index):
            sightings.append(Sighting(b, index, points, slots, offset, nodes.static, around, shown(around, covered)))
        if not len(left):
            break
    return sightings


def shown(points: Points, hidden: Mask) -> Mask:
    """(n,) which of the points lie inside the picture and not in its (H, W) hidden area."""
    height, width = hidden.shape
    column, row = np.rint(points).astype(np.intp).T
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    return np.asarray(inside & ~hidden[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)])


def _is_asked(age: int) -> bool:
    """Every frame, then every 2nd from 32 on, every 4th from 64 on, ..."""
    stride = 1
    while age >= EVERY_FRAME_UP_TO * 2 * stride:
        stride *= 2
    return age % (stride if age > EVERY_FRAME_UP_TO else 1) == 0
