"""Actions of the everyday: recent projects, missing media, trimming, copying removals, the in/out range."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu

from desktop.base.language import tr
from desktop.editing import strip_commands
from desktop.main_window import MainWindow
from desktop.project.recent_files import RecentMenu, remember_project

Run = Callable[[str, Callable[[], object]], None]
"""Connects the action of this name to what it does."""


class EditWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Run) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        session, in_out, clipboard = window.session, window.in_out, window.clipboard
        run("copy", self._copy)
        run("paste", clipboard.paste)
        run("mark_in", in_out.mark_in)
        run("mark_out", in_out.mark_out)
        run("clear_marks", in_out.clear)
        run("trim_start", lambda: strip_commands.trim_start_here(session))
        run("trim_end", lambda: strip_commands.trim_end_here(session))
        run("relink", self._ask_file)
        run("find_media", self._ask_folder)
        window.relinker.linked.connect(self._on_linked)
        window.relinker.failed.connect(lambda line: window.notices.problem(tr("Media was not linked"), line))
        self.recent = RecentMenu(window)
        self._add_recent_menu()

    def _add_recent_menu(self) -> None:
        window = self._window
        before = window.window_actions["open_media"]
        for place in before.associatedObjects():
            if isinstance(place, QMenu):
                place.insertMenu(before, self.recent)
        self.recent.chosen.connect(window.documents.open_project)
        window.documents.file_used.connect(remember_project)

    def _copy(self) -> None:
        self._window.clipboard.copy()
        removal = self._session.removal
        if removal:
            self._window.window_actions["paste"].setEnabled(True)
            self._window.statusBar().showMessage(tr("Copied {name}").format(name=removal.label), 3000)

    def _folder(self) -> str:
        path = self._session.path
        return str(path.parent if path else Path.home())

    def _ask_file(self) -> None:
        shot = self._session.shot
        if shot is None:
            return
        found, _ = QFileDialog.getOpenFileName(
            self._window, tr("Media of '{name}'").format(name=shot.name), self._folder(), tr("All files (*)")
        )
        if found:
            self._window.relinker.link({shot.media_path: found})

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self._window, tr("Find Missing Media in"), self._folder())
        if folder:
            self._window.statusBar().showMessage(tr("Searching {folder} …").format(folder=folder))
            self._window.relinker.search(Path(folder))

    def _on_linked(self, count: int) -> None:
        self._window.statusBar().showMessage(
            tr("{count} shots linked").format(count=count) if count > 1 else tr("1 shot linked"), 4000
        )
