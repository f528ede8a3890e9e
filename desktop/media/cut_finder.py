"""Looks for cuts in a shot on a thread of its own."""

from __future__ import annotations

import logging
import threading
from functools import partial

from PySide6.QtCore import QObject, Signal, SignalInstance

from desktop.base.language import tr
from desktop.base.ui_thread import UiThread
from timeline.errors import MediaError
from timeline.shot import Shot

_log = logging.getLogger(__name__)


class CutFinder(QObject):
    """One search at a time."""

    found = Signal(str, list)
    """Shot id, media frames that start a new shot."""
    progressed = Signal(int, int)
    """Frames looked at, frames in all."""
    failed = Signal(str)
    """One line for a person."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ui = UiThread(self)
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether a search goes on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, shot: Shot) -> None:
        """Search ``shot``; :attr:`found` or :attr:`failed` follows."""
        self._thread = threading.Thread(target=self._search, args=(shot,), name="cuts", daemon=True)
        self._thread.start()

    def _search(self, shot: Shot) -> None:
        from timeline.media.reader import open_media
        from timeline.shot_detection import detect_cuts

        try:
            with open_media(shot.media_path, rate=shot.media_rate) as reader:
                cuts = detect_cuts(reader, shot.source_start, shot.source_end_exclusive, self._report)
        except MediaError as error:
            self._tell(self.failed, str(error))
        except Exception as error:
            # A thread's last line of defence: a person sees one line, the log has the rest.
            _log.exception("detecting cuts")
            self._tell(self.failed, tr("the search broke off: {error}").format(error=error))
        else:
            self._tell(self.found, shot.id, cuts)

    def _report(self, done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            self._tell(self.progressed, done, total)

    def _tell(self, signal: SignalInstance, *payload: object) -> None:
        self._ui.post(partial(signal.emit, *payload))
