"""What to send along with a question: versions, machine, recent log. Nothing of the footage."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from desktop.base import paths

LOG_LINES = 40
LICENCE_LENGTH = 60
_NAME = re.compile(r"[\w.-]+")


def installed() -> list[tuple[str, str, str]]:
    """Name, version and licence of the packages that Grayplate stands on and that are there, by name."""
    needed = (_NAME.match(line) for line in requires("grayplate") or () if 'extra == "dev"' not in line)
    found = []
    for name in sorted({match[0] for match in needed if match}, key=str.lower):
        try:
            found.append((name, version(name), _licence(name)))
        except PackageNotFoundError:
            continue
    return found


def report(engine: str) -> str:
    """Plain text; the home folder is written as ``~``. ``engine``: one line of how the engine is."""
    screens = (f"{s.size().width()}x{s.size().height()} at {s.devicePixelRatio():g}" for s in QGuiApplication.screens())
    lines = [
        f"Grayplate {version('grayplate')}",
        f"System: {platform.platform()}, {os.cpu_count()} cores",
        f"Python {platform.python_version()}, Qt {qVersion()}, platform {QGuiApplication.platformName()}",
        f"Screens: {', '.join(screens)}",
        f"Engine: {engine}",
        f"Packages: {', '.join(f'{name} {number}' for name, number, _ in installed())}",
        f"Log {paths.log_file()}:",
        *_log_tail(),
    ]
    return "\n".join(lines).replace(str(Path.home()), "~")


def _licence(name: str) -> str:
    about = metadata(name).json
    text = str(about.get("license_expression") or about.get("license") or "").strip()
    first = text.split("\n")[0].strip()
    if first and not first.startswith("Copyright") and len(first) < LICENCE_LENGTH:
        return first
    if " AND " in first:  # a package that holds others
        return ", ".join(dict.fromkeys(part.strip("() ") for part in first.split(" AND ")))
    classifiers = about.get("classifier", [])
    named = [line.rsplit("::", 1)[-1].strip() for line in classifiers if line.startswith("License ::")]
    return ", ".join(named) or "see its package"


def _log_tail() -> list[str]:
    try:
        return paths.log_file().read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    except FileNotFoundError:
        return ["(empty)"]
