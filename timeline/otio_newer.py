"""Objects of an OTIO file that are newer than the installed library: kept as they are, unread.

OpenTimelineIO keeps objects of a schema that it has never heard of, but refuses a whole file for one marker of a newer
version. So such an object is replaced by an empty one of the version that the library knows, which carries the
original JSON in its metadata, and the original takes its place again when the file is written.
"""

from __future__ import annotations

import json
from typing import Any

import opentimelineio as otio

KEPT = "grayplate_kept"
"""Metadata key of a stand-in; its value is the JSON of the object that it stands for."""

_KEEPABLE = frozenset(
    {"Clip", "Effect", "FreezeFrame", "Gap", "LinearTimeWarp", "Marker", "Stack", "TimeEffect", "Track", "Transition"}
    | {"ExternalReference", "GeneratorReference", "ImageSequenceReference", "MissingReference"}
)
"""Parts of a timeline that carry metadata; of anything else a newer version is an error."""


def with_stand_ins(data: Any) -> Any:
    """The JSON of a file with every object that is too new replaced by a stand-in."""
    return _replaced(data, otio.core.type_version_map())


def without_stand_ins(text: str) -> str:
    """The inverse, on the text of a file; a text without stand-ins comes back unchanged."""
    return json.dumps(_restored(json.loads(text)), indent=4) if f'"{KEPT}"' in text else text


def _replaced(data: Any, versions: dict[str, int]) -> Any:
    if isinstance(data, list):
        return [_replaced(entry, versions) for entry in data]
    if not isinstance(data, dict):
        return data
    name, _, version = str(data.get("OTIO_SCHEMA", "")).partition(".")
    if name in _KEEPABLE and version.isdecimal() and int(version) > versions[name]:
        return json.loads(getattr(otio.schema, name)(metadata={KEPT: json.dumps(data)}).to_json_string())
    return {key: _replaced(value, versions) for key, value in data.items()}


def _restored(data: Any) -> Any:
    if isinstance(data, list):
        return [_restored(entry) for entry in data]
    if not isinstance(data, dict):
        return data
    metadata = data.get("metadata")
    if "OTIO_SCHEMA" in data and isinstance(metadata, dict) and isinstance(metadata.get(KEPT), str):
        return json.loads(metadata[KEPT])
    return {key: _restored(value) for key, value in data.items()}
