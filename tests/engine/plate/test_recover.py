"""The recovery as a whole, on footage whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.model import OUTSIDE_HOLE, SYNTHESISED, PlateSettings, PlateSource, RecoveredFrame
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import BoxOf, Clip, shifted, texture

WIDTH, HEIGHT = 240, 160
PICTURE = texture(480, 320)


def run(
    source: PlateSource, core: Sequence[int], available: range, chosen: PlateSettings | None = None
) -> list[RecoveredFrame]:
    return list(recover(source, core, available, chosen or PlateSettings(), lambda share: None))


def moving_box(frame: int) -> Box:
    return Box(20 + 8 * frame, 50, 60 + 8 * frame, 110)


def pan(x_px: float, y_px: float, frames: int = 16, box_of: BoxOf = moving_box) -> Clip:
    truth = [shifted(PICTURE, 60 + n * x_px, 60 + n * y_px, WIDTH, HEIGHT) for n in range(frames)]
    return Clip(truth, box_of)


def psnr_db(result: RecoveredFrame, clip: Clip) -> float:
    assert result.box is not None
    error = result.rgb - clip.truth[result.frame][result.box.slices]
    return -10.0 * math.log10(max(float(np.square(error).mean()), 1e-12))


def test_a_locked_camera_gives_back_exact_pixels() -> None:
    clip = pan(0, 0)
    for result in run(clip, range(16), range(16)):
        assert result.box == moving_box(result.frame)
        np.testing.assert_array_equal(result.rgb, clip.truth[result.frame][result.box.slices])
        assert (result.provenance >= 0).all()
        assert (result.provenance != result.frame).all()


@settings(max_examples=6, deadline=None)
@given(st.floats(-3, 3), st.floats(-2, 2))
def test_a_moving_camera_is_followed(x_px: float, y_px: float) -> None:
    clip = pan(x_px, y_px)
    for result in run(clip, [0, 7, 15], range(16)):
        assert (result.provenance >= 0).all()
        assert psnr_db(result, clip) > 36


def test_flow_off_still_follows_the_camera() -> None:
    clip = pan(1.5, 0.5)
    for result in run(clip, [7], range(16), PlateSettings(follow_flow=False)):
        assert psnr_db(result, clip) > 36


def test_nothing_is_carried_over_a_cut() -> None:
    other = texture(480, 320, seed=9)[:, :, ::-1] * np.float32(0.6)
    truth = [shifted(PICTURE if n < 8 else other, 60 + n, 60, WIDTH, HEIGHT) for n in range(16)]
    clip = Clip(truth, moving_box)
    for result in run(clip, range(16), range(16)):
        own_shot = range(8) if result.frame < 8 else range(8, 16)
        lenders = set(np.unique(result.provenance).tolist()) - {SYNTHESISED}
        assert lenders
        assert lenders <= set(own_shot)


def test_a_flash_is_no_cut() -> None:
    truth = [shifted(PICTURE, 60, 60, WIDTH, HEIGHT) for _ in range(16)]
    truth[8] = np.clip(truth[8] + np.float32(0.35), 0, 1)
    # The object stays over one place before the flash, and shows it only after.
    clip = Clip(truth, lambda n: Box(60, 50, 100, 110) if n < 9 else Box(150, 50, 190, 110))
    (result,) = run(clip, [2], range(16))
    assert (result.provenance >= 9).all()
    assert psnr_db(result, clip) > 36


def test_exposure_drift_is_matched() -> None:
    truth = [shifted(PICTURE, 60, 60, WIDTH, HEIGHT) + np.float32(0.006 * n) for n in range(16)]
    clip = Clip(truth, moving_box)
    for result in run(clip, [0, 8, 15], range(16)):
        assert psnr_db(result, clip) > 42


def test_repeats_exactly_and_does_not_depend_on_the_chunks() -> None:
    clip = pan(1.3, -0.4)
    near = PlateSettings(reach_frames=6)
    whole = run(clip, range(16), range(16), near)
    again = run(clip, range(16), range(16), near)
    parts = run(clip, range(5), range(16), near) + run(clip, range(5, 16), range(16), near)
    for a, b, c in zip(whole, again, parts, strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)
        np.testing.assert_array_equal(a.rgb, c.rgb)
        np.testing.assert_array_equal(a.provenance, c.provenance)


def test_frames_beyond_the_reach_are_not_lent() -> None:
    clip = pan(0, 0)
    for result in run(clip, range(16), range(16), PlateSettings(reach_frames=3, search_far=False)):
        lent = result.provenance[result.provenance >= 0]
        assert np.abs(lent - result.frame).max(initial=0) <= 3


def test_a_hole_that_never_moves_is_synthesised_without_a_cast() -> None:
    clip = pan(0, 0, box_of=lambda n: Box(80, 60, 120, 100))
    (result,) = run(clip, [4], range(16))
    assert (result.provenance == SYNTHESISED).all()
    around = clip.truth[4][50:110, 70:130]
    assert abs(float(result.rgb.mean() - around.mean())) < 0.1
    shown = clip.truth[4]
    assert shown.min() - 0.01 <= result.rgb.min() <= result.rgb.max() <= shown.max() + 0.01


@pytest.mark.parametrize("frames", [1, 3])
def test_a_hole_over_whole_frames_gives_flat_gray(frames: int) -> None:
    clip = pan(0, 0, frames, lambda n: Box(0, 0, WIDTH, HEIGHT))
    for result in run(clip, range(frames), range(frames)):
        assert result.rgb.shape == (HEIGHT, WIDTH, 3)
        assert np.isfinite(result.rgb).all()
        assert (result.provenance == SYNTHESISED).all()


def test_a_covered_frame_between_clean_ones_is_recovered() -> None:
    clip = pan(0, 0, 5, lambda n: Box(0, 0, WIDTH, HEIGHT) if n == 2 else None)
    (result,) = run(clip, [2], range(5))
    assert result.rgb.shape == (HEIGHT, WIDTH, 3)
    assert np.isfinite(result.rgb).all()


def test_one_frame_alone_is_synthesised() -> None:
    clip = pan(0, 0, 1)
    (result,) = run(clip, [0], range(1))
    assert (result.provenance == SYNTHESISED).all()
    assert np.isfinite(result.rgb).all()


def test_an_empty_hole_gives_nothing() -> None:
    clip = pan(0, 0, 3, lambda n: None)
    for result in run(clip, range(3), range(3)):
        assert result.box is None
        assert result.rgb.size == 0 == result.provenance.size


@pytest.mark.parametrize(("x", "y"), [(0, 0), (WIDTH - 40, 0), (0, HEIGHT - 40), (WIDTH - 40, HEIGHT - 40)])
def test_a_hole_in_a_corner(x: int, y: int) -> None:
    clip = pan(1.0, 0.5, 12, lambda n: Box(x, y, x + 40, y + 40) if n != 5 else Box(100, 60, 140, 100))
    (result,) = run(clip, [4], range(12))
    assert result.box == Box(x, y, x + 40, y + 40)
    assert (result.provenance >= 0).mean() > 0.9
    assert np.isfinite(result.rgb).all()


def test_a_hole_of_several_parts() -> None:
    class TwoParts(Clip):
        def hole(self, frame: int) -> NDArray[np.bool_]:
            mask = np.zeros((HEIGHT, WIDTH), bool)
            mask[20:60, 10 + 6 * frame : 50 + 6 * frame] = True
            mask[100:140, 190 - 6 * frame : 230 - 6 * frame] = True
            return mask

    clip = TwoParts(pan(0, 0).truth, moving_box)
    (result,) = run(clip, [4], range(16))
    assert result.box is not None
    hole = clip.hole(4)[result.box.slices]
    np.testing.assert_array_equal(result.provenance == OUTSIDE_HOLE, ~hole)
    np.testing.assert_array_equal(result.rgb, clip.truth[4][result.box.slices])


def test_values_beyond_the_display_range_are_kept() -> None:
    truth = [image * np.float32(6.0) - np.float32(1.0) for image in pan(0, 0).truth]
    clip = Clip(truth, moving_box)
    (result,) = run(clip, [8], range(16))
    np.testing.assert_array_equal(result.rgb, truth[8][moving_box(8).slices])
    assert result.rgb.max() > 1.5
    assert result.rgb.min() < 0.0


def test_gray_footage_stays_gray() -> None:
    truth = [np.repeat(image[:, :, :1], 3, axis=2) for image in pan(1.2, 0.7).truth]

    class GrayClip(Clip):
        def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
            return np.repeat(super().rgb(frame, window)[:, :, :1], 3, axis=2)

    (result,) = run(GrayClip(truth, moving_box), [8], range(16))
    np.testing.assert_allclose(result.rgb[..., 0], result.rgb[..., 1], atol=1e-6)
    np.testing.assert_allclose(result.rgb[..., 0], result.rgb[..., 2], atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_flat_picture_stays_flat(value: float) -> None:
    clip = Clip([np.full((HEIGHT, WIDTH, 3), value, np.float32)] * 8, moving_box)
    (result,) = run(clip, [3], range(8))
    np.testing.assert_allclose(result.rgb, value, atol=1e-3)


def test_pure_noise_is_survived_and_not_trusted() -> None:
    random = np.random.default_rng(3)
    clip = Clip([random.random((HEIGHT, WIDTH, 3), np.float32) for _ in range(8)], moving_box)
    (result,) = run(clip, [3], range(8))
    assert np.isfinite(result.rgb).all()
    assert result.confidence.max() < 0.4


def test_a_hole_along_all_edges_at_once() -> None:
    class Frame(Clip):
        def hole(self, frame: int) -> NDArray[np.bool_]:
            mask = np.ones((HEIGHT, WIDTH), bool)
            mask[20:-20, 20:-20] = False
            return mask if frame != 5 else np.zeros_like(mask)

    clip = Frame(pan(0, 0).truth, moving_box)
    (result,) = run(clip, [4], range(16))
    hole = clip.hole(4)
    assert (result.provenance[hole] == 5).all()
    np.testing.assert_array_equal(result.rgb[hole], clip.truth[4][hole])


def test_what_is_invented_is_said_to_be_and_not_trusted() -> None:
    for clip in (pan(0, 0, box_of=lambda n: Box(80, 60, 120, 100)), pan(0, 0, 1)):
        for result in run(clip, [0], range(len(clip.truth))):
            assert (result.provenance == SYNTHESISED).all()
            assert not result.confidence.any()


def test_a_light_that_is_turned_down_is_matched() -> None:
    truth = [image * np.float32(1.0 - 0.03 * n) for n, image in enumerate(pan(0, 0).truth)]
    clip = Clip(truth, moving_box)
    for result in run(clip, [0, 8, 15], range(16)):
        assert psnr_db(result, clip) > 46


def test_progress_rises_to_one() -> None:
    shares: list[float] = []
    list(recover(pan(0, 0, 6), range(6), range(6), PlateSettings(), shares.append))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_progress_cancels() -> None:
    class CancelledError(Exception):
        pass

    def cancel(share: float) -> None:
        if share > 0.3:
            raise CancelledError

    with pytest.raises(CancelledError):
        list(recover(pan(1, 0), range(16), range(16), PlateSettings(), cancel))


def test_a_core_outside_the_footage_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves the available frames"):
        run(pan(0, 0, 4), range(3, 6), range(4))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"reach_frames": 0}, "at least 1"), ({"guard_px": 2}, "at least 3"), ({"blend_px": -1.0}, r"\[0, 64\]")],
)
def test_settings_out_of_range_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PlateSettings(**wrong)
