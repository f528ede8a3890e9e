"""A proposed shadow is accepted, goes along with its object, is edited, unlinked, linked again, thrown away."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.roto.transforms import transformed, translation
from desktop.tracking import companions
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.outlines import outline_at
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.desktop.test_roto_tools import LEFT, click, pull, shapes
from tests.desktop.test_window import at, focus
from timeline.removal import Removal

OBJECT, SHADOW = RectF(8, 8, 24, 24), RectF(8, 26, 24, 34)


def removals(window: MainWindow) -> tuple[Removal, ...]:
    return window.session.project.shots[0].removals


def rects(window: MainWindow, frame: int = 0) -> list[RectF | None]:
    return [removal.shape.rect_at(frame) for removal in removals(window)]


def middle(shape: Shape, frame: int = 0) -> tuple[float, float]:
    x, y = (outline_at(shape, frame)[0].min(axis=0) + outline_at(shape, frame)[0].max(axis=0)) / 2
    return float(x), float(y)


@pytest.fixture
def box(editor: MainWindow) -> MainWindow:
    """A box with its accepted shadow, which is selected."""
    commands.add_removal(editor.session, OBJECT, "vace")
    companions.add_companion(editor.session, editor.roto_selection, SHADOW, "Shadow")
    return editor


@pytest.fixture
def roto(editor: MainWindow) -> MainWindow:
    """A shape with its accepted shadow, which is selected."""
    shape = Shape("Ball", "ellipse", (constant(16, 16, 12, 12, 0),))
    roto_commands.add_roto(editor.session, RotoLayer("roto", (shape,)))
    companions.add_companion(editor.session, editor.roto_selection, SHADOW, "Shadow")
    return editor


def test_enter_accepts_a_proposed_shadow_as_one_undo_step(editor: MainWindow, qtbot: QtBot) -> None:
    commands.add_removal(editor.session, OBJECT, "vace")
    editor.canvas.propose((SHADOW,), "Shadow of Removal 1")
    qtbot.mouseMove(editor.canvas, at(editor.canvas, 40, 40))
    assert "goes along with its object" in editor.hint_label.text()
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Return)
    first, second = removals(editor)
    assert (second.label, second.effect, second.linked_to) == ("Shadow of Removal 1", "vace", first.id)
    assert second.shape.rect_at(0) == SHADOW
    assert editor.session.removal is second
    assert editor.statusBar().currentMessage() == editor.tracker.said.text() == ""
    editor.window_actions["undo"].trigger()
    assert removals(editor) == (first,)


def test_escape_throws_a_proposal_away(editor: MainWindow, qtbot: QtBot) -> None:
    commands.add_removal(editor.session, OBJECT)
    editor.canvas.propose((SHADOW,), "Shadow of Removal 1")
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Escape)
    assert len(removals(editor)) == 1


def test_it_goes_along_with_a_dragged_box_in_the_same_step(box: MainWindow, qtbot: QtBot) -> None:
    before = box.session.project
    click(qtbot, box, 16, 16)
    pull(qtbot, box, (16, 16), (26, 12))
    assert rects(box) == [OBJECT.shifted(10, -4), SHADOW.shifted(10, -4)]
    box.window_actions["undo"].trigger()
    assert box.session.project == before


def test_it_is_seen_to_go_along_while_the_box_is_dragged(box: MainWindow, qtbot: QtBot) -> None:
    click(qtbot, box, 16, 16)
    canvas = box.canvas
    qtbot.mousePress(canvas, LEFT, pos=at(canvas, 16, 16))
    qtbot.mouseMove(canvas, at(canvas, 20, 16))
    qtbot.mouseMove(canvas, at(canvas, 26, 16))
    marks = canvas._marks
    shadow = next(overlay for overlay in canvas.boxes if overlay.label == "Shadow")
    assert marks._rect(shadow, canvas._gesture) == SHADOW.shifted(10, 0)
    qtbot.mouseRelease(canvas, LEFT, pos=at(canvas, 26, 16))


def test_pulling_an_edge_leaves_it_where_it_is(box: MainWindow, qtbot: QtBot) -> None:
    click(qtbot, box, 16, 16)
    pull(qtbot, box, (24, 16), (30, 16))
    assert rects(box) == [RectF(8, 8, 30, 24), SHADOW]


def test_edited_it_keeps_its_new_place_beside_the_object(box: MainWindow, qtbot: QtBot) -> None:
    pull(qtbot, box, (16, 30), (20, 33))
    click(qtbot, box, 16, 16)
    pull(qtbot, box, (16, 16), (21, 16))
    assert rects(box) == [OBJECT.shifted(5, 0), SHADOW.shifted(9, 3)]


def test_it_goes_along_with_a_track(box: MainWindow) -> None:
    leader = removals(box)[0]
    moving = AnimatedRectangle.still(OBJECT).with_rect(8, OBJECT.shifted(16, 4))
    session = box.session
    session.select_removal(leader.id)
    from timeline import edits

    session.apply("Track", edits.update_removal(session.project, session.project.shots[0].id,
                                                replace(leader, shape=moving)))  # fmt: skip
    assert rects(box, 8) == [OBJECT.shifted(16, 4), SHADOW.shifted(16, 4)]
    assert rects(box, 4) == [OBJECT.shifted(8, 2), SHADOW.shifted(8, 2)]


@pytest.mark.parametrize("kind", ["box", "roto"])
def test_unlinked_it_stays_and_can_be_linked_again(kind: str, request: pytest.FixtureRequest) -> None:
    window: MainWindow = request.getfixturevalue(kind)
    selection = window.roto_selection
    linked = window.session.project
    leader = "Removal 1" if kind == "box" else "Ball"
    assert companions.leader_label(window.session, selection) == leader
    window.window_actions["unlink_companion"].trigger()
    assert companions.leader_label(window.session, selection) is None
    assert not window.window_actions["unlink_companion"].isEnabled()
    assert rects(window)[-1] is not None
    window.window_actions["link_companion"].trigger()
    assert companions.leader_label(window.session, selection) == leader
    assert window.session.project == linked


def test_one_of_several_leaders_is_asked_for(box: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.add_removal(box.session, RectF(40, 10, 50, 20))
    offered: list[str] = []

    def ask(parent: object, title: str, text: str, names: list[str], *rest: object) -> tuple[str, bool]:
        offered.extend(names)
        return names[-1], True

    shadow, other = removals(box)[1:]
    box.session.select_removal(shadow.id)
    box.window_actions["unlink_companion"].trigger()
    monkeypatch.setattr(QInputDialog, "getItem", ask)
    box.window_actions["link_companion"].trigger()
    assert offered == ["Removal 1", other.label]
    assert removals(box)[1].linked_to == other.id


def test_a_leader_cannot_be_linked_itself(box: MainWindow) -> None:
    box.session.select_removal(removals(box)[0].id)
    assert not box.window_actions["link_companion"].isEnabled()


def test_a_shape_s_shadow_is_a_shape_of_its_layer(roto: MainWindow) -> None:
    ball, shadow = shapes(roto)
    assert (shadow.label, shadow.linked_to, shadow.kind) == ("Shadow", "Ball", "rectangle")
    assert roto.roto_selection.label == "Shadow"
    assert ball.color != shadow.color


def test_it_is_keyed_where_it_was_found(editor: MainWindow) -> None:
    shape = Shape("Ball", "ellipse", (constant(16, 16, 12, 12, 0),))
    roto_commands.add_roto(editor.session, RotoLayer("roto", (shape,)))
    editor.session.go_to(5)
    companions.add_companion(editor.session, editor.roto_selection, SHADOW, "Shadow")
    assert shapes(editor)[1].tracks[0].frames == (5,)
    assert [middle(shapes(editor)[1], frame) for frame in (0, 5)] == [(16, 30), (16, 30)]


def test_it_goes_along_with_a_dragged_shape(roto: MainWindow, qtbot: QtBot) -> None:
    click(qtbot, roto, 16, 16)
    pull(qtbot, roto, (16, 16), (26, 12))
    assert middle(shapes(roto)[1]) == pytest.approx((26, 26), abs=0.2)
    roto.window_actions["undo"].trigger()
    assert middle(shapes(roto)[1]) == pytest.approx((16, 30))


def test_the_preview_of_a_dragged_shape_has_its_companion_along(roto: MainWindow, qtbot: QtBot) -> None:
    click(qtbot, roto, 16, 16)
    canvas = roto.canvas
    qtbot.mousePress(canvas, LEFT, pos=at(canvas, 16, 16))
    qtbot.mouseMove(canvas, at(canvas, 20, 12))
    qtbot.mouseMove(canvas, at(canvas, 26, 12))
    layer = canvas._gesture.shown_layer(removals(roto)[0].id)
    assert layer is not None
    assert middle(layer.shape("Shadow")) == pytest.approx((26, 26), abs=0.2)
    qtbot.mouseRelease(canvas, LEFT, pos=at(canvas, 26, 12))


def test_without_its_leader_it_is_a_shape_like_others(roto: MainWindow) -> None:
    roto_commands.delete_shapes(roto.session, removals(roto)[0].id, ["Ball"])
    assert shapes(roto)[0].linked_to is None


def test_a_shape_s_removal_can_lead_a_box(editor: MainWindow) -> None:
    shape = Shape("Ball", "ellipse", (constant(16, 16, 12, 12, 0),))
    roto_commands.add_roto(editor.session, RotoLayer("roto", (shape,)))
    leader = removals(editor)[0]
    commands.add_removal(editor.session, SHADOW)
    editor.window_actions["link_companion"].trigger()
    change = translation(5, 3)
    roto_commands.change_shape(editor.session, leader.id, "Ball", lambda s: transformed(s, 0, None, change), "Move")
    assert rects(editor)[1] == SHADOW.shifted(5, 3)


def test_lists_and_viewer_show_what_is_linked(roto: MainWindow, qtbot: QtBot) -> None:
    tree = roto.shapes.tree
    items = [tree.topLevelItem(row) for row in range(2)]
    assert [item.icon(4).isNull() for item in items if item] == [False, True]
    assert items[0] is not None and "'Ball'" in items[0].toolTip(4)
    with_line = roto.canvas.grab().toImage()
    roto.window_actions["unlink_companion"].trigger()
    assert roto.canvas.grab().toImage() != with_line


def test_the_list_of_removals_shows_what_is_linked(box: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, box)
    tips = [box.removals.list.item(row).toolTip() for row in range(2)]
    assert "Goes along" not in tips[0]
    assert "'Removal 1'" in tips[1]
    shown = box.removals.list.grab().toImage()
    box.window_actions["unlink_companion"].trigger()
    assert box.removals.list.grab().toImage() != shown
    assert "Goes along" not in box.removals.list.item(1).toolTip()


def test_all_shapes_are_tracked_but_companions(roto: MainWindow) -> None:
    removal = roto.session.removal
    assert removal is not None
    assert roto.tracking._labels(removal) == {"Shadow"}  # selected: it alone
    roto.roto_selection.select(None)
    assert roto.tracking._labels(removal) == {"Ball"}
