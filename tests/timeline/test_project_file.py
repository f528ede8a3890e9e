"""Project files: what is saved is loaded, what is not ours survives, a failure loses nothing."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given

from roi_tools.shapes import AnimatedRectangle, RectF
from tests.support.clips import shared_timeline
from tests.timeline.golden.sample_project import GOLDEN, golden_project
from tests.timeline.strategies import projects
from timeline import edits, project_file
from timeline.errors import ProjectFileError
from timeline.otio_document import PROJECT_VERSION
from timeline.project import Project
from timeline.project_file import (
    load_project,
    save_project,
)
from timeline.removal import Removal
from timeline.shot import Shot

SHAPE = AnimatedRectangle.still(RectF(10, 20, 30, 40))


@given(projects)
def test_what_is_saved_is_loaded(project: Project) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project.otio"
        save_project(project, path)
        loaded = load_project(path)
        assert loaded == project
        for shot, again in zip(project.shots, loaded.shots, strict=True):
            for removal, same in zip(shot.removals, again.removals, strict=True):
                assert [type(value) for value in removal.parameters.values()] == [
                    type(same.parameters[name]) for name in removal.parameters
                ]
        text = path.read_text(encoding="utf-8")
        save_project(loaded, path)
        assert path.read_text(encoding="utf-8") == text


def test_the_golden_file_is_what_we_write(tmp_path: Path) -> None:
    target = GOLDEN.with_name(f".written-by-test-{os.getpid()}.otio")  # media URLs are relative to this folder
    try:
        save_project(golden_project(), target)
        assert json.loads(target.read_text(encoding="utf-8")) == json.loads(GOLDEN.read_text(encoding="utf-8"))
    finally:
        target.unlink(missing_ok=True)


def test_the_golden_file_is_what_we_read() -> None:
    assert load_project(GOLDEN) == golden_project()


def test_any_otio_tool_opens_a_project() -> None:
    timeline = otio.adapters.read_from_file(str(GOLDEN))
    (track,) = timeline.video_tracks()
    assert [clip.name for clip in track] == ["Street", "Plate"]
    street = track[0]
    assert street.media_reference.target_url == "a%20b/street.mov"
    assert street.media_reference.available_range.start_time.to_timecode(24000 / 1001) == "01:00:00:00"
    assert street.source_range.start_time.value == 86_412 and street.source_range.duration.value == 48
    assert [(effect.name, effect.enabled) for effect in street.effects] == [
        ("Rider", True),
        ("Sign on the wall", False),
    ]


def test_media_that_moves_with_its_project_is_found(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder / "media").mkdir(parents=True)
    shot = Shot("s", "a", str(tmp_path / "here" / "media" / "a.mov"), Fraction(24), 0, 5)
    save_project(Project("", (shot,)), tmp_path / "here" / "p.otio")
    (tmp_path / "here" / "p.otio").rename(tmp_path / "there" / "p.otio")
    moved = load_project(tmp_path / "there" / "p.otio")
    assert moved.shots[0].media_path == str(tmp_path / "there" / "media" / "a.mov")
    save_project(moved, tmp_path / "p.otio")
    assert "there/media/a.mov" in (tmp_path / "p.otio").read_text()
    assert load_project(tmp_path / "p.otio") == moved


# --- what is not ours --------------------------------------------------------------------------------------------


def foreign_timeline() -> otio.schema.Timeline:
    """A timeline as another program might write it: gaps, a transition, markers, audio, effects, metadata on all."""
    timeline = otio.schema.Timeline("Edit", metadata={"studio": {"reel": 7}})
    video, audio = otio.schema.Track("V", kind="Video"), otio.schema.Track("A", kind="Audio")
    video.metadata["lock"] = True
    first = _foreign_clip("one", 0)
    first.effects.append(otio.schema.LinearTimeWarp("slow", 0.5, metadata={"curve": [1, 2]}))
    first.markers.append(otio.schema.Marker("note", metadata={"who": "anna"}))
    first.media_reference.metadata["camera"] = {"iso": 800}
    gap = otio.schema.Gap(duration=otio.opentime.RationalTime(5, 24))
    dissolve = otio.schema.Transition("fade", "SMPTE_Dissolve", metadata={"ease": "in"})
    video.extend([first, gap, _foreign_clip("two", 10), dissolve, _foreign_clip("three", 20)])
    audio.append(_foreign_clip("sound", 0))
    timeline.tracks.extend([video, audio])
    timeline.tracks.metadata["stack"] = "kept"
    return timeline


def _foreign_clip(name: str, start: int) -> otio.schema.Clip:
    media_range = otio.opentime.TimeRange(otio.opentime.RationalTime(100, 24), otio.opentime.RationalTime(200, 24))
    source = otio.opentime.TimeRange(otio.opentime.RationalTime(100 + start, 24), otio.opentime.RationalTime(8, 24))
    reference = otio.schema.ExternalReference(f"file:///media/{name}.mov", media_range)
    return otio.schema.Clip(name, reference, source, metadata={"tool": {"colour": "red", "take": [1, {"ok": None}]}})


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    path = tmp_path / "foreign.otio"
    otio.adapters.write_to_file(foreign_timeline(), str(path))
    return path


def test_the_clips_of_another_program_become_shots(foreign: Path) -> None:
    project = load_project(foreign)
    assert project.name == "Edit"
    assert [(shot.name, shot.media_path, shot.frames) for shot in project.shots] == [
        ("one", "/media/one.mov", range(8)),
        ("two", "/media/two.mov", range(10, 18)),
        ("three", "/media/three.mov", range(20, 28)),
    ]
    assert {(shot.media_start, shot.media_frame_count, shot.media_rate) for shot in project.shots} == {
        (100, 200, Fraction(24))
    }


def test_nothing_of_another_program_is_lost(foreign: Path) -> None:
    before = json.loads(foreign.read_text())
    save_project(load_project(foreign), foreign)
    assert _without_ours(json.loads(foreign.read_text())) == before


def test_what_is_unknown_survives_edits(foreign: Path) -> None:
    project = load_project(foreign)
    one = project.shots[0].id
    project = edits.add_removal(project, one, Removal("r", "Rider", SHAPE))
    project = edits.trim_shot(project, one, 2, 9)
    project = edits.rename_shot(project, one, "first")
    save_project(project, foreign)
    clip = otio.adapters.read_from_file(str(foreign)).video_tracks()[0][0]
    assert clip.name == "first" and clip.source_range.start_time.value == 102
    assert [effect.name for effect in clip.effects] == ["slow", "Rider"]
    assert clip.metadata["tool"]["colour"] == "red" and clip.markers[0].metadata["who"] == "anna"
    assert clip.media_reference.metadata["camera"]["iso"] == 800
    assert clip.media_reference.target_url == "file:///media/one.mov"
    assert load_project(foreign) == project


def test_unknown_keys_beside_ours_survive(tmp_path: Path) -> None:
    path = tmp_path / "p.otio"
    data = json.loads(GOLDEN.read_text(encoding="utf-8"))
    clip = data["tracks"]["children"][0]["children"][0]
    for item in (data, clip, clip["effects"][0]):
        item["metadata"]["grayplate"]["from_a_plugin"] = {"kept": [1, 2]}
        item["metadata"]["other_tool"] = "kept too"
    clip["effects"][0]["an_unknown_field"] = "OTIO keeps these itself"
    path.write_text(json.dumps(data))
    project = load_project(path)
    removal = replace(project.shots[0].removals[0], label="Changed", parameters={})
    save_project(edits.update_removal(project, "street", removal), path)
    again = json.loads(path.read_text())
    clip = again["tracks"]["children"][0]["children"][0]
    for item in (again, clip, clip["effects"][0]):
        assert item["metadata"]["grayplate"]["from_a_plugin"] == {"kept": [1, 2]}
        assert item["metadata"]["other_tool"] == "kept too"
    assert clip["effects"][0]["name"] == "Changed"


def _order(path: Path) -> list[str]:
    track = otio.adapters.read_from_file(str(path)).video_tracks()[0]
    return [item.name or item.schema_name() for item in track]


def test_a_split_stays_in_its_place(foreign: Path) -> None:
    project = load_project(foreign)
    project = edits.split_shot(project, project.shots[0].id, 4)
    save_project(project, foreign)
    assert _order(foreign) == ["one", "one 2", "Gap", "two", "fade", "three"]
    assert load_project(foreign) == project


def test_a_removed_shot_takes_its_transition_along(foreign: Path) -> None:
    project = load_project(foreign)
    project = edits.remove_shot(project, project.shots[2].id)
    save_project(project, foreign)
    assert _order(foreign) == ["one", "Gap", "two"]


def test_shots_in_another_order_fill_the_same_places(foreign: Path) -> None:
    project = load_project(foreign)
    save_project(replace(project, shots=project.shots[::-1]), foreign)
    assert _order(foreign) == ["three", "Gap", "two", "fade", "one"]


def test_new_shots_go_where_they_stand(foreign: Path) -> None:
    project, new = load_project(foreign), Shot("n", "new", "/media/new.mov", Fraction(25), 0, 9)
    save_project(edits.add_shot(edits.add_shot(project, new, 0), replace(new, id="m", name="last")), foreign)
    assert _order(foreign) == ["new", "one", "Gap", "two", "fade", "three", "last"]


def test_a_copied_clip_gets_an_identifier_of_its_own(tmp_path: Path) -> None:
    data = json.loads(GOLDEN.read_text(encoding="utf-8"))
    track = data["tracks"]["children"][0]
    track["children"].append(track["children"][0])
    path = tmp_path / "p.otio"
    path.write_text(json.dumps(data))
    project = load_project(path)
    assert [shot.id for shot in project.shots] == ["street", "plate", "shot-3"]
    save_project(project, path)
    assert load_project(path) == project


def test_relinked_media_keeps_the_references_metadata(foreign: Path) -> None:
    project = load_project(foreign)
    media = Shot("x", "x", str(foreign.parent / "new.mov"), Fraction(24), 0, 50, media_frame_count=50)
    project = edits.relink_shot(project, project.shots[0].id, media)
    save_project(project, foreign)
    reference = otio.adapters.read_from_file(str(foreign)).video_tracks()[0][0].media_reference
    assert (reference.target_url, reference.metadata["camera"]["iso"]) == ("new.mov", 800)
    assert load_project(foreign) == project


def test_an_image_sequence_reference_is_a_pattern(tmp_path: Path) -> None:
    reference = otio.schema.ImageSequenceReference(
        "file:///media/plates",
        "plate.",
        ".exr",
        start_frame=1001,
        rate=24,
        frame_zero_padding=4,
        available_range=otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(30, 24)),
    )
    timeline = otio.schema.Timeline()
    timeline.tracks.append(otio.schema.Track(kind="Video", children=[otio.schema.Clip("plate", reference)]))
    path = tmp_path / "p.otio"
    otio.adapters.write_to_file(timeline, str(path))
    project = load_project(path)
    assert (project.shots[0].media_path, project.shots[0].frames) == ("/media/plates/plate.%04d.exr", range(30))
    save_project(edits.trim_shot(project, project.shots[0].id, 5, 10), path)
    kept = otio.adapters.read_from_file(str(path)).video_tracks()[0][0].media_reference
    assert isinstance(kept, otio.schema.ImageSequenceReference) and kept.start_frame == 1001


@pytest.mark.parametrize(
    ("name", "shots", "first"),
    [("clip_example.otio", 1, range(3, 6)), ("screening_example.otio", 9, range(86501, 86532))],
)
def test_real_timelines_load_and_come_back(tmp_path: Path, name: str, shots: int, first: range) -> None:
    source, path = shared_timeline(name), tmp_path / name
    project = load_project(source)
    assert len(project.shots) == shots and project.shots[0].frames == first
    save_project(project, path)
    assert load_project(path) == project
    assert _schemas(json.loads(path.read_text())) == _schemas(json.loads(source.read_text()))


def test_objects_of_a_newer_otio_are_kept_unread(tmp_path: Path) -> None:
    data = json.loads(GOLDEN.read_text(encoding="utf-8"))
    newer = {"OTIO_SCHEMA": "Marker.99", "name": "from the future", "shape": {"OTIO_SCHEMA": "Blob.1", "x": [1]}}
    data["tracks"]["children"][0]["children"][0]["markers"] = [newer]
    path = tmp_path / "p.otio"
    path.write_text(json.dumps(data))
    project = load_project(path)
    save_project(edits.rename_shot(project, "street", "Road"), path)
    clip = json.loads(path.read_text())["tracks"]["children"][0]["children"][0]
    assert clip["markers"] == [newer] and clip["name"] == "Road"


def _without_ours(data: Any) -> Any:
    if isinstance(data, list):
        return [_without_ours(entry) for entry in data]
    if isinstance(data, dict):
        return {key: _without_ours(value) for key, value in data.items() if key != "grayplate"}
    return data


def _schemas(data: Any) -> list[str]:
    """Names of all OTIO objects, without versions; ``clip_example`` was written by an older OTIO."""
    if isinstance(data, list):
        return sorted(name for entry in data for name in _schemas(entry))
    if isinstance(data, dict):
        own = [data["OTIO_SCHEMA"].split(".")[0]] if "OTIO_SCHEMA" in data else []
        return sorted(own + [name for value in data.values() for name in _schemas(value)])
    return []


# --- nothing is lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    path = tmp_path / "p.otio"
    save_project(golden_project(), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if failing == "fsync" else Path, failing, full)
    with pytest.raises(ProjectFileError) as caught:
        save_project(Project("new"), path)
    assert str(caught.value) == (
        f"{path}: cannot be saved (No space left on device); free some space or save to another folder"
    )
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ["p.otio"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "p.otio"
    with pytest.raises(ProjectFileError, match=r"p\.otio: cannot be saved \(No such file or directory\)"):
        save_project(Project(), path)


def test_a_save_keeps_permissions_and_links(tmp_path: Path) -> None:
    path, link = tmp_path / "p.otio", tmp_path / "link.otio"
    save_project(Project("a"), path)
    path.chmod(0o640)
    link.symlink_to(path)
    save_project(Project("b"), link)
    assert link.is_symlink() and load_project(path).name == "b"
    assert path.stat().st_mode & 0o777 == 0o640


# --- versions ----------------------------------------------------------------------------------------------------


def test_older_files_are_upgraded_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def renames(version: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda data: data | {"name": f"{data['name']} {version}->{version + 1}"}

    monkeypatch.setattr(project_file, "PROJECT_VERSION", 3)
    monkeypatch.setattr(project_file, "UPGRADES", {1: renames(1), 2: renames(2)})
    assert load_project(GOLDEN).name == "Golden 1->2 2->3"


def test_every_older_version_has_an_upgrade() -> None:
    assert sorted(project_file.UPGRADES) == list(range(1, PROJECT_VERSION))


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    data = json.loads(GOLDEN.read_text(encoding="utf-8"))
    data["metadata"]["grayplate"]["version"] = 2
    path = tmp_path / "p.otio"
    path.write_text(json.dumps(data))
    with pytest.raises(ProjectFileError) as caught:
        load_project(path)
    assert str(caught.value) == (
        f"{path}: written by a newer Grayplate (project version 2, this one reads up to 1); update Grayplate to open it"
    )
