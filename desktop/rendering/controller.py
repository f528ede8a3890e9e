"""Runs the queue, one render at a time: from a shot to frames in the result store."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from desktop.base.errors import NothingToRenderError
from desktop.base.language import tr
from desktop.rendering.engine_bridge import EngineBridge
from desktop.rendering.queue import QueuedRender, RenderQueue, RenderState
from desktop.rendering.request import render_request
from desktop.rendering.results import ResultStore
from engine.protocol import (
    ErrorInfo,
    FrameEvent,
    Job,
    Output,
    ProgressEvent,
    StateEvent,
    WarningEvent,
    WindowsEvent,
)
from timeline.media.info import MediaInfo
from timeline.shot import Shot


class RenderController(QObject):
    """Starts, follows and cancels renders; says what happens in signals on the UI thread.

    ``rejected``, failed and cancelled renders don't stop the queue; an engine that went away does until it is back.
    """

    queue_changed = Signal()
    """A render was added, moved, began, went on or ended."""
    started = Signal()
    """A render began."""
    progressed = Signal(object)
    """A ProgressEvent."""
    frame_arrived = Signal(str, int)
    """Shot id, media frame: the result store has it."""
    warned = Signal(str)
    """A warning of the engine."""
    finished = Signal(object)
    """The Job, done."""
    restored = Signal(int)
    """So many frames of an earlier window's render are there again."""
    failed = Signal(str, str)
    """One line: why the render broke off, or could not start; and what would mend it, see ErrorInfo.about."""
    cancelled = Signal()
    """The render ended because somebody asked for it."""
    ended = Signal()
    """A render ended, for whichever reason; the next one of the queue may have begun."""

    def __init__(self, bridge: EngineBridge, results: ResultStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._results = results
        self.queue = RenderQueue()
        self.active: QueuedRender | None = None
        self._paused = False
        self._orphans: list[Job] = []
        bridge.job_started.connect(self._on_job_started)
        bridge.event_received.connect(self._on_event)
        bridge.job_ended.connect(self._on_job_ended)
        bridge.rejected.connect(self._on_rejected)
        bridge.unavailable.connect(self._on_unavailable)
        bridge.connected.connect(self._on_connected)
        bridge.jobs_listed.connect(self._on_jobs_listed)

    # --- what a person asks for ---------------------------------------------------------------------------------

    def start(
        self,
        shot: Shot,
        info: MediaInfo,
        frames: range | None = None,
        output: Output | None = None,
        *,
        new_take: bool = False,
    ) -> QueuedRender | None:
        """Queue a render of ``frames`` of ``shot`` (None: all); it begins at once where nothing else runs.

        ``new_take`` keeps the result so far beside the new one. :attr:`failed` says why there is nothing to render.
        """
        try:
            request = render_request(shot, info, frames, output)
        except NothingToRenderError as error:
            self.failed.emit(str(error), "")
            return None
        entry = QueuedRender(shot, request, new_take)
        self._add(entry)
        return entry

    def retry(self, entry: QueuedRender) -> None:
        """Queue the same render again."""
        self._add(QueuedRender(entry.shot, entry.request, entry.new_take))

    def move(self, entry: QueuedRender, by: int) -> None:
        """Let a waiting render come earlier (-1) or later (1)."""
        self.queue.move(entry, by)
        self.queue_changed.emit()

    def clear_finished(self) -> None:
        """List no render that is over."""
        self.queue.clear_finished()
        self.queue_changed.emit()

    @property
    def is_paused(self) -> bool:
        """Whether no further render begins by itself."""
        return self._paused

    def set_paused(self, paused: bool) -> None:
        """Begin no further render, or go on. The running one runs to its end."""
        self._paused = paused
        self._run_next()
        self.queue_changed.emit()

    def cancel(self, entry: QueuedRender | None = None) -> None:
        """Stop the running render (None), or any of the queue; the frames that arrived stay."""
        if entry is not None and entry is not self.active:
            if entry.state is RenderState.WAITING:
                entry.state = RenderState.CANCELLED
                self.queue_changed.emit()
            return
        if self.active is None or self.active.cancelled:
            return
        self.active.cancelled = True
        if not self._bridge.is_connected and self.active.job_id is not None:
            self._end_cancelled()
        elif self.active.job_id is not None:
            self._bridge.cancel(self.active.job_id)

    @property
    def is_busy(self) -> bool:
        """Whether a render runs or waits."""
        return self.active is not None or bool(self.queue.waiting)

    # --- the queue ----------------------------------------------------------------------------------------------

    def _add(self, entry: QueuedRender) -> None:
        self.queue.add(entry)
        self._run_next()
        self.queue_changed.emit()

    def _run_next(self) -> None:
        waiting = self.queue.waiting
        if self.active is None and waiting and not self._paused:
            self._begin(waiting[0])
            self._bridge.submit(waiting[0].request)

    def _begin(self, entry: QueuedRender) -> None:
        self.active = entry
        entry.state = RenderState.RUNNING
        known = self._results.take_of_job(entry.shot_id, entry.job_id) if entry.job_id else None
        entry.take_number = known or self._results.begin(entry.shot, new_take=entry.new_take)
        if entry.job_id:
            self._results.note_job(entry.shot_id, entry.take_number, entry.job_id)
        self.started.emit()

    def _end(self, state: RenderState) -> None:
        if self.active is not None:
            self.active.state = state
        self.active = None

    def _go_on(self) -> None:
        self._run_next()
        self.ended.emit()
        self.queue_changed.emit()

    # --- taking up what an earlier window left ------------------------------------------------------------------

    def _on_jobs_listed(self, jobs: tuple[Job, ...]) -> None:
        known = {entry.job_id for entry in self.queue.entries}
        unknown = [job for job in jobs if job.id not in known and not (job.state == "done" and job.request.output)]
        self._orphans = sorted(unknown, key=lambda job: (job.state == "done", -job.created_ms))

    def adopt(self, shot: Shot, info: MediaInfo) -> None:
        """Follow a job that renders just this shot, begun by a window that is closed now, or show what came of it.

        Of a shot with takes, what came of finished jobs is brought back by :class:`TakeRestorer`.
        """
        if self.active is not None:
            return
        has_takes = bool(self._results.takes(shot.id))
        candidates = (job for job in self._orphans if not (has_takes and job.state == "done"))
        job = next((job for job in candidates if _renders(job, shot, info)), None)
        if job is None:
            return
        self._orphans.remove(job)
        entry = QueuedRender(shot, job.request, job_id=job.id, is_replay=job.state == "done")
        if not entry.is_replay:
            self.queue.add(entry)
        self._begin(entry)
        self._bridge.follow(job.id, 0)
        self.queue_changed.emit()

    # --- what the engine says -----------------------------------------------------------------------------------

    def _on_job_started(self, job: Job) -> None:
        if self.active is None or self.active.job_id is not None:
            return
        self.active.job_id = job.id
        self._results.note_job(self.active.shot_id, self.active.take_number, job.id)
        if self.active.cancelled:
            self._bridge.cancel(job.id)

    def _on_event(self, event: object) -> None:
        active = self.active
        if active is None or getattr(event, "job_id", None) != active.job_id:
            return
        active.last_sequence = max(active.last_sequence, getattr(event, "sequence", 0))
        if isinstance(event, FrameEvent):
            self._results.add(active.shot_id, event, active.take_number)
            self.frame_arrived.emit(active.shot_id, event.frame)
        elif isinstance(event, ProgressEvent):
            active.progress = event
            self.progressed.emit(event)
            self.queue_changed.emit()
        elif isinstance(event, WarningEvent):
            self.warned.emit(event.message)
        elif isinstance(event, WindowsEvent):
            self._results.add_windows(active.shot_id, event, active.take_number)
        elif isinstance(event, StateEvent) and event.state == "failed":
            self._end_failed(event.error or _unsaid(tr("the render failed; the engine does not say why")))

    def _on_job_ended(self, job: Job) -> None:
        if self.active is None or self.active.job_id != job.id:
            return
        if job.state == "done":
            is_replay = self.active.is_replay
            self._end(RenderState.DONE)
            if is_replay:
                self.restored.emit(len(job.request.frames))
            else:
                self.queue.note_speed(job)
                self.finished.emit(job)
            self._go_on()
        elif job.state == "cancelled":
            self._end_cancelled()
        else:
            self._end_failed(job.error or _unsaid(tr("the render ended as '{state}'").format(state=job.state)))

    def _on_rejected(self, message: str) -> None:
        if self.active is not None:
            self._end_failed(_unsaid(message))

    def _on_unavailable(self, message: str) -> None:
        del message  # the window shows it, with a way to try again
        # A job that the engine has taken outlives its connection; one that it never got waits for the next one.
        if self.active is not None and self.active.job_id is None:
            self._end(RenderState.CANCELLED if self.active.cancelled else RenderState.WAITING)
            self.ended.emit()
            self.queue_changed.emit()

    def _on_connected(self, effects: object) -> None:
        del effects
        if self.active is not None and self.active.job_id is not None:
            self._bridge.follow(self.active.job_id, self.active.last_sequence)
        else:
            self._run_next()

    def _end_cancelled(self) -> None:
        self._end(RenderState.CANCELLED)
        self.cancelled.emit()
        self._go_on()

    def _end_failed(self, error: ErrorInfo) -> None:
        if self.active is not None:
            self.active.message = error.message
            frames = self.active.request.frames.as_range()
            self._results.note_failure(self.active.shot_id, self.active.take_number, frames)
        self._end(RenderState.FAILED)
        self.failed.emit(error.message, error.about)
        self._go_on()


def _unsaid(message: str) -> ErrorInfo:
    return ErrorInfo(kind="failed", message=message)


def _renders(job: Job, shot: Shot, info: MediaInfo) -> bool:
    """Whether a job is what a render of these frames of ``shot`` would be now."""
    frames = job.request.frames.as_range()
    if job.request.source.path != shot.media_path or not set(frames) <= set(shot.frames):
        return False
    with suppress(NothingToRenderError):
        return render_request(shot, info, frames, job.request.output).passes == job.request.passes
    return False
