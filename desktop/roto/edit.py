"""What an edit in the viewer does to one roto shape. Pure functions without Qt.

Places are frame px, as seen: a shape's tracked transform lies between them and its own numbers. An edit keys the whole
shape on its frame, so that a keyframe holds all of its points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from roi_tools.keyframes import Interpolation, Keyframe, Track
from roi_tools.roto.model import FEWEST_POINTS, Kind, Shape, constant
from roi_tools.roto.outlines import bezier_points_at, outline_at, transform_at
from timeline.marking import key_frames_of

Array: TypeAlias = NDArray[np.float64]
Part: TypeAlias = Literal["anchor", "in", "out", "feather"]
"""What of a point is taken hold of."""
_COLUMNS: dict[Part, slice] = {"anchor": slice(0, 2), "in": slice(2, 4), "out": slice(4, 6), "feather": slice(6, 8)}
_SMOOTH_SHARE = 1 / 6
"""Handle length of a smooth point in distances between its neighbours: a Catmull-Rom spline."""
_COLLINEAR = math.cos(math.radians(177))
_SMALLEST_PX = 1.0


# --- points as seen -----------------------------------------------------------------------------------------------


def points_at(shape: Shape, frame: int) -> Array:
    """(n, 4, 2): each point's place, arriving handle, leaving handle and feather point, all in frame px."""
    values = np.array([track.value_at(frame) for track in shape.tracks]).reshape(len(shape.tracks), 4, 2)
    absolute = values.copy()
    absolute[:, 1:] += values[:, :1]
    return _mapped(absolute.reshape(-1, 2).astype(np.float64), transform_at(shape, frame)).reshape(-1, 4, 2)


def with_points_at(shape: Shape, frame: int, points: Array) -> Shape:
    """``shape`` with all of its points keyed on ``frame``; the inverse of :func:`points_at`."""
    own = _mapped(points.reshape(-1, 2), _inverse(transform_at(shape, frame))).reshape(-1, 4, 2)
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


# --- moving -------------------------------------------------------------------------------------------------------


def transformed(shape: Shape, frame: int, indices: Collection[int] | None, matrix: Array) -> Shape:
    """``shape`` whose points ``indices`` (None: the whole shape) are moved by an affine (3, 3) matrix on ``frame``."""
    if shape.has_parameters:
        return _transformed_parameters(shape, frame, matrix)
    points = points_at(shape, frame)
    chosen = np.array(sorted(indices) if indices is not None else range(len(points)), int)
    points[chosen] = _mapped(points[chosen].reshape(-1, 2), matrix).reshape(-1, 4, 2)
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
    inner = _inverse(own) @ matrix @ own
    inner /= inner[2, 2]
    x, y, width, height, angle = shape.tracks[0].value_at(frame)
    centre = _mapped(np.array([[x, y]]), inner)[0]
    turn = rotation((0, 0), angle)[:2, :2]
    across, down = inner[:2, :2] @ turn @ [width, 0], inner[:2, :2] @ turn @ [0, height]
    new_width = max(float(np.hypot(*across)), _SMALLEST_PX)
    new_height = max(abs(float(across[0] * down[1] - across[1] * down[0])) / new_width, _SMALLEST_PX)
    turned = math.degrees(math.atan2(across[1], across[0]))
    turned = angle + (turned - angle + 90) % 180 - 90  # a shape that is turned over looks the same
    value = (float(centre[0]), float(centre[1]), new_width, new_height, turned)
    return replace(shape, tracks=(keyed(shape.tracks[0], frame, value),))


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


# --- numbers ------------------------------------------------------------------------------------------------------

Number: TypeAlias = Literal["opacity", "feather_px", "width_px"]


def number_at(shape: Shape, name: Number, frame: int) -> float:
    """A parameter's value."""
    return _track(shape, name).value_at(frame)[0]


def with_number(shape: Shape, name: Number, frame: int, value: float) -> Shape:
    """``shape`` with a parameter changed: keyed on ``frame`` where it is animated, else everywhere."""
    track = _track(shape, name)
    return _with_track(shape, name, keyed(track, frame, (value,)) if len(track.keys) > 1 else constant(value))


def is_number_keyed(shape: Shape, name: Number, frame: int) -> bool:
    """Whether a parameter is animated and has a keyframe on ``frame``."""
    track = _track(shape, name)
    return len(track.keys) > 1 and track.key_at(frame) is not None


def with_number_key_toggled(shape: Shape, name: Number, frame: int) -> Shape:
    """``shape`` with a parameter's keyframe on ``frame`` set or deleted; the last but one makes it constant again."""
    track = _track(shape, name)
    if len(track.keys) == 1:
        anchor = next((key for key in key_frames_of(shape) if key != frame), frame - 1)
        value = track.keys[0].value
        return _with_track(shape, name, Track.of([Keyframe(anchor, value), Keyframe(frame, value)]))
    if track.key_at(frame) is None:
        return _with_track(shape, name, keyed(track, frame, track.value_at(frame)))
    left = track.without_key(frame)
    return _with_track(shape, name, left if len(left.keys) > 1 else constant(left.keys[0].value[0]))


def _track(shape: Shape, name: Number) -> Track:
    track: Track = getattr(shape, name)
    return track


def _with_track(shape: Shape, name: Number, track: Track) -> Shape:
    if name == "opacity":
        return replace(shape, opacity=track)
    return replace(shape, feather_px=track) if name == "feather_px" else replace(shape, width_px=track)


# --- what lies under the cursor -----------------------------------------------------------------------------------


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


def _inverse(matrix: Array) -> Array:
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _mapped(points: Array, matrix: Array) -> Array:
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]


def _get(row: Array, part: Part) -> Array:
    return np.asarray(row[_COLUMNS[part].start // 2])


def _set(row: Array, part: Part, place: Array) -> None:
    row[_COLUMNS[part].start // 2] = place
