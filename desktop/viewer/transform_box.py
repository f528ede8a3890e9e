"""The box around a shape or some of its points whose handles scale, turn and move them. Without Qt."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from desktop.roto.points import Array, outline_points, points_at
from desktop.roto.transforms import rotation, scaling, translation
from desktop.viewer.box_handles import Handle, handle_points
from roi_tools.roto.model import Shape
from roi_tools.roto.outlines import transform_at
from roi_tools.shapes import RectF

MARGIN_PX = 12.0
"""Distance of the box from what it holds, in widget px: its handles don't cover points."""
REACH_PX = 7.0
_ROTATE_REACH_PX = 24.0
_STEP_DEG = 15.0

Grip: TypeAlias = Handle | None
"""A handle of the box; None: its surroundings at a corner, which turn."""


@dataclass(frozen=True)
class TransformBox:
    """``rect`` lies in axes turned clockwise by ``angle_deg`` around the frame's origin."""

    rect: RectF
    angle_deg: float

    def corners(self, margin_px: float) -> Array:
        """(4, 2): the box's corners in frame px, clockwise from its top left."""
        x0, y0, x1, y1 = _grown(self.rect, margin_px).as_tuple()
        return self._turned(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))

    def handles(self, margin_px: float) -> dict[Handle, tuple[float, float]]:
        """Where the eight handles are, in frame px."""
        points = handle_points(_grown(self.rect, margin_px))
        places = self._turned(np.array(list(points.values())))
        return {handle: (float(x), float(y)) for handle, (x, y) in zip(points, places, strict=True)}

    def grip_at(self, x: float, y: float, px: float) -> tuple[bool, Grip]:
        """(whether anything is there, what); ``px`` is the size of a widget px in frame px."""
        handles = self.handles(MARGIN_PX * px)
        for handle, (hx, hy) in handles.items():
            if math.hypot(x - hx, y - hy) <= REACH_PX * px:
                return True, handle
        local_x, local_y = self._local(x, y)
        outer = _grown(self.rect, MARGIN_PX * px)
        inside = outer.x0 <= local_x <= outer.x1 and outer.y0 <= local_y <= outer.y1
        corners = [place for handle, place in handles.items() if sum(handle.value) == 2]
        near = any(math.hypot(x - hx, y - hy) <= _ROTATE_REACH_PX * px for hx, hy in corners)
        return (True, None) if near and not inside else (False, None)

    def scaled(self, handle: Handle, dx: float, dy: float, *, uniform: bool) -> Array:
        """The matrix of a drag of a handle by (dx, dy) frame px; the opposite side stays."""
        angle = math.radians(self.angle_deg)
        along, down = dx * math.cos(angle) + dy * math.sin(angle), -dx * math.sin(angle) + dy * math.cos(angle)
        left, top, right, bottom = handle.value
        width, height = self.rect.width_px, self.rect.height_px
        sx = (width + along * (right - left)) / width
        sy = (height + down * (bottom - top)) / height
        if uniform:
            sx = sy = sx if left or right else sy
        fixed_x = self.rect.x1 if left else self.rect.x0 if right else (self.rect.x0 + self.rect.x1) / 2
        fixed_y = self.rect.y1 if top else self.rect.y0 if bottom else (self.rect.y0 + self.rect.y1) / 2
        fixed = self._turned(np.array([[fixed_x, fixed_y]]))[0]
        return scaling((float(fixed[0]), float(fixed[1])), _no_smaller(sx), _no_smaller(sy), self.angle_deg)

    def turned(self, start: tuple[float, float], end: tuple[float, float], *, steps: bool) -> Array:
        """The matrix of a turn around the middle that takes ``start`` towards ``end``; ``steps``: by 15 degrees."""
        x, y = self.centre
        angle = math.degrees(math.atan2(end[1] - y, end[0] - x) - math.atan2(start[1] - y, start[0] - x))
        angle = (angle + 180) % 360 - 180
        return rotation((x, y), round(angle / _STEP_DEG) * _STEP_DEG if steps else angle)

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle in frame px."""
        rect = self.rect
        place = self._turned(np.array([[(rect.x0 + rect.x1) / 2, (rect.y0 + rect.y1) / 2]]))[0]
        return float(place[0]), float(place[1])

    def _turned(self, points: Array) -> Array:
        return np.asarray(points @ rotation((0, 0), self.angle_deg)[:2, :2].T)

    def _local(self, x: float, y: float) -> tuple[float, float]:
        place = np.array([x, y]) @ rotation((0, 0), -self.angle_deg)[:2, :2].T
        return float(place[0]), float(place[1])


def box_around(shape: Shape, frame: int, points: Collection[int]) -> TransformBox | None:
    """The box around chosen points, or all of a shape without points; None for fewer than two points."""
    if shape.has_parameters:
        angle = shape.tracks[0].value_at(frame)[4] + _turn_of(transform_at(shape, frame))
        return _around(outline_points(shape, frame), angle)
    points = {index for index in points if index < len(shape.tracks)}
    if len(points) < 2:
        return None
    if len(points) == len(shape.tracks) and not shape.is_open:
        return _around(outline_points(shape, frame), 0.0)
    return _around(points_at(shape, frame)[sorted(points), 0], 0.0)


def moved_by(dx: float, dy: float) -> Array:
    """The matrix of a drag inside the box."""
    return translation(dx, dy)


def _around(places: Array, angle_deg: float) -> TransformBox:
    local = places @ rotation((0, 0), -angle_deg)[:2, :2].T
    (x0, y0), (x1, y1) = local.min(axis=0), local.max(axis=0)
    return TransformBox(RectF(float(x0), float(y0), max(float(x1), float(x0) + 1), max(float(y1), float(y0) + 1)),
                        angle_deg)  # fmt: skip


def _turn_of(matrix: Array) -> float:
    return math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))


def _grown(rect: RectF, px: float) -> RectF:
    return RectF(rect.x0 - px, rect.y0 - px, rect.x1 + px, rect.y1 + px)


def _no_smaller(scale: float) -> float:
    """No mirror, no collapse: shapes that a drag folds to nothing cannot be pulled out again."""
    return max(scale, 0.01)
