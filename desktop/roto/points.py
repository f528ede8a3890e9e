"""A roto shape's points as they are seen. Without Qt.

Places are frame px: a shape's tracked transform lies between them and its own numbers. An edit keys the whole shape on
its frame, so that a keyframe holds all of its points.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from roi_tools.keyframes import Interpolation, Keyframe, Track
from roi_tools.roto.model import Shape
from roi_tools.roto.outlines import outline_at, transform_at

Array: TypeAlias = NDArray[np.float64]


def points_at(shape: Shape, frame: int) -> Array:
    """(n, 4, 2): each point's place, arriving handle, leaving handle and feather point, all in frame px."""
    values = np.array([track.value_at(frame) for track in shape.tracks]).reshape(len(shape.tracks), 4, 2)
    absolute = values.copy()
    absolute[:, 1:] += values[:, :1]
    return mapped(absolute.reshape(-1, 2).astype(np.float64), transform_at(shape, frame)).reshape(-1, 4, 2)


def with_points_at(shape: Shape, frame: int, points: Array) -> Shape:
    """``shape`` with all of its points keyed on ``frame``; the inverse of :func:`points_at`."""
    own = mapped(points.reshape(-1, 2), inverse(transform_at(shape, frame))).reshape(-1, 4, 2)
    own[:, 1:] -= own[:, :1]
    own[:, 1:][np.abs(own[:, 1:]) < 1e-9] = 0.0
    tracks = (keyed(track, frame, row.ravel()) for track, row in zip(shape.tracks, own, strict=True))
    return replace(shape, tracks=tuple(tracks))


def keyed(track: Track, frame: int, value: Iterable[float]) -> Track:
    """``track`` with a keyframe that goes on as the one before it does."""
    known = [key for key in track.keys if key.frame <= frame] or [track.keys[0]]
    interpolation: Interpolation = known[-1].interpolation
    slopes = known[-1].slopes if known[-1].frame == frame else None
    return track.with_key(Keyframe(frame, tuple(map(float, value)), interpolation, slopes))


def outline_points(shape: Shape, frame: int) -> Array:
    """(n, 2): the corners of the shape's bounds: all of its outline, in frame px."""
    polygons = outline_at(shape, frame)
    return np.vstack(polygons) if polygons else points_at(shape, frame)[:, 0]


def inverse(matrix: Array) -> Array:
    """The inverse of a (3, 3) matrix."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def mapped(points: Array, matrix: Array) -> Array:
    """(n, 2) points through a (3, 3) matrix, perspective and all."""
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]
