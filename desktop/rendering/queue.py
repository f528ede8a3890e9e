"""The renders of a session in the order in which they run. Without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.protocol import Job, ProgressEvent, RenderRequest
from timeline.shot import Shot

KEPT = 100
"""Renders that are listed; of more, the oldest finished ones go."""


class RenderState(Enum):
    """How far a render of the queue is."""

    WAITING = "Waiting"
    RUNNING = "Rendering"
    DONE = "Done"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


@dataclass(eq=False)
class QueuedRender:
    """One render: the shot as it was when it was asked for, and the request made of it."""

    shot: Shot
    request: RenderRequest
    new_take: bool = False
    state: RenderState = RenderState.WAITING
    take_number: int | None = None
    job_id: str | None = None
    last_sequence: int = 0
    cancelled: bool = False
    is_replay: bool = False
    """It was done before this window was there; its frames come from the engine's cache."""
    progress: ProgressEvent | None = None
    message: str = ""

    @property
    def shot_id(self) -> str:
        """The shot's identifier."""
        return self.shot.id

    @property
    def frame_count(self) -> int:
        """Frames to render."""
        return len(self.request.frames)


class RenderQueue:
    """Waiting renders can be put in another order; finished ones stay listed until cleared."""

    def __init__(self) -> None:
        self._entries: list[QueuedRender] = []
        self._seconds_per_frame: float | None = None

    @property
    def entries(self) -> tuple[QueuedRender, ...]:
        """In order: finished, running, waiting as they came or were moved."""
        return tuple(self._entries)

    @property
    def waiting(self) -> tuple[QueuedRender, ...]:
        """What is still to be begun, next first."""
        return tuple(entry for entry in self._entries if entry.state is RenderState.WAITING)

    def add(self, entry: QueuedRender) -> None:
        """Put a render last."""
        self._entries.append(entry)
        finished = [other for other in self._entries if _is_over(other)]
        for old in finished[: max(len(self._entries) - KEPT, 0)]:
            self._entries.remove(old)

    def move(self, entry: QueuedRender, by: int) -> None:
        """Let a waiting render change places with the waiting one before (-1) or after (1) it."""
        waiting = self.waiting
        if entry not in waiting or not 0 <= waiting.index(entry) + by < len(waiting):
            return
        here, there = (self._entries.index(one) for one in (entry, waiting[waiting.index(entry) + by]))
        self._entries[here], self._entries[there] = self._entries[there], self._entries[here]

    def clear_finished(self) -> None:
        """List no render that is over."""
        self._entries = [entry for entry in self._entries if not _is_over(entry)]

    def note_speed(self, job: Job) -> None:
        """Learn from a finished job how long a frame takes."""
        report = job.report
        if report and report.frames_cleaned and report.seconds:
            self._seconds_per_frame = sum(report.seconds.values()) / report.frames_cleaned

    def time_left_s(self) -> float | None:
        """Until everything is rendered, by what the engine says of the running one and by the speed so far."""
        total, speed = 0.0, self._seconds_per_frame
        for entry in self._entries:
            running = entry.progress if entry.state is RenderState.RUNNING else None
            if running and running.eta_s is not None:
                total += running.eta_s
                left = running.total - running.done
                speed = running.eta_s / left if left > 0 else speed
            elif not _is_over(entry):
                if speed is None:
                    return None
                total += speed * entry.frame_count
        return total


def _is_over(entry: QueuedRender) -> bool:
    return entry.state in (RenderState.DONE, RenderState.FAILED, RenderState.CANCELLED)
