"""Actions of the queue and the takes; jobs that an earlier window left; the question before closing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop import take_commands
from desktop.main_window import MainWindow


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
        results.changed.connect(self._on_results)
        session.playhead_changed.connect(self._show_takes)
        session.project_changed.connect(self._show_takes)
        window.media.probed.connect(self._on_probed)
        window.bridge.jobs_listed.connect(self._adopt)
        window.renders.ended.connect(self._adopt)

    def _render_take(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if shot and info:
            self._window.renders.start(shot, info, new_take=True)

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
