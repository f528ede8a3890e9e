"""Integer boxes: half-open, never empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box, union_box
from tests.roi_tools.strategies import boxes_within

SIZE = Size(40, 30)


def test_a_size_without_pixels_is_refused() -> None:
    with pytest.raises(ShapeError, match="a size of 0x3 has no pixels"):
        Size(0, 3)


@pytest.mark.parametrize("edges", [(5, 0, 5, 3), (5, 0, 4, 3), (0, 3, 5, 3), (0, 4, 5, 3)])
def test_an_empty_or_inverted_box_is_refused(edges: tuple[int, int, int, int]) -> None:
    with pytest.raises(ShapeError, match="is empty or inverted; write it as x0, y0, x1, y1"):
        Box(*edges)


@given(boxes_within(SIZE), boxes_within(SIZE))
def test_union_and_intersection_agree_with_sets_of_pixels(a: Box, b: Box) -> None:
    common = a.intersected(b)
    expected = _pixels(a) & _pixels(b)
    assert (_pixels(common) if common else set()) == expected
    union = union_box([a, b])
    assert union is not None
    assert union.contains(a) and union.contains(b)
    assert union.width_px == max(a.x1, b.x1) - min(a.x0, b.x0)


@given(boxes_within(SIZE), st.integers(-60, 60), st.integers(-60, 60))
def test_clipping_keeps_exactly_what_is_inside(box: Box, dx: int, dy: int) -> None:
    clipped = box.shifted(dx, dy).clipped(SIZE)
    expected = _pixels(box.shifted(dx, dy)) & _pixels(frame_box(SIZE))
    assert (_pixels(clipped) if clipped else set()) == expected


def test_union_of_nothing_is_nothing() -> None:
    assert union_box([]) is None


def test_growing_moves_all_four_edges() -> None:
    assert Box(4, 5, 6, 8).grown(2) == Box(2, 3, 8, 10)


def _pixels(box: Box) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.x0, box.x1) for y in range(box.y0, box.y1)}
