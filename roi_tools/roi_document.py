"""The ROI file ``grayplate.roi/1``: one shot's boxes per frame and its layers of shapes, as JSON.

docs/roi-file.md describes it, roi_schema.json beside this module is its JSON schema.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

from roi_tools.errors import RoiFileError, ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.json_file import load_json, write_text
from roi_tools.keyframes_json import is_int
from roi_tools.roto.layer_json import layer_from_dict, layer_to_dict
from roi_tools.roto.model import RotoLayer
from roi_tools.roto.raster import shape_box

SCHEMA = "grayplate.roi/1"
_KEYS = {"schema", "width", "height", "rate", "frames", "boxes", "layers", "links"}


@dataclass(frozen=True)
class RoiDocument:
    """What an ROI file says. Frames count from the shot's first one."""

    size: Size
    rate: Fraction
    frames: int
    boxes: Mapping[str, tuple[Box | None, ...]]
    """One box or None per frame, by label."""
    layers: tuple[RotoLayer, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    """A companion's label, and that of what it goes along with (roi_tools.linking): of boxes, or a layer's name."""

    def boxes_of_all(self) -> dict[str, tuple[Box | None, ...]]:
        """The boxes, and for every visible shape that adds to its layer and has no boxes of its label, the shape's."""
        found = dict(self.boxes)
        for layer in self.layers:
            for shape in layer.shapes:
                if shape.is_visible and shape.mode == "add" and shape.label not in self.boxes:
                    name = shape.label if shape.label not in found else f"{layer.name}/{shape.label}"
                    found[name] = tuple(shape_box(shape, frame, self.size) for frame in range(self.frames))
        return found


def read_roi(path: str | os.PathLike[str]) -> RoiDocument:
    """Read an ROI file. Raises RoiFileError, one line with the file, the place and the remedy."""
    source = Path(path)
    return roi_from_data(load_json(source), source)


def write_roi(path: str | os.PathLike[str], document: RoiDocument) -> None:
    """Write a file that :func:`read_roi` reads back to the same. Raises RoiFileError where it cannot be written."""
    data = {
        "schema": SCHEMA,
        "width": document.size.width_px,
        "height": document.size.height_px,
        "rate": [document.rate.numerator, document.rate.denominator],
        "frames": document.frames,
        "boxes": {
            label: [None if box is None else list(box.as_tuple()) for box in boxes]
            for label, boxes in document.boxes.items()
        },
        "layers": [layer_to_dict(layer) for layer in document.layers],
        **({"links": dict(document.links)} if document.links else {}),
    }
    target = Path(path)
    roi_from_data(data, target)  # what this program would not read, it does not write
    write_text(target, json.dumps(data) + "\n")


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the ROI file."""
    text = resources.files("roi_tools").joinpath("roi_schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def is_roi_data(data: object) -> bool:
    """Whether parsed JSON says that it is an ROI file, of any version."""
    return isinstance(data, Mapping) and str(data.get("schema", "")).startswith("grayplate.roi/")


def roi_from_data(data: object, source: Path) -> RoiDocument:
    """The document in parsed JSON; ``source`` is for the messages of RoiFileError."""
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, Mapping) else None
        raise _error(source, f"its schema is {json.dumps(found)}", f'this program reads "{SCHEMA}"')
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise _error(source, f"the key '{unknown[0]}' is not known", f"known are {', '.join(sorted(_KEYS))}")
    size = Size(_count(data, "width", source), _count(data, "height", source))
    frames = _count(data, "frames", source)
    boxes = data.get("boxes", {})
    if not isinstance(boxes, Mapping):
        raise _error(source, "'boxes' is no object with labels", 'write {"label": [[x0, y0, x1, y1], ...]}')
    tracks = {label: _boxes(entries, label, frames, size, source) for label, entries in boxes.items()}
    layers = _layers(data.get("layers", []), source)
    links = _links(data.get("links", {}), {*tracks, *(layer.name for layer in layers)}, source)
    return RoiDocument(size, _rate(data, source), frames, tracks, layers, links)


def _boxes(entries: object, label: str, frames: int, size: Size, source: Path) -> tuple[Box | None, ...]:
    if not isinstance(entries, list) or len(entries) != frames:
        raise _error(source, f"'boxes' of '{label}' is no list of {frames}", "give one box or null per frame")
    return tuple(_box(entry, f"'{label}', frame {frame}", size, source) for frame, entry in enumerate(entries))


def _box(entry: object, place: str, size: Size, source: Path) -> Box | None:
    if entry is None:
        return None
    if not isinstance(entry, list) or len(entry) != 4 or not all(is_int(number) for number in entry):
        raise _error(source, f"{place}: {json.dumps(entry)[:60]} is no box", "write [x0, y0, x1, y1] or null")
    try:
        box = Box(*entry).clipped(size)
    except ShapeError as error:
        raise RoiFileError(f"{source}: {place}: {error}") from error
    if box is None:
        raise _error(source, f"{place}: {entry} lies outside the {size} frame", "write null where nothing is marked")
    return box


def _layers(entries: object, source: Path) -> tuple[RotoLayer, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise _error(source, "'layers' is no list of layers", "write [] for none")
    try:
        return tuple(layer_from_dict(entry) for entry in entries)
    except ShapeError as error:
        raise RoiFileError(f"{source}: {error}") from error


def _links(entries: object, names: Collection[str], source: Path) -> dict[str, str]:
    if not isinstance(entries, Mapping):
        raise _error(source, "'links' is no object", 'write {"companion": "leader"}')
    for companion, leader in entries.items():
        if not isinstance(leader, str) or companion not in names or leader not in names:
            known = ", ".join(sorted(names)) or "none"
            wanted = f"link labels of 'boxes' or names of 'layers': {known}"
            raise _error(source, f"'{companion}' is linked to '{leader}'", wanted)
        if leader in entries:
            raise _error(source, f"'{companion}' is linked to '{leader}', which is linked itself", "link to its leader")
    return dict(entries)


def _count(data: Mapping[str, Any], key: str, source: Path) -> int:
    value = data.get(key)
    if not is_int(value) or value < 1:
        raise _error(source, f"'{key}' is {json.dumps(value)[:60]}", "give a whole number of at least 1")
    return value


def _rate(data: Mapping[str, Any], source: Path) -> Fraction:
    value = data.get("rate")
    if not isinstance(value, list) or len(value) != 2 or not all(is_int(part) and part > 0 for part in value):
        raise _error(source, f"'rate' is {json.dumps(value)[:60]}", "write frames/s as [24000, 1001]")
    return Fraction(value[0], value[1])


def _error(source: Path, problem: str, remedy: str) -> RoiFileError:
    return RoiFileError(f"{source}: {problem}; {remedy}")
