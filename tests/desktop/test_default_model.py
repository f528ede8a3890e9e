from __future__ import annotations

from pathlib import Path

import pytest

from desktop.rendering.default_model import MODEL_VARIABLE, with_default_model


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(MODEL_VARIABLE, "weights")
    return tmp_path / "weights"


def test_vace_takes_the_folder_of_the_environment(folder: Path) -> None:
    assert with_default_model("vace", {"steps": 4}) == {"steps": 4, "model": str(folder)}
    assert with_default_model("vace", {"model": ""}) == {"model": str(folder)}


def test_auto_takes_it_too(folder: Path) -> None:
    assert with_default_model("auto", {}) == {"model": str(folder)}


def test_a_given_folder_and_other_effects_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_default_model("vace", {"model": "/mine"}) == {"model": "/mine"}
    assert with_default_model("clean-plate", {}) == {}
    monkeypatch.delenv(MODEL_VARIABLE)
    assert with_default_model("vace", {}) == {}
