"""A project carries every interpolation of boxes, shapes and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from roi_tools.keyframes import Interpolation, Keyframe, Slopes, Track
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.shapes import AnimatedRectangle
from tests.desktop.documents import make_removal, make_shot
from timeline.marking import RotoMarking
from timeline.project import Project
from timeline.project_file import load_project, save_project


def track(interpolation: Interpolation, start: tuple[float, ...], end: tuple[float, ...]) -> Track:
    slopes: Slopes = (tuple(0.1 * n for n, _ in enumerate(start)), tuple(-0.3 * n for n, _ in enumerate(start)))
    return Track((Keyframe(3, start, interpolation, slopes), Keyframe(17, end, interpolation)))


@pytest.mark.parametrize("interpolation", get_args(Interpolation))
def test_a_project_carries_every_interpolation(tmp_path: Path, interpolation: Interpolation) -> None:
    box = AnimatedRectangle(track(interpolation, (10.0, 20.25, 30.0, 40.0), (15.0, 1 / 3, 39.0, 44.0)))
    points = tuple(
        track(interpolation, (x, 5.0, 0, 0, 0, 0, 1, 2), (x + 9, 7.0, 0, 0, 1, 1, 0, 0)) for x in (0.1, 20.0)
    )
    width, soft = track(interpolation, (4.0,), (9.0,)), track(interpolation, (0.0,), (-3.0,))
    line = Shape("wire", "stroke", points, width_px=width, feather_px=soft, opacity=constant(0.5))
    removals = (
        make_removal("box", shape=box, parameter_tracks={"grow_px": track(interpolation, (2.0,), (6.0,))}),
        make_removal("roto", shape=RotoMarking(RotoLayer("roto", (line,), 0.5, 4), 3, 17)),
    )
    project = Project("p", (make_shot(removals=removals),))
    save_project(project, tmp_path / "p.otio")
    again = load_project(tmp_path / "p.otio")
    assert again == project
    (loaded, _), shape = again.shots[0].removals, box
    assert isinstance(loaded.shape, AnimatedRectangle)
    for frame in range(80):
        assert loaded.shape.track.value_at(frame / 4) == shape.track.value_at(frame / 4)
