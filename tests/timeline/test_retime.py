"""Speed changes of other programs: told as they are, and kept."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from tests.support.clips import shared_timeline
from timeline.edit_list import load_edit
from timeline.project_file import load_project, save_project
from timeline.retime import speed_of, used_frames
from timeline.shot import Shot


def shot(*effects: otio.schema.Effect) -> Shot:
    clip = otio.schema.Clip(effects=list(effects))
    return Shot("s", "s", "/s.mov", Fraction(24), 100, 110, otio_json=clip.to_json_string())


@pytest.mark.parametrize(
    ("effects", "speed", "used"),
    [
        ([], 1.0, range(100, 110)),
        ([otio.schema.LinearTimeWarp(time_scalar=2.0)], 2.0, range(100, 120)),
        ([otio.schema.LinearTimeWarp(time_scalar=0.5)], 0.5, range(100, 105)),
        ([otio.schema.LinearTimeWarp(time_scalar=-1.5)], -1.5, range(95, 110)),
        ([otio.schema.LinearTimeWarp(time_scalar=-20.0)], -20.0, range(110)),
        ([otio.schema.FreezeFrame()], 0.0, range(100, 101)),
        (
            [otio.schema.LinearTimeWarp(time_scalar=2.0), otio.schema.LinearTimeWarp(time_scalar=0.5)],
            1.0,
            range(100, 110),
        ),
        ([otio.schema.Effect(effect_name="time_scalar")], 1.0, range(100, 110)),
    ],
)
def test_the_speed_and_the_frames_that_it_takes(effects: list[otio.schema.Effect], speed: float, used: range) -> None:
    assert speed_of(shot(*effects)) == speed and used_frames(shot(*effects)) == used


def test_a_shot_of_our_own_plays_as_its_media() -> None:
    assert speed_of(Shot("s", "s", "/s.mov", Fraction(24), 0, 5)) == 1


def test_speeds_of_a_list_survive_saving(tmp_path: Path) -> None:
    project = load_edit(shared_timeline("cmx3600_speed_effects_small.edl"))
    save_project(project, tmp_path / "a.otio")
    for shots in (project.shots, load_project(tmp_path / "a.otio").shots):
        assert [round(speed_of(shot), 2) for shot in shots] == [1, 0, 1, 1, 1.98]
