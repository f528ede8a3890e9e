"""One tiny model for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.vace.model import VaceModel, warm_model
from tests.support.tiny_wan import build_tiny_wan


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusers folder; tests that change files must copy it."""
    return build_tiny_wan(tmp_path_factory.mktemp("tiny-wan"))


@pytest.fixture
def tiny_model(tiny_folder: Path) -> VaceModel:
    """The tiny model on the CPU, warm from the test before."""
    return warm_model(tiny_folder, "cpu")
