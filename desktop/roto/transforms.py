"""Roto shapes moved, scaled and turned, as a whole or by some of their points. Without Qt."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from desktop.roto.points import Array, inverse, keyed, mapped, points_at, with_points_at
from roi_tools.roto.model import Shape
from roi_tools.roto.outlines import transform_at

_SMALLEST_PX = 1.0


def transformed(shape: Shape, frame: int, indices: Collection[int] | None, matrix: Array) -> Shape:
    """``shape`` whose points ``indices`` (None: the whole shape) are moved by an affine (3, 3) matrix on ``frame``."""
    if shape.has_parameters:
        return _transformed_parameters(shape, frame, matrix)
    points = points_at(shape, frame)
    chosen = np.array(sorted(indices) if indices is not None else range(len(points)), int)
    points[chosen] = mapped(points[chosen].reshape(-1, 2), matrix).reshape(-1, 4, 2)
    return with_points_at(shape, frame, points)


def translation(dx: float, dy: float) -> Array:
    """The matrix that moves by (dx, dy)."""
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], np.float64)


def scaling(fixed: tuple[float, float], sx: float, sy: float, angle_deg: float = 0.0) -> Array:
    """The matrix that scales around ``fixed`` along axes turned by ``angle_deg``."""
    turn = rotation((0, 0), angle_deg)
    scale = turn @ np.diag([sx, sy, 1.0]) @ np.linalg.inv(turn)
    return translation(*fixed) @ scale @ translation(-fixed[0], -fixed[1])


def rotation(centre: tuple[float, float], angle_deg: float) -> Array:
    """The matrix that turns clockwise, as seen, around ``centre``."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return translation(*centre) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]) @ translation(-centre[0], -centre[1])


def _transformed_parameters(shape: Shape, frame: int, matrix: Array) -> Shape:
    own = transform_at(shape, frame)
    inner = inverse(own) @ matrix @ own
    inner /= inner[2, 2]
    x, y, width, height, angle = shape.tracks[0].value_at(frame)
    centre = mapped(np.array([[x, y]]), inner)[0]
    turn = rotation((0, 0), angle)[:2, :2]
    across, down = inner[:2, :2] @ turn @ [width, 0], inner[:2, :2] @ turn @ [0, height]
    new_width = max(float(np.hypot(*across)), _SMALLEST_PX)
    new_height = max(abs(float(across[0] * down[1] - across[1] * down[0])) / new_width, _SMALLEST_PX)
    turned = math.degrees(math.atan2(across[1], across[0]))
    turned = angle + (turned - angle + 90) % 180 - 90  # a shape that is turned over looks the same
    value = (float(centre[0]), float(centre[1]), new_width, new_height, turned)
    return replace(shape, tracks=(keyed(shape.tracks[0], frame, value),))
