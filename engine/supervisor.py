"""Runs the worker process: one at a time, kept warm, started again when it dies.

A worker that dies in the middle of a job is started again, and the job goes on from the frame cache: once in any
case, and again as long as the last attempt finished frames that no attempt had finished before.
"""

from __future__ import annotations

import logging
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from engine.errors import WorkerDiedError
from engine.protocol import ErrorInfo, Event, FrameEvent, Job, Message, ProgressEvent, Stage, WarningEvent
from engine.render.leftovers import remove_leftovers
from engine.render.messages import ANSWERS, Answer, CancelCommand, JobFinished, RenderCommand, to_line

MAX_ATTEMPTS = 3
CANCEL_GRACE_S = 1.0
"""A cancelled job is reported as cancelled after this time even when its effect has not looked up yet."""
SETTLE_GRACE_S = 20.0
"""How long such an effect may go on before its worker is killed: a warm model is worth some patience."""
STOP_GRACE_S = 7.0
"""How long a worker may take to clean up when the engine stops; a little more than the worker allows itself."""

WORKER_COMMAND = (sys.executable, "-P", "-m", "engine.render.worker")
EventSink: TypeAlias = Callable[[Event], None]
_Wake: TypeAlias = Literal["cancel"]
A = TypeVar("A")
_log = logging.getLogger(__name__)


class WorkerProcess(Generic[A]):
    """A worker and its two pipes. ``answers`` yields its messages, then None when it has ended."""

    def __init__(self, command: Sequence[str], form: TypeAdapter[A]) -> None:
        self.answers: queue.SimpleQueue[A | _Wake | None] = queue.SimpleQueue()
        self._form = form
        # A group of its own: Ctrl-C in the engine's terminal is for the engine, which then stops the worker in order.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self._reader = threading.Thread(target=self._read, name="worker answers", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The worker's process number."""
        return self._process.pid

    def say(self, message: Message) -> None:
        """Sends a command; one that the worker cannot take any more is dropped (``answers`` tells of its end)."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(to_line(message))
            self._process.stdin.flush()
        except (OSError, ValueError):
            _log.info("the worker is gone; a %s command was dropped", type(message).__name__)

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self, grace_s: float) -> int:
        """Asks the worker to end by closing its stdin, kills it after ``grace_s``; returns its exit status."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
        except OSError:
            _log.debug("the worker's stdin was already broken")
        try:
            status = self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        return status

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                self.answers.put(self._form.validate_json(line))
            except ValidationError:  # the last line of a worker that was killed while it wrote
                _log.warning("the worker said something that is no message: %.200r", line)
        self.answers.put(None)


class Supervisor:
    """Renders jobs in a worker process. :meth:`render` and :meth:`settle` belong to one thread; the rest to any."""

    def __init__(self) -> None:
        self._worker: WorkerProcess[Answer] | None = None
        self._lock = threading.Lock()
        self._cancelled: set[str] = set()
        self._unsettled: str | None = None
        self._stopping = False

    @property
    def worker_pid(self) -> int | None:
        """The worker's process number, while there is one."""
        worker = self._worker
        return worker.pid if worker and worker.is_alive() else None

    def render(self, job: Job, sink: EventSink) -> JobFinished | None:
        """Renders until a final state; None when the engine stops first. Raises WorkerDiedError."""
        seen: set[tuple[int, int]] = set()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            worker = self._running_worker()
            if worker is None:
                return None
            finished_before = len(seen)
            finished = self._attempt(worker, job, sink, seen)
            was_cancelled = job.id in self._cancelled
            if self._stopping and not was_cancelled and (finished is None or finished.state == "cancelled"):
                return None
            if finished is not None:
                return finished
            reason = self._reap(worker)
            if was_cancelled:
                return _cancelled(job.id)
            if attempt == MAX_ATTEMPTS or (attempt > 1 and len(seen) == finished_before):
                break
            message = f"the worker {reason}; a new one goes on from the finished frames"
            sink(WarningEvent(job_id=job.id, message=message))
        raise WorkerDiedError(
            f"the worker {reason}, {attempt} times during this job; {_remedy(reason)}; finished frames are kept"
        )

    def cancel(self, job_id: str) -> None:
        """Asks for the job's end; :meth:`render` returns within about CANCEL_GRACE_S."""
        with self._lock:
            self._cancelled.add(job_id)
            if self._worker:
                self._worker.say(CancelCommand(job_id=job_id))
                self._worker.answers.put("cancel")

    def settle(self) -> None:
        """Waits until a worker whose job was cancelled is free again; kills it when that takes too long."""
        worker, deadline = self._worker, time.monotonic() + SETTLE_GRACE_S
        while worker and self._unsettled:
            answer = self._next_answer(worker, deadline)
            if answer is None or (answer == "cancel" and time.monotonic() >= deadline):
                self._reap(worker, kill=True)
            elif isinstance(answer, JobFinished) and answer.job_id == self._unsettled:
                self._unsettled = None
        self._cancelled.clear()

    def stop(self) -> None:
        """Ends the worker in good order: it removes what is half-written. A running :meth:`render` returns None."""
        with self._lock:
            self._stopping = True
            worker = self._worker
        if worker:
            worker.close(STOP_GRACE_S)

    def _running_worker(self) -> WorkerProcess[Answer] | None:
        with self._lock:
            if self._stopping:
                return None
            if self._worker is not None and not self._worker.is_alive():
                _log.warning("the idle worker %s; a new one is started", describe_exit(self._worker.close(0.0)))
                self._worker = None
            try:
                self._worker = self._worker or WorkerProcess(WORKER_COMMAND, ANSWERS)
            except OSError as error:
                raise WorkerDiedError(
                    f"no worker can be started: {error}; close other programs and try again"
                ) from error
            return self._worker

    def _attempt(
        self, worker: WorkerProcess[Answer], job: Job, sink: EventSink, seen: set[tuple[int, int]]
    ) -> JobFinished | None:
        """One worker's try at the job; None when the worker ended before it."""
        remove_leftovers(job.request.output)
        worker.say(RenderCommand(job_id=job.id, request=job.request))
        if job.id in self._cancelled:  # before there was a worker to tell
            self.cancel(job.id)
        stage: Stage = "load"
        deadline: float | None = None
        while (answer := self._next_answer(worker, deadline)) is not None:
            if answer == "cancel":
                deadline = deadline or time.monotonic() + CANCEL_GRACE_S
                # While an output is being written, only the worker can remove it: wait for it.
                if time.monotonic() >= deadline and stage not in ("deliver", "verify"):
                    self._unsettled = job.id
                    return _cancelled(job.id)
            elif isinstance(answer, JobFinished):
                if answer.job_id == job.id:
                    return answer
            elif answer.event.job_id == job.id:
                stage = answer.event.stage if isinstance(answer.event, ProgressEvent) else stage
                if isinstance(answer.event, FrameEvent) and not answer.event.provisional:
                    seen.add((answer.event.pass_index, answer.event.frame))
                sink(answer.event)
        return None

    def _next_answer(self, worker: WorkerProcess[Answer], deadline: float | None) -> Answer | _Wake | None:
        """The worker's next message; "cancel" when a cancel came in or ``deadline`` has passed; None at its end."""
        if deadline is None:
            return worker.answers.get()
        try:
            return worker.answers.get(timeout=max(deadline - time.monotonic(), 0.05))
        except queue.Empty:
            return "cancel"

    def _reap(self, worker: WorkerProcess[Answer], *, kill: bool = False) -> str:
        """Clears away a worker that has ended (or is to end); says how, for a person."""
        status = worker.close(0.0 if kill else STOP_GRACE_S)
        with self._lock:
            self._worker = self._unsettled = None
        return describe_exit(status)


def describe_exit(status: int) -> str:
    """What a process's exit status means: ``was killed by SIGKILL`` or ``ended with exit code 3``."""
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def _remedy(reason: str) -> str:
    if reason.endswith("SIGKILL"):
        return "the system was probably out of memory: close other programs, mark a smaller area or use a smaller model"
    return "the engine's log says what came before; try other parameters, and report it if it happens again"


def _cancelled(job_id: str) -> JobFinished:
    error = ErrorInfo(kind="cancelled", message="the render was cancelled; finished frames are kept in the cache")
    return JobFinished(job_id=job_id, state="cancelled", error=error)
