"""Painted lines become closed shapes that cover the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.geometry import Size
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.joining import joined_lines
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.raster import layer_matte

SIZE = Size(160, 120)
places = st.tuples(st.floats(10, 150), st.floats(10, 110))


def brush(*points: tuple[float, float], width: float = 14, label: str = "brush") -> Shape:
    tracks = tuple(Track((Keyframe(7, (*point, *(0.0,) * 6)),)) for point in points)
    return Shape(label, "brush", tracks, width_px=constant(width))


def matte(*shapes: Shape, frame: int = 7) -> np.ndarray:
    labelled = tuple(replace(shape, label=str(n)) for n, shape in enumerate(shapes))
    return layer_matte(RotoLayer("a", labelled), frame, SIZE)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(places, min_size=2, max_size=4), min_size=1, max_size=4), st.floats(8, 30))
def test_joined_lines_cover_what_the_lines_cover(lines: list[list[tuple[float, float]]], width: float) -> None:
    drawn = [brush(*points, width=width, label=str(n)) for n, points in enumerate(lines)]
    joined = joined_lines(drawn, 7, "joined")
    ours, theirs = matte(*joined), matte(*drawn)
    assert np.minimum(ours, theirs).sum() / np.maximum(ours, theirs).sum() > 0.94
    assert np.abs(ours - theirs).max() < 0.8
    assert len({shape.label for shape in joined}) == len(joined) and joined[0].label == "joined"


def test_lines_that_cross_are_one_shape_and_what_they_enclose_is_a_hole() -> None:
    cross = [brush((20, 20), (90, 90)), brush((90, 20), (20, 90))]
    (shape,) = joined_lines(cross, 7, "cross")
    assert shape.kind == "bezier" and len(shape.tracks) < 60
    ring = brush((20, 20), (90, 20), (90, 90), (20, 90), (20, 20))
    around, hole = joined_lines([ring, brush((130, 20), (131, 20))], 7, "ring")[:2]
    assert (around.mode, hole.mode) == ("add", "subtract")
    assert matte(around, hole)[55, 55] == 0 and matte(around)[55, 55] == 1


def test_what_lies_in_a_hole_is_covered() -> None:
    ring = brush((20, 20), (90, 20), (90, 90), (20, 90), (20, 20))
    joined = joined_lines([ring, brush((50, 55), (60, 55))], 7, "ring")
    assert [shape.mode for shape in joined] == ["add", "subtract", "add"]
    assert matte(*joined)[55, 55] == 1


def test_lines_behind_the_first_may_take_away() -> None:
    painted = brush((20, 60), (140, 60), width=30)
    erased = replace(brush((80, 20), (80, 100), width=20), mode="subtract")
    back = brush((80, 60), (81, 60), width=10)
    parts = joined_lines([painted, erased], 7, "a")
    assert [shape.mode for shape in parts] == ["add", "add"]
    assert (matte(*parts)[60, 80], matte(*parts)[60, 40]) == (0, 1)
    assert matte(*joined_lines([painted, erased, back], 7, "a"))[60, 80] == 1
    with pytest.raises(ShapeError, match="only strokes and brushes that add"):
        joined_lines([erased, painted], 7, "a")


def test_a_joined_shape_lasts_as_long_as_its_lines_and_follows_what_they_follow() -> None:
    track = Track((Keyframe(7, (1.0, 0, 0, 0, 1, 0, 0, 0, 1)), Keyframe(9, (1.0, 0, 20, 0, 1, 0, 0, 0, 1))))
    lines = [replace(brush((20, 20), (60, 60)), transform=track, first_frame=n, last_frame=n + 4) for n in (5, 7)]
    lines[1] = replace(lines[1], label="other", color=(1, 0, 0))
    (shape,) = joined_lines(lines, 7, "joined")
    assert (shape.first_frame, shape.last_frame, shape.transform) == (5, 11, track)
    assert np.abs(matte(shape, frame=9) - matte(*lines, frame=9)).mean() < 0.002
    (open_ended,) = joined_lines([lines[0], replace(lines[1], last_frame=None)], 7, "joined")
    assert (open_ended.first_frame, open_ended.last_frame) == (5, None)


def test_a_line_without_width_covers_nothing() -> None:
    assert joined_lines([brush((20, 20), (60, 60), width=0)], 7, "a") == ()


def test_what_cannot_be_joined_is_named() -> None:
    line = brush((20, 20), (60, 60))
    with pytest.raises(ShapeError, match="only strokes and brushes that add"):
        joined_lines([line, Shape("e", "ellipse", (constant(60, 50, 40, 30, 0),))], 7, "a")
    with pytest.raises(ShapeError, match="only strokes and brushes that add"):
        joined_lines([], 7, "a")
    moving = replace(line, label="moving", tracks=(line.tracks[0].with_key(Keyframe(9, (0.0,) * 8)), line.tracks[1]))
    with pytest.raises(ShapeError, match="'moving' is keyed on several frames"):
        joined_lines([line, moving], 7, "a")
    with pytest.raises(ShapeError, match="'other' follows something else than 'brush'"):
        joined_lines([line, replace(line, label="other", transform=constant(2, 0, 0, 0, 2, 0, 0, 0, 1))], 7, "a")
    with pytest.raises(ShapeError, match="give a number above 0"):
        joined_lines([line], 7, "a", 0)
