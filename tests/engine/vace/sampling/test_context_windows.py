"""Which latents are predicted together."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.vace.sampling.context_windows import ContextPlan, Fuse, Schedule, halved, window_starts

SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
FUSES: tuple[Fuse, ...] = get_args(Fuse)
LENGTH = 21


def _ends(schedule: Schedule, count: int, step: int = 0) -> list[tuple[int, int]]:
    windows = ContextPlan(schedule).windows(count, step)
    assert all(len(window.latents) == LENGTH for window in windows)
    return [(window.latents[0], window.latents[-1]) for window in windows]


@pytest.mark.parametrize("step", range(4))
def test_static_windows_of_129_frames(step: int) -> None:
    assert _ends("static_standard", 33, step) == _ends("static_even", 33, step) == [(0, 20), (12, 32)]


def test_static_windows_of_161_frames() -> None:
    assert _ends("static_standard", 41) == [(0, 20), (17, 37), (20, 40)]
    assert _ends("static_even", 41) == [(0, 20), (10, 30), (20, 40)]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, [(0, 20), (12, 32)]),
        (1, [(12, 32), (0, 20)]),
        (2, [(8, 28), (12, 32), (0, 20)]),
        (3, [(12, 32), (0, 20), (9, 29)]),
    ],
)
def test_uniform_standard_windows(step: int, expected: list[tuple[int, int]]) -> None:
    assert _ends("uniform_standard", 33, step) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, [(0, 20), (17, 4)]),
        (1, [(16, 3), (0, 20)]),
        (2, [(8, 28), (25, 12)]),
        (3, [(25, 12), (9, 29)]),
    ],
)
def test_uniform_looped_windows(step: int, expected: list[tuple[int, int]]) -> None:
    assert _ends("uniform_looped", 33, step) == expected


def test_looped_windows_go_on_at_the_beginning() -> None:
    (_, second) = ContextPlan("uniform_looped").windows(33)
    assert second.latents == (*range(17, 33), *range(5))


def _check(plan: ContextPlan, count: int, step: int) -> None:
    total = np.zeros(count)
    for window in plan.windows(count, step):
        assert len(window.latents) == len(window.shares) <= plan.length
        assert len(set(window.latents)) == len(window.latents)
        assert min(window.latents) >= 0 and max(window.latents) < count
        assert (window.shares > 0).all() and (window.shares <= 1).all()
        total[list(window.latents)] += window.shares
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("overlap", [0, 4, 10])
def test_every_length_is_covered_in_range_and_without_repeats(schedule: Schedule, stride: int, overlap: int) -> None:
    plan = ContextPlan(schedule, LENGTH, overlap, stride)
    for count in range(1, 401):
        _check(plan, count, step=count * 5 % 8)


@given(
    st.sampled_from(SCHEDULES),
    st.integers(1, 400),
    st.integers(1, 30),
    st.integers(0, 40),
    st.integers(1, 4),
    st.integers(0, 60),
    st.sampled_from(FUSES),
)
@settings(max_examples=150, deadline=None)
def test_any_plan_covers_any_length(
    schedule: Schedule, count: int, length: int, overlap: int, stride: int, step: int, fuse: Fuse
) -> None:
    _check(ContextPlan(schedule, length, overlap, stride, fuse), count, step)


@given(st.integers(1, 1000), st.integers(1, 101), st.integers(0, 60))
def test_even_windows_are_the_fewest_with_the_overlap_and_evenly_spaced(count: int, length: int, overlap: int) -> None:
    overlap = min(overlap, length - 1)
    starts = window_starts("static_even", count, length, overlap)
    if count <= length:
        assert starts == [0]
        return
    assert starts[0] == 0 and starts[-1] == count - length
    apart = np.diff(starts)
    assert apart.max() - apart.min() <= 1
    assert length - apart.max() >= overlap
    # One window less could not reach the end.
    assert (len(starts) - 2) * (length - overlap) + length < count


def test_one_window_counts_wholly() -> None:
    for fuse in FUSES:
        (window,) = ContextPlan(stride=4, fuse=fuse).windows(21, 3)
        assert window.latents == tuple(range(21))
        assert (window.shares == 1.0).all()


def test_linear_ramps_over_what_two_windows_really_share() -> None:
    first, second = ContextPlan(length=21, overlap=4).windows(33)
    # They share 12..20, nine latents, not the four that were asked for.
    assert (first.shares[:12] == 1.0).all() and (second.shares[9:] == 1.0).all()
    np.testing.assert_allclose(second.shares[:9], np.arange(1, 10) / 10, atol=1e-6)
    np.testing.assert_allclose(first.shares[12:], np.arange(9, 0, -1) / 10, atol=1e-6)


def test_a_pyramid_trusts_the_middle() -> None:
    first, second = ContextPlan(length=5, overlap=3, fuse="pyramid").windows(7)
    np.testing.assert_allclose(first.shares, [1, 1, 3 / 4, 2 / 4, 1 / 4])
    np.testing.assert_allclose(second.shares, [1 / 4, 2 / 4, 3 / 4, 1, 1])


def test_strided_windows_see_far_and_move_with_the_steps() -> None:
    plan = ContextPlan(length=5, overlap=1, stride=3)
    windows = [window.latents for window in plan.windows(17, step=0)]
    assert (0, 2, 4, 6, 8) in windows and (8, 10, 12, 14, 16) in windows
    assert (0, 4, 8, 12, 16) in windows
    assert (1, 3, 5, 7, 9) in [window.latents for window in plan.windows(17, step=1)]


def test_halved_steps_spread_over_the_unit_interval() -> None:
    assert [halved(step) for step in range(6)] == [0.0, 0.5, 0.25, 0.75, 0.125, 0.625]
