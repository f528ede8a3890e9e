"""Composited frames as PNG, for hosts that cannot read the engine's files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from threading import Lock

from engine.errors import BadRequestError, EngineError
from engine.protocol import FINAL_STATES, FrameEvent, Job, MediaSource
from engine.render.shot_render import encode_png
from timeline.errors import MediaError
from timeline.media.patch import FramePatch
from timeline.media.reader import MediaReader, open_media


class FrameNotReadyError(EngineError):
    """The frame is not rendered yet; its frame event says when."""

    kind = "bad_input"


class FrameService:
    """Keeps the reader of the last source open: hosts ask for one frame after the other."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._source: MediaSource | None = None
        self._reader: MediaReader | None = None

    def png(self, job: Job, frame: int, event: FrameEvent | None) -> bytes:
        """The frame with ``event``'s patch; without one, the source's own frame once the job is over.

        Raises BadRequestError for a frame outside the job's range and FrameNotReadyError for one to come.
        """
        frames = job.request.frames
        if frame not in frames.as_range():
            raise BadRequestError(f"job {job.id} renders frames {frames.start}-{frames.end_exclusive - 1}, not {frame}")
        if event is None and job.state not in FINAL_STATES:
            raise FrameNotReadyError(f"frame {frame} of job {job.id} is not finished; wait for its frame event")
        if event is not None and not Path(event.patch_path).exists():
            raise FrameNotReadyError(f"frame {frame} of job {job.id} has left the frame cache; submit the job again")
        with self._lock:
            try:
                picture = self._opened(job.request.source).read(frame)
                return encode_png(FramePatch.load(event.patch_path).apply(picture) if event else picture)
            except MediaError as error:
                self._source = None
                raise BadRequestError(str(error)) from error

    def close(self) -> None:
        """Closes the reader."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = self._source = None

    def _opened(self, source: MediaSource) -> MediaReader:
        if self._reader is None or self._source != source:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            self._reader = open_media(source.path, rate=Fraction(source.rate) if source.rate else None)
            self._source = source
        return self._reader
