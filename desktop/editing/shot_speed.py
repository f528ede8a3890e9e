"""How the window says at which speed other programs play a shot. Without Qt."""

from __future__ import annotations

from desktop.base.language import tr
from timeline.retime import speed_of
from timeline.shot import Shot


def speed_text(shot: Shot) -> str:
    """The speed that other programs play a shot at; empty where it is the media's own."""
    speed = speed_of(shot)
    if speed == 1:
        return ""
    return tr("freeze frame") if speed == 0 else f"{speed:.0%}"
