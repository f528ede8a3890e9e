"""What tracks said about their frames: how sure they were, where they lost it, which keyframes are theirs. Without Qt.

It lasts as long as the window; the shapes themselves are in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psygnal import Signal

from desktop.tracking.task import TrackOutcome
from roi_tools.shapes import AnimatedRectangle
from timeline.marking import Marking

UNSURE = 0.35
"""Below this an artist should look."""


@dataclass(frozen=True)
class TrackRecord:
    """Of one removal, by media frame."""

    confidence: Mapping[int, float] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()
    keys: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    """Keyframes of a box as a track set them; one with another value was set by hand since."""

    def unsure(self) -> tuple[int, ...]:
        """Frames that were found, but hardly."""
        return tuple(frame for frame, value in sorted(self.confidence.items()) if value < UNSURE)


class TrackingStore:
    """Records by removal."""

    changed = Signal(str)
    """The record of this removal changed."""

    def __init__(self) -> None:
        self._records: dict[str, TrackRecord] = {}

    def record(self, removal_id: str) -> TrackRecord:
        """What is known of a removal; empty where nothing was tracked."""
        return self._records.get(removal_id, TrackRecord())

    def add(self, removal_id: str, outcome: TrackOutcome, after: Marking) -> None:
        """A track has ended; ``after`` is what it made of the marking."""
        old = self.record(removal_id)
        span = set(outcome.task.span)
        confidence = {frame: value for frame, value in old.confidence.items() if frame not in span}
        confidence |= {frame: one.confidence for frame, one in outcome.found.items()}
        keys: dict[int, tuple[float, ...]] = {}
        if isinstance(after, AnimatedRectangle):
            keys = {frame: value for frame, value in old.keys.items() if frame not in span}
            anchors = outcome.task.anchors
            keys |= {key.frame: key.value for key in after.track.keys if key.frame in span and key.frame not in anchors}
        self._records[removal_id] = TrackRecord(confidence, (old.lost - span) | frozenset(outcome.lost), keys)
        self.changed.emit(removal_id)

    def forget(self, removal_id: str) -> None:
        """What was tracked was given up."""
        self._records.pop(removal_id, None)
        self.changed.emit(removal_id)

    def clear(self) -> None:
        """Another document is open."""
        for removal_id in list(self._records):
            self.forget(removal_id)
