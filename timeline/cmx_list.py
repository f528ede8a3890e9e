"""CMX 3600 edit lists (.edl): reels and timecode, and in comments the names of clips. They name neither rate nor files.

The rate is told by the timecodes: 29.97 where frames are dropped, else the least of 24, 25, 30, 50 and 60 that counts
as far as they do. Each clip gets a path beside the list, with the best name that the list has for it; media are linked
to it by :func:`media_names` and by timecode (``timeline.edits.relink_shot``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Any

import opentimelineio as otio

from timeline.errors import ProjectFileError
from timeline.shot import Shot

_DROP_RATE = Fraction(30000, 1001)
_RATES = (24, 25, 30, 50, 60)
_EVENT = re.compile(r"^\s*\d+\s.*?(\d\d:\d\d:\d\d[:;.]\d\d\s+){3}\d\d:\d\d:\d\d[:;.]\d\d", re.MULTILINE)
_TIMECODE = re.compile(r"(\d\d:\d\d:\d\d)([:;.])(\d\d)")
_NO_REEL = frozenset({"AX", "BL", "BLACK", "BARS"})
"""Reels that stand for no tape: auxiliary source, black, bars."""


def read_cmx(path: Path) -> otio.schema.Timeline:
    """The timeline of a list. Raises ProjectFileError, OTIOError, ValueError or OSError."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    events = [match.group() for match in _EVENT.finditer(text)]
    if not events:
        raise ProjectFileError("no CMX 3600 edit list: it has no event with four timecodes; export it again as .edl")
    rate = _rate("\n".join(events), text)
    if rate == _DROP_RATE:
        text = _TIMECODE.sub(r"\1;\3", text)
    timeline = _parsed(text, float(rate))
    for clip in timeline.find_clips():
        if not isinstance(clip.media_reference, otio.schema.GeneratorReference):
            _name_media(clip, path.parent)
    return timeline


def media_names(shot: Shot) -> tuple[str, ...]:
    """What the media of a shot from such a list may be called, with or without an ending, the best guess first."""
    if not shot.otio_json:
        return ()
    return tuple(_names(otio.core.deserialize_json_from_string(shot.otio_json)))


def _rate(events: str, text: str) -> Fraction:
    marks = {match[2] for match in _TIMECODE.finditer(events)}
    says_drop = re.search(r"^\s*FCM:\s*DROP", text, re.MULTILINE) is not None
    largest = max(int(match[3]) for match in _TIMECODE.finditer(events))
    if (";" in marks or says_drop) and largest < 30:
        return _DROP_RATE
    return Fraction(next((rate for rate in _RATES if largest < rate), _RATES[-1]))


def _parsed(text: str, rate: float) -> otio.schema.Timeline:
    try:
        return otio.adapters.read_from_string(text, adapter_name="cmx_3600", rate=rate)
    except otio.exceptions.OTIOError:
        # Record times that do not follow from each other are common; the source times are what counts here.
        return otio.adapters.read_from_string(text, adapter_name="cmx_3600", rate=rate, ignore_timecode_mismatch=True)


def _name_media(clip: otio.schema.Clip, folder: Path) -> None:
    names = list(_names(clip))
    if not names:
        return
    if _is_number(clip.name):
        clip.name = names[0]
    if not isinstance(clip.media_reference, otio.schema.ExternalReference):
        clip.media_reference = otio.schema.ExternalReference(target_url=str(folder.absolute() / _file_name(names[0])))


def _names(clip: otio.schema.Clip) -> Iterator[str]:
    own: Any = clip.metadata.get("cmx_3600") or {}
    comments = [str(comment) for comment in own.get("comments", ())]
    reference = clip.media_reference
    found = [
        PureWindowsPath(getattr(reference, "target_url", None) or "").name,
        *(PureWindowsPath(c.partition(":")[2].strip()).name for c in comments if c.upper().startswith("SOURCE FILE")),
        "" if _is_number(clip.name) else clip.name,
        str(own.get("reel", "")),
    ]
    yield from dict.fromkeys(name for name in found if name and name.upper() not in _NO_REEL)


def _is_number(name: str) -> bool:
    """Whether a clip has no name but its event's number."""
    return not name or name.isdecimal()


def _file_name(name: str) -> str:
    return re.sub(r'[/\\:*?"<>|]', "_", name)
