"""Brings the frames of a project's takes back, as far as the engine's cache has kept them."""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from desktop.editing.session import Session
from desktop.rendering.engine_bridge import Engine, EngineBridge
from desktop.rendering.results import ResultStore
from engine.protocol import FINAL_STATES, FrameEvent, WindowsEvent

Kept = tuple[FrameEvent | WindowsEvent, ...]
_Wish = tuple[str, int, str]
"""Shot, take, job."""


class TakeRestorer(QObject):
    """Keeps the session's takes in step with the results, and asks the engine for frames when a document is opened."""

    def __init__(self, session: Session, results: ResultStore, bridge: EngineBridge, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._results, self._bridge = session, results, bridge
        self._wishes: deque[_Wish] = deque()
        self._is_asking = False
        results.changed.connect(self._on_results)
        bridge.connected.connect(self._on_connected)

    def restore(self) -> None:
        """Another document is open: bring back its takes."""
        for shot_id, takes in self._session.project.takes.items():
            if self._results.restore(shot_id, takes):
                self._wishes.extend((shot_id, take.number, job) for take in takes.takes for job in take.job_ids)
            else:
                self._on_results(shot_id)
        self._ask()

    def _on_results(self, shot_id: str) -> None:
        if any(shot.id == shot_id for shot in self._session.project.shots):
            self._session.note_takes(shot_id, self._results.record(shot_id))

    def _on_connected(self, effects: object) -> None:
        del effects
        self._is_asking = False
        self._ask()

    def _ask(self) -> None:
        if self._wishes and not self._is_asking and self._bridge.is_connected:
            self._is_asking = True
            job_id = self._wishes[0][2]
            self._bridge.ask(partial(kept_events, job_id=job_id), self._on_events, self._on_refused)

    def _on_events(self, events: Kept) -> None:
        shot_id, number, _ = self._wishes.popleft()
        self._is_asking = False
        is_all = not any((other_shot, other) == (shot_id, number) for other_shot, other, _ in self._wishes)
        self._results.restore_frames(shot_id, number, events, is_all=is_all)
        self._ask()

    def _on_refused(self, message: str) -> None:
        """The engine knows that job no more; the take says that its frames are gone."""
        del message
        self._on_events(())


def kept_events(engine: Engine, job_id: str) -> Kept:
    """A finished job's frames that are still on the disk, and its windows; none of one that is not finished."""
    if engine.job(job_id).state not in FINAL_STATES:
        return ()
    return tuple(
        event
        for event in engine.events(job_id)
        if isinstance(event, WindowsEvent)
        or (isinstance(event, FrameEvent) and not event.provisional and Path(event.patch_path).exists())
    )
