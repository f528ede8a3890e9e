"""What an edit does to the points of one roto shape: handles, feather, points that come and go. Without Qt."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from desktop.roto.points import Array, points_at, with_points_at
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import FEWEST_POINTS, Kind, Shape, constant
from roi_tools.roto.outlines import bezier_points_at
from timeline.marking import key_frames_of

Part: TypeAlias = Literal["anchor", "in", "out", "feather"]
"""What of a point is taken hold of."""
_COLUMNS: dict[Part, int] = {"anchor": 0, "in": 1, "out": 2, "feather": 3}
_SMOOTH_SHARE = 1 / 6
"""Handle length of a smooth point in distances between its neighbours: a Catmull-Rom spline."""
_COLLINEAR = math.cos(math.radians(177))


def with_handle(shape: Shape, frame: int, index: int, part: Part, to: tuple[float, float], *, breaks: bool) -> Shape:
    """``shape`` with a handle pulled to ``to``; the other one of a smooth point turns along unless ``breaks``."""
    points = points_at(shape, frame)
    row = points[index]
    other: Part = "in" if part == "out" else "out"
    smooth = is_smooth(row)
    _set(row, part, np.array(to))
    if smooth and not breaks:
        direction = row[0] - np.array(to)
        length = float(np.hypot(*direction))
        reach = float(np.hypot(*(_get(row, other) - row[0]))) or length
        if length > 1e-6:
            _set(row, other, row[0] + direction / length * reach)
    return with_points_at(shape, frame, points)


def is_smooth(row: Array) -> bool:
    """Whether the handles of a point (4, 2) lie on one line through it; also where it has none yet."""
    arriving, leaving = row[1] - row[0], row[2] - row[0]
    lengths = float(np.hypot(*arriving)), float(np.hypot(*leaving))
    if min(lengths) < 1e-6:
        return max(lengths) < 1e-6
    return float(arriving @ leaving) / (lengths[0] * lengths[1]) < _COLLINEAR


def with_feather_point(shape: Shape, frame: int, index: int, to: tuple[float, float]) -> Shape:
    """``shape`` with a point's feather ending at ``to``."""
    points = points_at(shape, frame)
    points[index, 3] = to
    return with_points_at(shape, frame, points)


def without_feather(shape: Shape, frame: int, indices: Collection[int]) -> Shape:
    """``shape`` whose points have no feather of their own on ``frame``."""
    points = points_at(shape, frame)
    for index in indices:
        points[index, 3] = points[index, 0]
    return with_points_at(shape, frame, points)


# --- points come and go -------------------------------------------------------------------------------------------


def with_inserted(shape: Shape, segment: int, t: float) -> tuple[Shape, int]:
    """``shape`` with a point more on the piece behind point ``segment`` at ``t`` (0 to 1), and the point's number.

    On every keyframe the curve stays as it is (de Casteljau); of a B-spline only nearly.
    """
    following = (segment + 1) % len(shape.tracks)
    left, right = shape.tracks[segment], shape.tracks[following]
    frames = sorted({*left.frames, *right.frames})
    rows: list[tuple[Keyframe, Keyframe, Keyframe]] = []
    for frame in frames:
        split = _split(np.array(left.value_at(frame)), np.array(right.value_at(frame)), t, curved=shape.kind)
        before = [key for key in left.keys if key.frame <= frame] or [left.keys[0]]
        keys = [Keyframe(frame, tuple(map(float, value)), before[-1].interpolation) for value in split]
        rows.append((keys[0], keys[1], keys[2]))
    tracks = list(shape.tracks)
    tracks[segment], tracks[following] = (Track(tuple(row[n] for row in rows)) for n in (0, 2))
    tracks.insert(segment + 1, Track(tuple(row[1] for row in rows)))
    return replace(shape, tracks=tuple(tracks)), segment + 1


def _split(left: Array, right: Array, t: float, *, curved: Kind) -> tuple[Array, Array, Array]:
    """Values of the left point, the new one and the right point."""
    feather = (1 - t) * left[6:] + t * right[6:]
    if curved not in ("bezier", "stroke"):
        new = np.concatenate([(1 - t) * left[:2] + t * right[:2], np.zeros(4), feather])
        return left, new, right
    p0, p1, p2, p3 = left[:2], left[:2] + left[4:6], right[:2] + right[2:4], right[:2]
    a, b, c = p0 + t * (p1 - p0), p1 + t * (p2 - p1), p2 + t * (p3 - p2)
    d, e = a + t * (b - a), b + t * (c - b)
    middle = d + t * (e - d)
    new_left, new_right = left.copy(), right.copy()
    new_left[4:6], new_right[2:4] = a - p0, c - p3
    return new_left, np.concatenate([middle, d - middle, e - middle, feather]), new_right


def without_points(shape: Shape, indices: Collection[int]) -> Shape | None:
    """``shape`` without points; None where too few would be left."""
    fewest = max(FEWEST_POINTS.get(shape.kind, 1), 2 if shape.is_open else 3)
    kept = tuple(track for index, track in enumerate(shape.tracks) if index not in indices)
    return replace(shape, tracks=kept) if len(kept) >= fewest and not shape.has_parameters else None


def made_smooth(shape: Shape, indices: Collection[int]) -> Shape:
    """``shape`` whose points get handles along the line between their neighbours, on each of their keyframes."""
    return _with_handles(shape, indices, _smooth_handles)


def made_corners(shape: Shape, indices: Collection[int]) -> Shape:
    """``shape`` whose points lose their handles, on each of their keyframes."""
    return _with_handles(shape, indices, lambda before, here, after: np.zeros(4))


def _with_handles(shape: Shape, indices: Collection[int], handles: Callable[[Array, Array, Array], Array]) -> Shape:
    count = len(shape.tracks)
    tracks = list(shape.tracks)
    for index in indices:
        keys = []
        for key in shape.tracks[index].keys:
            before, after = index - 1, index + 1
            if shape.is_open:
                before, after = max(before, 0), min(after, count - 1)
            neighbours = [np.array(shape.tracks[n % count].value_at(key.frame)[:2]) for n in (before, after)]
            value = np.array(key.value)
            value[2:6] = handles(neighbours[0], value[:2], neighbours[1])
            keys.append(replace(key, value=tuple(map(float, value))))
        tracks[index] = Track(tuple(keys))
    return replace(shape, tracks=tuple(tracks))


def _smooth_handles(before: Array, here: Array, after: Array) -> Array:
    along = (after - before) * _SMOOTH_SHARE
    return np.concatenate([-along, along])


def has_handles(shape: Shape) -> bool:
    """Whether the points of this kind of shape have handles."""
    return shape.kind in ("bezier", "stroke")


def as_bezier(shape: Shape) -> Shape:
    """A rectangle, ellipse or B-spline as a Bezier curve that looks the same on each of its keyframes."""
    frames = key_frames_of(shape)
    still = replace(shape, transform=constant(1, 0, 0, 0, 1, 0, 0, 0, 1))
    rows = [bezier_points_at(still, frame).reshape(-1, 8) for frame in frames]
    keys = [shape.tracks[0].key_at(frame) for frame in frames]
    tracks = tuple(
        Track(
            tuple(
                Keyframe(frame, tuple(map(float, row[n])), key.interpolation if key else "linear")
                for frame, row, key in zip(frames, rows, keys, strict=True)
            )
        )
        for n in range(len(rows[0]))
    )
    return replace(shape, kind="bezier", tracks=tracks)


def _get(row: Array, part: Part) -> Array:
    return np.asarray(row[_COLUMNS[part]])


def _set(row: Array, part: Part, place: Array) -> None:
    row[_COLUMNS[part]] = place
