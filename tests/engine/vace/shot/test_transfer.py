"""To the model's value range and back."""

from __future__ import annotations

import numpy as np
import pytest

from engine.vace.shot.transfer import SCENE_LINEAR_CLIP, from_model, to_model


def _values(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_display_values_are_only_scaled() -> None:
    assert to_model(_values(0.0, 0.25, 0.5, 1.0), False).tolist() == [-1.0, -0.5, 0.0, 1.0]


def test_display_values_beyond_nominal_are_clipped() -> None:
    assert to_model(_values(-0.07, 1.09), False).tolist() == [-1.0, 1.0]


def test_sixteen_bit_steps_survive_the_round_trip() -> None:
    ramp = (np.arange(65536) / 65535).astype(np.float32)
    back = from_model(to_model(ramp, False), False)
    assert np.array_equal(np.round(back * 65535), np.arange(65536))


def test_scene_linear_round_trip_keeps_shadows_and_highlights() -> None:
    linear = np.geomspace(1e-5, SCENE_LINEAR_CLIP * 0.999, 4000).astype(np.float32)
    np.testing.assert_allclose(from_model(to_model(linear, True), True), linear, rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize(("linear", "srgb"), [(0.0, 0.0), (0.001, 0.01292), (0.18, 0.46136), (0.5, 0.73536)])
def test_scene_linear_is_srgb_up_to_the_knee(linear: float, srgb: float) -> None:
    assert to_model(_values(linear), True)[0] == pytest.approx(2 * srgb - 1, abs=1e-4)


def test_scene_linear_curve_rises_smoothly_and_ends_at_one() -> None:
    linear = np.linspace(0.4, 0.6, 2001).astype(np.float32)
    slopes = np.diff(to_model(linear, True).astype(np.float64)) / np.diff(linear.astype(np.float64))
    assert (slopes > 0).all()
    # A kink at the knee would show as a jump of the slope; noise of float32 is about 1 %.
    assert abs(slopes[900:990].mean() / slopes[1010:1100].mean() - 1) < 0.1
    assert to_model(_values(SCENE_LINEAR_CLIP, 1000.0, np.inf), True).tolist() == [1.0, 1.0, 1.0]


def test_scene_linear_clips_negatives_and_not_a_numbers_to_black() -> None:
    assert to_model(_values(-0.2, np.nan, -np.inf), True).tolist() == [-1.0, -1.0, -1.0]


def test_the_clip_is_four_stops_above_white() -> None:
    assert pytest.approx(16.6, abs=0.1) == SCENE_LINEAR_CLIP
