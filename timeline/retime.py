"""Speed changes of other programs' edits. A shot shows its media's own frames, each once: that is what is cleaned.

The change itself stays in the clip that the shot was loaded from, as OpenTimelineIO's LinearTimeWarp or FreezeFrame.
"""

from __future__ import annotations

import json
from functools import lru_cache
from math import isfinite, prod

from timeline.shot import Shot

_TIME_WARPS = ("LinearTimeWarp", "FreezeFrame")


def speed_of(shot: Shot) -> float:
    """How fast the edit plays the shot: 1 as its media, 2 twice as fast, 0 a frozen frame, below 0 backwards."""
    return _speed(shot.otio_json) if "time_scalar" in shot.otio_json else 1.0


def used_frames(shot: Shot) -> range:
    """The media frames that the edit shows in the shot's time at its speed; they may lie beyond the shot, or the media.

    Backwards it begins at the shot's last frame, as editing programs do.
    """
    speed = speed_of(shot)
    count = max(round(abs(speed) * shot.duration_frames), 1)
    if speed < 0:
        return range(max(shot.source_end_exclusive - count, 0), shot.source_end_exclusive)
    return range(shot.source_start, shot.source_start + count)


@lru_cache(maxsize=1024)
def _speed(otio_json: str) -> float:
    effects = json.loads(otio_json).get("effects") or []
    speeds = [
        effect.get("time_scalar", 1.0)
        for effect in effects
        if str(effect.get("OTIO_SCHEMA", "")).partition(".")[0] in _TIME_WARPS
    ]
    return prod(speed for speed in speeds if isinstance(speed, (int, float)) and isfinite(speed))
