"""Click to matte: from clicks in the viewer to keyframed shapes; without a model, what to get."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.viewer.tools.base import Tool
from desktop.viewer.tools.click_tool import Outline
from desktop.wiring.segment import PROBLEM
from engine.errors import BadRequestError
from engine.protocol import SegmentFrame
from tests.desktop.conftest import CLIP_FRAMES, EngineDoor
from tests.desktop.test_roto_tools import ALT, click, pull
from tests.desktop.test_window import focus

SQUARE = np.array([(10.0, 8), (40, 8), (40, 38), (10, 38)])


def segment_frame(frame: int, *outlines: Outline) -> SegmentFrame:
    points = tuple(tuple((float(x), float(y)) for x, y in outline) for outline in outlines)
    return SegmentFrame(frame=frame, outlines=points, box=(10, 8, 40, 38), confidence=0.9)


@pytest.fixture
def finding(editor: MainWindow, door: EngineDoor) -> MainWindow:
    """The window with an engine that finds a square on every frame."""
    door.engine.outlines = {frame: segment_frame(frame, SQUARE + (frame, 0)) for frame in range(CLIP_FRAMES)}  # noqa: RUF005
    editor.window_actions["click_tool"].trigger()
    return editor


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
    for frame in range(CLIP_FRAMES):
        rect = marking.rect_at(frame)
        assert rect is not None
        np.testing.assert_allclose(rect.as_tuple(), (10 + frame, 8, 40 + frame, 38), atol=1.1)
    assert finding.canvas.tool is Tool.SELECT
    finding.window_actions["undo"].trigger()
    assert finding.session.project.shots[0].removals == ()


def test_backspace_takes_a_click_back_and_escape_all(finding: MainWindow, qtbot: QtBot, door: EngineDoor) -> None:
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
