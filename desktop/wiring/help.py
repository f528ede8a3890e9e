"""Actions of the Help menu."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from desktop.base.diagnostics import report
from desktop.base.language import tr
from desktop.base.preferences import load_preferences, save_preferences
from desktop.dialogs.help_dialogs import TextDialog, about_html, open_help
from desktop.dialogs.help_topics import TOPICS, set_topic, topic_of
from desktop.main_window import MainWindow
from desktop.wiring.tour import Tour

_log = logging.getLogger(__name__)


class HelpWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window = window
        for widget, topic in (
            (window.viewer, "viewer"),
            (window.strip, "timeline"),
            (window.removals, "removals"),
            (window.inspector, "effects"),
            (window.render_panel, "rendering"),
        ):
            set_topic(widget, topic)
        run("help", self._show_help)
        run("about", lambda: self._show_text(tr("About Grayplate"), about_html()))
        run("copy_report", self._copy_report)
        self.tour = Tour(window)
        run("tour", self.tour.start)
        self.tour.ended.connect(_remember_tour)

    def _show_help(self) -> None:
        """The page about what has the keyboard; before there is footage, how to begin."""
        has_shot = self._window.session.shot is not None
        topic = topic_of(self._window.focusWidget()) if has_shot else TOPICS[0]
        open_help(self._window.window_actions, topic, self._window)

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
