"""Makes proxies on a thread of its own, one after the other."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from desktop.base.language import tr
from desktop.base.ui_thread import UiThread
from desktop.media.proxy_store import ProxyStore, make_proxy
from timeline.errors import MediaError

_STEP = 10
"""Frames between two reports."""
_log = logging.getLogger(__name__)


class ProxyMaker(QObject):
    """Media are named by their path."""

    progressed = Signal(str, int, int)
    """Path, frames done, frames in all."""
    made = Signal(str)
    """The proxy of this media file is there."""
    cancelled = Signal(str)
    """Nothing is left of this one."""
    failed = Signal(str)
    """One line for a person."""

    def __init__(self, store: ProxyStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._ui = UiThread(self)
        self._waiting: deque[str] = deque()
        self._lock = threading.Lock()
        self._current: str | None = None
        self._stop = threading.Event()

    def is_making(self, path: str) -> bool:
        """Whether a proxy is made, or waits to be."""
        with self._lock:
            return path == self._current or path in self._waiting

    def make(self, path: str) -> None:
        """Make the proxy of a movie; :attr:`made` or :attr:`failed` follows."""
        with self._lock:
            if path == self._current or path in self._waiting:
                return
            self._waiting.append(path)
            if self._current is None:
                self._current = self._waiting.popleft()
                threading.Thread(target=self._run, name="proxies", daemon=True).start()

    def cancel(self, path: str) -> None:
        """Make this one no further."""
        with self._lock:
            if path == self._current:
                self._stop.set()
            elif path in self._waiting:
                self._waiting.remove(path)
                self._ui.post(lambda: self.cancelled.emit(path))

    def close(self) -> None:
        """Make no further ones; what is half made is thrown away."""
        with self._lock:
            self._waiting.clear()
            self._stop.set()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        path = self._current
        while path is not None:
            news = self._make(path)
            with self._lock:
                self._stop.clear()
                path = self._current = self._waiting.popleft() if self._waiting else None
            self._ui.post(news)

    def _make(self, path: str) -> Callable[[], None]:
        """What is to be said of it, on the UI thread."""
        try:
            target = self._store.path_of(path)
            if not make_proxy(path, target, partial(self._report, path)):
                return lambda: self.cancelled.emit(path)
            self._store.shrink(target)
        except (MediaError, OSError) as error:
            return partial(self._fail, str(error))
        except Exception as error:
            # The last line of defence of a thread: a person sees one line, the log has the rest.
            _log.exception("proxy")
            return partial(self._fail, tr("no proxy was made of {path}: {error}").format(path=path, error=error))
        return lambda: self.made.emit(path)

    def _report(self, path: str, done: int, total: int) -> bool:
        if done % _STEP == 0:
            self._ui.post(lambda: self.progressed.emit(path, done, total))
        return not self._stop.is_set()

    def _fail(self, message: str) -> None:
        self.failed.emit(message)
