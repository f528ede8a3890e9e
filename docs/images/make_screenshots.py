"""Draws the pictures of the window without a screen: python docs/images/make_screenshots.py FOLDER [en|ja] [SCALE].

A real engine renders the sample shot in a home of its own, so the pictures show what a person sees. Some minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(sys.argv[1]).absolute()
LANGUAGE = sys.argv[2] if len(sys.argv) > 2 else "en"
os.environ["QT_SCALE_FACTOR"] = sys.argv[3] if len(sys.argv) > 3 else "1"
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["GRAYPLATE_HOME"] = tempfile.mkdtemp(prefix="grayplate-pictures-")

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from desktop import commands
from desktop.main_window import MainWindow
from desktop.qt import create_application
from desktop.qt_language import use_language
from desktop.theme import apply_theme
from desktop.tour import SAMPLE
from desktop.window_wiring import WindowWiring

PROJECT = Path(__file__).parents[2] / "resources" / "sample" / f"{SAMPLE}.otio"
WAIT_MS = 240_000


def wait(milliseconds: int = 300) -> None:
    """Let the window do its work."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], bool]) -> None:
    """Let the window do its work until something is so."""
    for _ in range(WAIT_MS // 100):
        if condition():
            return
        wait(100)
    raise TimeoutError(f"{condition} did not come true")


def keep(widget: QWidget, name: str) -> None:
    """Write a widget's picture."""
    wait()
    FOLDER.mkdir(parents=True, exist_ok=True)
    widget.grab().save(str(FOLDER / f"{name}.png"))
    print(name, flush=True)


def keep_dialog(window: MainWindow, action: str, name: str, tab: int | None = None) -> None:
    """Write the picture of the dialog that an action opens."""
    window.window_actions[action].trigger()
    wait()
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    tabs = getattr(dialog, "tabs", None)
    for index in range(tabs.count()) if tabs is not None and tab is None else ():
        tabs.setCurrentIndex(index)
        keep(dialog, f"{name}_{index}")
    if tabs is None or tab is not None:
        keep(dialog, name)
    dialog.reject()


def main() -> None:
    """All pictures."""
    application = create_application()
    use_language(application, LANGUAGE)
    apply_theme(application)
    window = MainWindow()
    wiring = WindowWiring(window)
    window.resize(1500, 940)
    window.show()
    keep(window, "empty")
    wiring.help.offer_tour()
    keep(window, "tour")
    window.bridge.start()
    wait_until(lambda: window.bridge.is_connected)
    window.documents.open_paths([str(PROJECT)])
    wait_until(lambda: window.canvas.frame is not None)
    keep(window, "tour_2")
    wiring.help.tour.end()
    window.session.go_to(24)
    keep(window, "editing")
    window.window_actions["render"].trigger()
    wait_until(lambda: bool(window.session.shot and len(window.results.chosen(window.session.shot.id).frames) > 5))
    keep(window, "rendering")
    for action, name in (
        ("preferences", "preferences"),
        ("help", "help"),
        ("about", "about"),
        ("export", "export"),
    ):
        keep_dialog(window, action, name)
    wait_until(lambda: not window.renders.is_busy)
    window.window_actions["wipe"].trigger()
    window.session.go_to(25)
    keep(window, "comparing")
    window.window_actions["side_by_side"].trigger()
    keep(window, "side_by_side")
    window.window_actions["difference"].trigger()
    keep(window, "difference")
    window.window_actions["difference"].trigger()
    window.window_actions["convert_to_roto"].trigger()
    window.show_shapes()
    keep(window, "roto")
    window.window_actions["undo"].trigger()
    window.window_actions["track_both"].trigger()
    wait(1500)
    keep(window, "tracking")
    wait_until(lambda: not window.tracking.is_running)
    window.window_actions["undo"].trigger()
    commands.set_effect(window.session, "vace")
    wait()
    keep(window, "stale")
    window.window_actions["render"].trigger()
    wait_until(lambda: bool(window.notices.texts) and not window.renders.is_busy)
    keep(window, "failed")
    keep(next(box for box in window.findChildren(QMessageBox) if box.isVisible()), "failed_message")
    window.documents.quit_agreed.emit()


if __name__ == "__main__":
    main()
