"""Animated rectangles: their pixels, their range, their JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.roi_tools.strategies import rectangles, rects, sizes

RECT = RectF(10.5, 20.25, 30.0, 40.5)


@given(rectangles(), st.integers(-10, 210), sizes)
def test_the_box_covers_the_rectangle_inside_the_frame(shape: AnimatedRectangle, frame: int, size: Size) -> None:
    rect, box = shape.rect_at(frame), shape.box_at(frame, size)
    if rect is None:
        assert box is None
        return
    clipped = [max(rect.x0, 0), max(rect.y0, 0), min(rect.x1, size.width_px), min(rect.y1, size.height_px)]
    if box is None:
        assert clipped[0] >= clipped[2] or clipped[1] >= clipped[3]
        return
    assert box.x0 <= clipped[0] and box.y0 <= clipped[1] and box.x1 >= clipped[2] and box.y1 >= clipped[3]
    assert clipped[0] - box.x0 < 1 and box.x1 - clipped[2] < 1
    assert clipped[1] - box.y0 < 1 and box.y1 - clipped[3] < 1


@given(rectangles())
def test_json_round_trip(shape: AnimatedRectangle) -> None:
    assert AnimatedRectangle.from_dict(json.loads(json.dumps(shape.to_dict()))) == shape


@given(rectangles(), rects(), st.integers(-10, 210))
def test_a_keyframe_set_is_hit_and_the_other_keys_stay(shape: AnimatedRectangle, rect: RectF, frame: int) -> None:
    changed = shape.with_range(None, None).with_rect(frame, rect)
    assert changed.rect_at(frame) == rect
    assert all(changed.rect_at(key.frame) == RectF(*key.value) for key in shape.track.keys if key.frame != frame)


def test_a_changed_keyframe_keeps_its_interpolation() -> None:
    shape = AnimatedRectangle.still(RECT).with_rect(5, RECT, "hold").with_rect(5, RECT.shifted(1, 2))
    key = shape.track.key_at(5)
    assert key is not None and key.interpolation == "hold" and key.value == RECT.shifted(1, 2).as_tuple()


def test_the_range_is_inclusive_at_both_ends() -> None:
    shape = AnimatedRectangle.still(RECT).with_range(3, 5)
    assert [shape.rect_at(frame) is not None for frame in range(2, 7)] == [False, True, True, True, False]


def test_a_box_becomes_the_same_region() -> None:
    assert RectF.from_box(Box(1, 2, 3, 4)).outer_box() == Box(1, 2, 3, 4)
    assert RECT.outer_box() == Box(10, 20, 30, 41)


def test_a_range_that_ends_early_is_refused() -> None:
    with pytest.raises(ShapeError, match="from frame 5 to 4: it ends before it starts"):
        AnimatedRectangle.still(RECT).with_range(5, 4)


@pytest.mark.parametrize("edges", [(1, 0, 1, 3), (2, 0, 1, 3), (0, 3, 5, 3)])
def test_an_inverted_rectangle_is_refused(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(ShapeError, match="is empty or inverted; give x0 < x1"):
        RectF(*edges)


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e9])
def test_a_rectangle_without_bounds_is_refused(number: float) -> None:
    with pytest.raises(ShapeError, match="beyond 1000000 px or is not finite"):
        RectF(0, 0, number, 5)


GOOD = AnimatedRectangle.still(RECT).to_dict()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GOOD | {"type": "bezier"}, "a shape of type 'bezier' is not known; this version reads 'rectangle'"),
        (GOOD | {"keyframes": None}, "a rectangle needs a list 'keyframes'"),
        (GOOD | {"keyframes": []}, "at least one keyframe"),
        (GOOD | {"keyframes": [3]}, "must be an object with 'frame' and 'value', not 3"),
        (GOOD | {"keyframes": [{"frame": 1.5, "value": [0, 0, 1, 1]}]}, "'frame' must be a whole number, not 1.5"),
        (GOOD | {"keyframes": [{"frame": True, "value": [0, 0, 1, 1]}]}, "'frame' must be a whole number, not True"),
        (GOOD | {"keyframes": [{"frame": 1, "value": ["a", 0, 1, 1]}]}, "frame 1 needs 'value'"),
        (GOOD | {"keyframes": [{"frame": 1, "value": [0, 0, 1]}]}, "holds 3 numbers; a rectangle has 4"),
        (GOOD | {"keyframes": [{"frame": 1, "value": [0, 0, 1, 1], "interpolation": "x"}]}, "interpolation 'x'"),
        (GOOD | {"first_frame": "a"}, "'first_frame' must be a whole number or null, not 'a'"),
    ],
)
def test_malformed_json_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        AnimatedRectangle.from_dict(data)
