"""Click to matte in the server process: one worker beside the one that renders, so that a click needs not wait for it.

The worker is started by the first request, keeps the model, and ends after a while without one.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
from collections.abc import AsyncIterator, Callable

from engine.errors import EngineUnavailableError
from engine.protocol import ErrorInfo, SegmentEnd, SegmentEvent, SegmentProgress, SegmentRequest
from engine.segment.messages import REPORTS, CancelSegment, SegmentCommand, SegmentReport
from engine.segment.weights import find_model
from engine.supervisor import WorkerProcess, describe_exit

KEEP_ALIVE_S = 0.5
"""How often a silent stream says something: so often does a client look whether it is to hang up."""
IDLE_S = 300.0
"""After so long without a request the worker ends and frees its memory."""
STOP_GRACE_S = 2.0
WORKER_COMMAND = (sys.executable, "-P", "-m", "engine.segment.worker")
_log = logging.getLogger(__name__)


class SegmentService:
    """Lives in the server process, in its loop. ``on_idle`` is called whenever a request has ended."""

    def __init__(self, on_idle: Callable[[], None] = lambda: None) -> None:
        self._on_idle = on_idle
        self._worker: WorkerProcess[SegmentReport] | None = None
        self._turn = asyncio.Lock()
        self._requests = self._last_id = 0
        self._idle_end: asyncio.TimerHandle | None = None
        self._stopping = False

    @property
    def active_count(self) -> int:
        """How many requests are being answered or wait."""
        return self._requests

    @property
    def worker_pid(self) -> int | None:
        """The worker's process number, while there is one."""
        return self._worker.pid if self._worker and self._worker.is_alive() else None

    def accept(self, request: SegmentRequest) -> AsyncIterator[SegmentEvent | None]:
        """The events of a request, None where nothing came for a while; closing it cancels.

        Raises WeightsError where there is no model, EngineUnavailableError where the engine is about to end.
        """
        if self._stopping:
            raise EngineUnavailableError("the engine is about to end; start it again and ask there")
        self._last_id += 1
        command = SegmentCommand(id=self._last_id, folder=str(find_model(request.model)), request=request)
        return self._events(command)

    def close_streams(self) -> None:
        """Ends every stream, because a server waits for its open connections."""
        self._stopping = True

    def stop(self) -> None:
        """Ends the worker."""
        self.close_streams()
        self._end_worker()

    async def _events(self, command: SegmentCommand) -> AsyncIterator[SegmentEvent | None]:
        self._requests += 1
        try:
            if self._turn.locked():
                yield SegmentProgress(done=0, total=len(command.request.frames), message="waiting for another one")
            async with self._turn:
                async for event in self._answered(command):
                    yield event
        finally:
            self._requests -= 1
            self._on_idle()

    async def _answered(self, command: SegmentCommand) -> AsyncIterator[SegmentEvent | None]:
        worker = self._running_worker()
        worker.say(command)
        ended = False
        try:
            while not ended and not self._stopping:
                report = await asyncio.to_thread(_next_report, worker)
                if report is None:
                    yield None
                elif isinstance(report, SegmentEnd):
                    ended = True
                    yield report
                elif report.id == command.id:
                    ended = isinstance(report.event, SegmentEnd)
                    yield report.event
        finally:
            if not ended:
                worker.say(CancelSegment(id=command.id))
            self._plan_idle_end()

    def _running_worker(self) -> WorkerProcess[SegmentReport]:
        if self._idle_end is not None:
            self._idle_end.cancel()
        if self._worker is None or not self._worker.is_alive():
            self._end_worker()
            try:
                self._worker = WorkerProcess(WORKER_COMMAND, REPORTS)
            except OSError as error:
                raise EngineUnavailableError(
                    f"no worker can be started: {error}; close other programs and try again"
                ) from error
        return self._worker

    def _plan_idle_end(self) -> None:
        if not self._stopping:
            self._idle_end = asyncio.get_running_loop().call_later(IDLE_S, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self._requests:
            self._end_worker()

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.close(STOP_GRACE_S)
            self._worker = None


def _next_report(worker: WorkerProcess[SegmentReport]) -> SegmentReport | SegmentEnd | None:
    """The worker's next message; the end of it all where it has died; None where nothing came for a while."""
    try:
        report = worker.answers.get(timeout=KEEP_ALIVE_S)
    except queue.Empty:
        return None
    if isinstance(report, SegmentReport):
        return report
    reason = describe_exit(worker.close(0.0))
    _log.error("the segmenting worker %s", reason)
    message = f"the segmenting worker {reason}; take fewer frames or a smaller model, and see the engine's log"
    return SegmentEnd(state="failed", error=ErrorInfo(kind="failed", message=message))
