"""What a job has delivered: an output that it wrote itself may be replaced when it is tried again.

Without this a job whose worker or engine died right after the delivery would refuse its own output as "exists".
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import RenderFailedError
from engine.file_lock import wait_for_lock
from engine.protocol import RenderRequest
from engine.render.frame_cache import media_identity, write_atomically

ORPHAN_WAIT_S = 20.0
KEPT_S = 7 * 24 * 3600.0


class Receipt:
    """The receipt of one job; lies in ``folder`` and survives the worker and the engine."""

    def __init__(self, folder: Path, job_id: str) -> None:
        self._path = folder / f"{job_id}.json"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Waits until no other worker works on the job. Raises RenderFailedError when one does not let go.

        The worker of a killed engine ends by itself, but it may still be at work when the next engine begins.
        """
        lock = wait_for_lock(self._path.with_suffix(".lock"), ORPHAN_WAIT_S)
        if lock is None:
            raise RenderFailedError("the worker of an earlier engine still works on this job; submit it again later")
        with lock:
            yield

    def apply(self, request: RenderRequest) -> RenderRequest:
        """The request, with leave to overwrite where its output is still just what this job wrote."""
        if request.output is None or request.output.overwrite or not self._covers(request.output.path):
            return request
        return request.model_copy(update={"output": request.output.model_copy(update={"overwrite": True})})

    def write(self, output_path: str) -> None:
        """Notes that the job wrote this output. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps(media_identity(output_path)))
        for old in self._path.parent.iterdir():
            if old.stat().st_mtime < time.time() - KEPT_S:
                old.unlink(missing_ok=True)

    def _covers(self, output_path: str) -> bool:
        try:
            return json.loads(self._path.read_text("utf-8")) == media_identity(output_path)
        except (OSError, ValueError):  # none yet, or one that a power cut left empty
            return False
