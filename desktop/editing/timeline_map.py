"""Where shots lie: timeline frame <-> shot and media frame."""

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
    """Every shot with its place on the timeline: track by track from the lowest one, in order."""
    for shot, start in project.starts():
        yield ShotSpan(shot, start, start + shot.duration_frames)


def place_at(project: Project, frame: int, track: int | None = None) -> Place | None:
    """What the timeline shows at ``frame``: of ``track`` if it has a shot there, else of the uppermost that has one."""
    there = [span for span in spans(project) if span.start <= frame < span.end_exclusive]
    if not there:
        return None
    span = next((span for span in there if span.shot.track == track), there[-1])
    return Place(span.shot, span.shot.source_start + frame - span.start)


def span_of(project: Project, shot_id: str) -> ShotSpan | None:
    """Where a shot lies; None if the project has no such shot."""
    return next((span for span in spans(project) if span.shot.id == shot_id), None)
