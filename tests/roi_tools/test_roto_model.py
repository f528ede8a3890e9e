"""Roto shapes as documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.layer_json import layer_from_dict, layer_to_dict
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.outlines import bezier_points_at
from tests.roi_tools.roto_strategies import layers, shapes

BOX = Shape("box", "rectangle", (constant(10, 10, 4, 4, 0),))
CURVE = Shape("curve", "bezier", tuple(constant(x, y, 0, 0, 0, 0, 0, 0) for x, y in ((0, 0), (9, 0), (9, 9))))


@settings(max_examples=60)
@given(layers())
def test_a_layer_reads_back_as_written(layer: RotoLayer) -> None:
    assert layer_from_dict(json.loads(json.dumps(layer_to_dict(layer)))) == layer


def test_an_edit_keeps_the_old_layer_and_the_order() -> None:
    layer = RotoLayer("a", (BOX, CURVE))
    changed = layer.with_shape(replace(BOX, mode="subtract"))
    assert [shape.label for shape in changed.shapes] == ["box", "curve"] and changed.shape("box").mode == "subtract"
    assert layer.shape("box").mode == "add"
    assert [shape.label for shape in layer.moved("box", 1).shapes] == ["curve", "box"]
    with pytest.raises(ShapeError, match="has no shape 'tree'"):
        layer.moved("tree", 0)


def test_each_point_is_keyed_on_its_own() -> None:
    first, second, third = CURVE.tracks
    changed = replace(CURVE, tracks=(first, second.with_key(Keyframe(10, (19, 0, 0, 0, 0, 0, 0, 0))), third))
    assert changed.tracks[1].value_at(5)[0] == 14 and changed.key_frames == (0, 10)
    places = [bezier_points_at(changed, frame)[:, 0] for frame in (0, 10)]
    assert [bool(moved.any()) for moved in places[1] - places[0]] == [False, True, False]


@settings(max_examples=20)
@given(shapes(), st.floats(-30, 110), st.booleans())
def test_all_tracks_at_once_say_what_each_says(shape: Shape, time: float, same: bool) -> None:
    if same:  # keyed on the same frames, as a tracker does
        frames = range(2)
        values = [shape.tracks[0].value_at(frame) for frame in frames]
        alike = tuple(Keyframe(frame, value) for frame, value in zip(frames, values, strict=True))
        shape = replace(shape, tracks=tuple(Track(alike) for _ in shape.tracks))
        time = time % 2
    assert shape.values_at(time).tolist() == [[*track.value_at(time)] for track in shape.tracks]


def test_the_shutter_is_centred_on_its_frame() -> None:
    times = RotoLayer("a", shutter_frames=0.5, shutter_samples=4).exposures(10)
    assert sum(times) / 4 == pytest.approx(10) and times[-1] - times[0] == pytest.approx(0.375)
    assert RotoLayer("a").exposures(10) == (10.0,)


def test_a_hidden_shape_and_one_out_of_its_life_are_not_there() -> None:
    assert not replace(BOX, is_visible=False).is_present(0)
    assert [replace(BOX, first_frame=2, last_frame=3).is_present(frame) for frame in range(1, 5)] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "star"}, "is a 'star' to 'add'; known are rectangle"),
        ({"mode": "xor"}, "is a 'rectangle' to 'xor'"),
        ({"tracks": ()}, "has 0 points; a rectangle needs 1"),
        ({"tracks": (constant(1, 2, 3),)}, "needs 5 numbers in every keyframe of its 'tracks'"),
        ({"opacity": constant(1, 1)}, "needs 1 numbers in every keyframe of its 'opacity'"),
        ({"first_frame": 4, "last_frame": 3}, "lasts from 4 to 3: ends too early"),
        ({"color": (0.0, 2.0, 0.0)}, "give three numbers from 0 to 1"),
    ],
)
def test_a_shape_that_makes_no_sense_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        replace(BOX, **change)


def test_a_layer_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ShapeError, match="two shapes of one label"):
        RotoLayer("a", (BOX, BOX))
    with pytest.raises(ShapeError, match="give 0 to 2 frames in 1 to 64 samples"):
        RotoLayer("a", shutter_frames=3)


GOOD = layer_to_dict(RotoLayer("a", (BOX,)))
SHAPE = GOOD["shapes"][0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GOOD | {"version": 2}, "of version 2 is not known; this program reads 1"),
        (GOOD | {"shapes": 3}, "needs a list 'shapes'"),
        (GOOD | {"name": 3}, "need a text 'name', not 3"),
        (GOOD | {"shutter_frames": "a"}, "'shutter_frames' must be a number, not 'a'"),
        (GOOD | {"shutter_samples": 1.5}, "'shutter_samples' must be a whole number, not 1.5"),
        (GOOD | {"shapes": [7]}, "a shape must be an object, not 7"),
        (GOOD | {"shapes": [SHAPE | {"tracks": 1}]}, "shape 'box' needs a list 'tracks'"),
        (GOOD | {"shapes": [SHAPE | {"kind": []}]}, r"is a '\[\]' to 'add'"),
        (GOOD | {"shapes": [SHAPE | {"color": [1]}]}, r"needs 'color': \[red, green, blue\]"),
        (GOOD | {"shapes": [SHAPE | {"is_locked": 1}]}, "'is_locked' must be true or false, not 1"),
        (GOOD | {"shapes": [SHAPE | {"last_frame": 1.5}]}, "'last_frame' must be a whole number or null"),
        (GOOD | {"shapes": [SHAPE | {"opacity": [{"frame": 0, "value": ["x"]}]}]}, "frame 0 needs 'value'"),
        (
            GOOD | {"shapes": [SHAPE | {"opacity": [{"frame": 0, "value": [1], "slopes": [1]}]}]},
            r"frame 0 needs 'slopes': \[\[...\], \[...\]\]",
        ),
    ],
)
def test_malformed_json_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        layer_from_dict(data)


def test_slopes_have_one_number_for_each_of_the_value() -> None:
    with pytest.raises(ShapeError, match="needs one finite slope per number and side"):
        Track((Keyframe(0, (1.0, 2.0), "bezier", ((1.0,), (1.0,))),))
