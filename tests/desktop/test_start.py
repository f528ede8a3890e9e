"""What the start costs, what it shelters from, and what a person sees of a defect."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from desktop.actions import ACTIONS
from desktop.base import paths
from desktop.base.crash import CrashReporter, log_to_file
from desktop.base.icons import icon, pixmap
from desktop.base.qt import drop_foreign_plugin_paths
from desktop.main_window import MainWindow


def test_importing_the_desktop_loads_nothing_heavy() -> None:
    code = (
        "import desktop.app, sys; "
        "heavy = {'torch', 'diffusers', 'transformers', 'cv2', 'av', 'OpenImageIO', 'fastapi', 'httpx'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_opencv_s_qt_plugins_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = os.path.join("lib", "site-packages", "cv2", "qt", "plugins")  # noqa: PTH118 - as it stands in the environment
    monkeypatch.setenv("QT_QPA_PLATFORM_PLUGIN_PATH", foreign)
    monkeypatch.setenv("QT_PLUGIN_PATH", "/a/person's/own")
    drop_foreign_plugin_paths()
    assert "QT_QPA_PLATFORM_PLUGIN_PATH" not in os.environ
    assert os.environ["QT_PLUGIN_PATH"] == "/a/person's/own"


@pytest.mark.parametrize("name", sorted({spec.icon for spec in ACTIONS if spec.icon}))
def test_every_action_s_icon_is_drawn(qapp: object, name: str) -> None:
    image = pixmap(name, 24, "#ff0000").toImage()
    reds = [image.pixelColor(x, y) for x in range(24) for y in range(24)]
    assert any(color.alpha() > 200 and color.red() > 200 for color in reds)
    assert not icon(name).isNull()


def test_an_icon_is_sharp_on_a_dense_screen(qapp: object) -> None:
    image = pixmap("add", 20, "#ffffff", 1.5)
    assert (image.width(), image.devicePixelRatio()) == (30, 1.5)
    assert image.toImage().pixelColor(15, 15) == QColor("#ffffff")


def test_a_defect_is_one_line_in_a_dialog_and_a_traceback_in_the_log(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    handler = log_to_file()
    request.addfinalizer(lambda: logging.getLogger().removeHandler(handler))
    reporter = CrashReporter(window)
    reporter.crashed.connect(lambda line: window.notices.problem("Something went wrong", line))
    reporter.install()
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "Something went wrong" in window.notices.texts)
    text = window.notices.texts["Something went wrong"]
    assert text.startswith("Division by zero. Your work is kept")
    assert "\n" not in text
    log = Path(paths.log_file()).read_text(encoding="utf-8")
    assert "Traceback" in log
    assert "ZeroDivisionError" in log


def test_everything_lies_under_grayplate_home(grayplate_home: Path) -> None:
    for path in (paths.settings_file(), paths.log_file(), paths.recovery_folder()):
        assert path.is_relative_to(grayplate_home)
