"""Takes: results side by side, chosen, compared, named, deleted, and found again when a project is opened."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.editing.timeline_map import spans
from desktop.main_window import MainWindow
from desktop.rendering import take_commands
from desktop.rendering.results import ResultState
from desktop.timeline_view.shot_pictures import ShotPictures
from desktop.viewer.comparison import Compare
from engine.ofx.host import describe_all
from engine.protocol import FrameEvent, FrameRange, ParameterDescriptor, WindowsEvent
from tests.desktop.conftest import CLIP_FRAMES, EngineDoor
from tests.desktop.documents import wait_until_saved
from tests.desktop.renders import patch_file, reopened, wait_for_job
from timeline.project_file import load_project

SEED = ParameterDescriptor(name="seed", label="Seed", hint="", kind="int", default=0)


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
    plate = next(effect for effect in describe_all() if effect.identifier == "clean-plate")
    effects = {"clean-plate": plate.model_copy(update={"parameters": (SEED,)})}
    settings = [take_commands.settings_text(take, effects) for take in takes]
    assert settings == ["Removal 1: Clean plate", "Removal 1: Seed 7"]
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


def test_a_take_has_a_name_until_it_is_taken_away(two_takes: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    shot = two_takes.session.shot
    assert shot is not None
    for given, label in (("softer", "softer"), ("", "Take 1")):
        two_takes.takes.list.setCurrentRow(0)
        monkeypatch.setattr(QInputDialog, "getText", lambda *_, given=given, **__: (given, True))
        two_takes.takes.rename.click()
        assert two_takes.results.takes(shot.id)[0].label == label
        assert two_takes.takes.list.item(0).text().startswith(label)


def test_a_deleted_take_is_gone_and_late_frames_of_it_are_dropped(
    two_takes: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    shot, results = two_takes.session.shot, two_takes.results
    assert shot is not None
    shown(two_takes, qtbot, light=True)
    two_takes.takes.list.setCurrentRow(1)
    two_takes.takes.delete.click()
    two_takes.notices.click("Delete this take?", "Delete")
    assert [take.number for take in results.takes(shot.id)] == [1]
    shown(two_takes, qtbot, light=False)
    results.add(shot.id, FrameEvent(job_id="late", frame=3, patch_path="x"), 2)
    assert sorted(results.chosen(shot.id).frames) == [0]


# --- in the project -----------------------------------------------------------------------------------------------


def saved(window: MainWindow, path: Path) -> Path:
    window.documents.save_to(path)
    wait_until_saved(window)
    return path


def test_takes_make_a_project_modified_and_are_saved(two_takes: MainWindow, tmp_path: Path) -> None:
    shot = two_takes.session.shot
    assert shot is not None
    path = saved(two_takes, tmp_path / "takes.otio")
    assert not two_takes.isWindowModified()
    kept = load_project(path).takes[shot.id]
    assert [(take.number, take.job_ids) for take in kept.takes] == [(1, ("job-1",)), (2, ("job-2",))]
    assert kept.chosen == 2
    two_takes.results.choose(shot.id, 1)
    assert two_takes.isWindowModified()


def test_saved_takes_come_back_with_their_frames(
    two_takes: MainWindow, door: EngineDoor, tmp_path: Path, qtbot: QtBot
) -> None:
    shot = two_takes.session.shot
    assert shot is not None
    two_takes.results.rename(shot.id, 1, "dark")
    path = saved(two_takes, tmp_path / "takes.otio")
    again = reopened(door, path, qtbot)
    qtbot.waitUntil(lambda: all(take.frames for take in again.results.takes(shot.id)))
    assert [take.label for take in again.results.takes(shot.id)] == ["dark", "Take 2"]
    assert again.session.shot is not None
    assert again.results.state(again.session.shot, 0) is ResultState.READY
    shown(again, qtbot, light=True)
    assert len(door.engine.requests) == 2 and not again.isWindowModified()
    take_commands.choose_take(again.session, again.results, 1)
    shown(again, qtbot, light=False)


def test_results_of_a_document_go_with_it_and_come_back_with_it(
    two_takes: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window, shot = two_takes, two_takes.session.shot
    assert shot is not None
    path = saved(window, tmp_path / "takes.otio")
    window.documents.new_project()
    assert window.results.takes(shot.id) == ()
    window.documents.open_project(path)
    qtbot.waitUntil(lambda: all(take.frames for take in window.results.takes(shot.id)))
    assert len(window.results.takes(shot.id)) == 2 and not window.isWindowModified()


def test_a_take_whose_frames_are_gone_says_so_and_renders_again(
    two_takes: MainWindow, door: EngineDoor, tmp_path: Path, qtbot: QtBot
) -> None:
    path = saved(two_takes, tmp_path / "takes.otio")
    (tmp_path / "0_40.npz").unlink()
    again = reopened(door, path, qtbot)
    qtbot.waitUntil(lambda: "frames gone: render again" in again.takes.list.item(0).text())
    qtbot.waitUntil(lambda: "1 frame " in again.takes.list.item(1).text())
    take_commands.choose_take(again.session, again.results, 1)
    again.window_actions["render"].trigger()
    wait_for_job(again, qtbot)
    door.engine.deliver(0, patch_file(tmp_path, 0, 40))
    shown(again, qtbot, light=False)


def test_takes_that_the_engine_no_longer_knows_are_gone(
    two_takes: MainWindow, door: EngineDoor, tmp_path: Path, qtbot: QtBot
) -> None:
    path = saved(two_takes, tmp_path / "takes.otio")
    door.engine = type(door.engine)()
    again = reopened(door, path, qtbot)
    for row in range(2):
        qtbot.waitUntil(lambda row=row: "frames gone" in again.takes.list.item(row).text())  # type: ignore[misc]
    assert again.notices.texts == {}


# --- measures and windows -----------------------------------------------------------------------------------------


def test_the_strip_tells_confidence_inventions_and_windows(
    two_takes: MainWindow, door: EngineDoor, tmp_path: Path, qtbot: QtBot
) -> None:
    shot, strip = two_takes.session.shot, two_takes.strip
    assert shot is not None
    heights = [strip.rows.lanes_top]
    two_takes.window_actions["render"].trigger()
    wait_for_job(two_takes, qtbot)
    job = door.engine.last_job
    windows = (FrameRange(start=0, end_exclusive=8), FrameRange(start=5, end_exclusive=12))
    door.engine.say(WindowsEvent(job_id=job, windows=windows))
    for frame, confidence, share in ((5, 0.8, 0.25), (6, None, None)):
        door.engine.say(
            FrameEvent(
                job_id=job,
                frame=frame,
                patch_path=patch_file(tmp_path, frame, 99),
                confidence=confidence,
                share_synthesised=share,
            )
        )
    qtbot.waitUntil(lambda: 6 in two_takes.results.chosen(shot.id).frames)
    qtbot.waitUntil(lambda: strip.rows.lanes_top > heights[0])  # the graph has a row of its own now
    y = strip.rows.graph_top + 5
    tips = {frame: strip.tip_at(QPointF(strip.layout_now.x_of(frame + 0.5), y)) for frame in (5, 6, 11)}
    assert tips[5].splitlines() == [
        "Frame 5: rendered",
        "Confidence 0.80",
        "25.0% of the matte invented",
        "Window 1 of 2: frames 0 to 7",
        "Window 2 of 2: frames 5 to 11",
    ]
    assert tips[6].splitlines()[1:] == ["Window 1 of 2: frames 0 to 7", "Window 2 of 2: frames 5 to 11"]
    assert tips[11].splitlines() == ["Frame 11: not rendered yet", "Window 2 of 2: frames 5 to 11"]
    strip.grab()  # the graph and the brackets are painted
    door.engine.finish()
    path = saved(two_takes, tmp_path / "takes.otio")
    again = reopened(door, path, qtbot)
    qtbot.waitUntil(lambda: bool(again.session.shot and again.results.windows(again.session.shot)))
    qtbot.waitUntil(lambda: again.strip.rows.has_graph)
    assert again.session.shot is not None
    assert again.results.measures(again.session.shot, range(5, 6))[0].confidence == 0.8


def test_windows_of_a_range_take_the_place_of_those_they_reach(two_takes: MainWindow) -> None:
    shot, results = two_takes.session.shot, two_takes.results
    assert shot is not None

    def say(*windows: tuple[int, int]) -> None:
        ranges = tuple(FrameRange(start=start, end_exclusive=end) for start, end in windows)
        results.add_windows(shot.id, WindowsEvent(job_id="j", windows=ranges))

    say((0, 4), (4, 8), (8, 12))
    say((4, 7), (6, 8))
    assert results.windows(shot) == (range(4), range(4, 7), range(6, 8), range(8, 12))


def test_frames_that_a_failed_render_did_not_reach_say_so_until_the_next_one(
    marked: MainWindow, door: EngineDoor, tmp_path: Path, qtbot: QtBot
) -> None:
    shot, results = marked.session.shot, marked.results
    assert shot is not None
    marked.window_actions["render"].trigger()
    wait_for_job(marked, qtbot)
    door.engine.deliver(0, patch_file(tmp_path, 0, 99))
    door.engine.fail("no memory")
    qtbot.waitUntil(lambda: marked.renders.active is None)
    assert results.states(shot, range(2)) == [ResultState.READY, ResultState.FAILED]
    marked.strip.grab()  # its pattern is painted
    marked.window_actions["render"].trigger()
    assert results.states(shot, range(2)) == [ResultState.READY, ResultState.MISSING]


def test_the_strip_shows_which_frames_are_in_memory(editor: MainWindow, qtbot: QtBot) -> None:
    pictures = ShotPictures(editor.results, editor.media)
    path = editor.session.project.shots[0].media_path
    qtbot.waitUntil(lambda: len(editor.media.cached_frames(path)) == CLIP_FRAMES)  # decoded ahead
    (span,) = spans(editor.session.project)
    layout = editor.strip.layout_now
    assert pictures.picture(span, layout, (800, 58), is_current=True).in_memory == [(0, CLIP_FRAMES)]
    editor.media.set_cache_mb(0)
    qtbot.waitUntil(lambda: len(editor.media.cached_frames(path)) == 1)
    (run,) = pictures.picture(span, layout, (800, 58), is_current=True).in_memory
    assert run[1] - run[0] == 1
