"""What every test needs: no display, and a home of its own for caches, sockets and settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "DISPLAY" not in os.environ:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def grayplate_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty GRAYPLATE_HOME, so that no test touches a person's caches, engine or settings."""
    home = tmp_path_factory.mktemp("gp")
    monkeypatch.setenv("GRAYPLATE_HOME", str(home))
    return home
