"""Weights under which the aliases of several lenders cancel."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.phases import LEAST_LOSS, NOTHING, balanced
from engine.plate.sampling import sample_sharp

SHIFTS = ((0.0, 0.5), (0.3, 0.1), (-0.4, -0.3), (0.5, 0.0), (-0.2, 0.4), (0.1, -0.5))
HALF_PX = 0.5


def phases(*shifts: tuple[float, float], pixels: int = 1) -> NDArray[np.float32]:
    return np.repeat(np.array(shifts, np.float32).T[:, :, None], pixels, axis=2)


def equal_weights(slots: int, pixels: int = 1) -> NDArray[np.float32]:
    return np.full((slots, pixels), 1.0 / slots, np.float32)


def test_aliases_of_readings_between_pixels_cancel() -> None:
    """A picture of much fine detail, as cameras see it from several places, and the one between them all."""
    random = np.random.default_rng(3)
    fine = cv2.GaussianBlur(random.random((260, 260, 3), np.float32), (0, 0), 0.7)
    scale = 4

    def camera(x_px: float, y_px: float) -> NDArray[np.float32]:
        large = np.array([[1.0, 0.0, 20.0 + scale * x_px], [0.0, 1.0, 20.0 + scale * y_px]])
        flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
        view = cv2.warpAffine(cv2.resize(fine, None, fx=2, fy=2), large, (200, 200), flags=flags)
        return np.asarray(cv2.resize(view, (50, 50), interpolation=cv2.INTER_AREA), np.float32)

    truth = camera(0.0, 0.0)
    grid = np.stack(np.meshgrid(np.arange(50), np.arange(50)), axis=2).reshape(-1, 2).astype(np.float32)
    readings = np.stack(
        [sample_sharp(camera(-x, -y), grid + np.array([x, y], np.float32)).reshape(50, 50, 3) for x, y in SHIFTS]
    )
    plain = equal_weights(len(SHIFTS))
    better = balanced(plain, phases(*SHIFTS), 20.0)
    inner = (slice(6, -6), slice(6, -6))
    errors = [
        float(np.square(np.tensordot(weight[:, 0], readings, axes=1) - truth)[inner].mean())
        for weight in (plain, better)
    ]
    assert errors[1] < 0.4 * errors[0]


phase = st.floats(-HALF_PX, HALF_PX, width=32)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(phase, phase, st.floats(0.0, 1.0, width=32)), min_size=1, max_size=10), st.floats(0.1, 20.0))
def test_weights_sum_to_one_and_nobody_without_weight_gets_any(
    lenders: list[tuple[float, float, float]], loss: float
) -> None:
    weight = np.array([[w] for _, _, w in lenders], np.float32)
    out = balanced(weight, phases(*((x, y) for x, y, _ in lenders)), loss)
    assert np.isfinite(out).all()
    assert (out[weight == 0] == 0).all()
    np.testing.assert_allclose(out.sum(), 1.0 if weight.sum() > NOTHING else 0.0, atol=1e-3)


def test_lenders_at_one_phase_keep_their_shares() -> None:
    weight = np.array([[0.6], [0.3], [0.1]], np.float32)
    out = balanced(weight, phases(*[(0.3, -0.2)] * 3), 5.0)
    np.testing.assert_allclose(out, weight, atol=1e-5)


def test_where_nothing_is_lost_between_pixels_nothing_changes() -> None:
    weight = np.array([[0.9], [0.3]], np.float32)
    np.testing.assert_array_equal(balanced(weight, phases((0.5, 0.0), (0.0, 0.0)), LEAST_LOSS / 2), weight)
