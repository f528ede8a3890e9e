"""Ctrl-C at a moment when it would leave something half done."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupt_deferred() -> Iterator[None]:
    """Ctrl-C within the block raises KeyboardInterrupt at its end, unless it is ignored. For the main thread only."""
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # a shell's job in the background
        yield
        return
    signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        raise KeyboardInterrupt
