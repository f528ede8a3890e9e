"""The error tree of the engine floor.

Every message is one line: what was wrong, where (the file), and what to do next. ``kind`` travels in the protocol
and decides the command line's exit code (see ``engine.protocol.ErrorInfo``).
"""

from __future__ import annotations

from typing import ClassVar, Literal

ErrorKind = Literal["bad_input", "failed", "cancelled"]
ErrorSubject = Literal["", "models"]
"""What a person needs to mend it: models, or nothing in particular."""


class EngineError(Exception):
    """Base of every error that the engine raises on purpose."""

    kind: ClassVar[ErrorKind] = "failed"
    about: ClassVar[ErrorSubject] = ""


class BadRequestError(EngineError):
    """The request cannot be rendered as it is: boxes that do not fit, an unknown effect, a missing file."""

    kind = "bad_input"


class ParameterError(BadRequestError):
    """A parameter that the effect does not have, or a value out of its range."""


class EffectNotFoundError(BadRequestError):
    """No installed effect has this identifier."""


class WeightsError(BadRequestError):
    """Model weights are missing, incomplete or of the wrong kind; the message says which fit and where to get them."""

    about = "models"


class OutputError(EngineError):
    """The output cannot be written: it exists, its folder refuses, its disk is full."""


class OutputExistsError(OutputError):
    """The output exists and the request does not say to overwrite it."""

    kind = "bad_input"


class RenderFailedError(EngineError):
    """The render broke off for a reason that lies in the engine, not in the request."""


class WorkerDiedError(EngineError):
    """The worker process ended in the middle of a job, more often than the supervisor retries."""


class EngineUnavailableError(EngineError):
    """No engine answers, or none can be started."""


class EngineAlreadyRunningError(EngineError):
    """Another engine serves this socket."""

    kind = "bad_input"


class JobNotFoundError(BadRequestError):
    """The engine has no job of this identifier."""


class CancelledError(EngineError):
    """The job was cancelled; nothing half-written is left behind."""

    kind = "cancelled"
