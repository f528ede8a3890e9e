"""Drags of the select tool on a roto shape: each says what the shape is for any place of the mouse. Without Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from desktop.base.language import tr
from desktop.roto.edit import Part, has_handles, with_feather_point, with_handle, with_inserted
from desktop.roto.points import points_at, with_points_at
from desktop.roto.transforms import transformed
from desktop.viewer.box_handles import Handle
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.transform_box import TransformBox, moved_by
from roi_tools.roto.model import Shape


@dataclass(frozen=True)
class ShapeDrag:
    """A drag of one shape. ``result`` gives the shape while the mouse is at a place; ``step`` names it in Edit."""

    removal_id: str
    shape: Shape
    start: Pointer
    step: str
    result: Callable[[Pointer], Shape]
    inserted: int | None = None
    """The point that the press itself has put in."""


def move_drag(removal_id: str, shape: Shape, frame: int, points: frozenset[int] | None, start: Pointer) -> ShapeDrag:
    """Moves points (None: the whole shape); Shift keeps to one direction."""

    def result(at: Pointer) -> Shape:
        dx, dy = at.x - start.x, at.y - start.y
        if at.shift:
            dx, dy = (dx, 0.0) if abs(dx) >= abs(dy) else (0.0, dy)
        return transformed(shape, frame, points, moved_by(dx, dy))

    step = tr("Move Shape") if points is None else tr("Move Points")
    return ShapeDrag(removal_id, shape, start, step, result)


def handle_drag(removal_id: str, shape: Shape, frame: int, index: int, part: Part, start: Pointer) -> ShapeDrag:
    """Pulls a handle; Alt breaks it off the other one."""

    def result(at: Pointer) -> Shape:
        return with_handle(shape, frame, index, part, (at.x, at.y), breaks=at.alt)

    return ShapeDrag(removal_id, shape, start, tr("Bend Curve"), result)


def pull_handles_drag(removal_id: str, shape: Shape, frame: int, index: int, start: Pointer) -> ShapeDrag:
    """Pulls both handles out of a point: what was a corner becomes a curve."""

    def result(at: Pointer) -> Shape:
        points = points_at(shape, frame)
        points[index, 2] = at.x, at.y
        points[index, 1] = 2 * points[index, 0] - points[index, 2]
        return with_points_at(shape, frame, points)

    return ShapeDrag(removal_id, shape, start, tr("Bend Curve"), result)


def feather_drag(removal_id: str, shape: Shape, frame: int, index: int, start: Pointer) -> ShapeDrag:
    """Pulls a point's feather out."""

    def result(at: Pointer) -> Shape:
        return with_feather_point(shape, frame, index, (at.x, at.y))

    return ShapeDrag(removal_id, shape, start, tr("Feather Point"), result)


def grip_drag(removal_id: str, shape: Shape, frame: int, points: frozenset[int], box: TransformBox,
              handle: Handle | None, start: Pointer) -> ShapeDrag:  # fmt: skip
    """Scales (Shift: evenly) or, without a handle, turns (Shift: by 15 degrees) the chosen points."""
    chosen = None if shape.has_parameters else points

    def result(at: Pointer) -> Shape:
        if handle is None:
            matrix = box.turned((start.x, start.y), (at.x, at.y), steps=at.shift)
        else:
            matrix = box.scaled(handle, at.x - start.x, at.y - start.y, uniform=at.shift)
        return transformed(shape, frame, chosen, matrix)

    step = tr("Rotate Points") if handle is None else tr("Scale Points")
    return ShapeDrag(removal_id, shape, start, step, result)


def insert_drag(removal_id: str, shape: Shape, frame: int, segment: int, t: float, start: Pointer) -> ShapeDrag:
    """Puts a point into the outline, and moves it as long as the button is held."""
    longer, index = with_inserted(shape, segment, t)

    def result(at: Pointer) -> Shape:
        moved = (at.x, at.y) != (start.x, start.y)
        matrix = moved_by(at.x - start.x, at.y - start.y)
        return transformed(longer, frame, {index}, matrix) if moved else longer

    return ShapeDrag(removal_id, longer, start, tr("Add Point"), result, inserted=index)


def can_pull_handles(shape: Shape) -> bool:
    """Whether Alt on a point pulls handles out of it."""
    return has_handles(shape)
