"""A project: the shots of a piece of work, track by track, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from timeline.errors import EditError
from timeline.marker import Marker
from timeline.shot import Shot
from timeline.take import ShotTakes


@dataclass(frozen=True)
class Project:
    """Immutable: an edit (see :mod:`timeline.edits`) returns a new project, so undo is keeping the old one.

    ``shots`` holds those of the lowest track first. ``markers`` are those of the timeline itself, in its frames.
    ``takes`` are those of each shot, by its identifier; rendering is no edit, so they do not make two projects differ.
    ``otio_json`` is the OTIO timeline that it was loaded from: what Grayplate does not know survives in it.
    """

    name: str = ""
    shots: tuple[Shot, ...] = ()
    markers: tuple[Marker, ...] = ()
    takes: Mapping[str, ShotTakes] = field(default_factory=dict, compare=False)
    otio_json: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        double = [shot for shot, count in Counter(shot.id for shot in self.shots).items() if count > 1]
        if double:
            raise EditError(f"the project has two shots with the identifier '{double[0]}'")

    def shot(self, shot_id: str) -> Shot:
        """The shot of this identifier. Raises EditError where there is none."""
        for shot in self.shots:
            if shot.id == shot_id:
                return shot
        raise EditError(f"the project has no shot with the identifier '{shot_id}'")

    def starts(self) -> Iterator[tuple[Shot, int]]:
        """Every shot with the frame of the timeline where it starts."""
        ends = [0] * self.track_count
        for shot in self.shots:
            start = ends[shot.track] + shot.gap_before_frames
            ends[shot.track] = start + shot.duration_frames
            yield shot, start

    def start_of(self, shot_id: str) -> int:
        """Where a shot starts on the timeline. Raises EditError where there is none."""
        for shot, start in self.starts():
            if shot.id == shot_id:
                return start
        raise EditError(f"the project has no shot with the identifier '{shot_id}'")

    @property
    def track_count(self) -> int:
        """How many tracks there are; one in an empty project."""
        return 1 + max((shot.track for shot in self.shots), default=0)

    @property
    def duration_frames(self) -> int:
        """Up to the end of the last shot."""
        return max((start + shot.duration_frames for shot, start in self.starts()), default=0)
