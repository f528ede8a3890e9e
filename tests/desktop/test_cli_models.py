"""``grayplate models`` hands its words to the engine's program and its exit code back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desktop.cli import main


def test_the_list_comes_from_the_engine(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    assert "wan2.1-vace-1.3b" in {row["name"] for row in json.loads(capfd.readouterr().out)}


def test_errors_keep_their_exit_code(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "add", str(tmp_path / "nothing")]) == 2
    assert capfd.readouterr().err.startswith("grayplate: there is no model folder")


def test_without_a_command_it_says_which_there_are(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 2
    assert "list | add | get" in capfd.readouterr().err
