"""Layers of shapes as JSON, versioned."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from roi_tools.errors import ShapeError
from roi_tools.keyframes_json import is_int, is_number, track_from_list, track_to_list
from roi_tools.roto.model import PARAMETERS, POINT, RotoLayer, Shape

VERSION = 1


def layer_to_dict(layer: RotoLayer) -> dict[str, Any]:
    """As JSON; see docs/roi-file.md."""
    return {
        "version": VERSION,
        "name": layer.name,
        "shutter_frames": layer.shutter_frames,
        "shutter_samples": layer.shutter_samples,
        "shapes": [shape_to_dict(shape) for shape in layer.shapes],
    }


def layer_from_dict(data: Mapping[str, Any]) -> RotoLayer:
    """The inverse of :func:`layer_to_dict`. Raises ShapeError that says what is missing or wrong."""
    if data.get("version") != VERSION:
        raise ShapeError(
            f"a roto layer of version {reprlib.repr(data.get('version'))} is not known; this program reads {VERSION}"
        )
    shapes = data.get("shapes")
    if not isinstance(shapes, list):
        raise ShapeError("a roto layer needs a list 'shapes'")
    return RotoLayer(
        _text(data, "name"),
        tuple(shape_from_dict(shape) for shape in shapes),
        _number(data, "shutter_frames", 0.0),
        _whole(data, "shutter_samples", 8),
    )


def shape_to_dict(shape: Shape) -> dict[str, Any]:
    """As JSON: each track a list of keyframes."""
    return {
        "label": shape.label,
        "kind": shape.kind,
        "tracks": [track_to_list(track) for track in shape.tracks],
        "mode": shape.mode,
        "is_inverted": shape.is_inverted,
        **{name: track_to_list(getattr(shape, name)) for name in Shape.LENGTHS},
        "first_frame": shape.first_frame,
        "last_frame": shape.last_frame,
        "color": list(shape.color),
        "is_locked": shape.is_locked,
        "is_visible": shape.is_visible,
        **({} if shape.linked_to is None else {"linked_to": shape.linked_to}),
    }


def shape_from_dict(data: object) -> Shape:
    """The inverse of :func:`shape_to_dict`; what may be left out has its default. Raises ShapeError."""
    if not isinstance(data, Mapping):
        raise ShapeError(f"a shape must be an object, not {reprlib.repr(data)}")
    label, tracks, color = _text(data, "label"), data.get("tracks"), data.get("color", [1, 1, 1])
    if not isinstance(tracks, list):
        raise ShapeError(f"shape '{label}' needs a list 'tracks'")
    if not isinstance(color, (list, tuple)) or len(color) != 3 or not all(is_number(part) for part in color):
        raise ShapeError(f"shape '{label}' needs 'color': [red, green, blue], not {reprlib.repr(color)}")
    kind = data.get("kind")
    form = f"[{', '.join(next((names for known, names in PARAMETERS.items() if known == kind), POINT))}]"
    owner = f"shape '{label}'"
    named = {name: track_from_list(data[name], owner) for name in Shape.LENGTHS if name in data}
    return Shape(
        label=label,
        kind=kind,  # type: ignore[arg-type]  # checked there
        tracks=tuple(track_from_list(track, owner, form) for track in tracks),
        mode=data.get("mode", "add"),
        is_inverted=_truth(data, "is_inverted", False),
        first_frame=_frame(data, "first_frame"),
        last_frame=_frame(data, "last_frame"),
        color=(float(color[0]), float(color[1]), float(color[2])),
        is_locked=_truth(data, "is_locked", False),
        is_visible=_truth(data, "is_visible", True),
        linked_to=None if data.get("linked_to") is None else _text(data, "linked_to"),
        **named,
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise ShapeError(f"a roto layer and its shapes need a text '{name}', not {reprlib.repr(value)}")
    return value


def _number(data: Mapping[str, Any], name: str, default: float) -> float:
    value = data.get(name, default)
    if not is_number(value):
        raise ShapeError(f"a roto layer's '{name}' must be a number, not {reprlib.repr(value)}")
    return float(value)


def _whole(data: Mapping[str, Any], name: str, default: int) -> int:
    value = data.get(name, default)
    if not is_int(value):
        raise ShapeError(f"a roto layer's '{name}' must be a whole number, not {reprlib.repr(value)}")
    return value


def _truth(data: Mapping[str, Any], name: str, default: bool) -> bool:
    value = data.get(name, default)
    if not isinstance(value, bool):
        raise ShapeError(f"a shape's '{name}' must be true or false, not {reprlib.repr(value)}")
    return value


def _frame(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is not None and not is_int(value):
        raise ShapeError(f"a shape's '{name}' must be a whole number or null, not {reprlib.repr(value)}")
    return value
