"""Actions of the Help menu."""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from desktop.diagnostics import report
from desktop.help_dialogs import TextDialog, about_html, help_html
from desktop.language import tr
from desktop.main_window import MainWindow


class HelpWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window = window
        run("help", lambda: self._show_text(tr("Grayplate Help"), help_html(window.window_actions)))
        run("about", lambda: self._show_text(tr("About Grayplate"), about_html()))
        run("copy_report", self._copy_report)

    def _show_text(self, title: str, html: str) -> None:
        dialog = TextDialog(title, html, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()

    def _copy_report(self) -> None:
        engine = re.sub(r"<[^>]*>|&nbsp;|●", "", self._window.engine_label.text()).strip()
        QGuiApplication.clipboard().setText(report(engine))
        self._window.statusBar().showMessage(tr("The diagnostic report is on the clipboard"), 4000)
