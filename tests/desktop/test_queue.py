"""The render queue: order, cancel, retry, pause; renders that outlive the window"""

from pathlib import Path

from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.rendering.queue import QueuedRender, RenderState
from desktop.rendering.results import ResultState
from engine.errors import BadRequestError, EngineUnavailableError
from tests.desktop.conftest import CLIP_FRAMES, EngineDoor
from tests.desktop.renders import patch_file, reopened, wait_for_job
from timeline.project_file import save_project

QUESTION = "A render is not finished"


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
    assert "Out of memory" in marked.queue.list.item(0).toolTip()
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
