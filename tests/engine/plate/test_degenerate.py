"""Shots that leave nothing to recover from, or nothing to recover: sane pictures, and maps that say what they are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.plate.model import SYNTHESISED, PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import BoxOf, Clip, shifted, texture

WIDTH, HEIGHT = 240, 160
PICTURE = texture(480, 320)
FRAMES = 12
EDGES = (
    Box(0, 50, 50, 110),
    Box(WIDTH - 50, 50, WIDTH, 110),
    Box(90, 0, 150, 45),
    Box(90, HEIGHT - 45, 150, HEIGHT),
    Box(0, 0, 45, 45),
    Box(WIDTH - 45, HEIGHT - 45, WIDTH, HEIGHT),
)
PASSES = pytest.mark.parametrize("second_pass", [False, True])


def still_box(frame: int) -> Box:
    return Box(100, 60, 128, 88)


def moving_box(frame: int) -> Box:
    return Box(20 + 12 * frame, 50, 60 + 12 * frame, 110)


def whole_frame(frame: int) -> Box:
    return Box(0, 0, WIDTH, HEIGHT)


def views(x_px: float = 0.0, count: int = FRAMES) -> list[NDArray[np.float32]]:
    return [shifted(PICTURE, 60 + n * x_px, 60, WIDTH, HEIGHT) for n in range(count)]


def run(truth: list[NDArray[np.float32]], box_of: BoxOf, frame: int, second_pass: bool) -> RecoveredFrame:
    settings = PlateSettings(second_pass=second_pass)
    (result,) = recover(Clip(truth, box_of), [frame], range(len(truth)), settings, lambda share: None)
    assert result.box == box_of(frame)
    assert np.isfinite(result.rgb).all()
    assert ((result.confidence >= 0.0) & (result.confidence <= 1.0)).all()
    assert not result.confidence[result.provenance == SYNTHESISED].any()
    return result


@pytest.mark.slow
@PASSES
def test_an_object_that_never_moves_before_a_locked_camera(second_pass: bool) -> None:
    result = run(views(), still_box, 5, second_pass)
    assert (result.provenance == SYNTHESISED).all()


@pytest.mark.slow
@PASSES
def test_an_object_that_stays_in_the_picture_while_the_camera_pans(second_pass: bool) -> None:
    truth = views(3.0)
    result = run(truth, still_box, 5, second_pass)
    found = result.provenance != SYNTHESISED
    error = np.abs(result.rgb - truth[5][still_box(5).slices]).mean(axis=2)
    assert found.mean() > 0.2
    assert error[found].mean() < 0.02


def test_a_single_frame() -> None:
    assert (run(views(count=1), still_box, 0, second_pass=True).provenance == SYNTHESISED).all()


@PASSES
def test_a_box_over_the_whole_frame(second_pass: bool) -> None:
    result = run(views(2.0), whole_frame, 5, second_pass)
    assert (result.provenance == SYNTHESISED).all()
    np.testing.assert_allclose(result.rgb, 0.5, atol=1e-3)


@pytest.mark.parametrize("edge", range(len(EDGES)))
def test_a_box_at_every_edge(edge: int) -> None:
    truth = views(1.0)
    result = run(truth, lambda n: EDGES[(n * len(EDGES)) // FRAMES], 2 * edge, second_pass=edge % 2 == 0)
    found = result.provenance != SYNTHESISED
    error = np.abs(result.rgb - truth[2 * edge][EDGES[edge].slices]).mean(axis=2)
    assert found.mean() > 0.9
    assert error[found].mean() < 0.01


@PASSES
def test_pure_noise_is_not_trusted(second_pass: bool) -> None:
    random = np.random.default_rng(3)
    result = run([random.random((HEIGHT, WIDTH, 3), np.float32) for _ in range(8)], moving_box, 3, second_pass)
    assert result.confidence.max() < 0.4


@pytest.mark.parametrize(("value", "box_of"), [(0.0, moving_box), (0.5, still_box), (1.0, moving_box)])
def test_flat_colour_stays_flat(value: float, box_of: BoxOf) -> None:
    result = run([np.full((HEIGHT, WIDTH, 3), value, np.float32)] * 8, box_of, 3, second_pass=True)
    np.testing.assert_allclose(result.rgb, value, atol=2e-3)
