"""The decode thread's reports, for tests."""

from __future__ import annotations

import threading
from typing import Any

from desktop.media.display import DisplayFrame


class Shown:
    """What the decode thread reports, in order."""

    def __init__(self) -> None:
        self.frames: list[DisplayFrame] = []
        self._condition = threading.Condition()

    def frame_decoded(self, frame: DisplayFrame) -> None:
        with self._condition:
            self.frames.append(frame)
            self._condition.notify_all()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"unexpected report: {name}")

    def wait(self, count: int) -> list[DisplayFrame]:
        with self._condition:
            assert self._condition.wait_for(lambda: len(self.frames) >= count, 30)
            return self.frames[:count]
