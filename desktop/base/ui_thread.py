"""The one way from other threads to the UI thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, Qt, Signal, Slot


class UiThread(QObject):
    """Make it on the UI thread; :meth:`post` may be called on any.

    One queued signal with a declared slot carries everything: signals with undeclared slots that are emitted on
    another thread can crash PySide6 (PYSIDE-3124).
    """

    _posted = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Callable[[], object]) -> None:
        """Run ``call`` on the UI thread soon, in the order of posting."""
        with suppress(RuntimeError):  # the window is gone, and with it everybody who waited
            self._posted.emit(call)

    @Slot(object)
    def _run(self, call: Callable[[], object]) -> None:
        call()
