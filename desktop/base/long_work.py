"""Work of seconds or minutes that the window waits for: on a thread, with its progress, and it can be cancelled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QProgressDialog, QWidget

from desktop.base.errors import DesktopError
from desktop.base.language import tr
from desktop.base.ui_thread import UiThread
from roi_tools.errors import RoiError
from timeline.errors import TimelineError

_log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
"""``progress(done, total)``; raises WorkCancelled where one wants it no more."""
Result = TypeVar("Result")


class WorkCancelled(Exception):
    """A person broke it off."""


class LongWork(QObject):
    """One piece of work at a time; keep it as long as the window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._ui = UiThread(self)
        self._cancelled = threading.Event()
        self.dialog: QProgressDialog | None = None
        """The dialog of what runs now."""

    def start(
        self,
        title: str,
        work: Callable[[Progress], Result],
        done: Callable[[Result], object],
        failed: Callable[[str], object],
    ) -> None:
        """Run ``work`` on a thread, then ``done`` or ``failed`` (one line for a person) here; neither if cancelled."""
        self._cancelled.clear()
        dialog = QProgressDialog(title, tr("Cancel"), 0, 0, self._window)
        dialog.setWindowModality(Qt.WindowModality.WindowModal)
        dialog.setMinimumDuration(0)
        dialog.setAutoReset(False)
        dialog.canceled.connect(self._cancelled.set)
        self.dialog = dialog
        dialog.show()
        threading.Thread(target=lambda: self._ui.post(self._run(work, done, failed)), name="work", daemon=True).start()

    def close(self) -> None:
        """Break off what runs."""
        self._cancelled.set()

    def _run(
        self,
        work: Callable[[Progress], Result],
        done: Callable[[Result], object],
        failed: Callable[[str], object],
    ) -> Callable[[], None]:
        """On the thread; what is to be done on the UI thread afterwards."""
        try:
            result = work(self._report)
        except WorkCancelled:
            return self._finish
        except (DesktopError, RoiError, TimelineError, OSError) as error:
            line = str(error)
            return lambda: self._finish(lambda: failed(line))
        except Exception as error:
            # The last line of defence of a thread: a person sees one line, the log has the rest.
            _log.exception("work")
            line = str(error) or type(error).__name__
            return lambda: self._finish(lambda: failed(line))
        return lambda: self._finish(lambda: done(result))

    def _report(self, done: int, total: int) -> None:
        if self._cancelled.is_set():
            raise WorkCancelled
        self._ui.post(lambda: self._show(done, total))

    def _show(self, done: int, total: int) -> None:
        if self.dialog is not None and not self._cancelled.is_set():
            self.dialog.setMaximum(total)
            self.dialog.setValue(done)

    def _finish(self, then: Callable[[], object] | None = None) -> None:
        is_wanted = not self._cancelled.is_set()  # closing the dialog counts as cancelling
        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
            self.dialog = None
        if then is not None and is_wanted:
            then()
