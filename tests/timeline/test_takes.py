"""Takes in a project file: all that is needed to find their frames and settings again."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from roi_tools.shapes import AnimatedRectangle, RectF
from timeline import edits
from timeline.errors import ProjectFileError
from timeline.project import Project
from timeline.project_file import load_project, save_project
from timeline.removal import Removal
from timeline.shot import Shot
from timeline.take import ShotTakes, TakeRecord

SHOT = Shot("s", "a", "/media/a.mov", Fraction(24), 0, 50, media_frame_count=60)
SHAPE = AnimatedRectangle.still(RectF(1.0, 2.0, 30.0, 40.0), 3)
REMOVAL = Removal("r", "Rider", SHAPE, "vace", {"seed": 3, "cfg_scale": 0.1})
TAKES = ShotTakes(
    (TakeRecord(1, (REMOVAL,), ("job-a", "job-b"), "soft"), TakeRecord(4, (replace(REMOVAL, parameters={}),))), 1
)


def saved(tmp_path: Path) -> Path:
    path = tmp_path / "p.otio"
    save_project(Project("p", (SHOT,), takes={"s": TAKES}), path)
    return path


def test_takes_come_back_with_their_settings_and_jobs(tmp_path: Path) -> None:
    path = saved(tmp_path)
    loaded = load_project(path)
    assert loaded.takes == {"s": TAKES}
    text = path.read_text(encoding="utf-8")
    save_project(loaded, path)
    assert path.read_text(encoding="utf-8") == text


def test_the_second_half_of_a_split_shot_has_no_takes(tmp_path: Path) -> None:
    path = saved(tmp_path)
    save_project(edits.split_shot(load_project(path), "s", 20), path)
    assert list(load_project(path).takes) == ["s"]


@pytest.mark.parametrize(
    "damage",
    [{"take": 9}, {"takes": [{"number": 1}]}, {"takes": 7}, {"takes": [{"number": "x", "removals": []}]}],
)
def test_takes_that_make_no_sense_are_an_error_that_names_the_clip(tmp_path: Path, damage: dict[str, Any]) -> None:
    path = saved(tmp_path)
    data = json.loads(path.read_text(encoding="utf-8"))
    data["tracks"]["children"][0]["children"][0]["metadata"]["grayplate"].update(damage)
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ProjectFileError, match="clip 'a': its takes"):
        load_project(path)
