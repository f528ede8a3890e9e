"""The process that segments: ``python -m engine.segment.worker``, started by the engine at the first request.

It reads orders from stdin and answers on stdout, one JSON object per line, until stdin closes. The model stays loaded.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from engine.errors import EngineError
from engine.protocol import ErrorInfo, SegmentEnd, SegmentEvent, SegmentProgress
from engine.render.messages import to_line
from engine.segment.messages import ORDERS, CancelSegment, SegmentCommand, SegmentReport
from engine.segment.model import SegmentModel
from engine.segment.segmenting import segment

_log = logging.getLogger(__name__)


class SegmentWorker:
    """Segments one request at a time, in the thread that calls :meth:`run`."""

    def __init__(self, orders: BinaryIO, answers: BinaryIO) -> None:
        self._orders, self._answers = orders, answers
        self._waiting: queue.SimpleQueue[SegmentCommand | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._model: SegmentModel | None = None

    def run(self) -> None:
        """Segments what is asked for until the engine closes the connection."""
        threading.Thread(target=self._read_orders, name="orders", daemon=True).start()
        while (command := self._waiting.get()) is not None:
            self._say(command.id, self._segmented(command))
            self._cancelled.discard(command.id)

    def _read_orders(self) -> None:
        for line in self._orders:
            order = ORDERS.validate_json(line)
            if isinstance(order, CancelSegment):
                self._cancelled.add(order.id)
            else:
                self._waiting.put(order)
        os._exit(0)  # nothing of it is kept, so nothing is to be cleaned up

    def _segmented(self, command: SegmentCommand) -> SegmentEnd:
        try:
            for event in segment(command.request, self._loaded(command)):
                if command.id in self._cancelled:
                    return SegmentEnd(state="cancelled")
                self._say(command.id, event)
        except EngineError as error:
            return SegmentEnd(state="failed", error=ErrorInfo.of(error))
        except Exception as error:
            # A worker that ends here would tell nobody why.
            _log.exception("segmenting broke off")
            text = " ".join(str(error).split())
            message = f"{type(error).__name__}: {text}; the engine's log says where; please report it"
            return SegmentEnd(state="failed", error=ErrorInfo(kind="failed", message=message))
        return SegmentEnd(state="done")

    def _loaded(self, command: SegmentCommand) -> SegmentModel:
        folder = Path(command.folder)
        if self._model is None or self._model.folder != folder:
            total = len(command.request.frames)
            self._say(command.id, SegmentProgress(done=0, total=total, message="loading the model"))
            self._model = None  # not two at once
            self._model = SegmentModel(folder)
        return self._model

    def _say(self, identity: int, event: SegmentEvent) -> None:
        try:
            self._answers.write(to_line(SegmentReport(id=identity, event=event)))
            self._answers.flush()
        except BrokenPipeError:
            self._cancelled.add(identity)


def main() -> None:
    """Serves stdin and stdout; whatever a library prints goes to stderr instead."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s segmenting %(levelname)s %(name)s: %(message)s")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    SegmentWorker(sys.stdin.buffer, answers).run()


if __name__ == "__main__":
    main()
