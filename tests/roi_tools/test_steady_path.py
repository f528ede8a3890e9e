"""Paths that keep their limits and bend as little as those allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.steady_path import steady_path


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 90)), min_size=1, max_size=40), st.floats(0, 12))
def test_the_limits_are_kept(limits: list[tuple[int, int]], smoothing_frames: float) -> None:
    low, room = np.array(limits, float).T
    path = steady_path(low + room / 2, low, low + room, smoothing_frames)
    assert path.shape == low.shape and (path >= low).all() and (path <= low + room).all()


def test_a_constant_speed_is_followed_at_that_speed() -> None:
    wanted = np.linspace(5, 95, 31)
    np.testing.assert_allclose(steady_path(wanted, wanted - 20, wanted + 20, 8.0), wanted, atol=1e-9)


def test_it_bends_less_than_any_nearby_path_within_the_limits() -> None:
    random = np.random.default_rng(5)
    low = np.cumsum(random.normal(0, 6, 50))
    high, wanted = low + 30, low + 15
    found = steady_path(wanted, low, high, 4.0)

    def cost(path: np.ndarray) -> float:
        return float(np.square(path - wanted).sum() + 4.0**4 * np.square(np.diff(path, 2)).sum())

    for _ in range(200):
        bump = np.exp(-0.5 * ((np.arange(50) - random.integers(3, 47)) / random.uniform(1, 6)) ** 2)
        other = np.clip(found + random.normal(0, 1) * bump, low, high)
        other[[0, -1]] = wanted[[0, -1]]
        assert cost(found) <= cost(other) * 1.01


@pytest.mark.parametrize("count", [1, 2])
def test_too_short_to_bend(count: int) -> None:
    wanted = np.arange(count, dtype=float)
    np.testing.assert_array_equal(steady_path(wanted, wanted - 1, wanted + 1, 8.0), wanted)
