"""The panel of shapes: what it shows, and that each of its controls is an edit that can be undone."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.panels.shapes_panel import ShapesPanel
from tests.desktop.test_roto_tools import SHIFT, TRIANGLE, click, draw_triangle, pull, shapes
from tests.desktop.test_window import at, draw_box


@pytest.fixture
def drawn(editor: MainWindow, qtbot: QtBot) -> MainWindow:
    """A triangle, and an ellipse on top of it."""
    draw_triangle(qtbot, editor)
    editor.window_actions["ellipse_tool"].trigger()
    pull(qtbot, editor, (44, 30), (60, 44))
    return editor


def names(panel: ShapesPanel) -> list[str]:
    items = (panel.tree.topLevelItem(row) for row in range(panel.tree.topLevelItemCount()))
    return [item.text(3) for item in items if item is not None]


def click_column(qtbot: QtBot, panel: ShapesPanel, row: int, column: int) -> None:
    rect = panel.tree.visualRect(panel.tree.model().index(row, column))
    qtbot.mouseClick(panel.tree.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())


def test_the_topmost_shape_is_first_and_what_is_edited_is_selected(drawn: MainWindow, qtbot: QtBot) -> None:
    assert names(drawn.shapes) == ["Ellipse 1", "Bezier 1"]
    assert drawn.roto_selection.label == "Ellipse 1"
    click_column(qtbot, drawn.shapes, 1, 3)
    assert drawn.roto_selection.label == "Bezier 1"
    click(qtbot, drawn, 52, 37)
    current = drawn.shapes.tree.currentItem()
    assert current is not None and current.text(3) == "Ellipse 1"


@pytest.mark.parametrize(("column", "name", "wanted"), [(0, "is_visible", False), (1, "is_locked", True)])
def test_eye_and_lock_are_switches(drawn: MainWindow, qtbot: QtBot, column: int, name: str, wanted: bool) -> None:
    click_column(qtbot, drawn.shapes, 1, column)
    assert getattr(shapes(drawn)[0], name) is wanted
    drawn.window_actions["undo"].trigger()
    assert getattr(shapes(drawn)[0], name) is not wanted


def test_a_shape_is_renamed_unless_the_name_is_taken(drawn: MainWindow) -> None:
    item = drawn.shapes.tree.topLevelItem(0)
    assert item is not None
    item.setText(3, "head")
    assert names(drawn.shapes) == ["head", "Bezier 1"]
    assert drawn.roto_selection.label == "head"
    item.setText(3, "Bezier 1")
    assert names(drawn.shapes) == ["head", "Bezier 1"]


def test_numbers_are_edits_and_one_burst_is_one_step(drawn: MainWindow) -> None:
    details = drawn.shapes.details
    details.numbers["opacity"].setValue(40)
    details.numbers["feather_px"].setValue(5)
    details.numbers["feather_px"].setValue(7)
    shape = shapes(drawn)[1]
    assert (shape.opacity.value_at(0), shape.feather_px.value_at(0)) == ((0.4,), (7,))
    drawn.window_actions["undo"].trigger()
    assert shapes(drawn)[1].feather_px.value_at(0) == (0,)
    assert details.numbers["feather_px"].value() == 0


def test_a_number_is_keyed_by_its_diamond(drawn: MainWindow) -> None:
    drawn.session.go_to(6)
    drawn.shapes.details.keys["opacity"].click()
    drawn.shapes.details.numbers["opacity"].setValue(50)
    assert shapes(drawn)[1].opacity.value_at(6) == (0.5,)
    assert shapes(drawn)[1].opacity.value_at(0) == (1.0,)


def test_width_is_for_lines_and_is_kept_for_the_next(editor: MainWindow, qtbot: QtBot) -> None:
    draw_triangle(qtbot, editor)
    details = editor.shapes.details
    assert not details.numbers["width_px"].isVisibleTo(details)
    editor.window_actions["brush_tool"].trigger()
    pull(qtbot, editor, (10, 20), (50, 20))
    assert details.numbers["width_px"].isVisibleTo(details)
    editor.shapes.details.numbers["width_px"].setValue(3)
    assert shapes(editor)[1].width_px.value_at(0) == (3,)
    pull(qtbot, editor, (10, 30), (50, 30))
    assert shapes(editor)[2].width_px.value_at(0) == (3,)


def test_frames_mode_blur_and_colour(drawn: MainWindow) -> None:
    details = drawn.shapes.details
    details.first.setValue(3)
    details.last.setValue(8)
    details.mode.setCurrentIndex(1)
    details.mode.activated.emit(1)
    details.inverted.setChecked(True)
    details.shutter.setValue(180)
    details._on_color(QColor("#ff0000"))
    shape = shapes(drawn)[1]
    assert (shape.first_frame, shape.last_frame, shape.mode, shape.is_inverted) == (3, 8, "subtract", True)
    assert shape.color == (1.0, 0.0, 0.0)
    marking = drawn.session.removal.shape if drawn.session.removal else None
    assert marking is not None and marking.layer.shutter_frames == 0.5  # type: ignore[union-attr]


def test_without_roto_it_says_how_to_begin(editor: MainWindow, qtbot: QtBot) -> None:
    draw_box(qtbot, editor)
    assert names(editor.shapes) == []
    assert not editor.shapes.details.isEnabled()


def test_the_menu_is_about_what_is_under_the_mouse(drawn: MainWindow, qtbot: QtBot) -> None:
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtWidgets import QApplication

    place = at(drawn.canvas, *TRIANGLE[0])
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, QPoint(5, 5))
    QApplication.sendEvent(drawn.canvas, event)
    assert drawn.roto_selection.label == "Bezier 1"
    click(qtbot, drawn, *TRIANGLE[0])
    assert drawn.roto_selection.points == {0}
    click(qtbot, drawn, *TRIANGLE[1], SHIFT)
    QApplication.sendEvent(drawn.canvas, event)
    assert drawn.roto_selection.points == {0, 1}
    for menu in drawn.findChildren(QMenu):
        menu.close()
