"""How an error of any floor becomes one of the documented exit codes."""

from __future__ import annotations

from desktop.base.errors import DesktopError
from engine.errors import EngineError
from roi_tools.errors import RoiError
from timeline.errors import MediaWriteError, TimelineError

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 130

EXIT_BY_KIND = {"bad_input": EXIT_BAD_INPUT, "failed": EXIT_FAILED, "cancelled": EXIT_CANCELLED}

KNOWN_ERRORS = (DesktopError, EngineError, TimelineError, RoiError)
"""Errors whose message is written for a person; anything else is a fault of the program."""


def exit_code(error: Exception) -> int:
    """2 for bad input, 130 for a cancel, 1 for everything else."""
    if isinstance(error, EngineError):
        return EXIT_BY_KIND[error.kind]
    if isinstance(error, MediaWriteError):
        return EXIT_FAILED
    return EXIT_BAD_INPUT if isinstance(error, KNOWN_ERRORS) else EXIT_FAILED
