"""The roto tools in the real window: what mouse and keys change, and that undo takes it back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.roto.points import points_at
from desktop.viewer.tools.base import Tool
from roi_tools.roto.model import Shape
from tests.desktop.test_window import at, drag, draw_box, focus

NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
LEFT = Qt.MouseButton.LeftButton
TRIANGLE = ((8.0, 8.0), (40.0, 10.0), (24.0, 36.0))


def click(qtbot: QtBot, window: MainWindow, x: float, y: float, held: Qt.KeyboardModifier = NONE) -> None:
    qtbot.mouseMove(window.canvas, at(window.canvas, x, y))
    qtbot.mouseClick(window.canvas, LEFT, held, at(window.canvas, x, y))


def pull(
    qtbot: QtBot,
    window: MainWindow,
    start: tuple[float, float],
    end: tuple[float, float],
    held: Qt.KeyboardModifier = NONE,
) -> None:
    canvas = window.canvas
    qtbot.mousePress(canvas, LEFT, held, at(canvas, *start))
    qtbot.mouseMove(canvas, at(canvas, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    qtbot.mouseMove(canvas, at(canvas, *end))
    qtbot.mouseRelease(canvas, LEFT, held, at(canvas, *end))


def shapes(window: MainWindow) -> tuple[Shape, ...]:
    marking = roto_commands.roto_of(window.session.removal)
    return marking.layer.shapes if marking else ()


def corners(window: MainWindow, number: int = 0) -> list[tuple[float, float]]:
    place = window.session.place
    assert place is not None
    return [(float(x), float(y)) for x, y in points_at(shapes(window)[number], place.media_frame)[:, 0]]


def draw_triangle(qtbot: QtBot, window: MainWindow) -> None:
    window.window_actions["bezier_tool"].trigger()
    for x, y in TRIANGLE:
        click(qtbot, window, x, y)
    click(qtbot, window, *TRIANGLE[0])


def near(found: list[tuple[float, float]], wanted: list[tuple[float, float]]) -> bool:
    """Within what a whole widget px is in the frame."""
    return len(found) == len(wanted) and all(
        a == pytest.approx(b, abs=0.25) for a, b in zip(found, wanted, strict=True)
    )


# --- drawing ------------------------------------------------------------------------------------------------------


def test_a_bezier_is_drawn_by_clicks_and_closed_on_its_first_point(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    (shape,) = shapes(editor)
    assert (shape.kind, shape.label) == ("bezier", "Bezier 1")
    assert near(corners(editor), list(TRIANGLE))
    assert all(track.frames == (0,) and track.keys[0].value[2:6] == (0, 0, 0, 0) for track in shape.tracks)
    assert editor.canvas.tool is Tool.SELECT
    assert editor.roto_selection.label == "Bezier 1"
    editor.window_actions["undo"].trigger()
    assert editor.session.project.shots[0].removals == ()


def test_a_drag_while_drawing_makes_a_smooth_point_and_enter_closes(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    editor.window_actions["bezier_tool"].trigger()
    pull(qtbot, editor, (10, 10), (16, 10))
    click(qtbot, editor, 40, 12)
    click(qtbot, editor, 25, 36)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Return)
    value = shapes(editor)[0].tracks[0].keys[0].value
    assert value[2:6] == pytest.approx((-6, 0, 6, 0), abs=0.15)
    assert not editor.window_actions["compare"].isChecked()


def test_backspace_takes_the_last_point_back_and_escape_the_drawing(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    editor.window_actions["bezier_tool"].trigger()
    for x, y in (*TRIANGLE, (60.0, 40.0)):
        click(qtbot, editor, x, y)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Backspace)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Enter)
    assert near(corners(editor), list(TRIANGLE))
    editor.window_actions["bezier_tool"].trigger()
    click(qtbot, editor, 50, 20)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Escape)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Return)
    assert len(shapes(editor)) == 1


def test_undo_in_a_drawing_takes_its_last_point_back(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    draw_box(qtbot, editor, (2, 2, 6, 6))
    editor.window_actions["bezier_tool"].trigger()
    for x, y in (*TRIANGLE, (60.0, 40.0)):
        click(qtbot, editor, x, y)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Z, CONTROL)
    assert len(editor.session.project.shots[0].removals) == 1
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Return)
    assert near(corners(editor), list(TRIANGLE))
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Z, CONTROL)
    assert len(editor.session.project.shots[0].removals) == 1


@pytest.mark.parametrize(("action", "kind"), [("bspline_tool", "bspline"), ("stroke_tool", "stroke")])
def test_other_curves_are_drawn_with_the_pen(editor: MainWindow, qtbot: QtBot, action: str, kind: str) -> None:
    focus(qtbot, editor)
    editor.window_actions[action].trigger()
    for x, y in TRIANGLE:
        click(qtbot, editor, x, y)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Return)
    assert shapes(editor)[0].kind == kind
    assert near(corners(editor), list(TRIANGLE))


@pytest.mark.parametrize("kind", ["ellipse", "rectangle"])
def test_a_drag_spans_an_ellipse_or_a_rectangle(editor: MainWindow, qtbot: QtBot, kind: str) -> None:
    editor.window_actions[f"{kind}_tool"].trigger()
    pull(qtbot, editor, (10, 10), (40, 30))
    (shape,) = shapes(editor)
    assert shape.kind == kind
    assert shape.tracks[0].keys[0].value == (25, 20, 30, 20, 0)


def test_paint_becomes_a_line_with_the_brush_s_width(editor: MainWindow, qtbot: QtBot) -> None:
    editor.roto_selection.line_width_px = 6.0
    editor.window_actions["brush_tool"].trigger()
    pull(qtbot, editor, (10, 20), (50, 20))
    (shape,) = shapes(editor)
    assert shape.kind == "brush"
    assert near(corners(editor), [(10, 20), (50, 20)])
    assert shape.width_px.value_at(0) == (6.0,)
    assert editor.canvas.tool is Tool.BRUSH


def test_the_brush_s_width_has_keys(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    editor.window_actions["brush_tool"].trigger()
    width = editor.roto_selection.line_width_px
    qtbot.keyClick(editor.canvas, Qt.Key.Key_BracketRight)
    assert editor.roto_selection.line_width_px > width
    assert editor.session.project.shots[0].source_end_exclusive == 12


# --- editing ------------------------------------------------------------------------------------------------------


def test_a_point_is_dragged_and_undo_brings_it_back(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    pull(qtbot, editor, TRIANGLE[1], (50, 16))
    assert near(corners(editor), [TRIANGLE[0], (50, 16), TRIANGLE[2]])
    editor.window_actions["undo"].trigger()
    assert near(corners(editor), list(TRIANGLE))
    editor.window_actions["redo"].trigger()
    assert near(corners(editor), [TRIANGLE[0], (50, 16), TRIANGLE[2]])


def test_the_preview_of_a_drag_is_no_edit_and_escape_drops_it(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    draw_triangle(qtbot, editor)
    before = editor.session.project
    canvas = editor.canvas
    qtbot.mousePress(canvas, LEFT, pos=at(canvas, *TRIANGLE[1]))
    qtbot.mouseMove(canvas, at(canvas, 55, 30))
    assert editor.session.project is before
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(canvas, LEFT, pos=at(canvas, 55, 30))
    assert editor.session.project is before


def test_a_drag_on_another_frame_keys_the_whole_shape_there(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    editor.session.go_to(8)
    pull(qtbot, editor, TRIANGLE[1], (50, 16))
    assert {track.frames for track in shapes(editor)[0].tracks} == {(0, 8)}
    editor.session.go_to(4)
    assert near(corners(editor), [TRIANGLE[0], (45, 13), TRIANGLE[2]])


def test_the_inside_drags_the_whole_shape(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    pull(qtbot, editor, (24, 18), (29, 22))
    assert near(corners(editor), [(x + 5, y + 4) for x, y in TRIANGLE])


def test_a_frame_around_points_selects_them_and_they_move_together(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    pull(qtbot, editor, (2, 2), (50, 14))
    assert editor.roto_selection.points == {0, 1}
    pull(qtbot, editor, TRIANGLE[0], (12, 11))
    assert near(corners(editor), [(12, 11), (44, 13), TRIANGLE[2]])


def test_shift_click_adds_points_and_a_click_beside_deselects_step_by_step(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    click(qtbot, editor, *TRIANGLE[0])
    click(qtbot, editor, *TRIANGLE[2], SHIFT)
    assert editor.roto_selection.points == {0, 2}
    click(qtbot, editor, 60, 4)
    assert (editor.roto_selection.label, editor.roto_selection.points) == ("Bezier 1", frozenset())
    click(qtbot, editor, 60, 4)
    assert editor.session.removal is None


@pytest.mark.parametrize("held", [CONTROL, ALT])
def test_a_point_is_put_into_the_outline(editor: MainWindow, qtbot: QtBot, held: Qt.KeyboardModifier) -> None:
    draw_triangle(qtbot, editor)
    click(qtbot, editor, 24, 9, held)
    assert near(corners(editor), [TRIANGLE[0], (24, 9), *TRIANGLE[1:]])
    assert editor.roto_selection.points == {1}


def test_delete_takes_selected_points_and_then_the_shape(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    draw_triangle(qtbot, editor)
    click(qtbot, editor, 24, 9, CONTROL)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Delete)
    assert near(corners(editor), list(TRIANGLE))
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Delete)
    assert editor.session.project.shots[0].removals == ()
    editor.window_actions["undo"].trigger()
    assert len(editor.session.project.shots[0].removals) == 1


def test_alt_drag_pulls_handles_and_alt_breaks_them(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    pull(qtbot, editor, TRIANGLE[1], (40, 18), ALT)
    assert shapes(editor)[0].tracks[1].keys[0].value[2:6] == pytest.approx((0, -8, 0, 8), abs=0.15)
    pull(qtbot, editor, (40, 18), (46, 18), ALT)
    assert shapes(editor)[0].tracks[1].keys[0].value[2:6] == pytest.approx((0, -8, 6, 8), abs=0.2)


def test_control_drag_pulls_a_point_s_feather(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    pull(qtbot, editor, TRIANGLE[1], (46, 6), CONTROL)
    assert shapes(editor)[0].tracks[1].keys[0].value[6:] == pytest.approx((6, -4), abs=0.2)
    pull(qtbot, editor, (46, 6), (50, 6))
    assert shapes(editor)[0].tracks[1].keys[0].value[6:] == pytest.approx((10, -4), abs=0.2)
    editor.window_actions["clear_feather"].trigger()
    assert not shapes(editor)[0].has_point_feather


def test_handles_of_the_box_scale_and_its_corner_turns(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    click(qtbot, editor, 24, 18)
    assert editor.roto_selection.points == {0, 1, 2}
    margin = 12 / editor.canvas.view.zoom
    pull(qtbot, editor, (40 + margin, 22), (48 + margin, 22))
    assert near(corners(editor), [(8, 8), (48, 10), (28, 36)])
    editor.window_actions["undo"].trigger()
    beyond = 18 / editor.canvas.view.zoom
    pull(qtbot, editor, (40 + beyond, 8 - beyond), (24, 50), SHIFT)
    assert not near(corners(editor), list(TRIANGLE))


def test_alt_and_arrows_nudge_in_one_undo_step(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    draw_triangle(qtbot, editor)
    click(qtbot, editor, *TRIANGLE[0])
    for _ in range(3):
        qtbot.keyClick(editor.canvas, Qt.Key.Key_Right, ALT)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Down, ALT | SHIFT)
    assert near(corners(editor), [(11, 18), *TRIANGLE[1:]])
    assert editor.session.playhead == 0
    editor.window_actions["undo"].trigger()
    assert near(corners(editor), list(TRIANGLE))


def test_alt_and_arrows_nudge_a_box(editor: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, editor)
    draw_box(qtbot, editor, (10, 12, 30, 40))
    qtbot.keyClick(editor.canvas, Qt.Key.Key_Left, ALT)
    assert editor.session.removal is not None
    rect = editor.session.removal.shape.rect_at(0)
    assert rect is not None and rect.as_tuple() == (9, 12, 29, 40)


def test_points_become_smooth_and_corners_by_their_actions(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    editor.window_actions["smooth_points"].trigger()
    assert all(any(track.keys[0].value[2:6]) for track in shapes(editor)[0].tracks)
    click(qtbot, editor, *TRIANGLE[0])
    editor.window_actions["corner_points"].trigger()
    smooth = [any(track.keys[0].value[2:6]) for track in shapes(editor)[0].tracks]
    assert smooth == [False, True, True]


def test_a_locked_shape_is_not_grabbed(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    editor.window_actions["lock_shape"].trigger()
    pull(qtbot, editor, TRIANGLE[1], (50, 16))
    assert near(corners(editor), list(TRIANGLE))


@pytest.mark.parametrize("action", ["mode_subtract", "mode_intersect", "invert_shape", "hide_shape", "lock_shape"])
def test_what_a_shape_does_is_one_undo_step(editor: MainWindow, qtbot: QtBot, action: str) -> None:
    draw_triangle(qtbot, editor)
    before = shapes(editor)[0]
    editor.window_actions[action].trigger()
    assert shapes(editor)[0] != before
    assert editor.window_actions[action].isChecked()
    editor.window_actions["undo"].trigger()
    assert shapes(editor)[0] == before
    assert not editor.window_actions[action].isChecked()


def test_shapes_are_duplicated_and_ordered(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    editor.window_actions["duplicate_shape"].trigger()
    assert [shape.label for shape in shapes(editor)] == ["Bezier 1", "Bezier 2"]
    editor.window_actions["lower_shape"].trigger()
    assert [shape.label for shape in shapes(editor)] == ["Bezier 2", "Bezier 1"]
    editor.window_actions["raise_shape"].trigger()
    assert [shape.label for shape in shapes(editor)] == ["Bezier 1", "Bezier 2"]


def test_an_ellipse_becomes_points(editor: MainWindow, qtbot: QtBot) -> None:
    editor.window_actions["ellipse_tool"].trigger()
    pull(qtbot, editor, (10, 10), (40, 30))
    editor.window_actions["to_bezier"].trigger()
    (shape,) = shapes(editor)
    assert (shape.kind, len(shape.tracks)) == ("bezier", 4)


def test_a_box_becomes_roto(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor, (10, 12, 30, 40))
    editor.window_actions["convert_to_roto"].trigger()
    assert near(corners(editor), [(10, 12), (30, 12), (30, 40), (10, 40)])


@pytest.mark.parametrize("name", ["linear_key", "smooth_key", "bezier_key", "hold_key"])
def test_interpolation_is_set_for_boxes_and_roto(editor: MainWindow, qtbot: QtBot, name: str) -> None:
    for draw in (draw_box, draw_triangle):
        draw(qtbot, editor)
        if name != "linear_key":
            editor.window_actions[name].trigger()
        assert editor.window_actions[name].isChecked()


def test_hints_say_what_a_click_does(editor: MainWindow, qtbot: QtBot) -> None:
    editor.window_actions["bezier_tool"].trigger()
    qtbot.mouseMove(editor.canvas, at(editor.canvas, 30, 20))
    assert "as a new removal" in editor.hint_label.text()
    draw_triangle(qtbot, editor)
    qtbot.mouseMove(editor.canvas, at(editor.canvas, *TRIANGLE[1]))
    assert "feather" in editor.hint_label.text()
    qtbot.mouseMove(editor.canvas, at(editor.canvas, 60, 4))
    assert "select" in editor.hint_label.text()


def test_the_menu_offers_what_is_possible(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    editor.canvas.context_requested.emit(QPoint(10, 10))
    menus = [menu for menu in editor.findChildren(QMenu) if menu.isVisible()]
    texts = [action.text().replace("&", "") for menu in menus for action in menu.actions()]
    assert {"Smooth Points", "Subtract", "Lock Shape", "Starts Here"} <= set(texts)
    for menu in menus:
        menu.close()


def test_the_matte_overlay_shows_the_true_matte(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    plain = editor.canvas.grab().toImage()
    editor.window_actions["matte"].trigger()
    tinted = editor.canvas.grab().toImage()
    inside, outside = at(editor.canvas, 24, 20), at(editor.canvas, 10, 34)
    assert plain.pixelColor(outside) == tinted.pixelColor(outside)
    assert tinted.pixelColor(inside) != plain.pixelColor(inside)


def test_hidden_overlays_are_not_grabbed(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    editor.window_actions["overlays"].trigger()
    drag(qtbot, editor.canvas, TRIANGLE[1], (50, 16))
    editor.window_actions["overlays"].trigger()
    editor.session.select_removal(editor.session.project.shots[0].removals[0].id)
    assert near(corners(editor), list(TRIANGLE))
