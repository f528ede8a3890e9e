"""A model's own limits, and the starter model as what is taken where none is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.effects.vace import Vace
from engine.errors import WeightsError
from engine.model_registry import InstalledModel, installed_models, register
from engine.ofx.parameters import ParameterSet
from engine.paths import HOME_VARIABLE
from engine.vace.files.weights import MODEL_VARIABLE, find_model
from engine.vace.native import NATIVE_FILE, NativeSettings, fitted, native_settings


@pytest.fixture
def starter(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model in the place of the one that comes with Grayplate."""
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("resources.models.__path__", [str(tmp_path)])
    return shutil.copytree(tiny_folder, tmp_path / "starter-vace")


def _write(folder: Path, text: str) -> None:
    (folder / NATIVE_FILE).write_text(text)


def test_limits_and_notice_come_from_the_model_s_folder(starter: Path) -> None:
    assert native_settings(str(starter)) == NativeSettings()
    _write(starter, json.dumps({"limits": {"steps": 6}, "notice": "small"}))
    assert native_settings("") == NativeSettings({"steps": 6}, "small")


def test_a_model_that_is_not_there_has_no_limits(tmp_path: Path) -> None:
    assert native_settings(str(tmp_path / "nowhere")) == NativeSettings()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"limits": {"steps": "many"}, "notice": ""}'])
def test_a_damaged_file_is_named(starter: Path, text: str) -> None:
    _write(starter, text)
    with pytest.raises(WeightsError, match=r"grayplate\.json is damaged .*; install Grayplate or the model again"):
        native_settings("")


def test_values_above_a_limit_come_down_to_it_and_others_stay() -> None:
    given = ParameterSet(Vace.describe(), {"steps": 30, "context_frames": 9, "seed": 5})
    found = fitted(given, Vace.describe(), NativeSettings({"steps": 6, "context_frames": 17}))
    changed = {name for name in given if given[name] != found[name]}
    assert changed == {"steps"}
    assert found.integer("steps") == 6


def test_without_a_model_the_starter_is_taken(
    starter: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_model("") == starter
    assert find_model("starter-vace") == starter
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_folder))
    assert find_model("") == tiny_folder


def test_the_starter_is_listed_and_never_written_into_the_list(starter: Path, tiny_folder: Path) -> None:
    assert [entry.path for entry in installed_models().values()] == [str(starter)]
    register(InstalledModel("mine", "model", str(tiny_folder), 1))
    assert list(installed_models()) == ["starter-vace", "mine"]
    shutil.rmtree(starter)
    assert list(installed_models()) == ["mine"]
