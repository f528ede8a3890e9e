"""A project: the shots of a piece of work, in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from timeline.errors import EditError
from timeline.shot import Shot


@dataclass(frozen=True)
class Project:
    """Immutable: an edit (see :mod:`timeline.edits`) returns a new project, so undo is keeping the old one.

    ``otio_json`` is the OTIO timeline that it was loaded from: what Grayplate does not know survives in it.
    """

    name: str = ""
    shots: tuple[Shot, ...] = ()
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

    def start_of(self, shot_id: str) -> int:
        """Where a shot starts on the strip: frames of all shots before it. Raises EditError where there is none."""
        start = 0
        for shot in self.shots:
            if shot.id == shot_id:
                return start
            start += shot.duration_frames
        raise EditError(f"the project has no shot with the identifier '{shot_id}'")

    @property
    def duration_frames(self) -> int:
        """Frames of all shots together."""
        return sum(shot.duration_frames for shot in self.shots)
