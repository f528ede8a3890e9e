"""The real window with a real engine: draw, render, export, and an engine that is killed in the middle."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.dialogs.export_dialog import ExportDialog
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.project.recovery import lost_sessions
from desktop.rendering.results import ResultState
from desktop.wiring.window import WindowWiring
from engine.client import EngineClient
from roi_tools.geometry import Size
from roi_tools.shapes import RectF
from tests.desktop.documents import wait_until_saved
from tests.support.engine_process import EngineProcess, running_engine
from tests.support.media import noise_frame, write_clip
from timeline.media.frame import Frame
from timeline.media.reader import open_media
from timeline.project_file import load_project
from timeline.removal import Removal

pytestmark = pytest.mark.slow

SIZE = Size(128, 96)
FRAMES = 16
SIDE = 20
TIMEOUT_MS = 60_000


def walker(frame: int) -> tuple[int, int]:
    """Left and top edge of the bright square."""
    return 8 + 5 * frame, 40


def scene(frame: int, background: Frame) -> Frame:
    luma = background.planes[0].copy()
    x, y = walker(frame)
    luma[y : y + SIDE, x : x + SIDE] = 235
    return Frame((luma, *background.planes[1:]), background.format, background.color)


@pytest.fixture
def background() -> Frame:
    """Soft blotches, the same on every frame: something that a plate can be found for."""
    noise = noise_frame("yuv420p", SIZE, 7)
    coarse = noise.planes[0][::8, ::8].repeat(8, 0).repeat(8, 1) // 2 + 40
    return Frame((coarse, *(np.full_like(plane, 128) for plane in noise.planes[1:])), noise.format, noise.color)


@pytest.fixture
def shot(tmp_path: Path, background: Frame) -> Path:
    return write_clip(tmp_path / "walk.mkv", [scene(frame, background) for frame in range(FRAMES)])


@pytest.fixture
def engine(grayplate_home: Path) -> Iterator[EngineProcess]:
    with running_engine(grayplate_home) as engine:
        yield engine


@pytest.fixture
def window(themed: QApplication, engine: EngineProcess, shot: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    window = MainWindow(lambda: EngineClient(engine.socket))
    WindowWiring(window)
    window.show()
    with qtbot.waitSignal(window.bridge.connected, timeout=TIMEOUT_MS):
        window.bridge.start()
    window.documents.open_paths([str(shot)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None, timeout=TIMEOUT_MS)
    yield window
    window.documents.quit_agreed.emit()
    window.deleteLater()
    qtbot.wait(1)


def mark(window: MainWindow) -> Removal:
    """A box with two keyframes, around the square all the way."""
    for frame in (0, FRAMES - 1):
        window.session.go_to(frame)
        x, y = walker(frame)
        rect = RectF(x - 4, y - 4, x + SIDE + 4, y + SIDE + 4)
        if window.session.removal is None:
            commands.add_removal(window.session, rect)
        else:
            commands.set_rect(window.session, window.session.removal.id, rect)
    assert window.session.removal is not None
    return window.session.removal


def states(window: MainWindow) -> list[ResultState]:
    assert window.session.shot is not None
    return window.results.states(window.session.shot, range(FRAMES))


def test_draw_render_and_export(window: MainWindow, background: Frame, tmp_path: Path, qtbot: QtBot) -> None:
    removal = mark(window)
    window.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: window.renders.active is None, timeout=TIMEOUT_MS)
    assert window.notices.texts == {}
    assert states(window) == [ResultState.READY] * FRAMES

    window.session.go_to(6)
    qtbot.waitUntil(lambda: window.canvas.frame is not None and window.canvas.frame.request.frame == 6)
    qtbot.waitUntil(lambda: window.canvas.frame is not None and window.canvas.frame.native_result is not None)
    assert window.canvas.frame is not None and window.canvas.frame.native_result is not None
    assert worst_luma(window.canvas.frame.native_result, background) < 12

    window.window_actions["export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    dialog.path.setText(str(tmp_path / "clean.mkv"))
    dialog.accept()
    qtbot.waitUntil(lambda: window.renders.active is None, timeout=TIMEOUT_MS)
    with open_media(tmp_path / "clean.mkv") as reader:
        assert reader.info.frame_count == FRAMES
        for number, frame in enumerate(reader.frames(0, FRAMES)):
            box = removal.shape.box_at(number, SIZE)
            assert box is not None
            outside = np.ones((SIZE.height_px, SIZE.width_px), bool)
            outside[box.slices] = False
            assert np.array_equal(frame.planes[0][outside], scene(number, background).planes[0][outside])
            assert worst_luma(frame, background) < 12


def worst_luma(frame: Frame, truth: Frame) -> float:
    """The 99th percentile of the difference: a few samples of a seam may be further off."""
    difference = np.abs(frame.planes[0].astype(int) - truth.planes[0].astype(int))
    return float(np.percentile(difference, 99))


def test_an_engine_killed_in_a_render_is_taken_up_again(
    window: MainWindow, engine: EngineProcess, grayplate_home: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    mark(window)
    gate = tmp_path / "gate"
    gate.mkdir()
    for frame in range(3):
        (gate / str(frame)).touch()
    commands.set_effect(window.session, "test-fill")
    gate_parameter = next(p for e in engine.client.effects() for p in e.parameters if p.name == "gate")
    commands.set_parameter(window.session, gate_parameter, str(gate))
    window.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: states(window)[:4] == [ResultState.READY] * 3 + [ResultState.MISSING], timeout=TIMEOUT_MS)

    engine.end(signal.SIGKILL)
    lost = "The render engine does not answer"
    qtbot.waitUntil(lambda: lost in window.notices.texts, timeout=TIMEOUT_MS)
    window.session.go_to(1)
    assert states(window)[:3] == [ResultState.READY] * 3

    for frame in range(3, FRAMES):
        (gate / str(frame)).touch()
    with running_engine(grayplate_home):
        window.notices.click(lost, "Retry")
        qtbot.waitUntil(lambda: window.renders.active is None, timeout=TIMEOUT_MS)
        assert states(window) == [ResultState.READY] * FRAMES


EDIT_AND_WAIT = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from desktop.base.qt import create_application
from desktop.main_window import MainWindow
from desktop.editing import commands
from desktop.base import paths
from engine.errors import EngineUnavailableError
from roi_tools.shapes import RectF

def no_engine():
    raise EngineUnavailableError("none here")

application = create_application()
window = MainWindow(no_engine)
window.documents.open_paths([sys.argv[1]])

def edit():
    if window.session.shot and not window.session.removal:
        commands.add_removal(window.session, RectF(1, 2, 30, 40))
    if list(paths.recovery_folder().glob("*/session.json")):
        print("kept", flush=True)

timer = QTimer()
timer.timeout.connect(edit)
timer.start(20)
application.exec()
"""


def test_a_killed_desktop_loses_nothing(shot: Path, grayplate_home: Path, themed: QApplication) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", EDIT_AND_WAIT, str(shot)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    kept = any("kept" in line for line in process.stdout)
    process.kill()
    process.wait()
    assert kept
    (lost,) = lost_sessions()
    project = load_project(lost.project_file)
    assert project.shots[0].media_path == str(shot)
    assert project.shots[0].removals[0].shape.rect_at(0) == RectF(1, 2, 30, 40)


def test_a_render_outlives_its_window_and_is_found_again(
    window: MainWindow, engine: EngineProcess, tmp_path: Path, themed: QApplication, qtbot: QtBot
) -> None:
    mark(window)
    gate = tmp_path / "gate"
    gate.mkdir()
    (gate / "0").touch()
    commands.set_effect(window.session, "test-fill")
    gate_parameter = next(p for e in engine.client.effects() for p in e.parameters if p.name == "gate")
    commands.set_parameter(window.session, gate_parameter, str(gate))
    window.documents.save_to(tmp_path / "film.otio")
    wait_until_saved(window)
    window.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: states(window)[0] is ResultState.READY, timeout=TIMEOUT_MS)
    window.close()
    assert window.isVisible()
    window.notices.click("A render is not finished", "Finish in Background")
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=TIMEOUT_MS)

    again = MainWindow(lambda: EngineClient(engine.socket))
    WindowWiring(again)
    again.show()
    with qtbot.waitSignal(again.bridge.connected, timeout=TIMEOUT_MS):
        again.bridge.start()
    again.documents.open_project(tmp_path / "film.otio")
    qtbot.waitUntil(lambda: again.renders.active is not None, timeout=TIMEOUT_MS)
    for frame in range(1, FRAMES):
        (gate / str(frame)).touch()
    qtbot.waitUntil(lambda: states(again) == [ResultState.READY] * FRAMES, timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: again.renders.active is None, timeout=TIMEOUT_MS)
    again.documents.quit_agreed.emit()
    again.deleteLater()
    qtbot.wait(1)
