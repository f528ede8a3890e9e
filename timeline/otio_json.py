"""The JSON of an OTIO file on its way through the OpenTimelineIO library, and back.

Two things would not survive the library, so they travel through it as text in metadata:

- Our own metadata: the library's parser is off by one unit in the last place for numbers of more than 15 digits, and
  does not hold whole numbers beyond 64 bits.
- Objects of a newer schema version than the library knows, for which it refuses the whole file (schemas that it has
  never heard of it keeps by itself). An empty object of the known version stands in for each.
"""

from __future__ import annotations

import json
from typing import Any

import opentimelineio as otio

NAMESPACE = "grayplate"
"""Key of our own part of an OTIO object's metadata."""
KEPT = "grayplate_kept"
"""Metadata key of a stand-in; its value is the JSON text of the object that it stands for."""

_KEEPABLE = frozenset(
    {"Clip", "Effect", "FreezeFrame", "Gap", "LinearTimeWarp", "Marker", "Stack", "TimeEffect", "Track", "Transition"}
    | {"ExternalReference", "GeneratorReference", "ImageSequenceReference", "MissingReference"}
)
"""Parts of a timeline that carry metadata; of anything else a newer version is an error."""


def to_library(data: Any) -> Any:
    """The JSON of a file as the library may have it."""
    if isinstance(data, list):
        return [to_library(entry) for entry in data]
    if not isinstance(data, dict):
        return data
    name, _, version = str(data.get("OTIO_SCHEMA", "")).partition(".")
    if name in _KEEPABLE and version.isdecimal() and int(version) > otio.core.type_version_map()[name]:
        return json.loads(getattr(otio.schema, name)(metadata={KEPT: json.dumps(data)}).to_json_string())
    converted = {key: to_library(value) for key, value in data.items()}
    metadata = data.get("metadata")
    if name and isinstance(metadata, dict) and NAMESPACE in metadata:
        converted["metadata"][NAMESPACE] = json.dumps(metadata[NAMESPACE])
    return converted


def from_library(data: Any) -> Any:
    """The inverse of :func:`to_library`."""
    if isinstance(data, list):
        return [from_library(entry) for entry in data]
    if not isinstance(data, dict):
        return data
    converted = {key: from_library(value) for key, value in data.items()}
    metadata = converted.get("metadata")
    if "OTIO_SCHEMA" in data and isinstance(metadata, dict):
        if KEPT in metadata:
            return json.loads(metadata[KEPT])
        if NAMESPACE in metadata:
            metadata[NAMESPACE] = json.loads(metadata[NAMESPACE])
    return converted


def own_metadata(item: otio.core.SerializableObjectWithMetadata) -> Any:
    """Our own part of an object's metadata as plain values: an object, unless somebody else wrote there."""
    return json.loads(item.metadata[NAMESPACE]) if NAMESPACE in item.metadata else {}


def update_own_metadata(item: otio.core.SerializableObjectWithMetadata, values: dict[str, Any]) -> None:
    """Set keys of our own part of an object's metadata, or remove those with the value None; other keys stay."""
    merged = {**own_metadata(item), **values}
    item.metadata[NAMESPACE] = json.dumps(
        {key: value for key, value in merged.items() if values.get(key, 0) is not None}
    )
