"""What the engine is behind its routes: the job list, the queue, the open event streams and when to end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from engine import paths
from engine.errors import EngineUnavailableError
from engine.model_registry import InstalledModel
from engine.model_service import ModelService
from engine.model_use import job_that_needs
from engine.preflight import preflight
from engine.protocol import FINAL_STATES, Event, Job, Preflight, RenderRequest, StateEvent
from engine.render.job_store import JobStore
from engine.render.queue import JobQueue
from engine.render.validation import check_effects
from engine.segment.service import SegmentService
from engine.supervisor import Supervisor

_LONGEST_LOOK_S = 15.0
_log = logging.getLogger(__name__)


class EngineService:
    """Lives in the server process. Coroutines belong to the server's loop, everything else to any thread.

    ``idle_exit_s``: the engine ends when for so long nobody asked for anything and no job was left; None: it stays.
    ``on_exit`` is called (in any thread, perhaps more than once) when the engine was asked to end and may.
    """

    def __init__(self, socket: Path, idle_exit_s: float | None = None) -> None:
        self.on_exit: Callable[[], None] = lambda: None
        self.store = JobStore(paths.job_database(socket))
        self.supervisor = Supervisor()
        self.segments = SegmentService(on_idle=self._exit_if_idle)
        self.models = ModelService(on_idle=self._exit_if_idle, user_of=self._user_of_model)
        self._queue = JobQueue(self.store, self.supervisor, on_idle=self._exit_if_idle)
        self._streams: dict[asyncio.Event, tuple[str, asyncio.AbstractEventLoop]] = {}
        self._ends_when_idle = self._closing = False
        self._idle_exit_s = idle_exit_s
        self._needed_s = time.monotonic()

    def start(self) -> None:
        """Takes up what the last engine left and begins to render."""
        self.store.recover()
        self.store.on_event(self._wake_streams)
        self._queue.start()

    def stop(self) -> None:
        """Stops the worker in good order; an unfinished job waits for the next engine."""
        self.close_streams()
        self.segments.stop()
        self.models.close()
        self._queue.stop()
        self.store.close()

    # --- jobs ---------------------------------------------------------------------------------------------------

    def submit(self, request: RenderRequest) -> Job:
        """Checks effects and parameters and queues the job; raises BadRequestError or EngineUnavailableError."""
        if self._closing:
            raise EngineUnavailableError("the engine is about to end; start it again and submit the job there")
        check_effects(request)
        job = self.store.add(request)
        self._queue.wake()
        return job

    def preflight(self, request: RenderRequest) -> Preflight:
        """What to know of a render before it is queued; raises BadRequestError where it cannot be rendered at all."""
        return preflight(request, self.supervisor.worker_pid)

    def cancel(self, job_id: str) -> Job:
        """Cancels unless it is over; raises JobNotFoundError."""
        self.store.job(job_id)
        self._queue.cancel(job_id)
        return self.store.job(job_id)

    def _user_of_model(self, model: InstalledModel) -> str:
        """Who would miss a model if it went away now; empty: nobody."""
        job = job_that_needs(model, self.store.active_jobs())
        if job is not None:
            return f"the render of '{job.request.label or Path(job.request.source.path).name}'"
        return "click to matte" if model.kind == "segment" and self.segments.active_count else ""

    # --- events -------------------------------------------------------------------------------------------------

    async def events(self, job_id: str, after: int, keep_alive_s: float) -> AsyncIterator[Event | None]:
        """Events above ``after`` as they come, up to the final state; None when nothing came for a while."""
        changed = asyncio.Event()
        self._streams[changed] = (job_id, asyncio.get_running_loop())
        try:
            while not self._closing:
                changed.clear()
                # Read before the events: a job that ends in between has its last event in the next round.
                is_over = self.store.state(job_id) in FINAL_STATES
                for event in self.store.events(job_id, after):
                    after = event.sequence
                    yield event
                    is_over |= isinstance(event, StateEvent) and event.state in FINAL_STATES
                if is_over:
                    return
                try:
                    await asyncio.wait_for(changed.wait(), keep_alive_s)
                except TimeoutError:
                    yield None
        finally:
            del self._streams[changed]
            self._exit_if_idle()

    def close_streams(self) -> None:
        """Ends every event stream, because a server waits for its open connections."""
        self._closing = True
        self.segments.close_streams()
        self.models.close()
        self._wake_streams(None)

    def _wake_streams(self, job_id: str | None) -> None:
        for changed, (wanted, loop) in list(self._streams.items()):
            if job_id in (None, wanted) and not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

    # --- the end ------------------------------------------------------------------------------------------------

    def end_when_idle(self) -> None:
        """Ends the engine as soon as no job is active and nobody listens."""
        self._ends_when_idle = True
        self._exit_if_idle()

    def note_request(self) -> None:
        """Somebody asked for something."""
        self._needed_s = time.monotonic()

    async def end_when_forgotten(self) -> None:
        """Ends the engine once nobody has needed it for ``idle_exit_s``; jobs that are left are finished first."""
        if self._idle_exit_s is None:
            return
        while not self._closing:
            await asyncio.sleep(min(self._idle_exit_s / 4, _LONGEST_LOOK_S))
            if self._is_needed():
                self._needed_s = time.monotonic()
            elif time.monotonic() - self._needed_s >= self._idle_exit_s:
                _log.info("nobody has asked for anything for %.0f s: the engine ends", self._idle_exit_s)
                self.end_now()

    def end_now(self) -> None:
        """Ends the engine; a running job is given back to the queue."""
        self.close_streams()
        self.on_exit()

    def _exit_if_idle(self) -> None:
        if self._ends_when_idle and not self._closing and not self._is_needed():
            _log.info("idle, as asked for: the engine ends")
            self.end_now()

    def _is_needed(self) -> bool:
        is_heard = bool(self._streams) or self.segments.active_count > 0 or self.models.active_count > 0
        return is_heard or self.store.active_count() > 0
