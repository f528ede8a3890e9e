"""What a render says to the world while it runs: progress, frames, warnings; and what it asks: was I cancelled?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import CancelledError
from engine.protocol import Event, FrameEvent, FrameRange, ProgressEvent, Remedy, Stage, WarningEvent, WindowsEvent
from engine.render.frame_cache import FrameCache

PROGRESS_INTERVAL_S = 0.1
"""Progress in between is dropped: nobody can see more than ten steps a second."""


class JobLink:
    """Sends a job's events, keeps the time of its stages and raises CancelledError once it is cancelled."""

    def __init__(self, job_id: str, send: Callable[[Event], None], is_cancelled: Callable[[], bool]) -> None:
        self.job_id = job_id
        self.warnings: list[str] = []
        self.seconds: dict[str, float] = {}
        self._told: set[tuple[int, str]] = set()
        self._send, self._is_cancelled = send, is_cancelled
        self._stage: Stage = "load"
        self._stage_start = self._clock = time.monotonic()
        self._start_done = 0.0
        self._next_send = 0.0

    def check_cancelled(self) -> None:
        """Raises CancelledError once the job is cancelled."""
        if self._is_cancelled():
            raise CancelledError("the render was cancelled; finished frames are kept in the cache")

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        """Tells how far a stage is, at most ten times a second; also where a cancel takes effect."""
        self.check_cancelled()
        now = time.monotonic()
        entered = stage != self._stage
        if entered:
            self._enter(stage, now, done)
        if entered or now >= self._next_send or done >= total:
            self._next_send = now + PROGRESS_INTERVAL_S
            self._send(
                ProgressEvent(
                    job_id=self.job_id,
                    stage=stage,
                    done=done,
                    total=total,
                    eta_s=self._eta_s(now, done, total),
                    message=message,
                )
            )

    def preview(self, frame: int, patch_path: Path, pass_index: int) -> None:
        """Tells that a provisional patch of the frame can be loaded."""
        path = str(patch_path)
        self._send(
            FrameEvent(job_id=self.job_id, frame=frame, patch_path=path, pass_index=pass_index, provisional=True)
        )

    def finished_frame(self, frame: int, pass_index: int, cache: FrameCache) -> None:
        """Tells that a frame in the cache of its pass is finished, and how sure it is."""
        statistics, maps_path = cache.statistics(frame), cache.maps_path(frame)
        self._send(
            FrameEvent(
                job_id=self.job_id,
                frame=frame,
                patch_path=str(cache.patch_path(frame)),
                pass_index=pass_index,
                maps_path=str(maps_path) if maps_path.exists() else None,
                confidence=statistics.confidence,
                share_synthesised=statistics.share_synthesised,
            )
        )

    def warn(self, message: str, pass_index: int = 0, remedy: Remedy | None = None) -> None:
        """Tells something that does not stop the render; a pass tells the same text once."""
        if (pass_index, message) in self._told:
            return
        self._told.add((pass_index, message))
        if message not in self.warnings:
            self.warnings.append(message)
        self._send(WarningEvent(job_id=self.job_id, message=message, pass_index=pass_index, remedy=remedy))

    def windows(self, windows: Sequence[range], pass_index: int) -> None:
        """Tells in which context windows a pass renders."""
        ranges = tuple(FrameRange(start=window.start, end_exclusive=window.stop) for window in windows)
        self._send(WindowsEvent(job_id=self.job_id, pass_index=pass_index, windows=ranges))

    def close_stage(self) -> dict[str, float]:
        """Seconds per stage, up to now."""
        self._book(time.monotonic())
        return {stage: round(seconds, 3) for stage, seconds in self.seconds.items()}

    def _enter(self, stage: Stage, now: float, done: float) -> None:
        self._book(now)
        self._stage, self._stage_start, self._start_done = stage, now, done

    def _book(self, now: float) -> None:
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._clock
        self._clock = now

    def _eta_s(self, now: float, done: float, total: float) -> float | None:
        """At the pace since the stage was entered: frames that came from the cache cost nothing and tell nothing."""
        made = done - self._start_done
        if made <= 0:
            return None
        return round((now - self._stage_start) * max(total - done, 0.0) / made, 1)
