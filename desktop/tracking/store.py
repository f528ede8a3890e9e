"""What tracks said about their frames: how sure they were, where they lost it. Without Qt.

It lasts as long as the window; the shapes, and which keyframes a track has set, are in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psygnal import Signal

from desktop.tracking.task import TrackOutcome
from timeline.marking import Marking
from timeline.project import Project

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


@dataclass(frozen=True)
class _Track:
    """What a removal marked before a track and after it, and what is known since."""

    before: Marking
    after: Marking
    record: TrackRecord


class TrackingStore:
    """Records by removal. Tracks that are undone take theirs along, and bring it back when they are done again."""

    changed = Signal(str)
    """The record of this removal changed."""

    def __init__(self) -> None:
        self._done: dict[str, list[_Track]] = {}
        self._undone: dict[str, list[_Track]] = {}

    def record(self, removal_id: str) -> TrackRecord:
        """What is known of a removal; empty where nothing was tracked."""
        done = self._done.get(removal_id)
        return done[-1].record if done else TrackRecord()

    def add(self, removal_id: str, outcome: TrackOutcome, before: Marking, after: Marking) -> None:
        """A track has ended that made ``after`` of what the removal marked before."""
        old = self.record(removal_id)
        span = set(outcome.task.span)
        confidence = {frame: value for frame, value in old.confidence.items() if frame not in span}
        confidence |= {frame: one.confidence for frame, one in outcome.found.items()}
        record = TrackRecord(confidence, (old.lost - span) | frozenset(outcome.lost))
        self._done.setdefault(removal_id, []).append(_Track(before, after, record))
        self._undone.pop(removal_id, None)
        self.changed.emit(removal_id)

    def follow(self, project: Project) -> None:
        """Another state of the document: undo and redo bring the very markings back that were there."""
        shapes = {removal.id: removal.shape for shot in project.shots for removal in shot.removals}
        for removal_id in self._done.keys() & shapes.keys():
            shape = shapes[removal_id]
            done, undone = self._done[removal_id], self._undone.setdefault(removal_id, [])
            if done and shape is done[-1].before:
                undone.append(done.pop())
            elif undone and shape is undone[-1].after:
                done.append(undone.pop())
            else:
                continue
            self.changed.emit(removal_id)

    def forget(self, removal_id: str) -> None:
        """What was tracked was given up."""
        self._done.pop(removal_id, None)
        self._undone.pop(removal_id, None)
        self.changed.emit(removal_id)

    def clear(self) -> None:
        """Another document is open."""
        for removal_id in list(self._done):
            self.forget(removal_id)
