"""Where an engine listens: a Unix socket, or a loopback port with a token where there are no Unix sockets.

Both are named by one path, the *socket path*. On POSIX it is the socket. On Windows it is a file (0600) that holds
``{"port": 49152, "token": "..."}``; every request then carries ``Authorization: Bearer <token>``.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import BadRequestError, EngineAlreadyRunningError, EngineUnavailableError
from engine.file_lock import wait_for_lock

MAX_SOCKET_PATH_BYTES = 103
"""``sun_path`` holds 104 bytes with its zero on macOS and the BSDs, 108 on Linux; the smaller one fits everywhere."""

ENDING_ENGINE_S = 10.0
"""An engine that ends no longer answers, but has its socket until its worker is gone (see supervisor.STOP_GRACE_S)."""
_PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Endpoint:
    """How to reach an engine: ``port`` is None for a Unix socket at ``path``."""

    path: Path
    port: int | None = None
    token: str = ""

    @property
    def base_url(self) -> str:
        """URL to put before the routes; the host name of a Unix socket means nothing."""
        return "http://grayplate" if self.port is None else f"http://127.0.0.1:{self.port}"

    def check_accepts(self) -> None:
        """Raises EngineUnavailableError unless something accepts connections here (a killed engine leaves a file)."""
        family = socket.AF_UNIX if self.port is None else socket.AF_INET
        address = str(self.path) if self.port is None else ("127.0.0.1", self.port)
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(_PROBE_TIMEOUT_S)
                probe.connect(address)
        except OSError as error:
            raise EngineUnavailableError(
                f"no engine answers on {self.path} ({error.strerror or error}); start one with: grayplate-engine serve"
            ) from error


def has_unix_sockets() -> bool:
    """Whether asyncio can serve a Unix socket here."""
    return sys.platform != "win32" and hasattr(socket, "AF_UNIX")


def find_endpoint(path: Path) -> Endpoint:
    """The endpoint that ``path`` names; raises EngineUnavailableError when nothing is there or it is no endpoint."""
    try:
        mode = path.stat().st_mode
    except OSError:
        raise EngineUnavailableError(f"no engine serves {path}; start one with: grayplate-engine serve") from None
    if stat.S_ISSOCK(mode):
        return Endpoint(path)
    try:
        record = json.loads(path.read_text("utf-8"))
        return Endpoint(path, int(record["port"]), str(record["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise EngineUnavailableError(f"{path} is not the socket of an engine; pass another one with --socket") from None


class Listener:
    """A bound socket that only this process has; keeps a lock file beside it for as long as it lives."""

    def __init__(self, path: Path, *, loopback: bool | None = None) -> None:
        """Raises EngineAlreadyRunningError when another engine has it, BadRequestError when it cannot be bound."""
        self._lock = _lock(path)
        try:
            use_loopback = not has_unix_sockets() if loopback is None else loopback
            _remove_stale(path)
            self.socket, self.endpoint = _bind_loopback(path) if use_loopback else _bind_unix(path)
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Stops listening and removes the socket; the lock goes last, so that no one sees a half-removed endpoint."""
        self.socket.close()
        self.endpoint.path.unlink(missing_ok=True)
        self._lock.close()


def _lock(path: Path) -> IO[bytes]:
    """The lock beside ``path``. Refuses at once while another engine answers; waits for one that is about to end."""
    try:
        lock = wait_for_lock(path.with_name(path.name + ".lock"), ENDING_ENGINE_S, give_up=lambda: _answers(path))
    except OSError as error:
        raise BadRequestError(f"the socket {path} cannot be made: {error.strerror}; choose another folder") from error
    if lock is None:
        raise EngineAlreadyRunningError(
            f"another engine already serves {path}; use that one, or start this one with another --socket"
        )
    return lock


def _answers(path: Path) -> bool:
    try:
        find_endpoint(path).check_accepts()
    except EngineUnavailableError:
        return False
    return True


def _remove_stale(path: Path) -> None:
    """Removes what an engine that was killed left behind; whoever holds the lock knows that nothing serves it."""
    try:
        find_endpoint(path)
    except EngineUnavailableError:
        if path.exists():
            raise BadRequestError(f"{path} exists and is no engine's socket; choose another --socket") from None
        return
    path.unlink(missing_ok=True)


def _bind_unix(path: Path) -> tuple[socket.socket, Endpoint]:
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise BadRequestError(
            f"the socket path {path} is longer than {MAX_SOCKET_PATH_BYTES} bytes, which the system does not allow; "
            "choose a shorter --socket or GRAYPLATE_HOME"
        )
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # between bind and chmod anyone could connect
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise BadRequestError(f"the socket {path} cannot be made: {error.strerror}; choose another folder") from error
    finally:
        os.umask(before)
    return listening, Endpoint(path)


def _bind_loopback(path: Path) -> tuple[socket.socket, Endpoint]:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind(("127.0.0.1", 0))
    endpoint = Endpoint(path, listening.getsockname()[1], secrets.token_urlsafe(32))
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    # Private from its first moment: a chmod afterwards would leave a gap.
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"port": endpoint.port, "token": endpoint.token}, file)
    temporary.replace(path)
    return listening, endpoint
