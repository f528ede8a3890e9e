"""The last line of defence: what nobody caught goes to the log with its traceback, to the person as one line."""

from __future__ import annotations

import logging
import sys
import threading
from functools import partial
from logging.handlers import RotatingFileHandler
from types import TracebackType

from PySide6.QtCore import QObject, Signal

from desktop.base import paths
from desktop.base.language import tr
from desktop.base.ui_thread import UiThread

_log = logging.getLogger(__name__)


class CrashReporter(QObject):
    """Replaces ``sys.excepthook`` and ``threading.excepthook``; keeps the window alive."""

    crashed = Signal(str)
    """One line for a person; on the UI thread."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._ui = UiThread(self)

    def install(self) -> None:
        """From now on no traceback reaches a person."""
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )

    def _on_exception(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        _log.critical("unexpected error", exc_info=(kind, error, traceback))
        detail = str(error).splitlines()[0] if str(error) else kind.__name__
        line = tr("{error}. Your work is kept; details are in {path}.").format(error=detail, path=paths.log_file())
        self._ui.post(partial(self.crashed.emit, line))


def log_to_file() -> logging.Handler:
    """Warnings and worse of all floors go to the desktop's log file, through the handler returned."""
    handler = RotatingFileHandler(paths.log_file(), maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(root.level or logging.WARNING, logging.WARNING))
    return handler
