"""A lock that the system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

_POLL_S = 0.05


def wait_for_lock(path: Path, timeout_s: float, give_up: Callable[[], bool] = lambda: False) -> IO[bytes] | None:
    """The open file ``path``, locked until it is closed; None when another process holds it for too long.

    ``give_up()`` may end the wait sooner. Raises OSError when the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        deadline = time.monotonic() + timeout_s
        while not _try_lock(file):
            if time.monotonic() >= deadline or give_up():
                file.close()
                return None
            time.sleep(_POLL_S)
    except BaseException:
        file.close()
        raise
    return file


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
