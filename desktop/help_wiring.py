"""Actions of the Help menu."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from desktop.diagnostics import report
from desktop.help_dialogs import TextDialog, about_html, help_html
from desktop.language import tr
from desktop.main_window import MainWindow
from desktop.preferences import load_preferences, save_preferences
from desktop.tour import Tour

_log = logging.getLogger(__name__)


class HelpWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window = window
        run("help", lambda: self._show_text(tr("Grayplate Help"), help_html(window.window_actions)))
        run("about", lambda: self._show_text(tr("About Grayplate"), about_html()))
        run("copy_report", self._copy_report)
        self.tour = Tour(window)
        run("tour", self.tour.start)
        self.tour.ended.connect(_remember_tour)

    def _show_text(self, title: str, html: str) -> None:
        dialog = TextDialog(title, html, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()

    def offer_tour(self) -> None:
        """Begin the tour unless it was taken or left before."""
        if not load_preferences().tour_seen:
            self.tour.start()

    def _copy_report(self) -> None:
        engine = re.sub(r"<[^>]*>|&nbsp;|●", "", self._window.engine_label.text()).strip()
        QGuiApplication.clipboard().setText(report(engine))
        self._window.statusBar().showMessage(tr("The diagnostic report is on the clipboard"), 4000)


def _remember_tour() -> None:
    try:
        save_preferences(replace(load_preferences(), tour_seen=True))
    except OSError as error:
        _log.warning("the preferences cannot be written: %s; the tour is offered again", error)
