"""Companions among the removals of a shot: they go along with their leader, whatever moved it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.desktop.documents import make_removal, make_shot
from timeline import edits
from timeline.errors import EditError
from timeline.linking import companion_of, companions_of, gone_along
from timeline.marking import RotoMarking
from timeline.project import Project
from timeline.project_file import load_project, save_project

LEADER, SHADOW = RectF(10, 20, 30, 60), RectF(30, 55, 70, 65)


def project_with_a_pair() -> tuple[Project, str, str, str]:
    leader = replace(make_removal(), shape=AnimatedRectangle.still(LEADER))
    shadow = replace(make_removal("shadow"), shape=AnimatedRectangle.still(SHADOW))
    shot = make_shot(removals=(leader, shadow))
    project = edits.link_removal(Project("p", (shot,)), shot.id, shadow.id, leader.id)
    return project, shot.id, leader.id, shadow.id


def moved(project: Project, shot_id: str, leader_id: str) -> Project:
    leader = project.shot(shot_id).removal(leader_id)
    tracked = AnimatedRectangle(Track((Keyframe(0, (10.0, 20, 30, 60)), Keyframe(10, (60.0, 20, 80, 60)))))
    return edits.update_removal(project, shot_id, replace(leader, shape=tracked))


def test_a_tracked_leader_takes_its_companion_along_until_it_is_unlinked() -> None:
    project, shot, leader, shadow = project_with_a_pair()
    assert [removal.id for removal in companions_of(project.shot(shot), leader)] == [shadow]
    there = moved(project, shot, leader)
    assert there.shot(shot).removal(shadow).shape.rect_at(10) == SHADOW.shifted(50, 0)
    unlinked = moved(edits.unlink_removal(project, shot, shadow), shot, leader)
    assert unlinked.shot(shot).removal(shadow).shape.rect_at(10) == SHADOW


def test_an_edit_of_the_companion_is_its_own() -> None:
    project, shot, leader, shadow = project_with_a_pair()
    removal = project.shot(shot).removal(shadow)
    changed = replace(removal, shape=AnimatedRectangle.still(SHADOW.shifted(5, 1)))
    project = edits.update_removal(project, shot, changed)
    assert project.shot(shot).removal(leader).shape.rect_at(0) == LEADER
    assert moved(project, shot, leader).shot(shot).removal(shadow).shape.rect_at(10) == SHADOW.shifted(55, 1)


def test_links_survive_the_project_file_and_old_files_have_none(tmp_path: Path) -> None:
    project, shot, leader, shadow = project_with_a_pair()
    save_project(project, tmp_path / "p.otio")
    assert load_project(tmp_path / "p.otio").shot(shot).removal(shadow).linked_to == leader
    save_project(edits.unlink_removal(load_project(tmp_path / "p.otio"), shot, shadow), tmp_path / "p.otio")
    assert "linked_to" not in (tmp_path / "p.otio").read_text()
    assert not load_project(tmp_path / "p.otio").shot(shot).removal(shadow).linked_to


def test_a_leader_that_goes_leaves_its_companion_alone() -> None:
    project, shot, leader, shadow = project_with_a_pair()
    removal = edits.remove_removal(project, shot, leader).shot(shot).removal(shadow)
    assert not removal.linked_to and removal.shape.rect_at(0) == SHADOW


def test_both_halves_of_a_shot_have_their_own_pair() -> None:
    project, shot, leader, shadow = project_with_a_pair()
    first, second = edits.split_shot(project, shot, 5).shots
    assert first.removal(shadow).linked_to == leader
    copy, companion = second.removals
    assert companion.linked_to == copy.id and copy.id != leader


def test_a_companion_leads_nobody() -> None:
    project, shot, leader, shadow = project_with_a_pair()
    with pytest.raises(EditError, match="cannot go along with itself"):  # a link to the shadow is one to its leader
        edits.link_removal(project, shot, leader, shadow)
    third = make_removal("third")
    project = edits.add_removal(project, shot, third)
    with pytest.raises(EditError, match="leads others"):
        edits.link_removal(project, shot, leader, third.id)
    project = edits.link_removal(project, shot, third.id, shadow)
    assert project.shot(shot).removal(third.id).linked_to == leader


POST = Shape("post", "rectangle", (Track((Keyframe(0, (20.0, 40, 20, 40, 0)), Keyframe(10, (70.0, 40, 20, 40, 0)))),))


def test_a_box_goes_along_with_roto_and_roto_with_a_box() -> None:
    roto = RotoMarking(RotoLayer("a", (POST,)), 0, 20)
    box = companion_of(roto, SHADOW, 0)
    assert box.rect_at(0) == SHADOW and (box.first_frame, box.last_frame) == (0, 20)
    beside = box.rect_at(10)
    assert beside is not None and beside.as_tuple() == pytest.approx(SHADOW.shifted(50, 0).as_tuple())
    more = roto.with_layer(RotoLayer("a", (POST, replace(POST, label="other", tracks=(constant(0, 0, 9, 9, 0),)))))
    assert gone_along(box, roto, more) is box
    back = gone_along(roto, AnimatedRectangle.still(LEADER), AnimatedRectangle.still(LEADER.shifted(0, 7)))
    there, here = back.rect_at(10), roto.rect_at(10)
    assert there is not None and here is not None
    assert there.as_tuple() == pytest.approx(here.shifted(0, 7).as_tuple())


def test_a_leader_that_became_roto_has_not_moved() -> None:
    box = AnimatedRectangle.still(SHADOW)
    assert gone_along(box, AnimatedRectangle.still(LEADER), RotoMarking(RotoLayer("a", (POST,)))) is box


def test_shapes_of_a_layer_go_along_within_their_removal() -> None:
    shade = replace(POST, label="shade", tracks=(constant(50, 60, 30, 8, 0),), linked_to="post")
    still = replace(POST, tracks=(constant(20, 40, 20, 40, 0),))
    removal = replace(make_removal(), shape=RotoMarking(RotoLayer("a", (still, shade))))
    shot = make_shot(removals=(removal,))
    moved = edits.update_removal(
        Project("p", (shot,)), shot.id, replace(removal, shape=RotoMarking(RotoLayer("a", (POST, shade))))
    )
    shape = moved.shot(shot.id).removal(removal.id).shape
    assert isinstance(shape, RotoMarking)
    assert shape.layer.shape("shade").transform.value_at(10)[2] == pytest.approx(50)
