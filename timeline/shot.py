"""A shot: a range of some media, and what is removed from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from timeline.errors import EditError
from timeline.marker import Marker
from timeline.media.info import MediaInfo
from timeline.removal import Removal, new_id
from timeline.time import TimecodeError, timecode_to_frames

LARGEST_FRAME = 2**31 - 1
"""No count of frames goes beyond this: two years of media at 30 frames per second."""


@dataclass(frozen=True)
class Shot:
    """Media frames ``source_start <= n < source_end_exclusive``; 0 is the media's first frame.

    ``media_path`` is a file, an image-sequence pattern or a folder, absolute once loaded; empty where an edit list
    names no media. ``media_rate`` is in frames/s. ``media_start`` is the timecode of media frame 0, as frames since
    00:00:00:00 (0 = unknown). ``media_frame_count`` is None where the media was never probed.
    ``markers`` lie on media frames. ``track`` is 0 for the lowest track; ``gap_before_frames`` is how much of nothing
    lies between the shot before it on its track, or the track's start, and this one.
    ``otio_json`` is the OTIO clip that it was loaded from: what Grayplate does not know survives in it.
    """

    id: str
    name: str
    media_path: str
    media_rate: Fraction
    source_start: int
    source_end_exclusive: int
    removals: tuple[Removal, ...] = ()
    media_start: int = 0
    media_frame_count: int | None = None
    markers: tuple[Marker, ...] = ()
    track: int = 0
    gap_before_frames: int = 0
    otio_json: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.media_rate <= 0:
            raise EditError(f"shot '{self.name}' has a rate of {self.media_rate} frames per second; give one above 0")
        if not 0 <= self.source_start < self.source_end_exclusive:
            raise EditError(
                f"shot '{self.name}' cannot show media frames {self.source_start} to {self.source_end_exclusive - 1}; "
                "give a range that starts at 0 or later and holds a frame"
            )
        if max(self.source_end_exclusive, self.media_start, self.media_frame_count or 0) > LARGEST_FRAME:
            raise EditError(f"shot '{self.name}' counts beyond {LARGEST_FRAME} frames; give numbers of real media")
        double = [removal for removal, count in Counter(r.id for r in self.removals).items() if count > 1]
        if double:
            raise EditError(f"shot '{self.name}' has two removals with the identifier '{double[0]}'")

    @classmethod
    def from_media(cls, info: MediaInfo) -> Shot:
        """A new shot of the whole media, named after it."""
        path = Path(info.path)
        return cls(
            id=new_id(),
            name=path.stem,
            media_path=str(path.absolute()),
            media_rate=info.rate,
            source_start=0,
            source_end_exclusive=info.frame_count,
            media_start=start_frame(info),
            media_frame_count=info.frame_count,
        )

    @property
    def frames(self) -> range:
        """The media frames that it shows."""
        return range(self.source_start, self.source_end_exclusive)

    @property
    def duration_frames(self) -> int:
        """How many frames it shows."""
        return len(self.frames)

    def removal(self, removal_id: str) -> Removal:
        """The removal of this identifier. Raises EditError where there is none."""
        for removal in self.removals:
            if removal.id == removal_id:
                return removal
        raise EditError(f"shot '{self.name}' has no removal with the identifier '{removal_id}'")


def start_frame(info: MediaInfo) -> int:
    """The timecode of the media's first frame as a count of frames; 0 where it has none or an impossible one."""
    if info.timecode is None:
        return 0
    try:
        return timecode_to_frames(info.timecode, info.rate)
    except TimecodeError:  # a camera's or a converter's mistake; the pictures are still good
        return 0
