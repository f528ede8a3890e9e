"""Boxes and roto answer the same questions; roto survives the project file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.geometry import Size
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.roto.raster import layer_matte
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.desktop.documents import make_removal, make_shot
from tests.roi_tools.roto_strategies import layers
from tests.roi_tools.strategies import rectangles
from timeline.marking import (
    RotoMarking,
    interpolation_at,
    marking_from_dict,
    rendered_marking,
    shifted_marking,
    with_interpolation,
    with_key_here,
    with_moved_key,
)
from timeline.project import Project
from timeline.project_file import load_project, save_project

SIZE = Size(64, 48)


def point(x: float, y: float, *rest: float) -> tuple[float, ...]:
    return (x, y, *(rest or (0.0,) * 6))


def triangle(label: str = "t", frame: int = 3, dx: float = 0.0, **fields: object) -> Shape:
    places = ((10 + dx, 10), (40 + dx, 12), (25 + dx, 40))
    tracks = tuple(Track((Keyframe(frame, point(x, y)),)) for x, y in places)
    return replace(Shape(label, "bezier", tracks), **fields)  # type: ignore[arg-type]


def moving() -> RotoMarking:
    """Keyed on frames 3 and 9, 6 px to the right in between."""
    start, end = triangle(), triangle(frame=9, dx=6)
    pairs = zip(start.tracks, end.tracks, strict=True)
    tracks = tuple(Track((*before.keys, *after.keys)) for before, after in pairs)
    return RotoMarking(RotoLayer("roto", (replace(start, tracks=tracks),)))


markings = layers().filter(lambda layer: bool(layer.shapes)).map(RotoMarking)


@settings(max_examples=25)
@given(markings)
def test_roto_survives_json(marking: RotoMarking) -> None:
    assert marking_from_dict(json.loads(json.dumps(marking.to_dict()))) == marking


@settings(max_examples=25)
@given(rectangles() | markings, st.integers(-30, 30))
def test_a_shift_moves_everything_and_back_again_nothing(marking: AnimatedRectangle | RotoMarking, by: int) -> None:
    shifted = shifted_marking(marking, by)
    assert shifted.key_frames == tuple(frame + by for frame in marking.key_frames)
    assert shifted_marking(shifted, -by) == marking


@given(st.integers(-30, 30), st.integers(0, 12))
def test_what_is_shifted_marks_the_same_later(by: int, frame: int) -> None:
    assert shifted_marking(moving().with_range(2, 11), by).rect_at(frame + by) == moving().with_range(2, 11).rect_at(
        frame
    )


@given(st.integers(-5, 15))
def test_a_matte_lies_within_its_bounds(frame: int) -> None:
    marking = moving().with_range(1, 12)
    layer = replace(marking.layer, shutter_frames=1.0)
    layer = replace(layer, shapes=(replace(layer.shapes[0], feather_px=Track((Keyframe(0, (4.0,)),))),))
    marking = marking.with_layer(layer)
    matte, box = layer_matte(marking.shown_layer(), frame, SIZE), marking.box_at(frame, SIZE)
    assert (box is None) == (not marking.is_present(frame)) == (not matte.any())
    if box is not None:
        inside = np.zeros_like(matte)
        inside[box.slices] = 1
        assert not matte[inside == 0].any()


def test_keys_are_what_an_artist_keyed_not_what_was_tracked() -> None:
    identity = (1.0, 0, 0, 0, 1, 0, 0, 0, 1)
    tracked = Track(tuple(Keyframe(frame, identity) for frame in range(20)))
    marking = RotoMarking(RotoLayer("roto", (triangle(transform=tracked),)))
    assert marking.key_frames == (3,)


def test_a_key_added_between_changes_nothing_and_can_go_again() -> None:
    marking = moving()
    keyed = with_key_here(marking, 6)
    assert keyed.key_frames == (3, 6, 9)
    assert [keyed.rect_at(frame) for frame in range(12)] == [marking.rect_at(frame) for frame in range(12)]
    assert keyed.without_key(6) == marking
    with pytest.raises(ShapeError, match="only one"):
        keyed.without_key(6).without_key(9).without_key(3)


@pytest.mark.parametrize("marking", [moving(), AnimatedRectangle.still(RectF(1, 2, 30, 40), 3)])
def test_interpolation_is_set_for_the_whole_key(marking: AnimatedRectangle | RotoMarking) -> None:
    assert interpolation_at(marking, 3) == "linear"
    for wanted in ("hold", "smooth", "bezier", "linear"):
        marking = with_interpolation(marking, 3, wanted)
        assert interpolation_at(marking, 3) == wanted
    assert interpolation_at(marking, 4) is None


def test_hold_holds_every_point() -> None:
    held = with_interpolation(moving(), 3, "hold")
    assert held.rect_at(8) == held.rect_at(3) != held.rect_at(9)


def test_a_key_is_moved() -> None:
    assert with_moved_key(moving(), 9, 5).key_frames == (3, 5)


def test_what_only_a_viewer_sees_needs_no_new_render() -> None:
    marking = moving()
    shape = marking.layer.shapes[0]
    for fields, same in (({"color": (1.0, 0, 0)}, True), ({"is_locked": True}, True), ({"is_visible": False}, False)):
        changed = marking.with_layer(replace(marking.layer, shapes=(replace(shape, **fields),)))
        assert (rendered_marking(changed) == rendered_marking(marking)) is same


def test_shapes_that_take_away_mark_nothing_by_themselves() -> None:
    marking = RotoMarking(RotoLayer("roto", (triangle(mode="subtract"),)))
    assert not marking.is_present(3)
    assert marking.rect_at(3) is None


def test_an_inverted_shape_marks_the_whole_frame() -> None:
    marking = RotoMarking(RotoLayer("roto", (triangle(is_inverted=True),)))
    box = marking.box_at(3, SIZE)
    assert box is not None
    assert box.as_tuple() == (0, 0, 64, 48)


def test_a_project_keeps_roto(tmp_path: Path) -> None:
    roto = moving().with_range(2, 11)
    shot = make_shot(removals=(make_removal("box"), make_removal("roto", shape=roto)))
    path = tmp_path / "roto.otio"
    save_project(Project("p", (shot,)), path)
    assert [removal.shape for removal in load_project(path).shots[0].removals] == [make_removal().shape, roto]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": 5}, "needs 'layer'"),
        ({"first_frame": "x"}, "whole numbers or null"),
        ({"first_frame": 9, "last_frame": 2}, "ends too early"),
    ],
)
def test_wrong_roto_says_what_is_wrong(change: dict[str, object], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        marking_from_dict({**moving().to_dict(), **change})


def test_roto_without_shapes_is_no_marking() -> None:
    with pytest.raises(ShapeError, match="at least one shape"):
        RotoMarking(RotoLayer("roto"))
