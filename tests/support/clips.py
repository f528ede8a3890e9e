"""Where the shared development clips lie, if they are there at all."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared_clip(name: str) -> Path:
    """The folder of one development clip; skips the test where it is missing."""
    return _existing(SHARED / "clips" / name)


def shared_timeline(name: str) -> Path:
    """One development edit list; skips the test where it is missing."""
    return _existing(SHARED / "timelines" / name)


def _existing(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"development clip {path.name} is not here")
    return path
