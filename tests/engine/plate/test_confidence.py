"""Confidence: falls as the expected error rises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.confidence import (
    BAND_WEIGHT,
    HALF_TRUST,
    LENDER_WEIGHT,
    LONE_WEIGHT,
    SPREAD_WEIGHT,
    Doubts,
    confidence,
)
from engine.plate.fusion import Evidence, fuse
from engine.plate.model import OUTSIDE_HOLE, SYNTHESISED, PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, equally, exactly, shifted, texture

SHAPE = (50, 60)
EVERYWHERE = np.ones(SHAPE, bool)


def band() -> NDArray[np.bool_]:
    mask = EVERYWHERE.copy()
    mask[4:-4, 4:-4] = False
    return mask


def even(value: float) -> NDArray[np.float32]:
    return np.full(SHAPE, value, np.float32)


def trust(spread: float = 0.0, band_error: float = 0.0, lent: float = 0.0, supporters: float = 1e3) -> NDArray:
    """Of a flat plate. `lent`: how far the lenders inside are off, those of the band not at all."""
    error = np.where(band()[..., None], np.float32(band_error), np.float32(0.0)) * np.ones(3, np.float32)
    inside = np.where(band(), np.float32(0.0), np.float32(lent))
    doubts = Doubts(even(spread), inside, even(supporters))
    return confidence(np.zeros((*SHAPE, 3), np.float32), doubts, error, band(), EVERYWHERE)


def test_frames_that_agree_and_a_band_that_fits_are_trusted_fully() -> None:
    np.testing.assert_allclose(trust(), 1.0)


def test_half_trust() -> None:
    np.testing.assert_allclose(trust(HALF_TRUST**2 / SPREAD_WEIGHT), 0.5, rtol=1e-4)
    np.testing.assert_allclose(trust(0.0, HALF_TRUST / BAND_WEIGHT**0.5), 0.5, rtol=0.02)
    middle = SHAPE[0] // 2, SHAPE[1] // 2
    np.testing.assert_allclose(trust(lent=HALF_TRUST**2 / LENDER_WEIGHT)[middle], 0.5, rtol=0.02)
    alone = HALF_TRUST**2 / (LENDER_WEIGHT + LONE_WEIGHT)
    np.testing.assert_allclose(trust(lent=alone, supporters=1)[middle], 0.5, rtol=0.02)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.05), st.floats(0, 0.2), st.floats(0, 0.01), st.integers(1, 8), st.floats(0.001, 0.05))
def test_more_disagreement_a_worse_band_worse_lenders_and_fewer_are_less_trusted(
    spread: float, band_error: float, lent: float, supporters: int, more: float
) -> None:
    base = trust(spread, band_error, lent, supporters)
    assert ((base >= 0.0) & (base <= 1.0)).all()
    assert (trust(spread + more, band_error, lent, supporters) < base).all()
    assert trust(spread, band_error + more, lent, supporters).mean() < base.mean()
    assert trust(spread, band_error, lent + more, supporters).mean() < base.mean()
    assert (trust(spread, band_error, lent, supporters + 1) >= base).all()


def test_a_lone_frame_is_trusted_less_on_an_edge() -> None:
    plate = np.zeros((*SHAPE, 3), np.float32)
    plate[:, SHAPE[1] // 2 :] = 0.5
    found = confidence(plate, Doubts(even(0.0), even(1e-4), even(1.0)), 0 * plate, band(), EVERYWHERE)
    assert found[25, SHAPE[1] // 2] < 0.8 * found[25, SHAPE[1] // 4]


def test_what_was_not_found_is_not_trusted() -> None:
    found = EVERYWHERE.copy()
    found[20:30, 20:30] = False
    plate = np.zeros((*SHAPE, 3), np.float32)
    doubts = Doubts(even(0.0), even(0.0), even(1.0))
    assert (confidence(plate, doubts, plate, ~EVERYWHERE, found) == found).all()


def spread_of(colours: list[float], votes: list[float]) -> float:
    slots, pixels = len(colours), 12
    colour = np.broadcast_to(np.array(colours, np.float32)[:, None], (3, slots, pixels)).copy()
    vote = np.broadcast_to(np.array(votes, np.float32)[:, None], (slots, pixels)).copy()
    frame = np.zeros((slots, pixels), np.int32)
    phase = np.zeros((2, *vote.shape), np.float32)
    seen = Evidence(colour, vote, phase, frame, tuple(range(slots)))
    fused = fuse(seen, np.ones((3, 4), bool), 0.0, equally, exactly)
    return float(fused.spread.mean())


def test_agreement_and_more_frames_lower_the_spread() -> None:
    agreed = spread_of([0.5, 0.5, 0.5], [1.0, 0.8, 0.6])
    assert agreed < spread_of([0.5, 0.5], [0.1, 0.1]) < spread_of([0.5], [0.001])
    assert agreed < spread_of([0.5, 0.53, 0.47], [1.0, 0.8, 0.6])
    assert agreed < spread_of([0.5, 0.5, 0.9], [1.0, 0.8, 0.6])


# --- in a shot --------------------------------------------------------------------------------------------------


def moving_box(frame: int) -> Box:
    return Box(20 + 8 * frame, 50, 60 + 8 * frame, 110)


def results(truth: list[NDArray[np.float32]], keep: bool = False) -> list[tuple[RecoveredFrame, NDArray[np.float32]]]:
    clip = Clip(truth, moving_box)
    found = recover(clip, [4, 8, 12], range(16), PlateSettings(keep_agreeing=keep), lambda share: None)
    return [(r, np.abs(r.rgb - truth[r.frame][r.box.slices]).mean(axis=2)) for r in found if r.box is not None]


def flickering(seed: int = 3) -> list[NDArray[np.float32]]:
    """A locked camera; the lower half of the picture changes from frame to frame."""
    random = np.random.default_rng(seed)
    base = shifted(texture(480, 320), 60, 60, 240, 160)
    frames = []
    for _ in range(16):
        image = base.copy()
        image[80:] += random.normal(0.0, 0.04, image[80:].shape).astype(np.float32)
        frames.append(image)
    return frames


def test_the_error_rises_as_confidence_falls() -> None:
    pairs = results(flickering())
    trusted = np.concatenate([r.confidence.ravel() for r, _ in pairs])
    error = np.concatenate([e.ravel() for _, e in pairs])
    low, high = np.quantile(trusted, [0.3, 0.7])
    assert error[trusted <= low].mean() > 3.0 * error[trusted >= high].mean()


@pytest.mark.parametrize("keep", [False, True])
def test_confidence_has_the_shape_of_the_box_and_lies_in_range(keep: bool) -> None:
    for result, _ in results(flickering(), keep):
        assert result.confidence.shape == result.provenance.shape
        assert ((result.confidence > 0.0) & (result.confidence <= 1.0)).all()
        assert (result.confidence[result.provenance == OUTSIDE_HOLE] == 1.0).all()


@pytest.mark.parametrize("keep", [False, True])
def test_inventions_have_none(keep: bool) -> None:
    clip = Clip([texture(240, 160)] * 4, lambda n: Box(80, 60, 120, 100))
    (result,) = recover(clip, [2], range(4), PlateSettings(keep_agreeing=keep), lambda share: None)
    assert (result.provenance == SYNTHESISED).all()
    assert not result.confidence.any()


def test_where_nothing_is_seen_around_the_hole_nothing_is_sure() -> None:
    truth = [shifted(texture(480, 320), 4 * n, 0, 240, 160) for n in range(6)]
    clip = Clip(truth, lambda n: Box(0, 0, 240, 160) if n == 3 else None)
    (result,) = recover(clip, [3], range(6), PlateSettings(keep_agreeing=False), lambda share: None)
    lent = result.provenance != SYNTHESISED
    assert lent.any() and result.confidence[lent].mean() < 0.6
