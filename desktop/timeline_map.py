"""Shots lie end to end: timeline frame <-> shot and media frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from timeline.project import Project
from timeline.shot import Shot


@dataclass(frozen=True)
class Place:
    """One frame of one shot; ``media_frame`` is a 0-based index into the shot's media."""

    shot: Shot
    media_frame: int


@dataclass(frozen=True)
class ShotSpan:
    """Where a shot lies on the timeline, half-open."""

    shot: Shot
    start: int
    end_exclusive: int

    def timeline_frame(self, media_frame: int) -> int:
        """The timeline frame that shows ``media_frame``; outside the span where the shot does not use it."""
        return self.start + media_frame - self.shot.source_start


def spans(project: Project) -> Iterator[ShotSpan]:
    """Every shot with its place on the timeline, in order."""
    start = 0
    for shot in project.shots:
        end = start + shot.duration_frames
        yield ShotSpan(shot, start, end)
        start = end


def place_at(project: Project, frame: int) -> Place | None:
    """What the timeline shows at ``frame``; None outside it."""
    for span in spans(project):
        if span.start <= frame < span.end_exclusive:
            return Place(span.shot, span.shot.source_start + frame - span.start)
    return None


def span_of(project: Project, shot_id: str) -> ShotSpan | None:
    """Where a shot lies; None if the project has no such shot."""
    return next((span for span in spans(project) if span.shot.id == shot_id), None)
