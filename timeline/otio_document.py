"""A project as an OpenTimelineIO timeline, and back: which clips are shots, and where new ones go.

A new project is one video track with a clip per shot. In a timeline of another program every clip of a video track
becomes a shot; tracks, gaps, transitions, markers, stacks and unknown schemas stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import opentimelineio as otio

from timeline.errors import ProjectFileError
from timeline.marker import Marker
from timeline.otio_clip import clip_of_shot, is_shot, require_own_metadata, shot_of_clip
from timeline.otio_json import update_own_metadata
from timeline.otio_marker import (
    marker_at,
    markers_of_clip,
    seconds_of,
    timeline_markers,
    update_timeline_markers,
    write_clip_markers,
)
from timeline.otio_takes import takes_of_clip, write_takes
from timeline.otio_tracks import placed_shots, strip_frame
from timeline.project import Project
from timeline.shot import Shot

PROJECT_VERSION = 1
"""Version of what lies under ``grayplate``; it rises with an upgrade function in timeline.project_file."""


def project_of_timeline(timeline: otio.schema.Timeline, folder: Path) -> Project:
    """The project that a timeline holds; clips without our identifier get one. Raises ProjectFileError."""
    require_own_metadata(timeline)  # checked here, so that saving cannot fail on it
    clips = [(clip, shot_of_clip(clip, shot_id, folder)) for shot_id, clip in _identified(timeline)]
    shots = placed_shots([(clip, replace(shot, markers=markers_of_clip(clip, shot))) for clip, shot in clips], timeline)
    markers = tuple(_timeline_markers(timeline, shots, [clip for clip, _ in clips]))
    takes = {shot.id: found for clip, shot in clips if (found := takes_of_clip(clip))}
    return Project(timeline.name, shots, markers, takes, timeline.to_json_string(indent=-1))


def _timeline_markers(
    timeline: otio.schema.Timeline, shots: tuple[Shot, ...], clips: list[otio.schema.Clip]
) -> Iterator[Marker]:
    for marker_id, item in timeline_markers(timeline):
        seconds = seconds_of(item)
        if seconds is not None:
            yield marker_at(item, marker_id, strip_frame(seconds, timeline, shots, clips))


def timeline_of_project(project: Project, folder: Path) -> otio.schema.Timeline:
    """The timeline that was loaded, with the project's shots in the places of its clips; a new one for a new project.

    A shot that was not loaded stands right behind the shot before it.
    """
    timeline = _skeleton(project)
    timeline.name = project.name
    update_own_metadata(timeline, {"version": PROJECT_VERSION})
    loaded = dict(_identified(timeline))
    wanted = {shot.id for shot in project.shots}
    places = iter([clip for shot_id, clip in loaded.items() if shot_id in wanted])
    update_timeline_markers(timeline, project.markers)
    new_clips = [(shot.id in loaded, _clip(shot, project, folder)) for shot in project.shots]
    _place(timeline, new_clips, places)
    for shot_id, clip in loaded.items():
        if shot_id not in wanted:
            _remove(clip)
    return timeline


def _clip(shot: Shot, project: Project, folder: Path) -> otio.schema.Clip:
    clip = clip_of_shot(shot, folder)
    write_clip_markers(clip, shot)
    write_takes(clip, project.takes.get(shot.id))
    return clip


def _skeleton(project: Project) -> otio.schema.Timeline:
    if project.otio_json:
        return otio.core.deserialize_json_from_string(project.otio_json)
    timeline = otio.schema.Timeline()
    timeline.tracks.append(otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video))
    return timeline


def _shot_clips(timeline: otio.schema.Timeline) -> Iterator[otio.schema.Clip]:
    for clip in timeline.find_clips():
        if is_shot(clip) and not _is_audio(clip):
            yield clip


def _is_audio(clip: otio.schema.Clip) -> bool:
    parent = clip.parent()
    while parent is not None:
        if isinstance(parent, otio.schema.Track) and parent.kind == otio.schema.TrackKind.Audio:
            return True
        parent = parent.parent()
    return False


def _identified(timeline: otio.schema.Timeline) -> Iterator[tuple[str, otio.schema.Clip]]:
    """The clips that are shots, each with its own identifier, or one made of its place: always the same one."""
    taken = set[str]()
    for number, clip in enumerate(_shot_clips(timeline), 1):
        shot_id = _shot_id(clip, number, taken)
        taken.add(shot_id)
        yield shot_id, clip


def _shot_id(clip: otio.schema.Clip, number: int, taken: set[str]) -> str:
    """The clip's own identifier, or one made of its place where it has none or is a copy of another clip."""
    try:
        own = require_own_metadata(clip).get("id")
    except ProjectFileError as error:
        raise ProjectFileError(f"clip '{clip.name}': {error}") from error
    if isinstance(own, str) and own and own not in taken:
        return own
    shot_id = f"shot-{number}"
    while shot_id in taken:
        shot_id += "-copy"
    return shot_id


def _place(
    timeline: otio.schema.Timeline, clips: list[tuple[bool, otio.schema.Clip]], places: Iterator[otio.schema.Clip]
) -> None:
    """Put clips that were loaded into the places of the loaded ones, in order, and new ones behind the clip before."""
    previous: otio.schema.Clip | None = None
    for was_loaded, clip in clips:
        if was_loaded:
            old = next(places)
            old.parent()[_index(old)] = clip
        elif previous is not None:
            previous.parent().insert(_index(previous) + 1, clip)
        else:
            _first_video_track(timeline).insert(0, clip)
        previous = clip


def _first_video_track(timeline: otio.schema.Timeline) -> otio.schema.Track:
    tracks = timeline.video_tracks()
    if tracks:
        return tracks[0]
    track = otio.schema.Track(name="V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    return track


def _remove(clip: otio.schema.Clip) -> None:
    """Take a clip out, together with the transitions that led into and out of it."""
    parent = clip.parent()
    position = _index(clip)
    neighbours: list[Any] = [parent[i] for i in (position + 1, position - 1) if 0 <= i < len(parent)]
    for item in (*(n for n in neighbours if isinstance(n, otio.schema.Transition)), clip):
        del parent[_index(item)]


def _index(item: otio.core.Composable) -> int:
    return next(index for index, child in enumerate(item.parent()) if child is item)


def require_timeline(item: object) -> otio.schema.Timeline:
    """``item``, if it is a timeline. Raises ProjectFileError that says what it is instead."""
    if not isinstance(item, otio.schema.Timeline):
        kind = item.schema_name() if isinstance(item, otio.core.SerializableObject) else type(item).__name__
        kind = getattr(item, "original_schema_name", kind)  # of a schema that OTIO does not know
        raise ProjectFileError(f"holds a {kind}, not a Timeline; export a single timeline")
    if not isinstance(item.tracks, otio.schema.Stack):
        raise ProjectFileError("its timeline has no stack of tracks; export it again")
    return item
