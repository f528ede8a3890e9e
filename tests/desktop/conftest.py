"""The desktop under test: a small clip, a scripted engine, and the real window around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.base.theme import apply_theme
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.wiring.window import WindowWiring
from engine.errors import EngineError
from roi_tools.geometry import Size
from roi_tools.shapes import RectF
from tests.support.fake_engine import FakeEngine
from tests.support.media import noise_clip

CLIP_SIZE = Size(64, 48)
CLIP_FRAMES = 12


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames of noise, 64x48, 24 frames/s."""
    return noise_clip(tmp_path_factory.mktemp("media") / "noise.mkv", CLIP_FRAMES, CLIP_SIZE)


class EngineDoor:
    """What the window's bridge calls to reach an engine; a test can lock it."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.error: EngineError | None = None
        self.attempts = 0

    def __call__(self) -> FakeEngine:
        self.attempts += 1
        if self.error is not None:
            raise self.error
        return self.engine


@pytest.fixture
def door() -> EngineDoor:
    return EngineDoor()


@pytest.fixture(scope="session")
def themed(qapp: QApplication) -> QApplication:
    """The application in its own colours; a style sheet is set once, as in the application."""
    apply_theme(qapp)
    return qapp


@pytest.fixture
def window(themed: QApplication, qtbot: QtBot, door: EngineDoor) -> Iterator[MainWindow]:
    """The window as it is just after the start, without media."""
    window = MainWindow(door)
    WindowWiring(window)
    window.resize(1200, 800)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.documents.quit_agreed.emit()
    window.deleteLater()
    qtbot.wait(1)


@pytest.fixture
def editor(window: MainWindow, door: EngineDoor, clip: Path, qtbot: QtBot) -> MainWindow:
    """The window with the clip open, its first frame shown and the engine there."""
    with qtbot.waitSignal(window.bridge.connected):
        window.bridge.start()
    window.documents.open_paths([str(clip)])
    qtbot.waitUntil(lambda: window.canvas.frame is not None)
    return window


@pytest.fixture
def marked(editor: MainWindow) -> MainWindow:
    """The editor with one box, 16x16, on its shot."""
    commands.add_removal(editor.session, RectF(8, 8, 24, 24))
    return editor
