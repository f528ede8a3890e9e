"""Where the desktop keeps its settings, its log and its recovery files.

``GRAYPLATE_HOME``, when set, holds all of them; else each lies where its system expects it.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("grayplate", appauthor=False)


def settings_file() -> Path:
    """Window layout and the last folders used."""
    return _folder("desktop", _DIRS.user_config_path) / "desktop.ini"


def log_file() -> Path:
    """What went wrong, with the details that a dialog does not show."""
    return _folder("log", _DIRS.user_log_path) / "desktop.log"


def recovery_folder() -> Path:
    """One subfolder for each running or crashed session."""
    return _folder("recovery", _DIRS.user_state_path / "recovery")


def proxy_folder() -> Path:
    """Small copies of movies; they can be deleted at any time."""
    return _folder("proxies", _DIRS.user_cache_path / "proxies")


def icon_file(name: str) -> str:
    """An SVG of ``resources/icons``."""
    return str(files("resources").joinpath("icons", f"{name}.svg"))


def _folder(name: str, default: Path) -> Path:
    home = os.environ.get("GRAYPLATE_HOME")
    folder = Path(home) / name if home else default
    folder.mkdir(parents=True, exist_ok=True)
    return folder
