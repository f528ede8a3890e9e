"""Feather, hull, holes and union over time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.matte import grow, inward_feather, rasterise
from roi_tools.matte_operations import (
    MatteFinish,
    finished,
    hull,
    outward_feather,
    union_over_time,
    without_holes,
)
from tests.roi_tools.strategies import rects

SIZE = Size(60, 40)


@given(rects(), st.floats(0, 12))
def test_an_outward_feather_only_adds(rect, feather: float) -> None:
    matte = rasterise([rect], SIZE)
    soft = outward_feather(matte, feather)
    assert np.all(soft >= matte) and soft.max() <= 1


def test_an_outward_feather_falls_linearly() -> None:
    soft = outward_feather(rasterise([Box(0, 0, 20, 40)], SIZE), 10)
    np.testing.assert_allclose(soft[20, 20:30], 1 - (np.arange(10) + 0.5) / 10, atol=1e-5)
    assert soft[20, 31] == 0


@given(st.lists(rects(), min_size=1, max_size=3))
def test_a_hull_holds_its_matte_and_is_its_own_hull_but_for_a_pixel(drawn) -> None:
    matte = rasterise(drawn, SIZE)
    filled = hull(matte)
    assert np.all(filled >= matte)
    assert np.all(hull(filled) <= grow(filled, 1))


def test_a_hull_fills_what_a_bay_leaves_open() -> None:
    bay = rasterise([Box(10, 10, 40, 12), Box(10, 28, 40, 30), Box(10, 10, 12, 30)], SIZE)
    np.testing.assert_array_equal(hull(bay), rasterise([Box(10, 10, 40, 30)], SIZE))


def test_holes_are_filled_but_bays_are_not() -> None:
    ring = rasterise([Box(10, 10, 40, 12), Box(10, 28, 40, 30), Box(10, 10, 12, 30), Box(38, 10, 40, 30)], SIZE)
    assert without_holes(ring)[20, 20] == 1 and without_holes(ring)[5, 5] == 0
    bay = rasterise([Box(10, 10, 40, 12), Box(10, 28, 40, 30), Box(10, 10, 12, 30)], SIZE)
    np.testing.assert_array_equal(without_holes(bay), bay)


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 4))
def test_a_union_over_time_is_the_maximum_of_the_neighbours(values: list[int], frames: int) -> None:
    mattes = [np.full((1, 1), value, np.float32) for value in values]
    united = [float(matte[0, 0]) for matte in union_over_time(iter(mattes), frames)]
    assert united == [max(values[max(0, n - frames) : n + frames + 1]) for n in range(len(values))]


@given(st.lists(rects(), min_size=1, max_size=3), st.integers(-3, 3), st.floats(-6, 6), st.booleans(), st.booleans())
def test_a_finish_does_one_operation_after_the_other(
    drawn, px: int, feather: float, fills: bool, is_hull: bool
) -> None:
    mattes = [rasterise([rect], SIZE) for rect in drawn]
    done = list(finished(iter(mattes), MatteFinish(1, fills, is_hull, px, feather)))
    for found, matte in zip(done, union_over_time(iter(mattes), 1), strict=True):
        matte = without_holes(matte) if fills else matte
        matte = grow(hull(matte) if is_hull else matte, px)
        expected = outward_feather(matte, feather) if feather > 0 else inward_feather(matte, -feather)
        np.testing.assert_array_equal(found, expected)
    for found, matte in zip(finished(iter(mattes), MatteFinish()), mattes, strict=True):
        np.testing.assert_array_equal(found, matte)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ShapeError, match="over -2 frames"):
        MatteFinish(-2)
    with pytest.raises(ShapeError, match="negative; give 0 for a hard edge"):
        outward_feather(np.zeros((2, 2), np.float32), -1)
    with pytest.raises(ShapeError, match="over -1 frames"):
        list(union_over_time([], -1))
