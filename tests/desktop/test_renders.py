"""Frames appear as the scripted engine delivers them; cancel, failure and a lost engine leave the window usable."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from desktop.dialogs.export_dialog import ExportDialog
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.rendering.results import ResultState
from desktop.viewer.comparison import Compare
from engine.errors import BadRequestError, EngineUnavailableError
from engine.protocol import WarningEvent
from roi_tools.geometry import Box
from roi_tools.shapes import RectF
from tests.desktop.conftest import EngineDoor
from timeline.media.patch import FramePatch

LOST = "The render engine does not answer"
BOX = Box(8, 8, 24, 24)


@pytest.fixture
def marked(editor: MainWindow) -> MainWindow:
    """A shot with one box."""
    commands.add_removal(editor.session, RectF.from_box(BOX))
    return editor


def patch_file(folder: Path, frame: int, value: int = 200) -> str:
    luma = np.full((BOX.height_px, BOX.width_px), value, np.uint8)
    chroma = np.full((BOX.height_px // 2, BOX.width_px // 2), 128, np.uint8)
    path = folder / f"{frame}_{value}.npz"
    FramePatch(BOX, (luma, chroma, chroma)).save(path)
    return str(path)


def start(window: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    count = len(door.engine.requests)
    window.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: len(door.engine.requests) > count)
    qtbot.waitUntil(lambda: window.renders.active is not None and window.renders.active.job_id is not None)


def state(window: MainWindow, frame: int) -> ResultState:
    assert window.session.shot is not None
    return window.results.state(window.session.shot, frame)


def test_the_engine_is_told_that_the_window_is_still_there(window: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    window.bridge._heartbeat.setInterval(5)
    qtbot.wait(20)
    assert door.attempts == 0, "an engine that was not reached yet is not started for that"
    with qtbot.waitSignal(window.bridge.connected):
        window.bridge.start()
    qtbot.waitUntil(lambda: door.engine.heartbeats > 1)
    assert door.attempts == 1


def test_frames_are_shown_while_later_ones_still_render(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(3, patch_file(tmp_path, 3))
    qtbot.waitUntil(lambda: marked.canvas.frame is not None and marked.canvas.frame.native_result is not None)
    shown = marked.canvas.frame
    assert shown is not None and shown.result is not None and shown.native_result is not None
    assert shown.request.frame == 3
    assert shown.native_result.planes[0][10, 10] == 200
    assert np.array_equal(shown.native_result.planes[0][30:], shown.native.planes[0][30:])
    assert shown.result.pixelColor(10, 10) != shown.source.pixelColor(10, 10)
    assert shown.result.pixelColor(40, 40) == shown.source.pixelColor(40, 40)
    assert (state(marked, 3), state(marked, 4)) == (ResultState.READY, ResultState.MISSING)
    assert marked.renders.active is not None


def test_a_preview_is_replaced_by_the_final_frame(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(0, patch_file(tmp_path, 0, 100), provisional=True)
    qtbot.waitUntil(lambda: state(marked, 0) is ResultState.PROVISIONAL)
    door.engine.deliver(0, patch_file(tmp_path, 0, 220))
    qtbot.waitUntil(lambda: state(marked, 0) is ResultState.READY)
    qtbot.waitUntil(
        lambda: (
            marked.canvas.frame is not None
            and marked.canvas.frame.native_result is not None
            and marked.canvas.frame.native_result.planes[0][10, 10] == 220
        )
    )


def test_the_playhead_follows_until_a_person_moves_it(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(4, patch_file(tmp_path, 4))
    qtbot.waitUntil(lambda: marked.session.playhead == 4)
    marked.window_actions["to_start"].trigger()
    door.engine.deliver(5, patch_file(tmp_path, 5))
    qtbot.waitUntil(lambda: state(marked, 5) is ResultState.READY)
    assert marked.session.playhead == 0


def test_the_playhead_comes_back_when_the_render_is_done(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    marked.session.go_to(2)
    start(marked, door, qtbot)
    door.engine.deliver(4, patch_file(tmp_path, 4))
    qtbot.waitUntil(lambda: marked.session.playhead == 4)
    door.engine.finish()
    qtbot.waitUntil(lambda: marked.renders.active is None)
    assert marked.session.playhead == 2


def test_a_shot_in_which_nothing_is_marked_is_not_exported(editor: MainWindow) -> None:
    editor.window_actions["export"].trigger()
    assert "draw a box around what should go" in editor.notices.texts["There is nothing to export"]
    assert editor.findChildren(ExportDialog) == []


def test_a_b_shows_the_source_again(marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(0, patch_file(tmp_path, 0, 235))
    qtbot.waitUntil(lambda: marked.canvas.frame is not None and marked.canvas.frame.result is not None)
    marked.window_actions["overlays"].trigger()
    x, y = marked.canvas.view.to_widget(16, 16)
    result = marked.canvas.grab().toImage().pixelColor(round(x), round(y))
    marked.window_actions["compare"].trigger()
    source = marked.canvas.grab().toImage().pixelColor(round(x), round(y))
    assert marked.canvas.compare is Compare.SOURCE
    assert marked.canvas.frame is not None
    assert source != result
    assert result.lightness() > 240


def test_progress_and_warnings_are_told(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    start(marked, door, qtbot)
    door.engine.progress(3, 12, eta_s=75.0)
    qtbot.waitUntil(lambda: "3 of 12" in marked.render_panel.status_text)
    door.engine.say(WarningEvent(job_id=door.engine.last_job, message="frame 7 is very blurred"))
    qtbot.waitUntil(lambda: "Frame 7 is very blurred" in marked.render_panel.log_lines)
    door.engine.finish()
    qtbot.waitUntil(lambda: marked.renders.active is None)
    assert "12 frames cleaned in 3 s" in marked.render_panel.log_lines
    assert "70% of the pixels from other frames, 20% kept, 10% invented" in marked.render_panel.log_lines


def test_cancel_keeps_the_frames_that_arrived(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(2, patch_file(tmp_path, 2))
    qtbot.waitUntil(lambda: state(marked, 2) is ResultState.READY)
    marked.render_panel.cancel_button.click()
    qtbot.waitUntil(lambda: marked.renders.active is None)
    assert door.engine.cancelled == [door.engine.last_job]
    assert state(marked, 2) is ResultState.READY
    assert marked.window_actions["render"].isEnabled()


def test_results_are_stale_after_an_edit_and_fresh_after_undo(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(0, patch_file(tmp_path, 0))
    door.engine.finish()
    qtbot.waitUntil(lambda: marked.renders.active is None)
    assert marked.session.removal is not None
    commands.set_rect(marked.session, marked.session.removal.id, RectF(4, 4, 20, 20))
    assert state(marked, 0) is ResultState.STALE
    marked.session.undo()
    assert state(marked, 0) is ResultState.READY


def test_the_request_holds_what_is_on_the_timeline(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    start(marked, door, qtbot)
    request = door.engine.requests[0]
    assert marked.session.shot is not None
    assert request.source.path == marked.session.shot.media_path
    assert request.passes[0].boxes == ((BOX.as_tuple(),),) * 12


def test_nothing_to_render_is_a_message(editor: MainWindow, door: EngineDoor) -> None:
    editor.window_actions["render"].trigger()
    assert "draw a box" in editor.notices.texts["The shot was not rendered"]
    assert door.engine.requests == []


def test_a_refused_request_is_a_message(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    door.engine.refusal = BadRequestError("parameter 'steps' is 0; it takes a whole number from 1 to 100")
    marked.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: "The shot was not rendered" in marked.notices.texts)
    assert "it takes a whole number from 1" in marked.notices.texts["The shot was not rendered"]
    assert marked.renders.active is None


def test_a_failed_render_is_a_message(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    start(marked, door, qtbot)
    door.engine.fail("the disk of the frame cache is full; free 2 GB")
    qtbot.waitUntil(lambda: marked.renders.active is None)
    assert marked.notices.texts["The shot was not rendered"] == "The disk of the frame cache is full; free 2 GB"
    assert marked.window_actions["render"].isEnabled()


# --- the engine goes away -----------------------------------------------------------------------------------------


def test_an_engine_that_cannot_start_leaves_the_window_usable_and_can_be_retried(
    window: MainWindow, door: EngineDoor, clip: Path, qtbot: QtBot
) -> None:
    door.error = EngineUnavailableError("the engine did not start within 20 s; see engine.log")
    window.bridge.start()
    qtbot.waitUntil(lambda: LOST in window.notices.texts)
    assert window.notices.texts[LOST] == "The engine did not start within 20 s; see engine.log"
    window.documents.open_paths([str(clip)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    commands.add_removal(window.session, RectF(1, 1, 9, 9))
    door.error = None
    with qtbot.waitSignal(window.bridge.connected):
        window.notices.click(LOST, "Retry")
    assert "Engine ready" in window.engine_label.text()
    assert LOST not in window.notices.texts
    assert door.attempts == 2


def test_an_engine_that_dies_in_a_render_is_taken_up_again_where_it_broke(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(0, patch_file(tmp_path, 0))
    qtbot.waitUntil(lambda: state(marked, 0) is ResultState.READY)
    door.engine.die(EngineUnavailableError("the engine is gone"))
    qtbot.waitUntil(lambda: LOST in marked.notices.texts)
    assert state(marked, 0) is ResultState.READY
    door.engine.deliver(1, patch_file(tmp_path, 1))
    door.engine.finish()
    marked.notices.click(LOST, "Retry")
    qtbot.waitUntil(lambda: state(marked, 1) is ResultState.READY)
    qtbot.waitUntil(lambda: marked.renders.active is None)


def test_a_render_of_a_dead_engine_can_be_given_up(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    start(marked, door, qtbot)
    door.engine.die(EngineUnavailableError("the engine is gone"))
    qtbot.waitUntil(lambda: LOST in marked.notices.texts)
    marked.render_panel.cancel_button.click()
    assert marked.renders.active is None
    assert marked.window_actions["render"].isEnabled()


def test_a_render_that_never_reached_the_engine_ends(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    door.engine.refusal = EngineUnavailableError("the engine is gone")
    marked.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: LOST in marked.notices.texts)
    assert marked.renders.active is None


def test_a_result_that_the_cache_dropped_falls_back_to_the_source(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    start(marked, door, qtbot)
    door.engine.deliver(6, str(tmp_path / "gone.npz"))
    qtbot.waitUntil(lambda: marked.canvas.frame is not None and marked.canvas.frame.request.frame == 6)
    assert marked.canvas.frame is not None
    assert marked.canvas.frame.result is None
