"""Edits of markers: pure functions from a project to a new project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from timeline.errors import EditError
from timeline.marker import Marker
from timeline.project import Project


def add_marker(project: Project, shot_id: str, marker: Marker) -> Project:
    """The project with one more marker on a shot; markers lie in the order of their frames."""
    shot = project.shot(shot_id)
    markers = tuple(sorted((*shot.markers, marker), key=lambda other: other.frame))
    return replace(
        project,
        shots=tuple(replace(other, markers=markers) if other is shot else other for other in project.shots),
    )


def update_marker(project: Project, marker: Marker) -> Project:
    """The project with the marker of the same identifier replaced. Raises EditError where there is none."""
    return _changed(project, marker.id, lambda old: (marker,))


def remove_marker(project: Project, marker_id: str) -> Project:
    """The project without a marker. Raises EditError where there is none."""
    return _changed(project, marker_id, lambda old: ())


def _changed(project: Project, marker_id: str, change: Callable[[Marker], tuple[Marker, ...]]) -> Project:
    def changed(markers: tuple[Marker, ...]) -> tuple[Marker, ...]:
        return tuple(new for old in markers for new in (change(old) if old.id == marker_id else (old,)))

    every = [*project.markers, *(marker for shot in project.shots for marker in shot.markers)]
    if not any(marker.id == marker_id for marker in every):
        raise EditError(f"the project has no marker with the identifier '{marker_id}'")
    shots = tuple(
        replace(shot, markers=changed(shot.markers)) if any(m.id == marker_id for m in shot.markers) else shot
        for shot in project.shots
    )
    return replace(project, shots=shots, markers=changed(project.markers))
