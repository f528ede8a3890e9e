"""A range of frames as a person types it."""

from __future__ import annotations

import re

from desktop.base.errors import UsageError
from engine.protocol import FrameRange


def parse_frames(text: str | None, frame_count: int, option: str = "--frames") -> FrameRange:
    """``"A-B"`` (both included, from 0) or ``"A"`` as a half-open range; None is the whole clip. Raises UsageError."""
    if text is None:
        return FrameRange(start=0, end_exclusive=frame_count)
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
    if match is None:
        raise UsageError(f"{option} {text}: write it as A-B, two whole numbers from 0, such as 0-47")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if last < first:
        raise UsageError(f"{option} {text} ends before it starts; write the smaller number first")
    if last >= frame_count:
        raise UsageError(f"{option} {text} leaves the clip, whose frames are 0-{frame_count - 1}")
    return FrameRange(start=first, end_exclusive=last + 1)
