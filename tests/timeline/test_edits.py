"""Edits: each returns a new project and leaves the old one alone, or says why it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.keyframes import Keyframe, Track
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.timeline.strategies import shots
from timeline import edits
from timeline.errors import EditError
from timeline.project import Project
from timeline.removal import Removal
from timeline.shot import Shot

SHAPE = AnimatedRectangle.still(RectF(10, 20, 30, 40))
REMOVAL = Removal("r1", "Rider", SHAPE, parameters={"grow_px": 3})
SHOT = Shot("s1", "bmx", "/media/bmx.mp4", Fraction(24), 10, 50, (REMOVAL,), media_frame_count=80)
OTHER = Shot("s2", "bear", "/media/bear.mp4", Fraction(30), 0, 82, media_frame_count=82)
PROJECT = Project("demo", (SHOT, OTHER))


def test_shots_are_added_in_their_place() -> None:
    new = replace(OTHER, id="s3")
    assert edits.add_shot(PROJECT, new).shots == (SHOT, OTHER, new)
    assert edits.add_shot(PROJECT, new, 0).shots == (new, SHOT, OTHER)
    assert PROJECT.shots == (SHOT, OTHER)


def test_a_shot_is_removed_and_renamed() -> None:
    assert edits.remove_shot(PROJECT, "s1").shots == (OTHER,)
    assert edits.rename_shot(PROJECT, "s1", "rider").shot("s1").name == "rider"


def test_parts_of_a_shot_have_names_of_their_own() -> None:
    project = edits.split_shot_at_cuts(PROJECT, "s1", [20, 40, 30])
    assert [shot.name for shot in project.shots] == ["bmx", "bmx 2", "bmx 3", "bmx 4", "bear"]
    assert [shot.source_start for shot in project.shots] == [10, 20, 30, 40, 0]
    assert project.shots[0].id == "s1"
    second = project.shots[1]
    assert edits.split_shot(project, second.id, 25).shots[2].name == "bmx 5"
    assert edits.distinct_name(project, "") == ""
    assert edits.distinct_name(project, "tree") == "tree"


def test_a_trim_moves_no_removal() -> None:
    trimmed = edits.trim_shot(PROJECT, "s1", 0, 80).shot("s1")
    assert trimmed.frames == range(80) and trimmed.removals == (REMOVAL,)


@given(shots(), st.data())
def test_the_halves_of_a_split_show_the_whole(shot: Shot, data: st.DataObject) -> None:
    if shot.duration_frames < 2:
        return
    frame = data.draw(st.integers(shot.source_start + 1, shot.source_end_exclusive - 1))
    first, second = edits.split_shot(Project("", (shot,)), shot.id, frame).shots
    assert [*first.frames, *second.frames] == list(shot.frames)
    assert replace(first, markers=shot.markers) == replace(shot, source_end_exclusive=frame)
    assert sorted(m.id for m in (*first.markers, *second.markers)) == sorted(m.id for m in shot.markers)
    assert second.frames.start == frame and second.id != shot.id
    assert [r.shape for r in second.removals] == [r.shape for r in shot.removals]
    assert not {r.id for r in second.removals} & {r.id for r in shot.removals}


def test_splitting_at_cuts_takes_those_inside_the_shot() -> None:
    parts = edits.split_shot_at_cuts(PROJECT, "s1", [50, 30, 10, 20, 30, 99]).shots
    assert [part.frames for part in parts] == [range(10, 20), range(20, 30), range(30, 50), OTHER.frames]
    assert parts[0].id == "s1"


def test_relinking_keeps_the_media_frames() -> None:
    media = Shot("new", "x", "/media/copy.mov", Fraction(24), 0, 60, media_start=86_400, media_frame_count=60)
    linked = edits.relink_shot(PROJECT, "s1", media).shot("s1")
    assert (linked.media_path, linked.frames, linked.media_start) == ("/media/copy.mov", range(10, 50), 86_400)
    assert linked.name == "bmx" and linked.removals == (REMOVAL,)


def test_relinking_a_shot_of_an_edit_list_finds_its_timecode() -> None:
    listed = replace(SHOT, source_start=86_410, source_end_exclusive=86_450, media_path="", media_frame_count=None)
    media = Shot("new", "x", "/media/copy.mov", Fraction(24), 0, 60, media_start=86_400, media_frame_count=60)
    assert edits.relink_shot(Project("", (listed,)), "s1", media).shot("s1").frames == range(10, 50)


def test_relinking_to_media_with_other_handles_keeps_the_timecode() -> None:
    project = Project("", (replace(SHOT, media_start=1000),))
    media = Shot("new", "x", "/media/long.mov", Fraction(24), 0, 200, media_start=992, media_frame_count=200)
    assert edits.relink_shot(project, "s1", media).shot("s1").frames == range(18, 58)


def test_removals_are_added_replaced_and_removed() -> None:
    second = Removal("r2", "Shadow", SHAPE, "vace")
    added = edits.add_removal(PROJECT, "s1", second)
    assert added.shot("s1").removals == (REMOVAL, second)
    hidden = replace(REMOVAL, enabled=False)
    assert edits.update_removal(added, "s1", hidden).shot("s1").removals == (hidden, second)
    assert edits.remove_removal(added, "s1", "r1").shot("s1").removals == (second,)
    assert edits.rename_removal(added, "s1", "r2", "Dog").shot("s1").removal("r2").label == "Dog"


def test_parameters_are_set_one_by_one_and_go_with_the_effect() -> None:
    changed = edits.set_parameter(PROJECT, "s1", "r1", "seed", 7)
    assert changed.shot("s1").removal("r1").parameters == {"grow_px": 3, "seed": 7}
    assert REMOVAL.parameters == {"grow_px": 3}
    other = edits.set_effect(changed, "s1", "r1", "vace").shot("s1").removal("r1")
    assert (other.effect, other.parameters) == ("vace", {})


def test_keyframes_of_parameters_go_with_the_effect_and_hold_one_number_each() -> None:
    tracks = {"grow_px": Track((Keyframe(3, (2.0,)), Keyframe(9, (8.0,))))}
    keyed = replace(REMOVAL, parameter_tracks=tracks)
    tracks.clear()
    assert keyed.parameter_tracks["grow_px"].value_at(6) == (5.0,)
    changed = edits.set_effect(edits.update_removal(PROJECT, "s1", keyed), "s1", "r1", "vace")
    assert changed.shot("s1").removal("r1").parameter_tracks == {}
    with pytest.raises(EditError, match="the keyframes of parameter 'grow_px' hold several numbers; give one each"):
        replace(REMOVAL, parameter_tracks={"grow_px": Track((Keyframe(3, (2.0, 1.0)),))})


def test_parameters_cannot_be_changed_behind_the_projects_back() -> None:
    parameters: dict[str, Any] = {"grow_px": 1}
    removal = Removal("r", "", SHAPE, parameters=parameters)
    parameters["grow_px"] = 9
    assert removal.parameters == {"grow_px": 1}
    with pytest.raises(TypeError):
        removal.parameters["grow_px"] = 2  # type: ignore[index]


def test_places_on_the_strip() -> None:
    assert (PROJECT.start_of("s1"), PROJECT.start_of("s2"), PROJECT.duration_frames) == (0, 40, 122)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda: edits.remove_shot(PROJECT, "x"), "the project has no shot with the identifier 'x'"),
        (lambda: PROJECT.start_of("x"), "the project has no shot with the identifier 'x'"),
        (lambda: edits.add_shot(PROJECT, SHOT), "the project has two shots with the identifier 's1'"),
        (lambda: edits.add_shot(PROJECT, replace(SHOT, id="n"), 3), "there is no place 3 among 2 shots; give 0 to 2"),
        (
            lambda: edits.trim_shot(PROJECT, "s1", 10, 81),
            "shot 'bmx' cannot show media frames 10 to 80; its media has frames 0 to 79",
        ),
        (
            lambda: edits.trim_shot(PROJECT, "s1", 20, 20),
            "shot 'bmx' cannot show media frames 20 to 19; give a range that starts at 0 or later and holds a frame",
        ),
        (
            lambda: edits.split_shot(PROJECT, "s1", 10),
            "shot 'bmx' cannot be split at media frame 10; give one of 11 to 49",
        ),
        (
            lambda: edits.relink_shot(PROJECT, "s1", replace(OTHER, media_frame_count=40)),
            "shot 'bmx' shows media frames 10 to 49, '/media/bear.mp4' has only 40; "
            "trim the shot first or choose longer media",
        ),
        (
            lambda: edits.add_removal(PROJECT, "s1", REMOVAL),
            "shot 'bmx' has two removals with the identifier 'r1'",
        ),
        (
            lambda: edits.update_removal(PROJECT, "s2", REMOVAL),
            "shot 'bear' has no removal with the identifier 'r1'",
        ),
        (
            lambda: edits.set_parameter(PROJECT, "s1", "r1", "amount", float("nan")),
            "parameter 'amount' is nan; give a finite number",
        ),
        (
            lambda: edits.set_parameter(PROJECT, "s1", "r1", "seed", 2**63),
            "parameter 'seed' is 9223372036854775808, which does not fit in 64 bits; give a smaller number",
        ),
        (
            lambda: edits.set_parameter(PROJECT, "s1", "r1", "seed", [1]),  # type: ignore[arg-type]
            "parameter 'seed' is [1]; give true or false, a number or text",
        ),
        (
            lambda: replace(SHOT, media_start=2**31),
            "shot 'bmx' counts beyond 2147483647 frames; give numbers of real media",
        ),
        (
            lambda: replace(SHOT, media_rate=Fraction(0)),
            "shot 'bmx' has a rate of 0 frames per second; give one above 0",
        ),
    ],
)
def test_an_edit_that_does_not_apply_says_why(edit: Callable[[], object], message: str) -> None:
    with pytest.raises(EditError) as caught:
        edit()
    assert str(caught.value) == message
