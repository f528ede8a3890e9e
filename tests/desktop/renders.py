"""Renders of the scripted engine, and a window that comes after the first one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.wiring.window import WindowWiring
from roi_tools.geometry import Box
from tests.desktop.conftest import EngineDoor
from timeline.media.patch import FramePatch

BOX = Box(8, 8, 24, 24)


def patch_file(folder: Path, frame: int, value: int) -> str:
    luma, chroma = np.full((16, 16), value, np.uint8), np.full((8, 8), 128, np.uint8)
    path = folder / f"{frame}_{value}.npz"
    FramePatch(BOX, (luma, chroma, chroma)).save(path)
    return str(path)


def wait_for_job(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.renders.active is not None and window.renders.active.job_id is not None)


def reopened(door: EngineDoor, project: Path, qtbot: QtBot) -> MainWindow:
    window = MainWindow(door)
    WindowWiring(window)
    qtbot.addWidget(window, before_close_func=lambda window: window.documents.quit_agreed.emit())
    window.show()
    with qtbot.waitSignal(window.bridge.connected):
        window.bridge.start()
    window.documents.open_project(project)
    return window
