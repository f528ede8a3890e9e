"""What tracks said about their frames: how sure they were, where they lost it. Without Qt.

It lasts as long as the window; the shapes, and which keyframes a track has set, are in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psygnal import Signal

from desktop.tracking.task import TrackOutcome

UNSURE = 0.35
"""Below this an artist should look."""


@dataclass(frozen=True)
class TrackRecord:
    """Of one removal, by media frame."""

    confidence: Mapping[int, float] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()

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

    def add(self, removal_id: str, outcome: TrackOutcome) -> None:
        """A track has ended."""
        old = self.record(removal_id)
        span = set(outcome.task.span)
        confidence = {frame: value for frame, value in old.confidence.items() if frame not in span}
        confidence |= {frame: one.confidence for frame, one in outcome.found.items()}
        self._records[removal_id] = TrackRecord(confidence, (old.lost - span) | frozenset(outcome.lost))
        self.changed.emit(removal_id)

    def forget(self, removal_id: str) -> None:
        """What was tracked was given up."""
        self._records.pop(removal_id, None)
        self.changed.emit(removal_id)

    def clear(self) -> None:
        """Another document is open."""
        for removal_id in list(self._records):
            self.forget(removal_id)
