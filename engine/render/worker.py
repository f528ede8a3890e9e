"""The process that renders: ``python -m engine.render.worker``, started and watched by the supervisor.

It reads commands from stdin and answers on stdout, one JSON object per line, until stdin closes.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from typing import BinaryIO

import cv2

from engine import paths
from engine.errors import EngineError
from engine.process_memory import give_back_memory
from engine.protocol import ErrorInfo, Event, JobState, Message
from engine.render.job_link import JobLink
from engine.render.messages import COMMANDS, CancelCommand, JobEventReport, JobFinished, RenderCommand, to_line
from engine.render.shot_render import render_shot

ORPHAN_GRACE_S = 5.0
"""How long a running job may take to clean up behind itself once the engine is gone."""
_log = logging.getLogger(__name__)


class Worker:
    """Renders one job at a time, in the thread that calls :meth:`run`."""

    def __init__(self, commands: BinaryIO, answers: BinaryIO) -> None:
        self._commands, self._answers = commands, answers
        self._jobs: queue.SimpleQueue[RenderCommand | None] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._orphaned = threading.Event()
        self._finished = threading.Event()

    def run(self) -> None:
        """Renders what is asked for until the engine closes the connection."""
        threading.Thread(target=self._read_commands, name="commands", daemon=True).start()
        while (command := self._jobs.get()) is not None:
            self._say(self._rendered(command))
            self._cancelled.discard(command.job_id)
            give_back_memory()
        self._finished.set()

    def _read_commands(self) -> None:
        for line in self._commands:
            command = COMMANDS.validate_json(line)
            if isinstance(command, CancelCommand):
                self._cancelled.add(command.job_id)
            else:
                self._jobs.put(command)
        self._orphaned.set()
        self._jobs.put(None)
        if not self._finished.wait(ORPHAN_GRACE_S):
            os._exit(1)

    def _rendered(self, command: RenderCommand) -> JobFinished:
        job_id = command.job_id
        link = JobLink(
            job_id,
            lambda event: self._say_event(event),
            lambda: job_id in self._cancelled or self._orphaned.is_set(),
        )
        try:
            report = render_shot(command.request, link, paths.render_folder())
        except EngineError as error:
            state: JobState = "cancelled" if error.kind == "cancelled" else "failed"
            return JobFinished(job_id=job_id, state=state, error=ErrorInfo.of(error))
        except Exception as error:
            # A worker that ends here would only be started again and meet the same error.
            _log.exception("job %s broke off", job_id)
            text = " ".join(str(error).split())
            message = f"{type(error).__name__}: {text}; the engine's log says where; please report it"
            return JobFinished(job_id=job_id, state="failed", error=ErrorInfo(kind="failed", message=message))
        return JobFinished(job_id=job_id, state="done", report=report)

    def _say_event(self, event: Event) -> None:
        self._say(JobEventReport(event=event))

    def _say(self, message: Message) -> None:
        try:
            self._answers.write(to_line(message))
            self._answers.flush()
        except BrokenPipeError:
            self._orphaned.set()


def _private_stdout() -> BinaryIO:
    """The pipe to the supervisor; whatever a library prints goes to stderr instead."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def main() -> None:
    """Serves stdin and stdout."""
    # The recovery works on two frames at once: with a thread per core for each, OpenCV's would wait for each other.
    cv2.setNumThreads(max((os.cpu_count() or 2) // 2, 1))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(levelname)s %(name)s: %(message)s")
    Worker(sys.stdin.buffer, _private_stdout()).run()


if __name__ == "__main__":
    main()
