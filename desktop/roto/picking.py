"""What of a roto shape lies at a place of the frame. Without Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from desktop.roto.points import Array, points_at
from roi_tools.roto.model import Shape
from roi_tools.roto.outlines import outline_at


@dataclass(frozen=True)
class OnCurve:
    """A place on the piece of the outline behind point ``segment``."""

    segment: int
    t: float
    distance_px: float


def curve_under(shape: Shape, frame: int, x: float, y: float) -> OnCurve | None:
    """The nearest place on the outline of a shape with points; None for a shape without."""
    if shape.has_parameters:
        return None
    pieces = _cubics(shape, points_at(shape, frame))
    t = np.linspace(0, 1, 33)[:, np.newaxis]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])
    curves = np.einsum("tj,pjk->ptk", weights, pieces)
    distances = np.hypot(curves[..., 0] - x, curves[..., 1] - y)
    segment, at = np.unravel_index(int(distances.argmin()), distances.shape)
    return OnCurve(int(segment), float(t[at, 0]), float(distances[segment, at]))


def _cubics(shape: Shape, points: Array) -> Array:
    """(pieces, 4, 2) in frame px."""
    anchors = points[:, 0]
    following = np.roll(anchors, -1, axis=0)
    if shape.kind == "bspline":
        control = np.stack([np.roll(anchors, shift, axis=0) for shift in (1, 0, -1, -2)], axis=1)
        basis = np.array([[1, 4, 1, 0], [0, 4, 2, 0], [0, 2, 4, 0], [0, 1, 4, 1]]) / 6
        return np.asarray(np.einsum("ij,pjk->pik", basis, control))
    pieces = np.stack([anchors, points[:, 2], np.roll(points[:, 1], -1, axis=0), following], axis=1)
    return pieces[:-1] if shape.is_open else pieces


def is_inside(shape: Shape, frame: int, x: float, y: float) -> bool:
    """Whether a place lies inside the outline (of a stroke: on it)."""
    return any(_winds_around(polygon, x, y) for polygon in outline_at(shape, frame))


def distance_to_outline(shape: Shape, frame: int, x: float, y: float) -> float:
    """How far a place is from the outline, px."""
    nearest = math.inf
    for polygon in outline_at(shape, frame):
        start, end = polygon, np.roll(polygon, -1, axis=0)
        along = end - start
        lengths = np.maximum((along**2).sum(axis=1), 1e-12)
        share = np.clip(((np.array([x, y]) - start) * along).sum(axis=1) / lengths, 0, 1)
        foot = start + share[:, np.newaxis] * along
        nearest = min(nearest, float(np.hypot(foot[:, 0] - x, foot[:, 1] - y).min()))
    return nearest


def _winds_around(polygon: Array, x: float, y: float) -> bool:
    x0, y0 = polygon.T
    x1, y1 = np.roll(polygon, -1, axis=0).T
    crosses = (y0 > y) != (y1 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    return bool(np.count_nonzero(crosses & (at > x)) % 2)


def points_in(shape: Shape, frame: int, x0: float, y0: float, x1: float, y1: float) -> frozenset[int]:
    """The points inside a rectangle given by two corners."""
    if shape.has_parameters:
        return frozenset()
    places = points_at(shape, frame)[:, 0]
    low, high = np.minimum([x0, y0], [x1, y1]), np.maximum([x0, y0], [x1, y1])
    return frozenset(map(int, np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))))
