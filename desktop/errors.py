"""The error tree of the desktop floor, and how any floor's error becomes one line and an exit code."""

from __future__ import annotations

from engine.errors import EngineError
from roi_tools.errors import RoiError
from timeline.errors import MediaWriteError, TimelineError

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 130

EXIT_BY_KIND = {"bad_input": EXIT_BAD_INPUT, "failed": EXIT_FAILED, "cancelled": EXIT_CANCELLED}


class DesktopError(Exception):
    """Base of every error that the desktop floor raises on purpose."""


class UsageError(DesktopError):
    """An option that makes no sense, or not with the others."""


KNOWN_ERRORS = (DesktopError, EngineError, TimelineError, RoiError)
"""Errors whose message is written for a person; anything else is a fault of the program."""


def exit_code(error: Exception) -> int:
    """The documented exit code for an error of any floor: 2 for bad input, 1 for everything else."""
    if isinstance(error, EngineError):
        return EXIT_BY_KIND[error.kind]
    if isinstance(error, MediaWriteError):
        return EXIT_FAILED
    return EXIT_BAD_INPUT if isinstance(error, KNOWN_ERRORS) else EXIT_FAILED
