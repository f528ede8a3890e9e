"""One render at a time: from the shot under the playhead to frames in the result store."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from desktop.engine_bridge import EngineBridge
from desktop.errors import NothingToRenderError
from desktop.render_request import render_request
from desktop.results import ResultStore
from engine.protocol import (
    FrameEvent,
    Job,
    Output,
    ProgressEvent,
    RenderRequest,
    StateEvent,
    WarningEvent,
)
from timeline.media.info import MediaInfo
from timeline.shot import Shot


@dataclass
class ActiveRender:
    """The render that runs now."""

    shot_id: str
    request: RenderRequest
    job_id: str | None = None
    last_sequence: int = 0
    cancelled: bool = False


class RenderController(QObject):
    """Starts, follows and cancels renders; says what happens in signals on the UI thread."""

    started = Signal()
    """A render was asked for."""
    progressed = Signal(object)
    """A ProgressEvent."""
    frame_arrived = Signal(str, int)
    """Shot id, media frame: the result store has it."""
    warned = Signal(str)
    """A warning of the engine."""
    finished = Signal(object)
    """The Job, done."""
    failed = Signal(str)
    """One line: why the render broke off, or could not start."""
    cancelled = Signal()
    """The render ended because somebody asked for it."""
    ended = Signal()
    """No render runs any more, for whichever reason."""

    def __init__(self, bridge: EngineBridge, results: ResultStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._results = results
        self.active: ActiveRender | None = None
        bridge.job_started.connect(self._on_job_started)
        bridge.event_received.connect(self._on_event)
        bridge.job_ended.connect(self._on_job_ended)
        bridge.rejected.connect(self._on_rejected)
        bridge.unavailable.connect(self._on_unavailable)
        bridge.connected.connect(self._on_connected)

    def start(
        self, shot: Shot, info: MediaInfo, frames: range | None = None, output: Output | None = None
    ) -> RenderRequest | None:
        """Render ``frames`` of ``shot`` (None: all). Does nothing while a render runs; :attr:`failed` says why not."""
        if self.active is not None:
            return None
        try:
            request = render_request(shot, info, frames, output)
        except NothingToRenderError as error:
            self.failed.emit(str(error))
            return None
        self.active = ActiveRender(shot.id, request)
        self._results.begin(shot)
        self.started.emit()
        self._bridge.submit(request)
        return request

    def cancel(self) -> None:
        """Stop the running render; the frames that arrived stay."""
        if self.active is None or self.active.cancelled:
            return
        self.active.cancelled = True
        if not self._bridge.is_connected and self.active.job_id is not None:
            self._end_cancelled()
        elif self.active.job_id is not None:
            self._bridge.cancel(self.active.job_id)

    def _on_job_started(self, job: Job) -> None:
        if self.active is None or self.active.job_id is not None:
            return
        self.active.job_id = job.id
        if self.active.cancelled:
            self._bridge.cancel(job.id)

    def _on_event(self, event: object) -> None:
        active = self.active
        if active is None or getattr(event, "job_id", None) != active.job_id:
            return
        active.last_sequence = max(active.last_sequence, getattr(event, "sequence", 0))
        if isinstance(event, FrameEvent):
            self._results.add(active.shot_id, event)
            self.frame_arrived.emit(active.shot_id, event.frame)
        elif isinstance(event, ProgressEvent):
            self.progressed.emit(event)
        elif isinstance(event, WarningEvent):
            self.warned.emit(event.message)
        elif isinstance(event, StateEvent) and event.state == "failed":
            self._end_failed(event.error.message if event.error else "the render failed; the engine does not say why")

    def _on_job_ended(self, job: Job) -> None:
        if self.active is None or self.active.job_id != job.id:
            return
        if job.state == "done":
            self.active = None
            self.finished.emit(job)
            self.ended.emit()
        elif job.state == "cancelled":
            self._end_cancelled()
        else:
            self._end_failed(job.error.message if job.error else f"the render ended as '{job.state}'")

    def _on_rejected(self, message: str) -> None:
        if self.active is not None:
            self._end_failed(message)

    def _on_unavailable(self, message: str) -> None:
        del message  # the window shows it, with a way to try again
        # A job that the engine has taken outlives its connection; one that it never got does not.
        if self.active is not None and self.active.job_id is None:
            self.active = None
            self.ended.emit()

    def _on_connected(self, effects: object) -> None:
        del effects
        if self.active is not None and self.active.job_id is not None:
            self._bridge.follow(self.active.job_id, self.active.last_sequence)

    def _end_cancelled(self) -> None:
        self.active = None
        self.cancelled.emit()
        self.ended.emit()

    def _end_failed(self, message: str) -> None:
        self.active = None
        self.failed.emit(message)
        self.ended.emit()
