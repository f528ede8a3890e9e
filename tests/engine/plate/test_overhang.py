"""What of an object reaches out of its box is seen beside it, and a passer-by or moving leaves are not taken for it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.overhang import (
    BIN_PX,
    MIN_DIFFERENCE,
    MIN_FRAMES,
    MIN_LENDERS,
    NOTHING,
    ROUNDED_PX,
    Leak,
    departing,
    leaks,
    overhang,
)
from roi_tools.geometry import Box

BOX = Box(100, 80, 180, 160)
LENDERS = 8


def around() -> NDArray[np.float32]:
    """Points around the box, up to 32 px away, 4 px apart."""
    x, y = np.meshgrid(np.arange(68, 212, 4), np.arange(48, 192, 4))
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    inside = (points >= (BOX.x0, BOX.y0)).all(axis=1) & (points < (BOX.x1, BOX.y1)).all(axis=1)
    return points[~inside]


POINTS = around()


def errors(shadow: NDArray[np.bool_], depth: float, unrest: float = 0.003) -> NDArray[np.float32]:
    """(L, K) by which the lenders are brighter: where a shadow lies, by its depth."""
    grain = np.random.default_rng(2).normal(0.0, unrest, (LENDERS, len(POINTS)))
    return (grain + np.where(shadow, depth, 0.0)).astype(np.float32)


def below(reach_px: int) -> NDArray[np.bool_]:
    return (POINTS[:, 1] >= BOX.y1) & (POINTS[:, 1] < BOX.y1 + reach_px) & (POINTS[:, 0] > 110) & (POINTS[:, 0] < 170)


def everywhere(error: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.ones(error.shape, bool)


@settings(max_examples=20, deadline=None)
@given(st.integers(6, 28), st.floats(0.04, 0.3), st.sampled_from([-1.0, 1.0]))
def test_a_shadow_or_a_light_is_measured(reach_px: int, depth: float, sign: float) -> None:
    error = errors(below(reach_px), sign * depth)
    found = overhang(POINTS, departing(error, everywhere(error)), BOX)
    assert found[:3] == NOTHING[:3]
    assert abs(found[3] - reach_px) <= BIN_PX


def test_grain_is_no_shadow() -> None:
    error = errors(np.zeros(len(POINTS), bool), 0.0, unrest=0.02)
    assert departing(error, everywhere(error)).mean() < 0.01


def test_a_faint_difference_is_left_alone() -> None:
    error = errors(below(20), 0.7 * MIN_DIFFERENCE)
    assert not departing(error, everywhere(error)).any()


def test_what_the_others_disagree_on_is_no_shadow() -> None:
    moving = np.random.default_rng(3).normal(0.05, 0.1, (LENDERS, len(POINTS))).astype(np.float32)
    error = np.where(below(20), moving, errors(below(20), 0.0))
    assert departing(error, everywhere(error)).sum() < 0.1 * below(20).sum()


def test_too_few_lenders_say_nothing() -> None:
    error = errors(below(20), 0.2)
    assert not departing(error[: MIN_LENDERS - 1], everywhere(error[: MIN_LENDERS - 1])).any()
    seen = everywhere(error)
    seen[MIN_LENDERS - 1 :] = False
    assert not departing(error, seen).any()


def test_what_does_not_touch_the_box_is_not_the_objects() -> None:
    apart = below(30) & ~below(14)
    error = errors(apart, 0.2)
    assert overhang(POINTS, departing(error, everywhere(error)), BOX) == NOTHING


def test_a_shot_is_summed_up_by_side() -> None:
    measured = [(n, (0, 0, 0, 18 if n == 7 else 12)) for n in range(10)]
    (leak,) = leaks(measured)
    assert leak == Leak("bottom", leak.reach_px, 10, 7)
    assert leak.reach_px % ROUNDED_PX == 0
    assert 12 <= leak.reach_px <= 18 + ROUNDED_PX


def test_a_passer_by_is_no_leak() -> None:
    assert not leaks([(n, (12, 0, 0, 0) if n < MIN_FRAMES - 1 else NOTHING) for n in range(6)])
    assert not leaks([(n, (12, 0, 0, 0) if n < 10 else NOTHING) for n in range(100)])
    assert not leaks([])
