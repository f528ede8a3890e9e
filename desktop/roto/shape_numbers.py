"""A roto shape's animated numbers: opacity, feather, width. Without Qt."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from desktop.roto.points import keyed
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import Shape, constant
from timeline.marking import key_frames_of

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
