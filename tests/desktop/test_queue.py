"""The render queue and takes: order, cancel, retry, pause; renders that outlive the window; results side by side."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from desktop import commands, take_commands
from desktop.main_window import MainWindow
from desktop.render_queue import QueuedRender, RenderState
from desktop.results import ResultState
from desktop.viewer.comparison import Compare
from desktop.window_wiring import WindowWiring
from engine.errors import BadRequestError, EngineUnavailableError
from engine.protocol import ParameterDescriptor
from roi_tools.geometry import Box
from roi_tools.shapes import RectF
from tests.desktop.conftest import CLIP_FRAMES, EngineDoor
from timeline.media.patch import FramePatch
from timeline.project_file import save_project

BOX = Box(8, 8, 24, 24)
SEED = ParameterDescriptor(name="seed", label="Seed", hint="", kind="int", default=0)
QUESTION = "A render is not finished"


@pytest.fixture
def marked(editor: MainWindow) -> MainWindow:
    """A shot with one box."""
    commands.add_removal(editor.session, RectF.from_box(BOX))
    return editor


def patch_file(folder: Path, frame: int, value: int) -> str:
    luma, chroma = np.full((16, 16), value, np.uint8), np.full((8, 8), 128, np.uint8)
    path = folder / f"{frame}_{value}.npz"
    FramePatch(BOX, (luma, chroma, chroma)).save(path)
    return str(path)


def queue_ranges(window: MainWindow, *ranges: range) -> list[QueuedRender]:
    """Ask for renders of these media frames."""
    shot = window.session.shot
    info = window.media.info(shot.media_path) if shot else None
    assert shot is not None and info is not None
    entries = [window.renders.start(shot, info, frames) for frames in ranges]
    return [entry for entry in entries if entry is not None]


def states(entries: list[QueuedRender]) -> list[RenderState]:
    return [entry.state for entry in entries]


def rendered_ranges(door: EngineDoor) -> list[range]:
    return [request.frames.as_range() for request in door.engine.requests]


def wait_for_job(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.renders.active is not None and window.renders.active.job_id is not None)


# --- queue --------------------------------------------------------------------------------------------------------


def test_renders_run_one_after_the_other(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    marked.window_actions["render"].trigger()
    marked.window_actions["render"].trigger()
    wait_for_job(marked, qtbot)
    entries = list(marked.renders.queue.entries)
    assert states(entries) == [RenderState.RUNNING, RenderState.WAITING]
    assert len(door.engine.requests) == 1
    door.engine.finish()
    qtbot.waitUntil(lambda: len(door.engine.requests) == 2)
    assert states(entries) == [RenderState.DONE, RenderState.RUNNING]
    wait_for_job(marked, qtbot)
    door.engine.finish()
    qtbot.waitUntil(lambda: not marked.renders.is_busy)
    marked.window_actions["clear_queue"].trigger()
    assert marked.renders.queue.entries == ()


def test_waiting_renders_change_places(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    entries = queue_ranges(marked, range(2), range(2, 4), range(4, 6), range(6, 8))
    queue = marked.queue
    queue.list.setCurrentRow(3)
    queue.earlier.click()
    queue.earlier.click()
    assert queue.selected() is entries[3]
    assert not queue.earlier.isEnabled()
    queue.list.setCurrentRow(2)
    queue.later.click()
    for _ in entries:
        wait_for_job(marked, qtbot)
        count = len(door.engine.requests)
        door.engine.finish()
        qtbot.waitUntil(lambda: len(door.engine.requests) > count or not marked.renders.is_busy)  # noqa: B023
    assert rendered_ranges(door) == [range(2), range(6, 8), range(4, 6), range(2, 4)]


def test_a_waiting_render_is_cancelled_and_any_can_be_repeated(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    entries = queue_ranges(marked, range(2), range(2, 4))
    wait_for_job(marked, qtbot)
    marked.queue.list.setCurrentRow(1)
    marked.queue.cancel.click()
    door.engine.fail("out of memory; close something")
    qtbot.waitUntil(lambda: not marked.renders.is_busy)
    assert states(entries) == [RenderState.FAILED, RenderState.CANCELLED]
    assert "out of memory" in marked.queue.list.item(0).toolTip()
    assert len(door.engine.requests) == 1
    marked.queue.list.setCurrentRow(1)
    marked.queue.retry.click()
    qtbot.waitUntil(lambda: rendered_ranges(door) == [range(2), range(2, 4)])


def test_a_refused_render_does_not_stop_the_next_one(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    door.engine.refusal = BadRequestError("the media is gone; relink it")
    marked.renders.set_paused(True)
    entries = queue_ranges(marked, range(2), range(2, 4))
    assert states(entries) == [RenderState.WAITING] * 2
    marked.renders.failed.connect(lambda _: setattr(door.engine, "refusal", None))
    marked.renders.set_paused(False)
    qtbot.waitUntil(lambda: rendered_ranges(door) == [range(2, 4)])
    assert states(entries) == [RenderState.FAILED, RenderState.RUNNING]


def test_a_paused_queue_begins_nothing(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    entries = queue_ranges(marked, range(2), range(2, 4))
    wait_for_job(marked, qtbot)
    marked.window_actions["pause_queue"].trigger()
    door.engine.finish()
    qtbot.waitUntil(lambda: marked.renders.active is None)
    assert states(entries) == [RenderState.DONE, RenderState.WAITING]
    assert marked.queue.time_left_text == "Paused"
    marked.window_actions["pause_queue"].trigger()
    qtbot.waitUntil(lambda: len(door.engine.requests) == 2)


def test_what_the_engine_never_got_is_rendered_once_it_is_back(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    door.engine.refusal = EngineUnavailableError("the engine is gone")
    marked.window_actions["render"].trigger()
    lost = "The render engine does not answer"
    qtbot.waitUntil(lambda: lost in marked.notices.texts)
    assert marked.renders.active is None
    door.engine.refusal = None
    marked.notices.click(lost, "Retry")
    qtbot.waitUntil(lambda: len(door.engine.requests) == 1)


def test_the_time_left_counts_what_waits(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    queue_ranges(marked, range(6), range(6, 12))
    wait_for_job(marked, qtbot)
    door.engine.progress(2, 6, eta_s=40.0)
    qtbot.waitUntil(lambda: marked.queue.time_left_text != "")
    assert marked.queue.time_left_text == "All in 1 min 40 s"
    assert "33%" in marked.queue.list.item(0).text()


# --- closing and reopening ----------------------------------------------------------------------------------------


def close_with_render(window: MainWindow, qtbot: QtBot, answer: str) -> None:
    window.close()
    qtbot.waitUntil(lambda: QUESTION in window.notices.texts)
    assert window.isVisible()
    window.notices.click(QUESTION, answer)
    if answer != "Keep Open":
        window.notices.click("Save changes?", "Don't Save")


def test_the_engine_finishes_without_the_window(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    queue_ranges(marked, range(2), range(2, 4))
    wait_for_job(marked, qtbot)
    close_with_render(marked, qtbot, "Finish in Background")
    qtbot.waitUntil(lambda: door.engine.closed == 1)
    assert door.engine.cancelled == []
    assert rendered_ranges(door) == [range(2), range(2, 4)]


def test_the_render_stops_with_the_window(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    queue_ranges(marked, range(2), range(2, 4))
    wait_for_job(marked, qtbot)
    close_with_render(marked, qtbot, "Stop Rendering")
    qtbot.waitUntil(lambda: door.engine.closed == 1)
    assert door.engine.cancelled == ["job-1"]
    assert rendered_ranges(door) == [range(2)]


def test_the_window_may_stay_open(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    queue_ranges(marked, range(2))
    wait_for_job(marked, qtbot)
    close_with_render(marked, qtbot, "Keep Open")
    assert marked.isVisible() and marked.renders.active is not None


def reopened(door: EngineDoor, project: Path, qtbot: QtBot) -> MainWindow:
    window = MainWindow(door)
    WindowWiring(window)
    qtbot.addWidget(window, before_close_func=lambda window: window.documents.quit_agreed.emit())
    window.show()
    with qtbot.waitSignal(window.bridge.connected):
        window.bridge.start()
    window.documents.open_project(project)
    return window


def test_a_new_window_shows_what_was_rendered_before(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    save_project(marked.session.project, tmp_path / "shot.otio")
    queue_ranges(marked, range(CLIP_FRAMES))
    wait_for_job(marked, qtbot)
    door.engine.deliver(3, patch_file(tmp_path, 3, 200))
    door.engine.finish()
    qtbot.waitUntil(lambda: not marked.renders.is_busy)
    again = reopened(door, tmp_path / "shot.otio", qtbot)
    qtbot.waitUntil(lambda: again.render_panel.status_text == f"{CLIP_FRAMES} frames rendered before")
    assert again.session.shot is not None
    assert again.results.state(again.session.shot, 3) is ResultState.READY
    assert again.session.playhead == 0
    assert again.renders.queue.entries == ()


def test_a_new_window_takes_up_the_render_of_its_shot(
    marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    save_project(marked.session.project, tmp_path / "shot.otio")
    queue_ranges(marked, range(CLIP_FRAMES))
    wait_for_job(marked, qtbot)
    again = reopened(door, tmp_path / "shot.otio", qtbot)
    qtbot.waitUntil(lambda: again.renders.active is not None)
    assert again.renders.active is not None and again.renders.active.job_id == door.engine.last_job
    assert len(door.engine.requests) == 1


# --- takes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_takes(marked: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """Frame 0 rendered with seed 0 (dark) and, as a new take, with seed 7 (light)."""
    for action, seed, value in (("render", 0, 40), ("render_take", 7, 230)):
        commands.set_parameter(marked.session, SEED, seed)
        count = len(door.engine.requests)
        marked.window_actions[action].trigger()
        qtbot.waitUntil(lambda: len(door.engine.requests) > count)  # noqa: B023
        wait_for_job(marked, qtbot)
        door.engine.deliver(0, patch_file(tmp_path, 0, value))
        door.engine.finish()
        qtbot.waitUntil(lambda: marked.renders.active is None)
    marked.session.go_to(0)
    return marked


def lumas(window: MainWindow) -> tuple[int, int]:
    """Lightness shown inside the box: of what is compared with, of the result."""
    frame = window.canvas.frame
    assert frame is not None and frame.result is not None
    return frame.source.pixelColor(16, 16).lightness(), frame.result.pixelColor(16, 16).lightness()


def shown(window: MainWindow, qtbot: QtBot, light: bool) -> None:
    qtbot.waitUntil(
        lambda: (
            window.canvas.frame is not None
            and window.canvas.frame.result is not None
            and (lumas(window)[1] > 128) is light
        )
    )


def test_a_new_take_keeps_the_one_before(two_takes: MainWindow, qtbot: QtBot) -> None:
    shot = two_takes.session.shot
    assert shot is not None
    takes = two_takes.results.takes(shot.id)
    assert [take_commands.settings_text(take) for take in takes] == ["Removal 1: clean-plate", "Removal 1: seed 7"]
    shown(two_takes, qtbot, light=True)


def test_another_take_comes_back_with_its_settings_and_is_not_stale(two_takes: MainWindow, qtbot: QtBot) -> None:
    session, results = two_takes.session, two_takes.results
    two_takes.takes.list.setCurrentRow(0)
    two_takes.takes.choose.click()
    shown(two_takes, qtbot, light=False)
    assert session.removal is not None and session.shot is not None
    assert "seed" not in session.removal.parameters
    assert results.state(session.shot, 0) is ResultState.READY
    assert session.undo_label == "Use Take 1"
    two_takes.window_actions["next_take"].trigger()
    shown(two_takes, qtbot, light=True)
    assert session.removal.parameters["seed"] == 7


def test_two_takes_are_compared_and_the_source_comes_back(two_takes: MainWindow, qtbot: QtBot) -> None:
    shown(two_takes, qtbot, light=True)
    source = lumas(two_takes)[0]
    two_takes.window_actions["wipe"].trigger()
    two_takes.window_actions["compare_take"].trigger()
    qtbot.waitUntil(lambda: lumas(two_takes)[0] < 60)
    assert lumas(two_takes)[1] > 200
    assert two_takes.canvas.compare is Compare.WIPE
    assert "Take 1, compared with" in two_takes.takes.list.item(0).text()
    two_takes.window_actions["compare_take"].trigger()
    qtbot.waitUntil(lambda: lumas(two_takes)[0] == source)


def test_the_take_list_compares_too(two_takes: MainWindow, qtbot: QtBot) -> None:
    shown(two_takes, qtbot, light=True)
    two_takes.takes.list.setCurrentRow(0)
    two_takes.takes.compare.click()
    qtbot.waitUntil(lambda: lumas(two_takes)[0] < 60)
    assert two_takes.window_actions["compare_take"].isChecked()


def test_a_running_render_fills_its_own_take(
    two_takes: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    shot = two_takes.session.shot
    assert shot is not None
    two_takes.window_actions["render_take"].trigger()
    wait_for_job(two_takes, qtbot)
    take_commands.choose_take(two_takes.session, two_takes.results, 1)
    door.engine.deliver(5, patch_file(tmp_path, 5, 99))
    qtbot.waitUntil(lambda: len(two_takes.results.takes(shot.id)) == 3)
    assert [sorted(take.frames) for take in two_takes.results.takes(shot.id)] == [[0], [0], [5]]
