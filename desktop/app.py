"""Starts the desktop."""

from __future__ import annotations

import signal
import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop.base.crash import CrashReporter, log_to_file
from desktop.base.language import tr
from desktop.base.preferences import load_preferences
from desktop.base.qt import create_application
from desktop.base.qt_language import use_language
from desktop.base.theme import apply_theme
from desktop.main_window import MainWindow
from desktop.wiring.window import WindowWiring


def run(paths: list[str]) -> int:
    """Open the desktop with projects and media; returns when the window is closed: 0 as a rule."""
    log_to_file()
    application = create_application()
    dress(application)
    window = open_window(paths)
    reporter = CrashReporter(window)
    reporter.crashed.connect(lambda line: window.notices.problem(tr("Something went wrong"), line))
    reporter.install()
    # Python looks at signals only while it runs: let it, so that Ctrl-C in the terminal closes the window.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    heartbeat = QTimer(window)
    heartbeat.start(500)
    heartbeat.timeout.connect(lambda: None)
    return application.exec()


def dress(application: QApplication) -> None:
    """The language of the preferences and our looks, before there is a window."""
    use_language(application, load_preferences().language)
    apply_theme(application)


def open_window(paths: list[str]) -> MainWindow:
    """The main window, shown; engine, files and recovery follow once it is up."""
    window = MainWindow()
    wiring = WindowWiring(window)
    window.show()

    def after_start() -> None:
        window.bridge.start()
        window.documents.open_paths(paths)
        window.documents.offer_recovery()
        if not paths and not window.notices.texts:  # a question about lost work comes first
            wiring.help.offer_tour()

    QTimer.singleShot(0, after_start)
    return window


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
