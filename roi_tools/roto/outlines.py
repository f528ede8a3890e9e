"""From shapes to polygons: curves cut into straight pieces finer than any pixel shows."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from roi_tools.polylines import following
from roi_tools.roto.model import Shape

Polygon: TypeAlias = NDArray[np.float64]
"""(n, 2): x, y in px; closed: the last point joins the first one."""

_FLATNESS_PX = 0.03
"""Largest distance between a curve and its pieces, in px of the raster; less for what is small itself."""
_FLATNESS_SHARE = 2e-4
_CIRCLE = 4 / 3 * (math.sqrt(2) - 1)
"""Handle length of the cubic that is nearest to a quarter of a circle of radius 1; 0.02 % off at most."""
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_CORNER = math.cos(math.radians(50))
_BSPLINE = np.array([[1, 4, 1, 0], [0, 4, 2, 0], [0, 2, 4, 0], [0, 1, 4, 1]]) / 6
"""From four control points of a uniform cubic B-spline to the Bezier points of the piece between the middle two."""


def outline_at(shape: Shape, time: float, scale: float = 1.0) -> tuple[Polygon, ...]:
    """The closed polygons of ``shape`` at ``time`` in frame px x ``scale``: one, or the pieces of a stroke."""
    detail = _detail(shape, time, scale)
    if shape.is_open:
        center = _flat(_cubics(shape, time, feathered=False), detail)
        half = 0.5 * shape.width_px.value_at(time)[0]
        return tuple(_mapped(piece, shape, time, scale) for piece in stroke_polygons(center, half, detail))
    if shape.kind == "rectangle":
        return (_mapped(_corners(shape, time), shape, time, scale),)
    return (_mapped(_flat(_cubics(shape, time, feathered=False), detail), shape, time, scale),)


def feather_at(shape: Shape, time: float, scale: float = 1.0) -> Polygon | None:
    """The polygon where the points' own feather ends, in frame px x ``scale``; None where they have none."""
    if not shape.has_point_feather:
        return None
    detail = _detail(shape, time, scale)
    return _mapped(_flat(_cubics(shape, time, feathered=True), detail), shape, time, scale)


def transform_at(shape: Shape, time: float) -> NDArray[np.float64]:
    """The shape's matrix (3, 3) at ``time``."""
    return np.array(shape.transform.value_at(time)).reshape(3, 3)


def is_identity_at(shape: Shape, time: float) -> bool:
    """Whether the shape's transform leaves it where it is at ``time``."""
    return shape.transform.value_at(time) == _IDENTITY


def magnification_at(shape: Shape, time: float) -> float:
    """How much longer the shape's transform makes things at ``time``, in the mean of both directions."""
    if is_identity_at(shape, time):
        return 1.0
    matrix = transform_at(shape, time)
    return math.sqrt(abs(float(np.linalg.det(matrix[:2, :2])))) / abs(float(matrix[2, 2]) or 1.0)


def _detail(shape: Shape, time: float, scale: float) -> float:
    """Raster px per px of the shape's own: what a transform enlarges needs more pieces."""
    return scale * max(1.0, magnification_at(shape, time))


def stroke_polygons(center: Polygon, half_px: float, scale: float = 1.0) -> list[Polygon]:
    """Outlines around an open polyline (n, 2) with round ends, cut where it turns sharply. None for no width."""
    keep = np.r_[True, np.linalg.norm(np.diff(center, axis=0), axis=1) > 1e-9]
    line = center[keep]
    if half_px <= 0:
        return []
    if len(line) == 1:
        return [line[0] + half_px * _arc(0.0, 2 * math.pi, half_px * scale)]
    steps = np.diff(line, axis=0)
    steps /= np.linalg.norm(steps, axis=1)[:, np.newaxis]
    turns = np.flatnonzero((steps[:-1] * steps[1:]).sum(axis=1) < _CORNER) + 1
    starts, ends = [0, *turns.tolist()], [*turns.tolist(), len(line) - 1]
    return [_around(line[start : end + 1], half_px, scale) for start, end in zip(starts, ends, strict=True)]


def _around(line: Polygon, half_px: float, scale: float) -> Polygon:
    steps = np.diff(line, axis=0)
    steps /= np.linalg.norm(steps, axis=1)[:, np.newaxis]
    middle = steps[:-1] + steps[1:]
    middle /= np.linalg.norm(middle, axis=1)[:, np.newaxis]
    along = np.vstack([steps[:1], middle, steps[-1:]])
    # At an inner point the offset is longer, so that the sides of both neighbours are met.
    stretch = np.ones(len(line))
    stretch[1:-1] = 1 / np.maximum((middle * steps[1:]).sum(axis=1), 0.5)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) * (half_px * stretch)[:, np.newaxis]
    first, last = math.atan2(steps[0, 1], steps[0, 0]), math.atan2(steps[-1, 1], steps[-1, 0])
    end_cap = line[-1] + half_px * _arc(last + math.pi / 2, last - math.pi / 2, half_px * scale)
    start_cap = line[0] + half_px * _arc(first - math.pi / 2, first - 3 * math.pi / 2, half_px * scale)
    return np.vstack([(line + normal)[:-1], end_cap, (line - normal)[-2::-1], start_cap])


def _arc(start: float, end: float, radius_px: float) -> Polygon:
    """Points of the unit circle from one angle to another, both included."""
    flatness = min(_FLATNESS_PX, 2 * _FLATNESS_SHARE * max(radius_px, 0.1))
    step = 2 * math.acos(max(0.0, 1 - flatness / max(radius_px, 0.1)))
    angles = np.linspace(start, end, max(3, math.ceil(abs(end - start) / step) + 1))
    return np.column_stack([np.cos(angles), np.sin(angles)])


def bezier_points_at(shape: Shape, time: float) -> NDArray[np.float64]:
    """(n, 4, 2): the points of a closed shape's outline as cubic Bezier curve at ``time``, in frame px.

    For each its place and, relative to it, its arriving handle, its leaving handle and its feather point.
    """
    if shape.kind == "rectangle":
        corners = _corners(shape, time)
        pieces = feather = np.stack([corners, corners, np.roll(corners, -1, axis=0), np.roll(corners, -1, axis=0)], 1)
    else:
        pieces = _cubics(shape, time, feathered=False)
        feather = _cubics(shape, time, feathered=True)
    arriving = np.roll(pieces[:, 2], 1, axis=0)
    absolute = np.stack([pieces[:, 0], arriving, pieces[:, 1], feather[:, 0]], axis=1)
    moved = _mapped(absolute.reshape(-1, 2), shape, time, 1.0).reshape(-1, 4, 2)
    moved[:, 1:] -= moved[:, :1]
    return moved


def _corners(shape: Shape, time: float) -> Polygon:
    x, y, width, height, angle = shape.tracks[0].value_at(time)
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return _turned(unit * (width, height), angle) + np.array([x, y])


def _turned(points: Polygon, angle_deg: float) -> Polygon:
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return points @ np.array([[c, s], [-s, c]])


def _cubics(shape: Shape, time: float, *, feathered: bool) -> NDArray[np.float64]:
    """(pieces, 4, 2): the shape's outline as cubic Bezier curves; its feather's with ``feathered``."""
    if shape.kind == "ellipse":
        return _ellipse(shape, time)
    values = shape.values_at(time)
    points = values[:, :2] + (values[:, 6:8] if feathered else 0)
    ends = following(points)
    if shape.kind == "bspline":
        control = np.stack([np.roll(points, shift, axis=0) for shift in (1, 0, -1, -2)], axis=1)
        return np.asarray(np.einsum("ij,pjk->pik", _BSPLINE, control))
    if shape.kind == "brush":
        return np.stack([points, (2 * points + ends) / 3, (points + 2 * ends) / 3, ends], axis=1)[:-1]
    arriving = following(points + values[:, 2:4])
    pieces = np.stack([points, points + values[:, 4:6], arriving, ends], axis=1)
    return pieces[:-1] if shape.kind == "stroke" else pieces


def _ellipse(shape: Shape, time: float) -> NDArray[np.float64]:
    x, y, width, height, angle = shape.tracks[0].value_at(time)
    k = _CIRCLE
    quarter = np.array([[1, 0], [1, k], [k, 1], [0, 1]])
    turn = np.array([[0, 1], [-1, 0]])
    pieces = np.stack([quarter @ np.linalg.matrix_power(turn, n) for n in range(4)])
    scaled = pieces * (width / 2, height / 2)
    return _turned(scaled.reshape(-1, 2), angle).reshape(4, 4, 2) + np.array([x, y])


def _flat(cubics: NDArray[np.float64], scale: float) -> Polygon:
    """The start of every straight piece, and for open curves to join, the very end."""
    steps = cubics[:, 1:] - cubics[:, :-1]
    if not steps[:, ::2].any():
        return np.concatenate([cubics[:, 0], cubics[-1:, 3]])  # points without handles, as those of a matte
    bend = np.abs(steps[:, 1:] - steps[:, :-1]).max(initial=0.0) * scale
    # A cubic's distance from its chords falls with the square of their number (Wang's formula).
    corners = cubics.reshape(-1, 2)
    extent = float((corners.max(axis=0) - corners.min(axis=0)).max()) * scale
    flatness = max(min(_FLATNESS_PX, _FLATNESS_SHARE * extent), 1e-4)
    count = min(256, max(1, math.ceil(math.sqrt(0.75 * math.sqrt(2) * bend / flatness))))
    points = (_bernstein(count) @ cubics).reshape(-1, 2)
    return np.concatenate([points, cubics[-1:, 3]])


@lru_cache(maxsize=256)
def _bernstein(count: int) -> NDArray[np.float64]:
    """(count, 4): the shares of a cubic's four points in the starts of its ``count`` pieces."""
    t = (np.arange(count) / count)[:, np.newaxis]
    return np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])


def _mapped(points: Polygon, shape: Shape, time: float, scale: float) -> Polygon:
    if is_identity_at(shape, time):
        return points * scale
    moved = np.column_stack([points, np.ones(len(points))]) @ transform_at(shape, time).T
    return moved[:, :2] / moved[:, 2:] * scale
