"""What of a shape lies under the cursor. Without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from desktop.roto.edit import Part, has_handles
from desktop.roto.picking import curve_under, distance_to_outline, is_inside
from desktop.roto.points import points_at
from desktop.viewer.box_handles import Handle
from desktop.viewer.transform_box import box_around
from roi_tools.roto.model import Shape

REACH_PX = 7.0
"""How near, in widget px, is on it."""
_SHORTEST_HANDLE_PX = 1e-6


@dataclass(frozen=True)
class PointHit:
    """A point, one of its handles or its feather point."""

    index: int
    part: Part = "anchor"


@dataclass(frozen=True)
class CurveHit:
    """The outline behind point ``segment`` (-1: of a shape without points)."""

    segment: int
    t: float


@dataclass(frozen=True)
class InsideHit:
    """The inside of the shape."""


@dataclass(frozen=True)
class GripHit:
    """A handle of the box around the selected points; None: beside a corner, to turn."""

    handle: Handle | None


Hit: TypeAlias = PointHit | CurveHit | InsideHit | GripHit


def hit_active(shape: Shape, frame: int, points: frozenset[int], x: float, y: float, px: float) -> Hit | None:
    """What of the shape that is being edited lies at (x, y); ``px`` is the size of a widget px in frame px."""
    found = _handle_hit(shape, frame, points, x, y, px) or _anchor_hit(shape, frame, x, y, px)
    if found:
        return found
    box = box_around(shape, frame, points)
    if box is not None:
        gripped, handle = box.grip_at(x, y, px)
        if gripped:
            return GripHit(handle)
    return hit_shape(shape, frame, x, y, px)


def hit_shape(shape: Shape, frame: int, x: float, y: float, px: float) -> Hit | None:
    """Outline or inside of any shape."""
    on = curve_under(shape, frame, x, y)
    if on is not None and on.distance_px <= REACH_PX * px:
        return CurveHit(on.segment, on.t)
    if on is None and distance_to_outline(shape, frame, x, y) <= REACH_PX * px:
        return CurveHit(-1, 0.0)
    return InsideHit() if is_inside(shape, frame, x, y) else None


def _anchor_hit(shape: Shape, frame: int, x: float, y: float, px: float) -> Hit | None:
    if shape.has_parameters:
        return None
    distances = np.hypot(*(points_at(shape, frame)[:, 0] - (x, y)).T)
    nearest = int(distances.argmin())
    return PointHit(nearest) if distances[nearest] <= REACH_PX * px else None


def _handle_hit(shape: Shape, frame: int, points: frozenset[int], x: float, y: float, px: float) -> Hit | None:
    """Handles of selected points, and feather points that are pulled out."""
    if shape.has_parameters:
        return None
    places = points_at(shape, frame)
    candidates: list[tuple[int, Part]] = []
    if has_handles(shape):
        candidates += [(index, part) for index in sorted(points) if index < len(places) for part in ("out", "in")]
    if not shape.is_open:
        candidates += [(index, "feather") for index in range(len(places))]
    for index, part in candidates:
        place = places[index, {"in": 1, "out": 2, "feather": 3}[part]]
        pulled = float(np.hypot(*(place - places[index, 0]))) > max(_SHORTEST_HANDLE_PX, 2 * px)
        if pulled and float(np.hypot(place[0] - x, place[1] - y)) <= REACH_PX * px:
            return PointHit(index, part)
    return None
