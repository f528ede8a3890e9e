"""Click to matte: from clicks in the viewer to keyframed shapes; without a model, what to get."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop import roto_commands
from desktop.main_window import MainWindow
from desktop.segment_shapes import Outline, resampled, shapes_of_outlines, signed_area
from desktop.segment_wiring import PROBLEM
from desktop.viewer.tools.base import Tool
from engine.errors import BadRequestError
from engine.protocol import SegmentFrame
from roi_tools.geometry import Size
from roi_tools.roto.model import RotoLayer
from roi_tools.roto.raster import layer_matte
from tests.desktop.conftest import CLIP_FRAMES, EngineDoor
from tests.desktop.test_roto_tools import ALT, click, pull
from tests.desktop.test_window import focus

SQUARE = np.array([(10.0, 8), (40, 8), (40, 38), (10, 38)])


def circle(x: float, y: float, radius: float, count: int = 40, turn: float = 0.0) -> Outline:
    angle = np.arange(count) / count * 2 * np.pi + turn
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


def segment_frame(frame: int, *outlines: Outline) -> SegmentFrame:
    points = tuple(tuple((float(x), float(y)) for x, y in outline) for outline in outlines)
    return SegmentFrame(frame=frame, outlines=points, box=(10, 8, 40, 38), confidence=0.9)


@pytest.fixture
def finding(editor: MainWindow, door: EngineDoor) -> MainWindow:
    """The window with an engine that finds a square on every frame."""
    door.engine.outlines = {frame: segment_frame(frame, SQUARE + (frame, 0)) for frame in range(CLIP_FRAMES)}  # noqa: RUF005
    editor.window_actions["click_tool"].trigger()
    return editor


# --- shapes of outlines ---------------------------------------------------------------------------------------------


def test_what_moves_is_one_shape_with_points_that_stay() -> None:
    # The outline begins somewhere else on every frame, as outlines of masks do.
    found = {frame: [circle(30 + 2 * frame, 30, 15, turn=frame)] for frame in range(6)}
    (shape,) = shapes_of_outlines(found, "Matte")
    assert (shape.first_frame, shape.last_frame) == (0, 5)
    for track in shape.tracks:
        steps = np.diff([key.value[:2] for key in track.keys], axis=0)
        np.testing.assert_allclose(steps, np.tile([2.0, 0.0], (5, 1)), atol=1.2)


def test_holes_take_away_and_the_matte_is_the_mask() -> None:
    hole = circle(32, 30, 6)[::-1]
    shapes = shapes_of_outlines({3: [circle(32, 30, 20), hole]}, "Matte")
    assert [shape.mode for shape in shapes] == ["add", "subtract"]
    matte = layer_matte(RotoLayer("r", shapes), 3, Size(64, 60))
    assert matte.sum() == pytest.approx(np.pi * (20**2 - 6**2), rel=0.04)


def test_what_is_gone_for_a_frame_comes_back_as_another_shape() -> None:
    found = {0: [circle(30, 30, 9)], 1: [], 2: [circle(30, 30, 9)]}
    shapes = shapes_of_outlines(found, "Matte")
    assert [(shape.first_frame, shape.last_frame) for shape in shapes] == [(0, 0), (2, 2)]


@given(st.floats(8, 40), st.integers(8, 96))
def test_resampling_keeps_the_area(radius: float, count: int) -> None:
    outline = circle(50, 50, radius, 200)
    points = resampled(outline, count)
    assert len(points) == count
    inscribed = count / 2 * np.sin(2 * np.pi / count) / np.pi
    assert signed_area(points) == pytest.approx(signed_area(outline) * inscribed, rel=0.02)


# --- the tool -------------------------------------------------------------------------------------------------------


def test_clicks_and_boxes_are_asked_about(finding: MainWindow, qtbot: QtBot, door: EngineDoor) -> None:
    click(qtbot, finding, 20, 20)
    click(qtbot, finding, 50, 40, ALT)
    pull(qtbot, finding, (8, 6), (44, 42))
    qtbot.waitUntil(lambda: len(door.engine.segmented) == 3)
    prompt = max(door.engine.segmented, key=lambda request: bool(request.prompts[0].box)).prompts[0]
    assert np.allclose(prompt.positive, [(20, 20)], atol=0.2)
    assert np.allclose(prompt.negative, [(50, 40)], atol=0.2)
    assert prompt.box is not None and np.allclose(prompt.box, (8, 6, 44, 42), atol=0.2)


def test_what_was_found_is_accepted_as_keyframed_roto(finding: MainWindow, qtbot: QtBot) -> None:
    focus(qtbot, finding)
    click(qtbot, finding, 20, 20)
    qtbot.keyClick(finding.canvas, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: finding.session.removal is not None)
    marking = roto_commands.roto_of(finding.session.removal)
    assert marking is not None
    assert marking.key_frames == tuple(range(CLIP_FRAMES))
    rect = marking.rect_at(5)
    assert rect is not None
    np.testing.assert_allclose(rect.as_tuple(), (15, 8, 45, 38), atol=1.0)
    assert finding.canvas.tool is Tool.SELECT
    finding.window_actions["undo"].trigger()
    assert finding.session.project.shots[0].removals == ()


def test_backspace_takes_a_click_back_and_escape_all(
    finding: MainWindow, qtbot: QtBot, door: EngineDoor
) -> None:
    focus(qtbot, finding)
    click(qtbot, finding, 20, 20)
    click(qtbot, finding, 30, 20)
    qtbot.keyClick(finding.canvas, Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: len(door.engine.segmented) == 3)
    assert len(door.engine.segmented[2].prompts[0].positive) == 1
    qtbot.keyClick(finding.canvas, Qt.Key.Key_Escape)
    qtbot.keyClick(finding.canvas, Qt.Key.Key_Return)
    assert finding.session.project.shots[0].removals == ()


def test_a_click_beside_alone_asks_nothing(finding: MainWindow, qtbot: QtBot, door: EngineDoor) -> None:
    click(qtbot, finding, 20, 20, ALT)
    click(qtbot, finding, 30, 30)
    qtbot.waitUntil(lambda: bool(door.engine.segmented))
    assert len(door.engine.segmented) == 1


def test_without_a_model_it_says_what_to_get(finding: MainWindow, qtbot: QtBot, door: EngineDoor) -> None:
    door.engine.refusal = BadRequestError("click to matte needs a SAM 2 model and none is installed: get one")
    click(qtbot, finding, 20, 20)
    qtbot.waitUntil(lambda: PROBLEM in finding.notices.texts)
    assert "get one" in finding.notices.texts[PROBLEM]
