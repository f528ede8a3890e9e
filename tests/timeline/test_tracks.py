"""Several video tracks: each shot at its time, nothing lost, edits ripple on their own track only."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from timeline import edits
from timeline.project import Project
from timeline.project_file import load_project, save_project
from timeline.shot import Shot


def _range(start: int, frames: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(frames, 24))


def _clip(name: str, frames: int) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(f"file:///media/{name}.mov", _range(0, 200))
    return otio.schema.Clip(name, reference, _range(0, frames))


def _gap(frames: int) -> otio.schema.Gap:
    return otio.schema.Gap(duration=otio.opentime.RationalTime(frames, 24))


@pytest.fixture
def two_tracks(tmp_path: Path) -> Path:
    """V1: a (10), gap (5), b (20); an empty track; V2: gap (8), c (6), gap (2), d (4)."""
    timeline = otio.schema.Timeline("Edit")
    low, empty, high = (otio.schema.Track(name, kind="Video") for name in ("V1", "V2", "V3"))
    low.extend([_clip("a", 10), _gap(5), _clip("b", 20)])
    high.extend([_gap(8), _clip("c", 6), _gap(2), _clip("d", 4)])
    timeline.tracks.extend([low, empty, high])
    path = tmp_path / "edit.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def _starts(project: Project) -> dict[str, tuple[int, int]]:
    return {shot.name: (shot.track, start) for shot, start in project.starts()}


def test_shots_lie_at_their_time_on_their_track(two_tracks: Path) -> None:
    project = load_project(two_tracks)
    assert _starts(project) == {"a": (0, 0), "b": (0, 15), "c": (1, 8), "d": (1, 16)}
    assert (project.track_count, project.duration_frames) == (2, 35)


def test_one_track_has_no_gaps(two_tracks: Path, tmp_path: Path) -> None:
    project = load_project(two_tracks)
    for shot in [shot for shot in project.shots if shot.track == 1]:
        project = edits.remove_shot(project, shot.id)
    save_project(project, tmp_path / "one.otio")
    assert _starts(load_project(tmp_path / "one.otio")) == {"a": (0, 0), "b": (0, 10)}


def test_edits_stay_on_their_track_and_are_saved_there(two_tracks: Path, tmp_path: Path) -> None:
    project = load_project(two_tracks)
    ids = {shot.name: shot.id for shot in project.shots}
    project = edits.split_shot(project, ids["c"], 2)
    project = edits.trim_shot(project, ids["c"], 0, 1)
    project = edits.remove_shot(project, ids["a"])
    project = edits.add_shot(project, Shot("new", "new", "/media/new.mov", Fraction(24), 0, 7, media_frame_count=7))
    expected = [("b", 0, 5), ("new", 0, 25), ("c", 1, 8), ("c 2", 1, 9), ("d", 1, 15)]
    assert [(shot.name, shot.track, start) for shot, start in project.starts()] == expected
    save_project(project, tmp_path / "saved.otio")
    assert load_project(tmp_path / "saved.otio") == project
    saved = otio.adapters.read_from_file(str(tmp_path / "saved.otio"))
    names = [[type(item).__name__ if not item.name else item.name for item in track] for track in saved.tracks]
    assert names == [["Gap", "b", "new"], [], ["Gap", "c", "c 2", "Gap", "d"]]
