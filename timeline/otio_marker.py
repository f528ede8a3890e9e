"""Markers as OpenTimelineIO has them, and back; what other programs wrote into theirs stays."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from timeline.marker import Marker
from timeline.otio_json import KEPT, own_metadata, update_own_metadata
from timeline.shot import LARGEST_FRAME, Shot
from timeline.time import TimecodeError, exact_rate

_DEFAULT_COLOR = "GREEN"


def markers_of_clip(clip: otio.schema.Clip, shot: Shot) -> tuple[Marker, ...]:
    """A clip's markers in media frames of its shot, in the clip's order."""
    read = [_read(item, shot, number) for number, item in enumerate(clip.markers, 1)]
    return tuple(marker for marker in read if marker is not None)


def write_clip_markers(clip: otio.schema.Clip, shot: Shot) -> None:
    """Give a clip the markers of its shot; those that say the same as before stay exactly as they were."""
    unreadable = [item for number, item in enumerate(clip.markers, 1) if _read(item, shot, number) is None]
    clip.markers[:] = [*(_written(marker, shot) for marker in shot.markers), *unreadable]


def timeline_markers(timeline: otio.schema.Timeline) -> Iterator[tuple[str, otio.schema.Marker]]:
    """The markers of the timeline itself and of its tracks, each with an identifier made of its place."""
    number = 0
    for owner in _owners(timeline):
        for item in owner.markers:
            number += 1
            yield _place_id(number), item


def marker_at(item: otio.schema.Marker, marker_id: str, frame: int) -> Marker:
    """A timeline's marker as ours, on a frame of the timeline that the caller knows."""
    data = _data(item)
    return Marker(
        marker_id, frame, str(data.get("name") or ""), _color(data), _note(data), item.to_json_string(indent=-1)
    )


def seconds_of(item: otio.schema.Marker) -> float | None:
    """Where a marker begins, in seconds of its owner's time; None where its file makes no sense."""
    start = _start_time(_data(item))
    return None if start is None else start[0] / start[1]


def update_timeline_markers(timeline: otio.schema.Timeline, markers: tuple[Marker, ...]) -> None:
    """Rename and remove the timeline's own markers as ``markers`` (see :func:`timeline_markers`) has them now."""
    wanted = {marker.id: marker for marker in markers}
    number = 0
    for owner in _owners(timeline):
        kept = []
        for item in owner.markers:
            number += 1
            kept.extend(_kept(item, wanted.get(_place_id(number))))
        owner.markers[:] = kept


def _owners(timeline: otio.schema.Timeline) -> list[Any]:
    return [owner for owner in (timeline.tracks, *timeline.tracks) if hasattr(owner, "markers")]


def _place_id(number: int) -> str:
    return f"timeline-marker-{number}"


def _kept(item: otio.schema.Marker, wanted: Marker | None) -> list[otio.schema.Marker]:
    if seconds_of(item) is None:  # it was never shown
        return [item]
    if wanted is None:
        return []
    return [item] if marker_at(item, wanted.id, wanted.frame) == wanted else [_with_texts(item, wanted)]


def _read(item: otio.schema.Marker, shot: Shot, number: int) -> Marker | None:
    data = _data(item)
    start = _start_time(data)
    own_id = None if KEPT in item.metadata else own_metadata(item)
    marker_id = own_id.get("id") if isinstance(own_id, dict) else None
    if start is None:
        return None
    frame = _frames(*start, shot.media_rate) - shot.media_start
    if abs(frame) > LARGEST_FRAME:
        return None
    identifier = marker_id if isinstance(marker_id, str) and marker_id else f"{shot.id}-marker-{number}"
    return marker_at(item, identifier, frame)


def _written(marker: Marker, shot: Shot) -> otio.schema.Marker:
    if not marker.otio_json:
        return _new(marker, shot)
    item = otio.core.deserialize_json_from_string(marker.otio_json)
    before = _read(item, shot, 0)
    if before is not None and before.frame == marker.frame:
        is_same = (before.name, before.color, before.note) == (marker.name, marker.color, marker.note)
        return item if is_same else _with_texts(item, marker)
    return _new(marker, shot)


def _new(marker: Marker, shot: Shot) -> otio.schema.Marker:
    rate = float(shot.media_rate)
    if exact_rate(rate) != shot.media_rate:  # OTIO's parser is exact up to 15 digits
        rate = float(f"{rate:.15g}")
    start = otio.opentime.RationalTime(shot.media_start + marker.frame, rate)
    item = otio.schema.Marker(
        marker.name, otio.opentime.TimeRange(start, otio.opentime.RationalTime(0, rate)), marker.color
    )
    item.comment = marker.note
    update_own_metadata(item, {"id": marker.id})
    return item


def _with_texts(item: otio.schema.Marker, marker: Marker) -> otio.schema.Marker:
    """``item`` with the marker's name, colour and note; in a newer version's marker only the name can be told."""
    if KEPT in item.metadata:
        data = {**json.loads(item.metadata[KEPT]), "name": marker.name}
        return otio.schema.Marker(metadata={KEPT: json.dumps(data)})
    item.name, item.color, item.comment = marker.name, marker.color, marker.note
    return item


def _data(item: otio.schema.Marker) -> dict[str, Any]:
    """The marker's JSON; of a newer version than the library's, what the file says."""
    text = item.metadata[KEPT] if KEPT in item.metadata else item.to_json_string(indent=-1)
    data: dict[str, Any] = json.loads(text)
    return data


def _color(data: dict[str, Any]) -> str:
    color = data.get("color")
    name = color.get("name") if isinstance(color, dict) else color
    return name if isinstance(name, str) and name else _DEFAULT_COLOR


def _note(data: dict[str, Any]) -> str:
    note = data.get("comment")
    return note if isinstance(note, str) else ""


def _start_time(data: dict[str, Any]) -> tuple[float, float] | None:
    """Value and rate of where the marker begins."""
    try:
        start = data["marked_range"]["start_time"]
        value, rate = float(start["value"]), float(start["rate"])
    except (KeyError, TypeError, ValueError):
        return None
    return (value, rate) if math.isfinite(value) and math.isfinite(rate) and rate > 0 else None


def _frames(value: float, rate: float, media_rate: Fraction) -> int:
    try:
        exact = exact_rate(rate)
    except TimecodeError:
        exact = Fraction(rate)
    is_same = math.isclose(rate, media_rate, rel_tol=1e-12) or exact == media_rate
    return round(value) if is_same else round(Fraction(value) / exact * media_rate)
