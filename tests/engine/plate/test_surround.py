"""What the surroundings of a hole say about the frames that lend to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.light import fit_light
from engine.plate.model import SYNTHESISED
from engine.plate.surround import Surround, between_pixels, kriging_weights

POINTS = 900
NO_OFFSET = np.zeros(3, np.float32)
EVERYWHERE = np.ones(POINTS, bool)
WHOLE = np.stack([np.arange(POINTS), np.zeros(POINTS)], axis=1).astype(np.float32)


def colours(seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (POINTS, 3)).astype(np.float32)


def grain(seed: int, sigma: float = 0.01) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0.0, sigma, (POINTS, 3)).astype(np.float32)


# --- light ------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.floats(0.75, 1.3), st.floats(-0.02, 0.02))
def test_gain_and_offset_are_found_beside_passers_by(gain: float, offset: float) -> None:
    lender = colours()
    truth = lender * np.float32(gain) + np.float32(offset) + grain(2)
    truth[:180] = 0.05
    error = fit_light(lender, truth).match(lender)[180:] - (lender * np.float32(gain) + np.float32(offset))[180:]
    assert np.abs(error).max() < 0.006


def test_grain_alone_is_no_change_of_light() -> None:
    for seed in range(10):
        light = fit_light(colours() + grain(2 * seed + 5), colours() + grain(2 * seed + 6))
        np.testing.assert_array_equal(light.match(colours()), colours())


def test_a_gain_that_no_light_has_is_not_believed() -> None:
    middle = colours() - np.float32(0.5)
    light = fit_light(middle * np.float32(0.1) + np.float32(0.5), middle * np.float32(0.2) + np.float32(0.45))
    assert (light.gain < 1.1).all()


def test_a_flat_surround_carries_an_offset() -> None:
    flat = np.full((POINTS, 3), 0.5, np.float32)
    light = fit_light(flat, flat + np.float32(0.1))
    np.testing.assert_allclose(light.match(flat), 0.6, atol=1e-4)
    assert np.abs(light.gain - 1.0).max() < 1e-4


# --- weights ----------------------------------------------------------------------------------------------------


def surround(lenders: dict[int, NDArray[np.float32]], truth: NDArray[np.float32]) -> Surround:
    around = Surround(100, truth)
    for frame, rgb in lenders.items():
        around.light(frame, rgb, EVERYWHERE, WHOLE, NO_OFFSET)
    return around


def one_pixel(*frames: int) -> NDArray[np.int32]:
    return np.array(frames, np.int32)[:, None]


def test_independent_grain_is_averaged() -> None:
    around = surround({n: colours() + grain(n) for n in (97, 98, 99, 101)}, colours() + grain(100))
    weight = around.weights(one_pixel(97, 98, 99, 101))[:, 0]
    np.testing.assert_allclose(weight, 0.25, atol=0.06)


def test_a_frame_that_repeats_the_target_outweighs_the_others() -> None:
    own = grain(100)
    around = surround({98: colours() + grain(98), 99: colours() + own, 101: colours() + grain(101)}, colours() + own)
    weight = around.weights(one_pixel(98, 99, 101))[:, 0]
    assert weight[1] > 0.8


def test_copies_share_one_weight() -> None:
    twice = colours() + grain(1)
    around = surround({98: twice, 99: twice, 101: colours() + grain(2)}, colours() + grain(100))
    weight = around.weights(one_pixel(98, 99, 101))[:, 0]
    assert weight[2] == pytest.approx(0.5, abs=0.08)


def test_a_frame_that_fits_badly_counts_little() -> None:
    around = surround({99: colours() + grain(1), 101: colours() + grain(2, 0.05)}, colours() + grain(100))
    weight = around.weights(one_pixel(99, 101))[:, 0]
    assert weight[0] > 0.85


def test_what_shows_nothing_of_the_surroundings_can_still_lend() -> None:
    around = surround({99: colours() + grain(1)}, colours() + grain(100))
    around.light(101, colours(), ~EVERYWHERE, WHOLE, NO_OFFSET)
    weight = around.weights(one_pixel(101, SYNTHESISED))
    np.testing.assert_allclose(weight[:, 0], [1.0, 0.0])
    offset = around.light(102, colours(), ~EVERYWHERE, WHOLE, np.full(3, 0.1, np.float32))
    np.testing.assert_allclose(offset.match(colours()), colours() + 0.1, atol=1e-6)


def test_nobody_lends_nothing() -> None:
    around = surround({}, colours())
    assert not around.weights(np.full((4, 5), SYNTHESISED, np.int32)).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_weights_sum_to_one_and_none_is_negative(lenders: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(lenders + 1, 40))
    apart = 0.5 * np.square(points[:, None] - points[None]).mean(axis=2)
    index = random.integers(-1, lenders, (30, 5))
    weight = kriging_weights(apart[1:, 1:], apart[0, 1:], index)
    assert (weight >= 0.0).all()
    assert not weight[index < 0].any()
    np.testing.assert_allclose(weight.sum(axis=1), (index >= 0).any(axis=1))


# --- interpolation ----------------------------------------------------------------------------------------------


def test_interpolation_counts_between_pixels_only() -> None:
    np.testing.assert_allclose(
        between_pixels(np.array([[3.0, 4.0], [3.5, 4.0], [3.5, 4.5]], np.float32)), [0, 1, 2], atol=1e-6
    )


def test_what_interpolation_loses_is_measured() -> None:
    points = WHOLE + np.random.default_rng(3).uniform(0, 1, WHOLE.shape).astype(np.float32)
    sharp, soft = (Surround(100, colours() + grain(100)) for _ in range(2))
    loss = np.sqrt(1.0 + 4.0 * between_pixels(points))[:, None]
    for frame in range(90, 100):
        soft.light(frame, colours() + grain(frame) * loss, EVERYWHERE, points, NO_OFFSET)
        sharp.light(frame, colours() + grain(frame), EVERYWHERE, points, NO_OFFSET)
    assert sharp.interpolation_loss < 0.3
    assert 1.5 < soft.interpolation_loss < 8.0
