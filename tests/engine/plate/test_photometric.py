"""What is recovered is brought to the frame's light, and a shadow beside the hole stays beside it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.plate.photometric import MAX_CORRECTION, MIN_BAND_PX, membrane, relight

SHAPE = (120, 160)
BAND_PX = 4


def ring() -> NDArray[np.bool_]:
    mask = np.ones(SHAPE, bool)
    mask[BAND_PX:-BAND_PX, BAND_PX:-BAND_PX] = False
    return mask


def in_ring(light: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(ring()[..., None], light, np.float32(0.0))


def sloping(slope: float) -> NDArray[np.float32]:
    x = np.linspace(-slope, slope, SHAPE[1], dtype=np.float32)
    return np.broadcast_to(x[None, :, None] + np.float32(0.02), (*SHAPE, 3)).copy()


@pytest.mark.parametrize("slope", [0.0, 0.01, -0.03])
def test_an_even_or_sloping_light_is_met_everywhere(slope: float) -> None:
    light = sloping(slope)
    np.testing.assert_allclose(relight(in_ring(light), ring()), light, atol=0.002)


def test_grain_in_the_band_stays_out_of_the_middle() -> None:
    grain = np.random.default_rng(4).normal(0.0, 4.0 / 255.0, (*SHAPE, 3)).astype(np.float32)
    light = relight(in_ring(grain), ring())
    assert np.abs(light[40:-40, 40:-40]).max() < 0.6 / 255.0


def shadow() -> NDArray[np.float32]:
    """The lower side of the band is darker than what was recovered."""
    error = np.zeros((*SHAPE, 3), np.float32)
    error[-BAND_PX:, 30:-30] = -0.05
    return error


def test_a_shadow_on_one_side_is_met_at_the_edge_and_not_carried_inside() -> None:
    light = relight(shadow(), ring())
    assert light[-BAND_PX - 1, 60:-60].max() < -0.02
    assert np.abs(light[: SHAPE[0] // 2]).max() < 0.002
    # What the plain membrane makes of it.
    assert np.abs(membrane(shadow(), ring())[: SHAPE[0] // 2]).max() > 0.008


def test_a_misfit_is_no_light() -> None:
    assert not relight(in_ring(np.full((*SHAPE, 3), 2 * MAX_CORRECTION, np.float32)), ring()).any()


def test_too_thin_a_band_says_nothing() -> None:
    band = np.zeros(SHAPE, bool)
    band[0, : MIN_BAND_PX - 1] = True
    assert not relight(np.full((*SHAPE, 3), 0.02, np.float32), band).any()


def test_a_band_on_one_side_invents_no_slope() -> None:
    band = np.zeros(SHAPE, bool)
    band[:BAND_PX] = True
    noisy = np.random.default_rng(1).normal(0.02, 0.01, (*SHAPE, 3)).astype(np.float32)
    light = relight(np.where(band[..., None], noisy, np.float32(0.0)), band)
    np.testing.assert_allclose(light[-20:], 0.02, atol=0.004)
