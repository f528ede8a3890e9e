"""Saves projects on a thread of its own: a slow disk or a network folder stalls nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.base.language import tr
from desktop.base.ui_thread import UiThread
from timeline.errors import TimelineError
from timeline.project import Project

_log = logging.getLogger(__name__)


class ProjectSaver(QObject):
    """One save after the other, in the order in which they were asked for."""

    idle = Signal()
    """Everything that was to be saved is saved, or failed."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._ui = UiThread(self)
        # Its thread is waited for when the program ends, so nothing is cut off.
        self._threads = ThreadPoolExecutor(1, "save")
        self._pending = 0

    @property
    def is_busy(self) -> bool:
        """Whether anything is still to be saved."""
        return self._pending > 0

    def save(self, project: Project, path: Path, done: Callable[[str | None], object]) -> None:
        """Save soon; ``done`` is called on the UI thread with None, or with one line that says why it failed."""
        self._pending += 1
        self._threads.submit(self._save, project, path, done)

    def _save(self, project: Project, path: Path, done: Callable[[str | None], object]) -> None:
        from timeline.project_file import save_project  # loads OpenTimelineIO

        message: str | None = None
        try:
            save_project(project, path)
        except TimelineError as error:
            message = str(error)
        except Exception as error:
            # The last line of defence of a thread: a save that nobody hears of would be taken for a good one.
            _log.exception("save")
            message = tr("{path}: not saved: {error} (details: Help > Show Log)").format(path=path, error=error)
        self._ui.post(partial(self._finish, done, message))

    def _finish(self, done: Callable[[str | None], object], message: str | None) -> None:
        self._pending -= 1
        done(message)
        if not self._pending:
            self.idle.emit()
