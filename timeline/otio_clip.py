"""Shots and removals as OpenTimelineIO clips and effects, and back.

What Grayplate knows is written into the object that was loaded, so everything else in it survives. Our own part of any
object lies in its metadata under ``grayplate``; keys of it that this version does not know are kept as well.
"""

from __future__ import annotations

import math
import reprlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from roi_tools.errors import ShapeError
from roi_tools.keyframes_json import is_int, track_from_list, track_to_list
from timeline.errors import EditError, ProjectFileError, TimelineError
from timeline.marking import marking_from_dict
from timeline.media_url import media_of_url, url_of_media
from timeline.otio_json import NAMESPACE, own_metadata, update_own_metadata
from timeline.removal import Removal
from timeline.shot import Shot
from timeline.time import exact_rate

EFFECT_NAME = "grayplate.removal"
"""OTIO's ``effect_name`` of a removal."""
_FAR_PX = 1e9
_REMEDY = "restore the file from a backup"


@dataclass(frozen=True)
class ClipMedia:
    """What a clip says about its media, in frames of the media's rate; the fields are those of Shot."""

    media_path: str
    media_rate: Fraction
    media_start: int
    media_frame_count: int | None
    source_start: int
    source_end_exclusive: int

    @classmethod
    def of_shot(cls, shot: Shot) -> ClipMedia:
        """The same of a shot."""
        return cls(**{name: getattr(shot, name) for name in cls.__dataclass_fields__})


def require_own_metadata(item: otio.core.SerializableObjectWithMetadata) -> dict[str, Any]:
    """Our own part of an object's metadata as plain values. Raises ProjectFileError where it is no object."""
    own = own_metadata(item)
    if not isinstance(own, dict):
        raise ProjectFileError(f"its metadata under '{NAMESPACE}' is no object; {_REMEDY}")
    return own


def is_shot(clip: otio.schema.Clip) -> bool:
    """Whether a clip shows media for at least one frame; others (bars, slugs without a range) are only kept."""
    if isinstance(clip.media_reference, otio.schema.GeneratorReference):
        return False
    source = clip.source_range or _available(clip)
    return source is not None and source.duration.value > 0


def media_of_clip(clip: otio.schema.Clip, folder: Path) -> ClipMedia:
    """What a clip says about its media; relative URLs are seen from ``folder``.

    Raises TimecodeError for a rate that makes no sense.
    """
    available = _available(clip)
    source = clip.source_range or available
    if source is None:
        raise ProjectFileError("it says no range of its media; export it again")
    rate = _rate(clip, (available or source).duration.rate)
    media_start = _frames(available.start_time, rate) if available else 0
    start = max(0, _frames(source.start_time, rate) - media_start)
    end = _frames(source.start_time, rate) + _frames(source.duration, rate) - media_start
    count = _frames(available.duration, rate) if available else None
    return ClipMedia(
        _media_path(clip.media_reference, folder), rate, media_start, count or None, start, max(end, start + 1)
    )


def shot_of_clip(clip: otio.schema.Clip, shot_id: str, folder: Path) -> Shot:
    """The shot that a clip stands for. Raises ProjectFileError that says what is wrong with it."""
    effects = [effect for effect in clip.effects if _is_removal(effect)]
    try:
        removals = tuple(removal_of_effect(effect, number) for number, effect in enumerate(effects, 1))
        media = media_of_clip(clip, folder)
        return Shot(
            id=shot_id, name=clip.name, removals=removals, otio_json=clip.to_json_string(indent=-1), **vars(media)
        )
    except TimelineError as error:
        raise ProjectFileError(f"clip '{clip.name}': {error}") from error


def clip_of_shot(shot: Shot, folder: Path) -> otio.schema.Clip:
    """The clip of a shot; times and media that say the same as before stay exactly as they were."""
    clip = otio.core.deserialize_json_from_string(shot.otio_json) if shot.otio_json else otio.schema.Clip()
    clip.name = shot.name
    wanted = ClipMedia.of_shot(shot)
    says_the_same = bool(shot.otio_json) and media_of_clip(clip, folder) == wanted
    update_own_metadata(clip, {"id": shot.id, "rate": _rate_beside_otio(shot.media_rate)})
    if not says_the_same:
        clip.media_reference = _reference(clip.media_reference, wanted, folder)
        clip.source_range = _range(wanted.media_start + wanted.source_start, shot.duration_frames, wanted.media_rate)
    clip.effects[:] = _merged_effects(clip.effects, shot.removals)
    return clip


def _available(clip: otio.schema.Clip) -> otio.opentime.TimeRange | None:
    reference = clip.media_reference
    available = reference.available_range if reference is not None else None
    return available if available is not None and available.duration.value > 0 else None


def _rate_beside_otio(rate: Fraction) -> str | None:
    """The rate as text where OTIO's floating-point rate does not mean exactly it: the average of a variable rate."""
    return None if exact_rate(float(rate)) == rate else str(rate)


def _rate(clip: otio.schema.Clip, otio_rate: float) -> Fraction:
    noted = require_own_metadata(clip).get("rate")
    if isinstance(noted, str) and math.isclose(exact := exact_rate(noted), otio_rate, rel_tol=1e-12):
        return exact
    return exact_rate(otio_rate)


def _frames(time: otio.opentime.RationalTime, rate: Fraction) -> int:
    if not math.isfinite(time.value):
        raise ProjectFileError(f"a time of {time.value} frames makes no sense; {_REMEDY}")
    # Spellings of one rate (23.976, 24000/1001) count the same frames; only truly different rates are converted.
    if math.isclose(time.rate, rate, rel_tol=1e-12) or exact_rate(time.rate) == rate:
        return round(time.value)
    return round(Fraction(time.value) / exact_rate(time.rate) * rate)


def _range(start: int, frames: int, rate: Fraction) -> otio.opentime.TimeRange:
    otio_rate = float(rate)
    if _rate_beside_otio(rate) is not None:
        # OTIO's parser is exact up to 15 digits; with more, an odd rate would change a little with every save. The
        # standard rates come back, and are compared bit by bit in OTIO's own timecode.
        otio_rate = float(f"{otio_rate:.15g}")
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, otio_rate), otio.opentime.RationalTime(frames, otio_rate)
    )


def _media_path(reference: otio.core.MediaReference | None, folder: Path) -> str:
    if isinstance(reference, otio.schema.ExternalReference):
        return media_of_url(reference.target_url or "", folder)
    if isinstance(reference, otio.schema.ImageSequenceReference):
        number = f"%0{reference.frame_zero_padding}d"
        base = reference.target_url_base
        joined = base if not base or base.endswith("/") else f"{base}/"
        return media_of_url(f"{joined}{reference.name_prefix}{number}{reference.name_suffix}", folder)
    return ""


def _reference(old: otio.core.MediaReference | None, media: ClipMedia, folder: Path) -> otio.core.MediaReference:
    """The old reference where it still says the same or can be told the new media, else a new one."""
    old = old if old is not None else otio.schema.MissingReference()
    same_path = _media_path(old, folder) == media.media_path
    if same_path or isinstance(old, otio.schema.ExternalReference):
        reference = old
    else:
        reference = otio.schema.ExternalReference(metadata=dict(old.metadata))
    if not same_path:
        reference.target_url = url_of_media(media.media_path, folder)
    if media.media_frame_count is not None:
        reference.available_range = _range(media.media_start, media.media_frame_count, media.media_rate)
    return reference


def _is_removal(effect: otio.core.SerializableObject) -> bool:
    return isinstance(effect, otio.schema.Effect) and NAMESPACE in effect.metadata


def _merged_effects(old: Iterable[Any], removals: Iterable[Removal]) -> list[Any]:
    """Our effects in the places of our old ones, the rest behind; other programs' effects stay where they are."""
    queue = deque(effect_of_removal(removal) for removal in removals)
    merged = []
    for effect in old:
        if not _is_removal(effect):
            merged.append(effect)
        elif queue:
            merged.append(queue.popleft())
    return [*merged, *queue]


def effect_of_removal(removal: Removal) -> otio.schema.Effect:
    """The effect of a removal; what else the effect held that it was loaded from stays in it."""
    text = removal.otio_json
    effect = otio.core.deserialize_json_from_string(text) if text else otio.schema.Effect(effect_name=EFFECT_NAME)
    effect.name, effect.enabled = removal.label, removal.enabled
    update_own_metadata(
        effect,
        {
            "id": removal.id,
            "effect": removal.effect,
            "parameters": dict(removal.parameters),
            "shape": removal.shape.to_dict(),
            "parameter_keyframes": {name: track_to_list(track) for name, track in removal.parameter_tracks.items()}
            or None,
            "linked_to": removal.linked_to or None,
            "tracked_keys": [[frame, *value] for frame, value in sorted(removal.tracked_keys.items())] or None,
        },
    )
    return effect


def removal_of_effect(effect: otio.schema.Effect, number: int) -> Removal:
    """The removal of an effect, the clip's ``number``-th, from 1. Raises ProjectFileError that says what is wrong."""
    try:
        own = require_own_metadata(effect)
        return Removal(
            id=_text(own, "id", f"removal-{number}"),
            label=effect.name,
            shape=marking_from_dict(_object(own, "shape")),
            effect=_text(own, "effect", "clean-plate"),
            parameters=_object(own, "parameters"),
            enabled=effect.enabled,
            parameter_tracks={
                name: track_from_list(entries, f"parameter '{name}'", "[number]")
                for name, entries in _object(own, "parameter_keyframes").items()
            },
            otio_json=effect.to_json_string(indent=-1),
            linked_to=_text(own, "linked_to", ""),
            tracked_keys=_tracked_keys(own.get("tracked_keys", [])),
        )
    except (ShapeError, EditError, ProjectFileError) as error:
        raise ProjectFileError(f"removal '{effect.name}': {error}") from error


def _tracked_keys(entries: Any) -> dict[int, tuple[float, ...]]:
    keys = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        numbers = entry if isinstance(entry, list) else []
        if len(numbers) != 5 or not is_int(numbers[0]) or not all(map(_is_coordinate, numbers)):
            raise ProjectFileError(
                f"its 'tracked_keys' hold {reprlib.repr(entry)}, not a frame with four numbers; {_REMEDY}"
            )
        keys[numbers[0]] = tuple(float(number) for number in numbers[1:])
    return keys


def _is_coordinate(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _FAR_PX


def _text(own: Mapping[str, Any], key: str, default: str) -> str:
    value = own.get(key, default)
    if not isinstance(value, str):
        raise ProjectFileError(f"its '{key}' is {reprlib.repr(value)}, not text; {_REMEDY}")
    return value


def _object(own: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = own.get(key, {})
    if not isinstance(value, dict):
        raise ProjectFileError(f"its '{key}' is {reprlib.repr(value)}, not an object; {_REMEDY}")
    return value
