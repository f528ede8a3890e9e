"""The engine's client on threads of its own; what it says arrives as Qt signals on the UI thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from desktop.base.language import tr
from desktop.base.ui_thread import UiThread
from engine.errors import EngineError, EngineUnavailableError
from engine.protocol import (
    EffectDescriptor,
    Event,
    Job,
    JobState,
    ModelDownload,
    ModelInfo,
    ModelList,
    Preflight,
    Preset,
    RenderRequest,
    SegmentFrame,
    SegmentProgress,
    SegmentRequest,
)

_GIVEN_UP: frozenset[JobState] = frozenset({"failed", "cancelled"})

_GOODBYE_S = 10.0
HEARTBEAT_MS = 120_000
"""So often the engine learns that the window is still open: without a word for ten minutes it would end."""

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Engine(Protocol):
    """What the desktop uses of ``engine.client.EngineClient``."""

    def effects(self) -> tuple[EffectDescriptor, ...]:
        """Descriptors of the installed effects."""

    def presets(self) -> tuple[Preset, ...]:
        """The presets of all effects."""

    def save_preset(self, preset: Preset) -> Preset:
        """Keep a person's own preset."""

    def delete_preset(self, effect: str, name: str) -> None:
        """Delete a person's own preset."""

    def models(self) -> ModelList:
        """The models that are known."""

    def add_model(self, path: str, name: str = "") -> ModelInfo:
        """Give a folder or file of this machine a name."""

    def remove_model(self, name: str) -> None:
        """Delete a download, or forget a person's own."""

    def download_model(self, name: str) -> ModelDownload:
        """Begin a download or go on with one."""

    def cancel_download(self, name: str) -> ModelDownload:
        """End a download."""

    def download_events(self, name: str) -> Iterator[ModelDownload]:
        """A download until its end."""

    def health(self) -> object:
        """Whether it answers."""

    def preflight(self, request: RenderRequest) -> Preflight:
        """What to know of a render before it begins."""

    def submit(self, request: RenderRequest) -> Job:
        """Queue a render."""

    def job(self, job_id: str) -> Job:
        """A job as it is now."""

    def jobs(self) -> tuple[Job, ...]:
        """All jobs that the engine knows."""

    def cancel(self, job_id: str) -> object:
        """Ask a job to stop."""

    def events(self, job_id: str, after: int = 0) -> Iterator[Event]:
        """A job's events until its final state."""

    def segment(
        self, request: SegmentRequest, is_cancelled: Callable[[], bool] = ...
    ) -> Iterator[SegmentProgress | SegmentFrame]:
        """Find an object from clicks or a box."""

    def shutdown_when_idle(self) -> object:
        """Let the engine end once it has nothing to do."""

    def wait_until_gone(self, timeout_s: float) -> bool:
        """Whether it ended."""

    def close(self) -> None:
        """Drop the connection."""


def connect_engine() -> Engine:
    """The running engine, or one that is started for it. Raises EngineUnavailableError."""
    from engine.client import connect  # loads the HTTP stack; not before the window is up

    return connect()


class EngineBridge(QObject):
    """Calls never block and never raise; each is answered by one of the signals."""

    connected = Signal(object)
    """The engine answers; carries its effects (tuple of EffectDescriptor)."""
    unavailable = Signal(str)
    """The engine cannot be reached or started, or went away; carries one line."""
    job_started = Signal(object)
    """A submitted request became a Job."""
    event_received = Signal(object)
    """An Event of a job that this bridge follows."""
    job_ended = Signal(object)
    """A Job in its final state."""
    jobs_listed = Signal(object)
    """Jobs that the engine has done or not finished (tuple of Job), after it was reached."""
    rejected = Signal(str)
    """A request that the engine does not take; carries one line."""

    def __init__(self, connect: Callable[[], Engine] = connect_engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._connect = connect
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._closed = False
        self._ui = UiThread(self)
        self._heartbeat = QTimer(self)
        self._heartbeat.timeout.connect(self._stay_known)
        self._heartbeat.start(HEARTBEAT_MS)

    @property
    def is_connected(self) -> bool:
        """Whether an engine answered and did not go away since."""
        return self._engine is not None

    def start(self) -> None:
        """Reach the engine, starting one if none runs."""
        self._in_thread("connect", self._start)

    def restart(self) -> None:
        """Let the engine that runs end once it is idle, and reach one that was started with the environment of now."""
        self._in_thread("restart", self._restart)

    def submit(self, request: RenderRequest) -> None:
        """Queue a render and follow it to its end."""
        self._in_thread("render", lambda: self._submit(request))

    def follow(self, job_id: str, after: int) -> None:
        """Take up a job again after the engine went away: its events beyond sequence number ``after``."""
        self._in_thread("follow", lambda: self._follow(self._reached(), job_id, after))

    def ask(
        self,
        question: Callable[[Engine], T],
        answered: Callable[[T], object],
        refused: Callable[[str], object],
    ) -> None:
        """Put a question to the engine; ``answered`` or, with one line, ``refused`` is called on the UI thread."""

        def work() -> None:
            try:
                answer = question(self._reached())
            except EngineUnavailableError:
                raise
            except EngineError as error:
                self._post(partial(refused, str(error)))
            else:
                self._post(partial(answered, answer))

        self._in_thread("question", work)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; its final state arrives as an event."""
        self._in_thread("cancel", lambda: self._reached().cancel(job_id))

    def close(
        self, timeout_s: float = 1.0, *, cancel: Sequence[str] = (), submit: Sequence[RenderRequest] = ()
    ) -> None:
        """Let go of the engine; it ends by itself once idle. Jobs go on, but for those to ``cancel``.

        ``submit``: renders that the engine is to do without the desktop.
        """
        self._closed = True
        self._heartbeat.stop()
        work = partial(self._goodbye, cancel, submit)
        goodbye = threading.Thread(target=work, name="engine-goodbye", daemon=True)
        goodbye.start()
        goodbye.join(timeout_s)

    def _stay_known(self) -> None:
        if self.is_connected:
            self._in_thread("heartbeat", lambda: self._reached().health())

    # --- on threads ---------------------------------------------------------------------------------------------

    def _in_thread(self, name: str, work: Callable[[], object]) -> None:
        threading.Thread(target=self._guarded, args=(work,), name=f"engine-{name}", daemon=True).start()

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except EngineUnavailableError as error:
            self._lost(str(error))
        except EngineError as error:
            self._tell(self.rejected, str(error))
        except Exception as error:
            # The last line of defence of a thread: a person sees one line, the log has the rest.
            _log.exception("engine bridge")
            self._lost(
                tr("the connection to the render engine broke: {error} (details: Help > Show Log)").format(error=error)
            )

    def _start(self) -> None:
        engine = self._reached()
        self._tell(self.connected, engine.effects())
        self._tell(self.jobs_listed, tuple(job for job in engine.jobs() if job.state not in _GIVEN_UP))

    def _restart(self) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.shutdown_when_idle()
            engine.close()
            engine.wait_until_gone(_GOODBYE_S)  # one that works for somebody else stays, and is reached again
        self._start()

    def _reached(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self._connect()
            return self._engine

    def _submit(self, request: RenderRequest) -> None:
        engine = self._reached()
        job = engine.submit(request)
        self._tell(self.job_started, job)
        self._follow(engine, job.id, 0)

    def _follow(self, engine: Engine, job_id: str, after: int) -> None:
        for event in engine.events(job_id, after):
            if self._closed:
                return
            self._tell(self.event_received, event)
        self._tell(self.job_ended, engine.job(job_id))

    def _lost(self, message: str) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
        self._tell(self.unavailable, message)

    def _goodbye(self, cancel: Sequence[str], submit: Sequence[RenderRequest]) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is None:
            return
        try:
            for job_id in cancel:
                engine.cancel(job_id)
            for request in submit:
                engine.submit(request)
            engine.shutdown_when_idle()
        except EngineError as error:
            _log.info("the engine was gone before goodbye: %s", error)
        engine.close()

    def _tell(self, signal: SignalInstance, payload: object) -> None:
        self._post(partial(signal.emit, payload))

    def _post(self, call: Callable[[], object]) -> None:
        # A thread may still be at work while the window closes; nobody listens any more then.
        if not self._closed:
            self._ui.post(call)
