"""Companions: a shadow's or a reflection's shape that goes along with its object's.

A link says one thing: whenever the leader is moved, its companion is moved by as much. The companion has keyframes and
points of its own all the time, so what reads shapes knows nothing of links; editing it changes its place beside the
leader, and unlinking it leaves it where it is.

- *Moved* is the change of the leader's place on each frame between two versions of it: by a track, by keyframes that
  were shifted, in space or in time. Where one side of a rectangle stays (an edge was pulled), or most points of a curve
  stay, it was reshaped, and the companion stays too.
- A box goes along with its leader's centre and keeps its size. A shape of the leader's own layer goes along with all
  that the leader's transform does (it turns, grows and tilts with a tracked surface).
- A companion leads nobody.

``with_companions`` does it for the shapes of a layer (``Shape.linked_to``), ``timeline.linking`` for the removals of a
shot; ``RoiDocument.links`` keeps it for boxes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roi_tools.keyframes import Keyframe, Track
from roi_tools.polylines import fewest_keys
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.shapes import MINIMUM_SIDE_PX, AnimatedRectangle, RectF

Displacements = NDArray[np.float64]
"""(frames, 2): by how many px the leader is further right and further down than before."""
Matrices = NDArray[np.float64]
"""(frames, 3, 3): from where the leader was to where it is, in frame px."""

_STAYS_PX = 1e-6
_KEY_ERROR_PX = 0.05
"""How far a companion may be from its place on frames between its keyframes."""


def frames_of(tracks: Iterable[Track]) -> range:
    """From the first keyframe to the last; outside nothing changes any more."""
    frames = [frame for track in tracks for frame in (track.keys[0].frame, track.keys[-1].frame)]
    return range(min(frames), max(frames) + 1)


# --- boxes --------------------------------------------------------------------------------------------------------


def box_displacements(before: AnimatedRectangle, after: AnimatedRectangle, frames: range) -> Displacements:
    """How a box was moved, by frame."""
    return _shifts(*(np.array([_placed(box.track.value_at(n)) for n in frames]) for box in (before, after)))


def moved_box(companion: AnimatedRectangle, frames: range, displacements: Displacements) -> AnimatedRectangle:
    """``companion`` moved; before and behind ``frames``, which hold its keyframes, as far as at their ends.

    Where the way differs from frame to frame it is joined by as few straight lines as stay within 0.05 px.
    """
    steps = np.hstack([displacements, displacements])
    if np.abs(steps).max() < _STAYS_PX:
        return companion
    if np.ptp(steps, axis=0).max() < _STAYS_PX:
        keys = (replace(key, value=_added(key.value, steps[0])) for key in companion.track.keys)
        return replace(companion, track=Track(tuple(keys)))
    places = np.array([companion.track.value_at(frame) for frame in frames]) + steps
    # Curved keyframes may cross in between: the rectangle then is as thin as a rectangle can be.
    places[:, 2:] = np.maximum(places[:, 2:], places[:, :2] + 2 * MINIMUM_SIDE_PX)
    kept = fewest_keys(places.reshape(len(frames), 2, 2), _KEY_ERROR_PX)
    return replace(companion, track=Track(tuple(Keyframe(frames[n], tuple(map(float, places[n]))) for n in kept)))


def companion_box(leader: AnimatedRectangle, rect: RectF, frame: int) -> AnimatedRectangle:
    """The box that is ``rect`` on ``frame`` and goes along with ``leader``, as long as that is there."""
    still = AnimatedRectangle.still(rect, frame).with_range(leader.first_frame, leader.last_frame)
    as_here = AnimatedRectangle(Track((Keyframe(frame, leader.track.value_at(frame)),)))
    frames = frames_of((leader.track, still.track))
    return moved_box(still, frames, box_displacements(as_here, leader, frames))


# --- shapes -------------------------------------------------------------------------------------------------------


def shape_motion(before: Shape, after: Shape, frames: range) -> Matrices:
    """How a shape was moved, by frame; a shape that became another kind, or has other points, by its transform only."""
    shifts = np.zeros((len(frames), 2))
    if before.tracks != after.tracks and before.kind == after.kind and len(before.tracks) == len(after.tracks):
        old, new = (_values(shape, frames) for shape in (before, after))
        if before.has_parameters:
            shifts = _shifts(old[:, 0], new[:, 0])
        else:
            shifts = np.median(new[..., :2] - old[..., :2], axis=1)
    return _transforms(after, frames) @ translations(shifts) @ np.linalg.pinv(_transforms(before, frames))


def layer_displacements(before: RotoLayer, after: RotoLayer, frames: range) -> Displacements:
    """How the shapes of both layers were moved, by frame: the median of their centres; 0 where none is in both."""
    old = {shape.label: shape for shape in before.shapes}
    ways = [_way(old[shape.label], shape, frames) for shape in after.shapes if shape.label in old]
    return np.median(ways, axis=0) if ways else np.zeros((len(frames), 2))


def moved_shape(companion: Shape, frames: range, motion: Matrices) -> Shape:
    """``companion`` whose transform takes it along; ``frames`` hold the transform's keyframes."""
    if np.abs(motion - np.eye(3)).max() < _STAYS_PX:
        return companion
    if np.ptp(motion, axis=0).max() < _STAYS_PX:
        keys = (replace(key, value=_through(motion[0], key.value)) for key in companion.transform.keys)
        return replace(companion, transform=Track(tuple(replace(key, slopes=None) for key in keys)))
    moved = motion @ _transforms(companion, frames)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = moved / moved[:, 2:, 2:]
    if not np.isfinite(moved).all():  # a transform that no camera makes leads nowhere
        return companion
    keys = (Keyframe(frame, tuple(map(float, moved[n].ravel()))) for n, frame in enumerate(frames))
    return replace(companion, transform=Track(tuple(keys)))


def companion_shape(leader: Shape, rect: RectF, frame: int, label: str) -> Shape:
    """A rectangle for the leader's layer that is ``rect`` on ``frame``, goes along with it and is linked to it."""
    x, y = (rect.x0 + rect.x1) / 2, (rect.y0 + rect.y1) / 2
    still = Shape(label, "rectangle", (constant(x, y, rect.width_px, rect.height_px, 0),), linked_to=leader.label,
                  first_frame=leader.first_frame, last_frame=leader.last_frame)  # fmt: skip
    frames = frames_of((*leader.tracks, leader.transform))
    return moved_shape(still, frames, shape_motion(unmoved(leader, frame), leader, frames))


def unmoved(shape: Shape, frame: int) -> Shape:
    """``shape`` as it is on ``frame``, on all frames."""
    tracks = tuple(constant(*track.value_at(frame)) for track in shape.tracks)
    return replace(shape, tracks=tracks, transform=constant(*shape.transform.value_at(frame)))


def with_companions(before: RotoLayer, after: RotoLayer) -> RotoLayer:
    """``after``, an edit of ``before``, whose companions went along with their leaders.

    A companion that the edit itself changed stays as it is. Where the leader got another label the link goes along;
    where it is gone, the link is.
    """
    old = {shape.label: shape for shape in before.shapes}
    new = {shape.label: shape for shape in after.shapes}
    shapes = tuple(_followed(shape, old, new) for shape in after.shapes)
    return after if shapes == after.shapes else replace(after, shapes=shapes)


def _followed(shape: Shape, old: dict[str, Shape], new: dict[str, Shape]) -> Shape:
    leader = None if shape.linked_to is None else old.get(shape.linked_to)
    if leader is None:
        return shape
    if leader.label not in new:
        renamed = [label for label, other in new.items() if label not in old and replace(leader, label=label) == other]
        return replace(shape, linked_to=renamed[0] if len(renamed) == 1 else None)
    now = new[leader.label]
    if old.get(shape.label) != shape or (now.tracks, now.transform) == (leader.tracks, leader.transform):
        return shape
    frames = frames_of((*leader.tracks, leader.transform, *now.tracks, now.transform, shape.transform))
    return moved_shape(shape, frames, shape_motion(leader, now, frames))


# --- numbers ------------------------------------------------------------------------------------------------------


def translations(shifts: Displacements) -> Matrices:
    """The matrices that move by these."""
    matrices = np.tile(np.eye(3), (len(shifts), 1, 1))
    matrices[:, :2, 2] = shifts
    return matrices


def _shifts(before: NDArray[np.float64], after: NDArray[np.float64]) -> Displacements:
    """(frames, 5) each: centre, width, height and rotation in degrees of rectangles."""
    angle = np.radians(after[:, 4])
    axes = np.stack([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    along = np.einsum("nij,nj->ni", axes, after[:, :2] - before[:, :2])
    # A side that stays while the opposite one goes moves the centre by half of it.
    pulled = np.abs(np.abs(along) - np.abs(after[:, 2:4] - before[:, 2:4]) / 2) < _STAYS_PX
    along[:, pulled.all(axis=0)] = 0
    return np.einsum("nij,ni->nj", axes, along)


def _placed(edges: tuple[float, ...]) -> tuple[float, ...]:
    x0, y0, x1, y1 = edges
    return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, 0.0


def _way(before: Shape, after: Shape, frames: range) -> Displacements:
    if (before.tracks, before.transform) == (after.tracks, after.transform):
        return np.zeros((len(frames), 2))
    centres = np.column_stack([_values(before, frames)[..., :2].mean(axis=1), np.ones(len(frames))])
    seen = np.einsum("nij,nj->ni", _transforms(before, frames), centres)
    moved = np.einsum("nij,nj->ni", shape_motion(before, after, frames), seen)
    return moved[:, :2] / moved[:, 2:] - seen[:, :2] / seen[:, 2:]


def _values(shape: Shape, frames: range) -> NDArray[np.float64]:
    """(frames, tracks, numbers)."""
    return np.array([[track.value_at(frame) for track in shape.tracks] for frame in frames])


def _transforms(shape: Shape, frames: range) -> Matrices:
    return np.array([shape.transform.value_at(frame) for frame in frames]).reshape(-1, 3, 3)


def _added(value: tuple[float, ...], step: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(map(float, np.add(value, step)))


def _through(matrix: NDArray[np.float64], value: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(float, (matrix @ np.reshape(value, (3, 3))).ravel()))
