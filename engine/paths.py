"""Where the engine keeps its socket, its caches and its log; everything under GRAYPLATE_HOME when that is set."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "GRAYPLATE_HOME"
_APP = "grayplate"


def runtime_folder() -> Path:
    """Private folder (0700) for the socket; made when missing."""
    home = os.environ.get(HOME_VARIABLE)
    folder = Path(home) / "run" if home else Path(platformdirs.user_runtime_dir(_APP, appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    # mkdir's mode passes through the umask, and an older version may have left the folder open to others.
    folder.chmod(0o700)
    return folder


def cache_folder() -> Path:
    """Folder for what can be made again: finished frames, the job list, logs; made when missing."""
    home = os.environ.get(HOME_VARIABLE)
    folder = Path(home) / "cache" if home else Path(platformdirs.user_cache_dir(_APP, appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
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
