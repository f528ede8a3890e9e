"""Takes jobs from the store, one after the other, in the order in which they came."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable

from engine.errors import EngineError
from engine.protocol import ErrorInfo, Event, Job
from engine.render.job_store import JobStore
from engine.render.leftovers import remove_leftovers
from engine.render.messages import JobFinished
from engine.supervisor import Supervisor

RETRY_S = 1.0
RECORD_ATTEMPTS = 30
"""How often the end of a job is tried to be recorded when the disk is full; a new engine would render it again."""
_log = logging.getLogger(__name__)


class JobQueue:
    """A thread that renders what the store holds; ``on_idle`` is called whenever a job has ended."""

    def __init__(self, store: JobStore, supervisor: Supervisor, on_idle: Callable[[], None]) -> None:
        self._store, self._supervisor, self._on_idle = store, supervisor, on_idle
        self._wake = threading.Condition()
        self._running: str | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="job queue", daemon=True)

    def start(self) -> None:
        """Starts to render what waits."""
        self._thread.start()

    def wake(self) -> None:
        """A job was added."""
        with self._wake:
            self._wake.notify()

    def cancel(self, job_id: str) -> None:
        """Cancels a queued job at once and a running one within about a second; a finished one stays as it is."""
        with self._wake:  # a job is either still queued or already known as running, never between the two
            if not self._store.cancel_queued(job_id) and self._running == job_id:
                self._supervisor.cancel(job_id)

    def stop(self) -> None:
        """Stops in good order: the running job goes back into the queue and continues at the next start."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._supervisor.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            self._render(job)
            self._running = None
            self._on_idle()
            self._supervisor.settle()

    def _next(self) -> Job | None:
        """Waits for the next job; None once the queue stops."""
        with self._wake:
            while not self._stopping:
                try:
                    job = self._store.start_next()
                except sqlite3.Error as error:
                    _log.error("the job list cannot be written (%s); free space on its disk", error)
                    self._wake.wait(RETRY_S)
                    continue
                if job is not None:
                    self._running = job.id
                    return job
                self._wake.wait()
        return None

    def _render(self, job: Job) -> None:
        _log.info("job %s: %s, %d frames", job.id, job.request.source.path, len(job.request.frames))
        try:
            finished = self._supervisor.render(job, self._tell)
        except EngineError as error:
            _log.error("job %s: %s", job.id, error)
            remove_leftovers(job.request.output)
            info = ErrorInfo.of(error)
            finished = JobFinished(job_id=job.id, state="failed", error=info)
        for _ in range(RECORD_ATTEMPTS):
            try:
                self._record(job, finished)
                return
            except sqlite3.Error as error:
                _log.error("the end of job %s cannot be recorded (%s); free space on its disk", job.id, error)
                with self._wake:
                    self._wake.wait(RETRY_S)

    def _record(self, job: Job, finished: JobFinished | None) -> None:
        if finished is None:
            self._store.give_back(job.id)
            return
        _log.info("job %s: %s%s", job.id, finished.state, f" ({finished.error.message})" if finished.error else "")
        self._store.finish(job.id, finished.state, finished.error, finished.report)

    def _tell(self, event: Event) -> None:
        try:
            self._store.add_event(event)
        except sqlite3.Error as error:  # the render goes on: its frames are worth more than the word of them
            _log.error("an event of job %s cannot be recorded (%s); free space on its disk", event.job_id, error)
