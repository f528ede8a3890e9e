"""Where the engine keeps its socket, its caches and its log; everything under GRAYPLATE_HOME when that is set."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path

import platformdirs

from engine.errors import EngineUnavailableError

HOME_VARIABLE = "GRAYPLATE_HOME"
CACHE_VARIABLE = "GRAYPLATE_CACHE"
"""A folder on a disk that has room for finished frames."""
CACHE_SIZE_VARIABLE = "GRAYPLATE_CACHE_GB"
"""How much of it they may take, in GiB."""
DEFAULT_CACHE_GB = 20.0
_APP = "grayplate"


def runtime_folder() -> Path:
    """Private folder (0700) for the socket; made when missing. Raises EngineUnavailableError."""
    folder = _made(_runtime_folder())
    # mkdir's mode passes through the umask, and an older version may have left the folder open to others.
    folder.chmod(0o700)
    return folder


def cache_folder() -> Path:
    """Folder for what can be made again: finished frames, the job list, logs. Raises EngineUnavailableError."""
    return _made(_cache_folder())


def presets_folder() -> Path:
    """Folder for the presets that a person saved. Raises EngineUnavailableError."""
    home = os.environ.get(HOME_VARIABLE)
    config = Path(home).absolute() if home else Path(platformdirs.user_config_dir(_APP, appauthor=False))
    return _made(config / "presets")


def render_folder() -> Path:
    """Folder for the finished frames and their receipts: where GRAYPLATE_CACHE says, else with the other caches.

    Raises EngineUnavailableError.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    return _made(Path(chosen).absolute() / _APP) if chosen else cache_folder()


def frames_limit_bytes() -> int:
    """Disk space for the finished frames. Raises EngineUnavailableError where the variable holds no size."""
    text = os.environ.get(CACHE_SIZE_VARIABLE) or str(DEFAULT_CACHE_GB)
    try:
        size_gb = float(text)
    except ValueError:
        size_gb = 0.0
    if not 0.0 < size_gb < float("inf"):
        raise EngineUnavailableError(
            f"{CACHE_SIZE_VARIABLE} is '{text}'; set it to the size of the cache in GiB, like 50"
        )
    return int(size_gb * 2**30)


def _runtime_folder() -> Path:
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home).absolute() / "run"
    if sys.platform != "linux":
        return Path(platformdirs.user_runtime_dir(_APP, appauthor=False))
    system = Path(os.environ.get("XDG_RUNTIME_DIR") or os.devnull)
    # Containers and cron jobs have none. A place in /tmp would be a guessable one for others, so never that.
    return system / _APP if _is_private(system) else _cache_folder() / "run"


def _is_private(folder: Path) -> bool:
    """Whether it is a folder of ours that nobody else may enter, as the XDG base directory specification asks."""
    try:
        status = folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and status.st_mode & 0o077 == 0


def _cache_folder() -> Path:
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home).absolute() / "cache"
    return Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineUnavailableError(
            f"the folder {folder} cannot be made: {error.strerror}; set {HOME_VARIABLE} to one that you may write"
        ) from error
    return folder


def default_socket() -> Path:
    """The socket that hosts meet on unless told otherwise."""
    return runtime_folder() / "engine.sock"


def log_file() -> Path:
    """Log of an engine that a host started in the background."""
    return cache_folder() / "engine.log"


def job_database(socket: Path) -> Path:
    """The job list of the engine on ``socket``: engines on other sockets must not take up its jobs."""
    name = hashlib.sha256(os.fsencode(socket.absolute())).hexdigest()[:12]
    return cache_folder() / f"jobs-{name}.sqlite"
