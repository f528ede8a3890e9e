"""Frame numbers as artists type them: ``40``, ``+20``, ``-5``, and ``1:02`` or ``1:02:03:04`` as timecode."""

from __future__ import annotations

import re
from fractions import Fraction

_COUNT = re.compile(r"([+-]?)(\d+)")
_CLOCK = re.compile(r"(?:(?:(?:(\d+):)?(\d+):)?(\d+)):(\d+)")


def parse_frame(text: str, playhead: int, rate: Fraction) -> int | None:
    """The timeline frame that ``text`` means (it may lie outside the timeline); None where it means nothing.

    A sign counts from ``playhead``. Timecode counts from the timeline's start, non-drop, at the rounded ``rate``.
    """
    stripped = text.strip()
    if count := _COUNT.fullmatch(stripped):
        number = int(count[2])
        return playhead + number if count[1] == "+" else playhead - number if count[1] == "-" else number
    if clock := _CLOCK.fullmatch(stripped):
        hours, minutes, seconds, frames = (int(part or 0) for part in clock.groups())
        return ((hours * 60 + minutes) * 60 + seconds) * max(round(rate), 1) + frames
    return None


def clock_text(frame: int, rate: Fraction) -> str:
    """``HH:MM:SS:FF`` from the timeline's start, the inverse of the timecode in :func:`parse_frame`."""
    per_second = max(round(rate), 1)
    seconds, frames = divmod(frame, per_second)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"
