"""Painting: strokes of one go are one shape, the eraser takes away, the width has keys and a drag."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from roi_tools.roto.model import Shape, constant
from roi_tools.roto.raster import layer_matte
from tests.desktop.conftest import CLIP_SIZE
from tests.desktop.test_roto_tools import ALT, CONTROL, LEFT, SHIFT, pull, shapes
from tests.desktop.test_window import at, focus


@pytest.fixture
def painter(editor: MainWindow) -> MainWindow:
    """The brush is chosen, 6 px wide."""
    editor.roto_selection.line_width_px = 6.0
    editor.window_actions["brush_tool"].trigger()
    return editor


def matte(window: MainWindow) -> NDArray[np.float32]:
    marking = roto_commands.roto_of(window.session.project.shots[0].removals[-1])
    assert marking is not None
    return layer_matte(marking.layer, window.canvas.frame_number, CLIP_SIZE)


def test_strokes_of_one_go_are_one_shape(painter: MainWindow, qtbot: QtBot) -> None:
    pull(qtbot, painter, (10, 20), (50, 20))
    pull(qtbot, painter, (30, 8), (30, 40))
    (shape,) = shapes(painter)
    assert (shape.kind, shape.label) == ("bezier", "Brush 1")
    assert painter.roto_selection.label == "Brush 1"
    assert [matte(painter)[y, x] for x, y in ((12, 20), (30, 38), (12, 38))] == [1, 1, 0]
    assert painter.canvas.tool.value == "brush"


def test_each_stroke_is_one_undo_step_and_a_go_goes_on_after_it(painter: MainWindow, qtbot: QtBot) -> None:
    pull(qtbot, painter, (10, 20), (50, 20))
    first = painter.session.project
    pull(qtbot, painter, (30, 8), (30, 40))
    painter.window_actions["undo"].trigger()
    assert painter.session.project == first
    pull(qtbot, painter, (15, 8), (15, 40))
    (shape,) = shapes(painter)
    assert shape.label == "Brush 1"
    assert [matte(painter)[38, x] for x in (15, 30)] == [1, 0]


def test_parts_that_do_not_touch_are_shapes_of_their_own(painter: MainWindow, qtbot: QtBot) -> None:
    pull(qtbot, painter, (10, 10), (50, 10))
    pull(qtbot, painter, (20, 30), (30, 30))
    assert [shape.label for shape in shapes(painter)] == ["Brush 1", "Brush 1 2"]
    pull(qtbot, painter, (25, 10), (25, 30))
    assert [shape.label for shape in shapes(painter)] == ["Brush 1"]


@pytest.mark.parametrize("end", ["tool", "frame", "edit", "select"])
def test_a_go_ends_where_something_else_begins(painter: MainWindow, qtbot: QtBot, end: str) -> None:
    pull(qtbot, painter, (10, 20), (50, 20))
    removal = painter.session.removal
    assert removal is not None
    if end == "tool":
        painter.window_actions["select_tool"].trigger()
        painter.window_actions["brush_tool"].trigger()
    elif end == "frame":
        painter.session.go_to(4)
    elif end == "edit":
        painter.window_actions["invert_shape"].trigger()
    else:
        painter.session.select_removal(None)
    pull(qtbot, painter, (30, 8), (30, 40))
    removals = painter.session.project.shots[0].removals
    assert len(removals) == (2 if end == "select" else 1)
    assert [shape.kind for shape in shapes(painter)] == ["brush"] * (1 if end == "select" else 2)


@pytest.mark.parametrize("held", [SHIFT, ALT])
def test_the_eraser_takes_away_what_was_painted(painter: MainWindow, qtbot: QtBot, held: Qt.KeyboardModifier) -> None:
    pull(qtbot, painter, (10, 20), (50, 20))
    pull(qtbot, painter, (30, 10), (30, 40), held)
    assert [shape.mode for shape in shapes(painter)] == ["add", "add"]
    assert [matte(painter)[20, x] for x in (15, 30, 45)] == [1, 0, 1]
    painter.roto_selection.line_width_px = 16.0
    pull(qtbot, painter, (5, 20), (60, 20), held)
    assert painter.session.project.shots[0].removals == ()
    painter.window_actions["undo"].trigger()
    assert matte(painter)[20, 45] == 1


def test_the_eraser_takes_away_from_shapes_that_were_drawn(painter: MainWindow, qtbot: QtBot) -> None:
    ellipse = Shape("Ball", "ellipse", (constant(30, 24, 30, 30, 0),))
    roto_commands.add_shape(painter.session, ellipse)
    pull(qtbot, painter, (20, 24), (28, 24))
    pull(qtbot, painter, (30, 5), (30, 45), SHIFT)
    assert [(shape.label, shape.mode) for shape in shapes(painter)] == [
        ("Ball 1", "add"), ("Brush 1", "add"), ("Eraser 1", "subtract")]  # fmt: skip
    assert [matte(painter)[24, x] for x in (20, 30, 40)] == [1, 0, 1]


def test_a_painted_ring_makes_no_hole_in_what_is_below(painter: MainWindow, qtbot: QtBot) -> None:
    roto_commands.add_shape(painter.session, Shape("Ball", "ellipse", (constant(30, 24, 10, 10, 0),)))
    for start, end in (((12, 6), (48, 6)), ((48, 6), (48, 42)), ((48, 42), (12, 42)), ((12, 42), (12, 6))):
        pull(qtbot, painter, start, end)
    assert [matte(painter)[y, x] for x, y in ((30, 24), (12, 24), (20, 12))] == [1, 1, 0]


def test_there_is_nothing_to_erase_without_roto(painter: MainWindow, qtbot: QtBot) -> None:
    before = painter.session.project
    pull(qtbot, painter, (10, 20), (50, 20), SHIFT)
    assert painter.session.project is before


def test_a_drag_with_ctrl_changes_the_width_and_paints_nothing(painter: MainWindow, qtbot: QtBot) -> None:
    canvas, before = painter.canvas, painter.session.project
    qtbot.mousePress(canvas, LEFT, CONTROL, at(canvas, 20, 20))
    qtbot.mouseMove(canvas, at(canvas, 24, 20))
    assert painter.roto_selection.line_width_px == pytest.approx(14, abs=0.3)
    assert "Width of the brush: 14 px" in painter.hint_label.text()
    qtbot.mouseMove(canvas, at(canvas, 5, 20))
    qtbot.mouseRelease(canvas, LEFT, CONTROL, at(canvas, 5, 20))
    assert painter.roto_selection.line_width_px == 1.0
    assert painter.session.project is before


def test_brackets_change_the_width_within_bounds(painter: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, painter)
    for _ in range(60):
        qtbot.keyClick(painter.canvas, Qt.Key.Key_BracketRight)
    assert painter.roto_selection.line_width_px == 500
    for _ in range(60):
        qtbot.keyClick(painter.canvas, Qt.Key.Key_BracketLeft)
    assert painter.roto_selection.line_width_px == 1


def test_escape_gives_a_stroke_up(painter: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, painter)
    canvas, before = painter.canvas, painter.session.project
    qtbot.mousePress(canvas, LEFT, pos=at(canvas, 10, 20))
    qtbot.mouseMove(canvas, at(canvas, 40, 20))
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    qtbot.mouseRelease(canvas, LEFT, pos=at(canvas, 40, 20))
    assert painter.session.project is before
