"""Finds a shadow, a reflection or an edge of the object that reaches out of the hole: what lies around the hole looks
different in this frame than in the others, which agree with each other.

Nothing is removed out there. It is measured on the points that the light is measured on anyway, so it costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask, Points
from roi_tools.geometry import Box

SIDES = ("left", "top", "right", "bottom")
Overhang = tuple[int, int, int, int]
"""How far something reaches out of the hole on each of SIDES, in px; 0 where nothing does."""

NOTHING: Overhang = (0, 0, 0, 0)

BIN_PX = 6
"""So finely the distance is measured, as the points lie some pixels apart."""

MIN_DIFFERENCE = 0.015
"""A shadow that is fainter than about four codes leaves no visible edge."""

BEYOND_GRAIN = 3.0
BEYOND_DISAGREEMENT = 2.0
"""A point departs by so many times the grain around the hole, and the disagreement of the other frames about it."""

MIN_LENDERS = 4
SHARE = 0.15
MIN_POINTS = 3
"""So many of the points of one side at one distance depart where something reaches that far."""

FRAMES_SHARE = 0.2
MIN_FRAMES = 3
"""On so many frames, or a passer-by is meant."""

TYPICAL = 90
"""Percentile of the reach over the frames that is said."""

ROUNDED_PX = 4


def departing(error: FloatImage, seen: Mask) -> Mask:
    """(K,) which points look different in the target than in its lenders, which agree.

    `error`: (L, K) lender less target, its light matched; `seen`: (L, K) where the lender shows the point.
    """
    if len(error) < MIN_LENDERS:
        return np.zeros(seen.shape[1], bool)
    enough = seen.sum(axis=0) >= MIN_LENDERS
    if not enough.any():
        return enough
    values = np.ma.array(error[:, enough], mask=~seen[:, enough])
    middle = np.ma.median(values, axis=0)
    apart = 1.4826 * np.ma.median(np.abs(values - middle), axis=0).filled(0.0)
    size = np.abs(middle.filled(0.0))
    limit = np.maximum(MIN_DIFFERENCE, BEYOND_DISAGREEMENT * apart)
    limit = np.maximum(limit, BEYOND_GRAIN * 1.4826 * float(np.median(apart)))
    out = np.zeros(len(enough), bool)
    out[enough] = size > limit
    return out


def overhang(points: Points, departs: Mask, box: Box) -> Overhang:
    """How far what `departs`, (K,) of the points, (K, 2) x, y around the box, reaches out of it without a gap."""
    away = np.stack(
        [box.x0 - points[:, 0], box.y0 - points[:, 1], points[:, 0] - box.x1 + 1, points[:, 1] - box.y1 + 1], axis=1
    )
    side, distance = away.argmax(axis=1), away.max(axis=1)
    return tuple(_reach(distance[side == n], departs[side == n]) for n in range(len(SIDES)))  # type: ignore[return-value]


def _reach(distance: NDArray[np.float32], departs: Mask) -> int:
    reach = 0
    while True:
        here = departs[(distance > reach) & (distance <= reach + BIN_PX)]
        if np.count_nonzero(here) < MIN_POINTS or here.mean() < SHARE:
            return reach
        reach += BIN_PX


@dataclass(frozen=True)
class Leak:
    """Something of the object stays outside the hole, on one side of it, on so many of a shot's frames."""

    side: str
    reach_px: int
    frames: int
    worst_frame: int


def leaks(measured: Iterable[tuple[int, Overhang]]) -> list[Leak]:
    """What reaches out of the holes of a shot; `measured`: its frames and their overhang."""
    frames = list(measured)
    found = []
    for n, side in enumerate(SIDES):
        reaching = [(sides[n], frame) for frame, sides in frames if sides[n] > 0]
        if len(reaching) < max(MIN_FRAMES, FRAMES_SHARE * len(frames)):
            continue
        typical = float(np.percentile([reach for reach, _ in reaching], TYPICAL))
        worst = max(reaching, key=lambda item: (item[0], -item[1]))[1]
        found.append(Leak(side, math.ceil(typical / ROUNDED_PX) * ROUNDED_PX, len(reaching), worst))
    return found
