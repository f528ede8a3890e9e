"""Markers on the timeline: where they lie, and what a person does with them. Without Qt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.editing.timeline_map import spans
from timeline import marker_edits
from timeline.marker import Marker
from timeline.project import Project
from timeline.removal import new_id


@dataclass(frozen=True)
class MarkerPlace:
    """A marker on a frame of the timeline; ``shot_id`` is None for one of the timeline itself."""

    marker: Marker
    frame: int
    shot_id: str | None


def marker_places(project: Project) -> list[MarkerPlace]:
    """Every marker on a frame that is shown, in order."""
    return sorted(_places(project), key=lambda place: place.frame)


def _places(project: Project) -> Iterator[MarkerPlace]:
    for marker in project.markers:
        if marker.frame < project.duration_frames:
            yield MarkerPlace(marker, marker.frame, None)
    for span in spans(project):
        for marker in span.shot.markers:
            if span.shot.source_start <= marker.frame < span.shot.source_end_exclusive:
                yield MarkerPlace(marker, span.timeline_frame(marker.frame), span.shot.id)


def marker_here(session: Session) -> MarkerPlace | None:
    """The marker on the frame under the playhead, that of the shot first."""
    here = [place for place in marker_places(session.project) if place.frame == session.playhead]
    shot_id = session.shot.id if session.shot else None
    return next((place for place in here if place.shot_id == shot_id), here[0] if here else None)


def add_marker(session: Session) -> None:
    """Mark the frame under the playhead, on its shot, unless it is marked."""
    place = session.place
    if place is None or any(marker.frame == place.media_frame for marker in place.shot.markers):
        return
    taken = {other.marker.name for other in marker_places(session.project)}
    numbers = range(1, len(taken) + 2)
    names = (tr("Marker {number}").format(number=number) for number in numbers)
    marker = Marker(new_id(), place.media_frame, next(name for name in names if name not in taken))
    session.apply(tr("Add Marker"), marker_edits.add_marker(session.project, place.shot.id, marker))


def change_marker(session: Session, marker: Marker, name: str, color: str, note: str) -> None:
    """Give a marker another name, colour or note."""
    changed = replace(marker, name=name.strip(), color=color, note=note.strip())
    session.apply(tr("Change Marker"), marker_edits.update_marker(session.project, changed))


def delete_marker(session: Session) -> None:
    """Delete the marker on the frame under the playhead."""
    here = marker_here(session)
    if here:
        session.apply(tr("Delete Marker"), marker_edits.remove_marker(session.project, here.marker.id))


def go_to_neighbour_marker(session: Session, direction: int) -> None:
    """Go to the next (1) or previous (-1) marker."""
    frames = [place.frame for place in marker_places(session.project)]
    beyond = [frame for frame in frames if (frame - session.playhead) * direction > 0]
    if beyond:
        session.go_to(min(beyond) if direction > 0 else max(beyond))
