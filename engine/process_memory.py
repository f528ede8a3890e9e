"""Memory that a process no longer needs, given back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back_memory() -> None:
    """Free what nothing refers to any more, and let the system have it: after work whose arrays were large.

    glibc keeps what threads have freed for the next time. After a few renders of other frames that was more than a
    gigabyte, and did not come down again.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
