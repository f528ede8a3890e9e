"""Actions of the queue and the takes; jobs that an earlier window left; the question before closing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog

from desktop.base.language import tr
from desktop.main_window import MainWindow
from desktop.rendering import take_commands
from desktop.rendering.take_restorer import TakeRestorer


class QueueWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        session, results, actions = window.session, window.results, window.window_actions
        run("render_take", self._render_take)
        run("next_take", lambda: take_commands.choose_next_take(session, results))
        actions["compare_take"].toggled.connect(lambda on: take_commands.compare_takes(session, results, on))
        actions["pause_queue"].toggled.connect(window.renders.set_paused)
        run("clear_queue", window.renders.clear_finished)
        window.takes.new.clicked.connect(self._render_take)
        window.takes.rename.clicked.connect(self._rename_take)
        window.takes.delete.clicked.connect(self._ask_to_delete_take)
        self._restorer = TakeRestorer(session, results, window.bridge, self)
        window.documents.opened.connect(self._forget_results)
        window.documents.opened.connect(self._restorer.restore)
        results.changed.connect(self._on_results)
        session.playhead_changed.connect(self._show_takes)
        session.project_changed.connect(self._show_takes)
        window.media.probed.connect(self._on_probed)
        window.bridge.jobs_listed.connect(self._adopt)
        window.renders.ended.connect(self._adopt)

    def _forget_results(self) -> None:
        """Of documents that were open before; a project that is opened again has its takes back from its file."""
        renders = self._window.renders
        queued = {entry.shot_id for entry in (*renders.queue.waiting, renders.active) if entry}
        self._window.results.keep_only({shot.id for shot in self._session.project.shots} | queued)

    def _render_take(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if shot and info:
            self._window.renders.start(shot, info, new_take=True)

    def _rename_take(self) -> None:
        shot, take = self._session.shot, self._window.takes.selected()
        if shot and take:
            name, agreed = QInputDialog.getText(self._window, tr("Name of the Take"), tr("Name"), text=take.label)
            if agreed and name != take.label:
                self._window.results.rename(shot.id, take.number, name)

    def _ask_to_delete_take(self) -> None:
        shot, take = self._session.shot, self._window.takes.selected()
        if shot and take:
            self._window.notices.ask(
                tr("Delete this take?"),
                tr("{take} and its settings go. That cannot be undone.").format(take=take.label),
                {
                    tr("Delete"): lambda: self._window.results.delete(shot.id, take.number),
                    tr("Keep"): lambda: None,
                },
            )

    def _on_results(self, shot_id: str) -> None:
        shot = self._session.shot
        if shot and shot.id == shot_id:
            self._show_takes()

    def _show_takes(self) -> None:
        shot, actions = self._session.shot, self._window.window_actions
        several = shot is not None and len(self._window.results.takes(shot.id)) > 1
        actions["next_take"].setEnabled(several)
        actions["compare_take"].setEnabled(several)
        compared = shot is not None and self._window.results.versus(shot.id) is not None
        actions["compare_take"].blockSignals(True)
        actions["compare_take"].setChecked(compared)
        actions["compare_take"].blockSignals(False)

    def _on_probed(self, path: str, info: object) -> None:
        del path, info
        self._adopt()

    def _adopt(self) -> None:
        """A render that was left to the engine goes on in this window once its shot is open."""
        for shot in self._session.project.shots:
            info = self._window.media.info(shot.media_path)
            if info:
                self._window.renders.adopt(shot, info)
