"""What a removal marks: a rectangle, or a layer of roto shapes. Both answer the same questions about a frame."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.keyframes import Interpolation, Keyframe, Track
from roi_tools.keyframes_json import is_int
from roi_tools.roto.layer_json import layer_from_dict, layer_to_dict
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.roto.outlines import feather_at, outline_at, transform_at
from roi_tools.shapes import AnimatedRectangle, RectF

ROTO = "roto"
"""The ``type`` of a RotoMarking in a project."""
_EVERYWHERE_PX = 1e5
"""How far an inverted shape reaches from the origin: beyond any raster."""
_NEUTRAL: dict[str, Any] = {"color": (1.0, 1.0, 1.0), "is_locked": False, "linked_to": None}


@dataclass(frozen=True)
class RotoMarking:
    """A layer of shapes over time, there from ``first_frame`` to ``last_frame`` (inclusive, media frames; None = open).

    A keyframe of the marking is a frame on which an artist keyed any of its points or parameters. The shapes' tracked
    transforms have a key on every frame and don't count.
    """

    layer: RotoLayer
    first_frame: int | None = None
    last_frame: int | None = None

    def __post_init__(self) -> None:
        if not self.layer.shapes:
            raise ShapeError("roto needs at least one shape; delete the removal instead")
        if self.first_frame is not None and self.last_frame is not None and self.last_frame < self.first_frame:
            raise ShapeError(f"the roto lasts from frame {self.first_frame} to {self.last_frame}: it ends too early")

    @cached_property
    def key_frames(self) -> tuple[int, ...]:
        """The keyed frames, rising."""
        return tuple(sorted({frame for shape in self.layer.shapes for frame in key_frames_of(shape)}))

    def is_present(self, frame: int) -> bool:
        """Whether anything is marked on ``frame``."""
        starts = self.first_frame is None or frame >= self.first_frame
        lasts = self.last_frame is None or frame <= self.last_frame
        return starts and lasts and any(shape.mode == "add" and shape.is_present(frame) for shape in self.layer.shapes)

    def rect_at(self, frame: int) -> RectF | None:
        """The bounds of what its shapes add on ``frame``, feather and motion blur included; None where none is."""
        if not self.is_present(frame):
            return None
        found = [
            bounds
            for shape in self.layer.shapes
            if shape.mode == "add" and shape.is_present(frame)
            for time in self.layer.exposures(frame)
            if (bounds := shape_bounds(shape, time)) is not None
        ]
        if not found:
            return None
        edges = np.array([bounds.as_tuple() for bounds in found])
        return RectF(*map(float, (*edges[:, :2].min(axis=0), *edges[:, 2:].max(axis=0))))

    def box_at(self, frame: int, size: Size) -> Box | None:
        """The whole pixels that it touches on ``frame``: rounded outward, clipped to ``size``; None for none."""
        rect = self.rect_at(frame)
        return None if rect is None else rect.outer_box().clipped(size)

    def with_layer(self, layer: RotoLayer) -> RotoMarking:
        """This marking with other shapes. Raises ShapeError for none."""
        return replace(self, layer=layer)

    def with_range(self, first_frame: int | None, last_frame: int | None) -> RotoMarking:
        """This marking, there from ``first_frame`` to ``last_frame`` (both inclusive; None = open)."""
        return replace(self, first_frame=first_frame, last_frame=last_frame)

    def without_key(self, frame: int) -> RotoMarking:
        """This marking without what is keyed on ``frame``. Raises ShapeError where nothing is, or nothing else is."""
        if frame not in self.key_frames:
            raise ShapeError(f"there is no keyframe on frame {frame} to remove; keyed are {list(self.key_frames)}")
        if len(self.key_frames) == 1:
            raise ShapeError(f"the keyframe on frame {frame} is the only one; remove the whole roto instead")

        def without(track: Track) -> Track:
            return track.without_key(frame) if len(track.keys) > 1 and track.key_at(frame) else track

        return self._with_tracks(without)

    def shown_layer(self) -> RotoLayer:
        """The shapes with the marking's own lifetime worked into theirs; may hold none."""
        shapes = (_clamped(shape, self.first_frame, self.last_frame) for shape in self.layer.shapes)
        return replace(self.layer, shapes=tuple(shape for shape in shapes if shape is not None))

    @cached_property
    def rendered(self) -> RotoMarking:
        """The same marking without what no render depends on: colours, locks and links."""
        return self.with_layer(
            replace(self.layer, shapes=tuple(replace(shape, **_NEUTRAL) for shape in self.layer.shapes))
        )

    def _with_tracks(self, change: Callable[[Track], Track]) -> RotoMarking:
        return self.with_layer(
            replace(self.layer, shapes=tuple(with_keyed_tracks(shape, change) for shape in self.layer.shapes))
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON: ``{"type": "roto", "layer": {...}, "first_frame": n | null, "last_frame": n | null}``."""
        return {
            "type": ROTO,
            "layer": layer_to_dict(self.layer),
            "first_frame": self.first_frame,
            "last_frame": self.last_frame,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RotoMarking:
        """The inverse of :meth:`to_dict`. Raises ShapeError that says what is missing or wrong."""
        layer = data.get("layer")
        if not isinstance(layer, Mapping):
            raise ShapeError(f"roto needs 'layer', an object, not {reprlib.repr(layer)}")
        frames = [data.get("first_frame"), data.get("last_frame")]
        if not all(frame is None or is_int(frame) for frame in frames):
            raise ShapeError(f"a roto's first and last frame must be whole numbers or null, not {reprlib.repr(frames)}")
        return cls(layer_from_dict(layer), *frames)


Marking: TypeAlias = AnimatedRectangle | RotoMarking
"""Both have ``key_frames``, ``first_frame``, ``last_frame``, ``is_present``, ``rect_at``, ``box_at``, ``with_range``,
``without_key`` and ``to_dict``."""


def marking_from_dict(data: Mapping[str, Any]) -> Marking:
    """The marking that a project holds. Raises ShapeError that says what is missing or wrong."""
    return RotoMarking.from_dict(data) if data.get("type") == ROTO else AnimatedRectangle.from_dict(data)


def rendered_marking(marking: Marking) -> Marking:
    """What of a marking a render depends on; two that are equal here need no new render."""
    return marking.rendered if isinstance(marking, RotoMarking) else marking


# --- keyframes ----------------------------------------------------------------------------------------------------


def interpolation_at(marking: Marking, frame: int) -> Interpolation | None:
    """How the keyframe on ``frame`` goes on; None where nothing is keyed."""
    tracks = (marking.track,) if isinstance(marking, AnimatedRectangle) else _keyed_tracks(marking.layer)
    return next((key.interpolation for track in tracks if (key := track.key_at(frame))), None)


def with_interpolation(marking: Marking, frame: int, interpolation: Interpolation) -> Marking:
    """``marking`` whose keyframe on ``frame`` goes on in another way. Bezier curves begin with the smooth slopes."""
    return with_changed_tracks(marking, lambda track: _interpolated(track, frame, interpolation))


def with_key_here(marking: Marking, frame: int) -> Marking:
    """``marking`` with a keyframe on ``frame`` that changes nothing there."""

    def keyed(track: Track) -> Track:
        if track.key_at(frame):
            return track
        before = [key for key in track.keys if key.frame < frame]
        interpolation: Interpolation = before[-1].interpolation if before else "linear"
        return track.with_key(Keyframe(frame, track.value_at(frame), interpolation))

    return with_changed_tracks(marking, keyed)


def with_moved_key(marking: Marking, frame: int, to: int) -> Marking:
    """``marking`` with its keyframe on ``frame`` moved to ``to``, where none may be yet."""

    def moved(track: Track) -> Track:
        return Track.of(replace(key, frame=to) if key.frame == frame else key for key in track.keys)

    return with_changed_tracks(marking, moved)


def shifted_marking(marking: Marking, frames: int) -> Marking:
    """``marking`` later by ``frames``: keyframes, tracked motion and lifetimes."""
    first, last = _later(marking.first_frame, frames), _later(marking.last_frame, frames)
    if isinstance(marking, AnimatedRectangle):
        return AnimatedRectangle(_later_track(marking.track, frames), first, last)
    shapes = tuple(_later_shape(shape, frames) for shape in marking.layer.shapes)
    return RotoMarking(replace(marking.layer, shapes=shapes), first, last)


def with_changed_tracks(marking: Marking, change: Callable[[Track], Track]) -> Marking:
    """``marking`` with ``change`` made to each track that an artist keys."""
    if isinstance(marking, AnimatedRectangle):
        return replace(marking, track=change(marking.track))
    return marking._with_tracks(change)


def key_frames_of(shape: Shape) -> tuple[int, ...]:
    """The frames on which an artist keyed a shape, rising."""
    return tuple(sorted({frame for track in _keyed_tracks_of(shape) for frame in track.frames}))


def with_keyed_tracks(shape: Shape, change: Callable[[Track], Track]) -> Shape:
    """``shape`` with ``change`` made to its points' tracks and to those of its parameters that are animated."""

    def if_animated(track: Track) -> Track:
        return change(track) if len(track.keys) > 1 else track

    return replace(
        shape,
        tracks=tuple(change(track) for track in shape.tracks),
        opacity=if_animated(shape.opacity),
        feather_px=if_animated(shape.feather_px),
        width_px=if_animated(shape.width_px),
    )


def _keyed_tracks(layer: RotoLayer) -> list[Track]:
    return [track for shape in layer.shapes for track in _keyed_tracks_of(shape)]


def _keyed_tracks_of(shape: Shape) -> list[Track]:
    lengths = (shape.opacity, shape.feather_px, shape.width_px)
    return [*shape.tracks, *(track for track in lengths if len(track.keys) > 1)]


def _interpolated(track: Track, frame: int, interpolation: Interpolation) -> Track:
    key = track.key_at(frame)
    if key is None:
        return track
    slopes = key.slopes
    if interpolation == "bezier" and slopes is None:
        slopes = _smooth_slopes(track, frame)
    return track.with_key(replace(key, interpolation=interpolation, slopes=slopes))


def _smooth_slopes(track: Track, frame: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Slopes along the line between the neighbouring keyframes: what a curve through the keyframe begins with."""
    before = [key for key in track.keys if key.frame < frame]
    after = [key for key in track.keys if key.frame > frame]
    here = track.key_at(frame)
    assert here is not None
    left, right = before[-1] if before else here, after[0] if after else here
    span = max(right.frame - left.frame, 1)
    slope = tuple((b - a) / span for a, b in zip(left.value, right.value, strict=True))
    return slope, slope


def _later(frame: int | None, frames: int) -> int | None:
    return None if frame is None else frame + frames


def _later_track(track: Track, frames: int) -> Track:
    return Track(tuple(replace(key, frame=key.frame + frames) for key in track.keys))


def _later_shape(shape: Shape, frames: int) -> Shape:
    return replace(
        shape,
        tracks=tuple(_later_track(track, frames) for track in shape.tracks),
        first_frame=_later(shape.first_frame, frames),
        last_frame=_later(shape.last_frame, frames),
        opacity=_later_track(shape.opacity, frames),
        feather_px=_later_track(shape.feather_px, frames),
        width_px=_later_track(shape.width_px, frames),
        transform=_later_track(shape.transform, frames),
    )


def _clamped(shape: Shape, first_frame: int | None, last_frame: int | None) -> Shape | None:
    firsts = [frame for frame in (shape.first_frame, first_frame) if frame is not None]
    lasts = [frame for frame in (shape.last_frame, last_frame) if frame is not None]
    first, last = max(firsts, default=None), min(lasts, default=None)
    if first is not None and last is not None and last < first:
        return None
    return replace(shape, first_frame=first, last_frame=last)


# --- bounds -------------------------------------------------------------------------------------------------------


def shape_bounds(shape: Shape, time: float) -> RectF | None:
    """The rectangle around what ``shape`` covers at ``time``, in frame px with its feather; None for nothing."""
    if shape.is_inverted:
        return RectF(-_EVERYWHERE_PX, -_EVERYWHERE_PX, _EVERYWHERE_PX, _EVERYWHERE_PX)
    polygons = [*outline_at(shape, time)]
    feather = feather_at(shape, time)
    if feather is not None:
        polygons.append(feather)
    if not polygons:
        return None
    points = np.vstack(polygons)
    soft = max(0.0, shape.feather_px.value_at(time)[0]) * _magnification(shape, time)
    (x0, y0), (x1, y1) = points.min(axis=0) - soft, points.max(axis=0) + soft
    if not np.isfinite([x0, y0, x1, y1]).all() or x1 - x0 < 1e-3 or y1 - y0 < 1e-3:
        return None
    limit = _EVERYWHERE_PX
    x0, y0, x1, y1 = np.clip([x0, y0, x1, y1], -limit, limit)
    return RectF(float(x0), float(y0), float(x1), float(y1)) if x1 - x0 >= 1e-3 and y1 - y0 >= 1e-3 else None


def _magnification(shape: Shape, time: float) -> float:
    matrix = transform_at(shape, time)
    return math.sqrt(abs(float(np.linalg.det(matrix[:2, :2])))) / abs(float(matrix[2, 2]) or 1.0)
