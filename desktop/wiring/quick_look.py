"""Which frames are looked over ahead, and when that has to wait: see ``desktop.media.quick_look``."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from desktop.main_window import MainWindow
from desktop.media.quick_look import MediaRange
from timeline.shot import Shot


class QuickLookWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._shots: tuple[Shot, ...] | None = None
        window.session.project_changed.connect(self._plan)
        window.media.probed.connect(lambda path, info: self._plan_anew())
        window.playback.changed.connect(self._give_way)
        renders = window.renders
        for change in (renders.started, renders.ended):
            change.connect(self._give_way)

    def _plan(self) -> None:
        if self._session.project.shots is not self._shots:
            self._plan_anew()

    def _plan_anew(self) -> None:
        self._shots = self._session.project.shots
        known = [shot for shot in self._shots if self._window.media.info(shot.media_path) is not None]
        self._window.media.look_over(media_ranges(known))

    def _give_way(self) -> None:
        is_busy = self._window.playback.is_playing or self._window.renders.active is not None
        self._window.media.pause_looking_over(is_busy)


def media_ranges(shots: Sequence[Shot]) -> list[MediaRange]:
    """The frames that shots show, each once, in order: neighbouring ranges of the same media are one."""
    parts = [MediaRange(shot.media_path, shot.media_rate, shot.frames.start, shot.frames.stop) for shot in shots]
    merged: list[MediaRange] = []
    for part in sorted(parts, key=lambda part: (part.path, part.rate or 0, part.start)):
        last = merged[-1] if merged else None
        if last is not None and last.media == part.media and part.start <= last.stop:
            merged[-1] = MediaRange(part.path, part.rate, last.start, max(last.stop, part.stop))
        else:
            merged.append(part)
    return merged
