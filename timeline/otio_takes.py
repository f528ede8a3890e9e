"""A shot's takes in its clip's metadata, and back."""

from __future__ import annotations

import json
from typing import Any

import opentimelineio as otio

from timeline.errors import ProjectFileError
from timeline.otio_clip import effect_of_removal, removal_of_effect, require_own_metadata
from timeline.otio_json import from_library, to_library, update_own_metadata
from timeline.take import ShotTakes, TakeRecord

_TAKES, _CHOSEN = "takes", "take"
_REMEDY = "restore the file from a backup"


def takes_of_clip(clip: otio.schema.Clip) -> ShotTakes | None:
    """The takes of a clip's shot; None where it has none. Raises ProjectFileError that says what is wrong."""
    own = require_own_metadata(clip)
    stored = own.get(_TAKES)
    if not stored:
        return None
    try:
        takes = tuple(_take(data) for data in stored)
        chosen = int(own.get(_CHOSEN, takes[-1].number))
    except (KeyError, TypeError, ValueError, RuntimeError, otio.exceptions.OTIOError) as error:
        raise ProjectFileError(f"clip '{clip.name}': its takes make no sense ({error}); {_REMEDY}") from error
    numbers = [take.number for take in takes]
    if chosen not in numbers or len(set(numbers)) < len(numbers):
        raise ProjectFileError(f"clip '{clip.name}': its takes are {numbers}, the one in use is {chosen}; {_REMEDY}")
    return ShotTakes(takes, chosen)


def write_takes(clip: otio.schema.Clip, takes: ShotTakes | None) -> None:
    """Keep a shot's takes in its clip, or none."""
    stored = [_data(take) for take in takes.takes] if takes else None
    update_own_metadata(clip, {_TAKES: stored, _CHOSEN: takes.chosen if takes else None})


def _data(take: TakeRecord) -> dict[str, Any]:
    effects = [json.loads(effect_of_removal(removal).to_json_string(indent=-1)) for removal in take.removals]
    return {
        "number": take.number,
        "label": take.label,
        "jobs": list(take.job_ids),
        "removals": from_library(effects),
    }


def _take(data: dict[str, Any]) -> TakeRecord:
    effects = [otio.core.deserialize_json_from_string(json.dumps(to_library(item))) for item in data["removals"]]
    removals = tuple(removal_of_effect(effect, number) for number, effect in enumerate(effects, 1))
    jobs = tuple(str(job) for job in data.get("jobs", ()))
    return TakeRecord(int(data["number"]), removals, jobs, str(data.get("label", "")))
