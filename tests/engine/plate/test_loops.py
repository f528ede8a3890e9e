"""The compiled loops do what the plain formulas say."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.plate import chain_loops, flow_loops, fusion_loops, surround_loops
from engine.plate.alignment import apply_matrix
from engine.plate.once import Once
from engine.plate.votes import AGREEMENT

SLOTS = np.array([0, 1, -1, 2], np.int8)
"""Of four sights the third is not lent."""


@given(st.floats(-80.0, 0.0, width=32))
def test_a_power_is_right_to_a_millionth(value: float) -> None:
    near = fusion_loops.exp(np.float32(value))
    assert near == pytest.approx(np.exp(value), rel=1e-5)


def test_agreement_and_mean_are_their_formulas() -> None:
    random = np.random.default_rng(1)
    colour = random.random((3, 4, 1000), np.float32) * np.float32(0.1)
    vote, base = (random.random((4, 1000)) > 0.3).astype(np.float32), colour[:, 0].copy()
    vote[0] = 1.0  # nobody's colour would be the base
    square = np.square(colour - base[:, None]).sum(axis=0)
    agrees = fusion_loops.agreement(colour, vote, base)
    np.testing.assert_allclose(agrees, vote * np.exp(-square / (6 * AGREEMENT**2)), rtol=1e-4, atol=1e-7)
    mean = fusion_loops.mean(colour, base, agrees)
    np.testing.assert_allclose(mean, (agrees * colour).sum(axis=1) / (agrees.sum(axis=0) + 1e-12), rtol=1e-4, atol=1e-6)


def test_a_lender_without_weight_may_show_no_number() -> None:
    colour = np.full((3, 2, 5), 0.5, np.float32)
    colour[:, 1] = np.nan
    weight = np.array([[1.0] * 5, [0.0] * 5], np.float32)
    np.testing.assert_array_equal(fusion_loops.mean(colour, colour[:, 0].copy(), weight), 0.5)


@given(st.integers(1, 6), st.integers(1, 400), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=30)
def test_columns_are_told_apart(rows: int, count: int, values: int, seed: int) -> None:
    table = np.random.default_rng(seed).integers(-1, values, (rows, count)).astype(np.int32)
    first, which = surround_loops.columns(table)
    np.testing.assert_array_equal(table[:, first][:, which], table)
    assert len(first) == np.unique(table, axis=1).shape[1]


def test_a_pixel_is_lent_as_often_as_it_may_be_and_then_followed_no_longer() -> None:
    hidden = np.zeros((4, 5), bool)
    hidden[1, 2] = True
    home = np.array([6, 7, 8], np.int32)
    left, seen = np.arange(3, dtype=np.int32), np.zeros(3, np.uint8)
    lent = []
    while len(left) > 1:
        index, slot, left = chain_loops.sight_still(left, home, seen, SLOTS, hidden)
        lent.append((index.tolist(), slot.tolist()))
    assert lent == [([0, 2], [0, 0]), ([0, 2], [1, 1]), ([], []), ([0, 2], [2, 2])]
    assert left.tolist() == [1]


def test_a_pixel_is_seen_where_the_nodes_have_taken_it() -> None:
    place = np.array([[0, 0], [7, 7]], np.int32)
    moved = np.broadcast_to(np.array([3.0, -2.0], np.float32), (4, 4, 2)).copy()
    left, seen, hidden = np.arange(2, dtype=np.int32), np.zeros(2, np.uint8), np.zeros((30, 40), bool)
    index, _, _, points = chain_loops.sight(left, place, seen, SLOTS, moved, 1, (10, 1), hidden)
    # The first one has left the picture above.
    assert index.tolist() == [1] and seen.tolist() == [0, 1]
    np.testing.assert_allclose(points, [[20.0, 6.0]], atol=1e-5)


def test_points_move_by_the_residual_and_the_homography() -> None:
    matrix = np.array([[1.01, 0.02, 3.0], [-0.01, 0.99, -2.0], [1e-5, 2e-5, 1.0]])
    points = np.random.default_rng(3).uniform(0, 60, (50, 2)).astype(np.float32)
    none = flow_loops.advance(points, matrix, np.zeros((0, 0, 2), np.float32), (0, 0, 0, 0), (1.0, 1.0))
    np.testing.assert_allclose(none, apply_matrix(matrix, points), atol=1e-4)
    shift = np.broadcast_to(np.array([0.5, -1.5], np.float32), (8, 10, 2)).copy()
    inside = np.asarray(((points >= [20, 10]) & (points <= [39, 25])).all(axis=1))
    some = flow_loops.advance(points, matrix, shift, (20, 10, 40, 26), (1.0, 1.0))
    aside = points + np.where(inside[:, None], np.array([0.5, -1.5], np.float32), np.float32(0.0))
    assert inside.any() and not inside.all()
    np.testing.assert_allclose(some, apply_matrix(matrix, aside), atol=1e-4)


def test_a_value_that_several_threads_ask_for_is_made_once() -> None:
    made: list[int] = []
    together = threading.Barrier(4)

    def make(key: int) -> int:
        made.append(key)
        time.sleep(0.01)
        return 10 * key

    values = Once(make)

    def ask(key: int) -> int:
        together.wait()
        return values[key]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, [1, 2, 1, 1])) == [10, 20, 10, 10]
    assert sorted(made) == [1, 2]
    values.forget(lambda key: key < 2)
    assert (values[1], values[2], sorted(made)) == (10, 20, [1, 1, 2])


def test_what_fails_is_tried_again() -> None:
    answers = iter([None, 5])

    def make(key: int) -> int:
        answer = next(answers)
        if answer is None:
            raise OSError(f"frame {key} cannot be read")
        return answer

    values = Once(make)
    with pytest.raises(OSError, match="frame 3"):
        values[3]
    assert values[3] == 5
