"""Mattes: exact areas, growing, feathering inwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box
from roi_tools.matte import bounds, grow, inward_feather, rasterise
from roi_tools.shapes import RectF
from tests.roi_tools.strategies import boxes_within, rects, sizes

SIZE = Size(48, 36)


@given(rects(), sizes)
def test_the_rasterised_area_is_the_rectangles_own(rect: RectF, size: Size) -> None:
    matte = rasterise([rect], size)
    width = max(0.0, min(rect.x1, size.width_px) - max(rect.x0, 0.0))
    height = max(0.0, min(rect.y1, size.height_px) - max(rect.y0, 0.0))
    assert matte.dtype == np.float32 and matte.shape == (size.height_px, size.width_px)
    assert float(matte.sum(dtype=np.float64)) == pytest.approx(width * height, abs=1e-3)


@given(st.lists(rects(), max_size=4))
def test_overlapping_rectangles_count_once(shapes: list[RectF]) -> None:
    matte = rasterise(shapes, SIZE)
    assert float(matte.sum(dtype=np.float64)) == pytest.approx(_union_area(shapes), abs=1e-3)
    assert matte.min(initial=0) >= 0 and matte.max(initial=0) <= 1


@given(boxes_within(SIZE))
def test_a_box_of_whole_pixels_is_all_or_nothing(box: Box) -> None:
    matte = rasterise([box], SIZE)
    expected = np.zeros_like(matte)
    expected[box.slices] = 1
    np.testing.assert_array_equal(matte, expected)
    assert bounds(matte) == box


@given(rects(), boxes_within(SIZE))
def test_a_window_shows_the_same_pixels_as_the_whole_frame(rect: RectF, window: Box) -> None:
    np.testing.assert_array_equal(rasterise([rect], SIZE, window), rasterise([rect], SIZE)[window.slices])


def test_outside_the_frame_nothing_is_covered() -> None:
    matte = rasterise([RectF(-5, -5, 60, 60)], SIZE, Box(-2, -2, 50, 38))
    assert bounds(matte) == frame_box(SIZE).shifted(2, 2)


@given(boxes_within(SIZE), st.integers(0, 9))
def test_a_grown_box_is_the_box_with_a_margin(box: Box, px: int) -> None:
    assert bounds(grow(rasterise([box], SIZE), px)) == box.grown(px).clipped(SIZE)


def test_eroding_spares_what_touches_the_frames_border() -> None:
    matte = rasterise([Box(0, 10, 20, 36)], SIZE)
    assert bounds(grow(matte, -3)) == Box(0, 13, 17, 36)
    np.testing.assert_array_equal(grow(matte, 0), matte)


@given(st.lists(rects(), min_size=1, max_size=3), st.floats(0, 12))
def test_feathering_never_leaves_the_matte(shapes: list[RectF], feather_px: float) -> None:
    matte = rasterise(shapes, SIZE)
    alpha = inward_feather(matte, feather_px)
    assert alpha.dtype == np.float32
    assert np.all(alpha <= matte) and np.all(alpha >= 0)
    assert np.all(alpha[matte == 0] == 0)


def test_a_feather_rises_linearly_and_reaches_the_mattes_value() -> None:
    alpha = inward_feather(rasterise([Box(8, 0, 40, 36)], SIZE), 4)
    np.testing.assert_allclose(alpha[18, 6:14], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1], atol=1e-6)


def test_the_frames_border_is_no_edge() -> None:
    alpha = inward_feather(rasterise([Box(0, 0, 40, 36)], SIZE), 6)
    assert np.all(alpha[:, 0] == 1) and np.all(alpha[0, :30] == 1)
    whole = rasterise([frame_box(SIZE)], SIZE)
    np.testing.assert_array_equal(inward_feather(whole, 6), whole)


def test_a_negative_feather_is_refused() -> None:
    with pytest.raises(ShapeError, match="a feather of -1 px is negative; give 0 for a hard edge"):
        inward_feather(np.ones((4, 4), np.float32), -1)


def test_an_empty_matte_has_no_bounds() -> None:
    assert bounds(rasterise([], SIZE)) is None


def _union_area(shapes: list[RectF]) -> float:
    """By inclusion and exclusion over all subsets, inside the frame."""
    total = 0.0
    for chosen in range(1, 2 ** len(shapes)):
        members = [shape for index, shape in enumerate(shapes) if chosen >> index & 1]
        width = min(SIZE.width_px, *(m.x1 for m in members)) - max(0, *(m.x0 for m in members))
        height = min(SIZE.height_px, *(m.y1 for m in members)) - max(0, *(m.y0 for m in members))
        total += (-1) ** (len(members) + 1) * max(0.0, width) * max(0.0, height)
    return total
