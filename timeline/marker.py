"""A marker: a frame that somebody wants to find again, with a name, a colour and a note."""

from __future__ import annotations

from dataclasses import dataclass, field

MARKER_COLORS = ("RED", "PINK", "ORANGE", "YELLOW", "GREEN", "CYAN", "BLUE", "PURPLE", "MAGENTA", "WHITE", "BLACK")
"""OpenTimelineIO's names; other programs' files may hold others, which stay."""


@dataclass(frozen=True)
class Marker:
    """``frame`` is a media frame for a shot's marker, a frame of the timeline for a project's.

    ``otio_json`` is the OTIO marker that it was loaded from: what Grayplate does not know survives in it.
    """

    id: str
    frame: int
    name: str = ""
    color: str = "GREEN"
    note: str = ""
    otio_json: str = field(default="", compare=False, repr=False)
