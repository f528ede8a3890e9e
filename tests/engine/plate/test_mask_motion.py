"""What neighbours mark is joined where the object has gone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.mask_motion import FINE_PX, MAX_SHIFT_PX, MIN_PART_PX, best_shift, join_moved
from roi_tools.geometry import Box

SHAPE = (150, 220)


def figure(x: int, y: int) -> NDArray[np.bool_]:
    """Something with a head, a body and an arm, 30x60 px."""
    mask = np.zeros(SHAPE, bool)
    mask[y : y + 14, x + 8 : x + 20] = True
    mask[y + 12 : y + 60, x : x + 24] = True
    mask[y + 20 : y + 26, x : x + 30] = True
    return mask


def grown_px(joined: NDArray[np.bool_], mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(joined & ~mask))


@settings(max_examples=25, deadline=None)
@given(st.integers(-40, 40), st.integers(-30, 30))
def test_a_figure_that_has_moved_adds_next_to_nothing(dx: int, dy: int) -> None:
    here, there = figure(80, 45), figure(80 + dx, 45 + dy)
    joined = join_moved(here, there)
    assert (joined & here).sum() == here.sum()
    # Within the precision of the shift, along its outline.
    assert grown_px(joined, here) <= FINE_PX * 250


def test_what_the_neighbour_alone_marks_of_a_figure_is_joined() -> None:
    here = figure(80, 45)
    here[62:72, 80:104] = False
    joined = join_moved(here, figure(92, 45))
    assert joined[64:70, 84:100].mean() > 0.9


def test_two_figures_that_part_are_each_followed() -> None:
    here = figure(50, 40) | figure(130, 50)
    there = figure(38, 40) | figure(146, 50)
    assert grown_px(join_moved(here, there), here) <= FINE_PX * 500


def test_what_is_found_nowhere_is_joined_where_it_is() -> None:
    other = np.zeros(SHAPE, bool)
    other[20:60, 20:60] = True
    np.testing.assert_array_equal(join_moved(np.zeros(SHAPE, bool), other), other)


def test_small_parts_stay_where_they_are() -> None:
    other = np.zeros(SHAPE, bool)
    other[10:14, 10:14] = True
    assert other.sum() < MIN_PART_PX
    assert join_moved(figure(80, 45), other)[10:14, 10:14].all()


def test_a_figure_that_leaves_the_picture_is_followed() -> None:
    here, there = np.zeros(SHAPE, bool), figure(10, 45)
    here[45:105, :20] = figure(0, 45)[45:105, 4:24]
    joined = join_moved(here, there)
    assert grown_px(joined, here) <= FINE_PX * 250


def test_of_equal_shifts_the_shortest_is_taken() -> None:
    everywhere = np.ones(SHAPE, bool)
    window = Box(60, 50, 90, 80)
    assert best_shift(everywhere, everywhere[window.slices], window) == (0, 0)


def test_no_shift_is_longer_than_the_longest() -> None:
    here, there = figure(0, 45), figure(190 - 30, 45)
    shape = there[45:105, 160:190]
    dx, dy = best_shift(here, shape, Box(160, 45, 190, 105))
    assert max(abs(dx), abs(dy)) <= MAX_SHIFT_PX + 4
