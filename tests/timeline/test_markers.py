"""Markers: ours are saved, those of other programs keep all that they say, edits touch nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from tests.support.clips import shared_timeline
from timeline import edits, marker_edits
from timeline.errors import EditError
from timeline.marker import Marker
from timeline.project import Project
from timeline.project_file import load_project, save_project
from timeline.shot import Shot

SHOT = Shot("s", "a", "/media/a.mov", Fraction(24), 10, 50, media_start=1000, media_frame_count=60)
MARK = Marker("m", 20, "wire", "RED", "left of the pole")


def _time(value: float, rate: float = 24.0) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(value, rate), otio.opentime.RationalTime(2, rate))


def _clip(name: str, start: int, frames: int) -> otio.schema.Clip:
    source = otio.opentime.TimeRange(otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(frames, 24))
    media = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(200, 24))
    return otio.schema.Clip(name, otio.schema.ExternalReference(f"file:///media/{name}.mov", media), source)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Two clips with a gap between them; a marker on the first clip, one on the track, one on the timeline."""
    timeline = otio.schema.Timeline("Edit")
    track = otio.schema.Track("V1", kind="Video")
    first = _clip("one", 100, 10)
    first.markers.append(otio.schema.Marker("bump", _time(104), "PURPLE", metadata={"who": "anna"}))
    track.extend([first, otio.schema.Gap(duration=otio.opentime.RationalTime(5, 24)), _clip("two", 0, 20)])
    track.markers.append(otio.schema.Marker("behind the gap", _time(17)))
    timeline.tracks.append(track)
    timeline.tracks.markers.append(otio.schema.Marker("in the gap", _time(12)))
    path = tmp_path / "foreign.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def _markers_in(path: Path) -> list[dict[str, object]]:
    found = []

    def look(data: object) -> None:
        if isinstance(data, dict):
            if str(data.get("OTIO_SCHEMA", "")).startswith("Marker."):
                found.append(data)
            for value in data.values():
                look(value)
        elif isinstance(data, list):
            for value in data:
                look(value)

    look(json.loads(path.read_text(encoding="utf-8")))
    return found


def test_a_marker_lies_where_any_otio_tool_finds_it(tmp_path: Path) -> None:
    project = marker_edits.add_marker(Project("p", (SHOT,)), "s", MARK)
    save_project(project, tmp_path / "p.otio")
    (marker,) = otio.adapters.read_from_file(str(tmp_path / "p.otio")).video_tracks()[0][0].markers
    assert (marker.name, marker.color, marker.comment) == ("wire", "RED", "left of the pole")
    assert marker.marked_range.start_time == otio.opentime.RationalTime(1020, 24)
    assert load_project(tmp_path / "p.otio") == project


def test_other_programs_markers_are_read_on_the_frames_that_are_shown(foreign: Path) -> None:
    project = load_project(foreign)
    (bump,) = project.shots[0].markers
    assert (bump.name, bump.color, bump.frame) == ("bump", "PURPLE", 104)
    assert [(marker.name, marker.frame) for marker in project.markers] == [("in the gap", 10), ("behind the gap", 12)]


def test_markers_that_nobody_touched_are_saved_as_they_were(foreign: Path, tmp_path: Path) -> None:
    save_project(load_project(foreign), tmp_path / "saved.otio")
    assert _markers_in(tmp_path / "saved.otio") == _markers_in(foreign)


def test_a_renamed_marker_keeps_what_else_its_program_wrote(foreign: Path, tmp_path: Path) -> None:
    project = load_project(foreign)
    (bump,) = project.shots[0].markers
    project = marker_edits.update_marker(project, replace(bump, name="bump 2", note="twice", color="CYAN"))
    gap = project.markers[0]
    project = marker_edits.update_marker(project, replace(gap, name="here"))
    save_project(project, tmp_path / "saved.otio")
    told = {marker["name"]: marker for marker in _markers_in(tmp_path / "saved.otio")}
    assert set(told) == {"bump 2", "here", "behind the gap"}
    assert told["bump 2"]["metadata"] == {"who": "anna"} and told["bump 2"]["color"] == "CYAN"
    assert told["bump 2"]["marked_range"]["duration"]["value"] == 2  # type: ignore[index]
    assert load_project(tmp_path / "saved.otio") == project


def test_removed_markers_are_gone_and_the_others_are_not(foreign: Path, tmp_path: Path) -> None:
    project = load_project(foreign)
    for marker in (project.shots[0].markers[0], project.markers[0]):
        project = marker_edits.remove_marker(project, marker.id)
    save_project(project, tmp_path / "saved.otio")
    assert [marker["name"] for marker in _markers_in(tmp_path / "saved.otio")] == ["behind the gap"]


def test_a_marker_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(EditError, match="no marker with the identifier 'm'"):
        marker_edits.remove_marker(Project("p", (SHOT,)), "m")


def test_a_split_shot_shares_its_markers_out() -> None:
    later = replace(MARK, id="n", frame=30)
    project = Project("p", (replace(SHOT, markers=(MARK, later)),))
    first, second = edits.split_shot(project, "s", 30).shots
    assert (first.markers, second.markers) == ((MARK,), (later,))


def test_markers_of_a_newer_version_are_read_and_can_be_renamed(tmp_path: Path) -> None:
    path = shared_timeline("screening_example.otio")
    project = load_project(path)
    marked = [marker for shot in project.shots for marker in shot.markers]
    assert {(marker.name, marker.color) for marker in marked} >= {("ANIM FIX NEEDED", "RED")}
    save_project(project, tmp_path / "same.otio")
    assert _markers_in(tmp_path / "same.otio") == _markers_in(path)
    renamed = marker_edits.update_marker(project, replace(marked[0], name="FIXED"))
    save_project(renamed, tmp_path / "renamed.otio")
    assert [marker["name"] for marker in _markers_in(tmp_path / "renamed.otio")].count("FIXED") == 1
    assert load_project(tmp_path / "renamed.otio") == renamed
