"""Keyframes as JSON: ``[{"frame": n, "value": [...], "interpolation": "...", "slopes": [[...], [...]]}, ...]``."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, TypeGuard

from roi_tools.errors import ShapeError
from roi_tools.keyframes import Keyframe, Slopes, Track


def track_to_list(track: Track) -> list[dict[str, Any]]:
    """The keyframes of ``track``; ``slopes`` only where there are any."""
    return [
        {"frame": key.frame, "value": list(key.value), "interpolation": key.interpolation}
        | ({} if key.slopes is None else {"slopes": [list(side) for side in key.slopes]})
        for key in track.keys
    ]


def track_from_list(entries: object, owner: str, form: str = "[...]") -> Track:
    """The inverse of :func:`track_to_list`; ``owner`` and the value's ``form`` are for the messages of ShapeError."""
    if not isinstance(entries, (list, tuple)):
        raise ShapeError(f"{owner} needs a list 'keyframes'")
    return Track.of(_keyframe(entry, form) for entry in entries)


def is_int(value: object) -> TypeGuard[int]:
    """A whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """A number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _keyframe(entry: object, form: str) -> Keyframe:
    if not isinstance(entry, Mapping):
        raise ShapeError(f"a keyframe must be an object with 'frame' and 'value', not {reprlib.repr(entry)}")
    frame, value = entry.get("frame"), entry.get("value")
    if not is_int(frame):
        raise ShapeError(f"a keyframe's 'frame' must be a whole number, not {reprlib.repr(frame)}")
    if not isinstance(value, (list, tuple)) or not all(is_number(number) for number in value):
        raise ShapeError(f"the keyframe at frame {frame} needs 'value': {form}, not {reprlib.repr(value)}")
    slopes = _slopes(entry.get("slopes"), frame)
    return Keyframe(frame, tuple(map(float, value)), entry.get("interpolation", "linear"), slopes)


def _slopes(entry: object, frame: int) -> Slopes | None:
    if entry is None:
        return None
    if (
        not isinstance(entry, (list, tuple))
        or len(entry) != 2
        or not all(isinstance(side, (list, tuple)) and all(is_number(number) for number in side) for side in entry)
    ):
        raise ShapeError(f"the keyframe at frame {frame} needs 'slopes': [[...], [...]], not {reprlib.repr(entry)}")
    return tuple(map(float, entry[0])), tuple(map(float, entry[1]))
