"""What no frame shows: texture from patches, made once and carried to the other frames."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.inventions import ancestors, neighbour
from engine.plate.model import SYNTHESISED, PaintedPlate, PlateSettings
from engine.plate.recover import recover
from engine.plate.synthesis.border_lines import crossing_lines
from engine.plate.synthesis.patch_match import better_matches, nearest_true, own_positions, whole_patches
from engine.plate.synthesis.seamless import without_steps
from engine.plate.synthesis.shift_map import shift_map
from engine.plate.synthesis.telea import fill_never_seen
from engine.plate.synthesis.texture import continue_texture
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

PICTURE = texture(480, 320)


def go_on() -> None:
    """Nobody cancels."""


def go_on_for(share: float) -> None:
    """Nobody cancels."""


def stripes(width_px: int, height_px: int) -> NDArray[np.float32]:
    """Slanted stripes with a little noise."""
    y, x = np.mgrid[:height_px, :width_px]
    noise = np.random.default_rng(2).normal(0, 0.01, (height_px, width_px, 1))
    wave = 0.5 + 0.3 * np.sin((x + 0.5 * y) * 2 * np.pi / 16)
    return np.asarray(wave[..., None] * np.array([1.0, 0.8, 0.6]) + noise, np.float32)


def hole_in(shape: tuple[int, ...], box: Box) -> NDArray[np.bool_]:
    hole = np.zeros(shape[:2], bool)
    hole[box.slices] = True
    return hole


def error(a: NDArray[np.float32], b: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    return float(np.abs(a - b)[where].mean())


# --- texture ----------------------------------------------------------------------------------------------------


def test_a_pattern_goes_on_through_the_hole() -> None:
    truth = stripes(160, 120)
    hole = hole_in(truth.shape, Box(60, 40, 110, 85))
    filled = continue_texture(truth, hole, ~hole, go_on)
    assert filled is not None
    np.testing.assert_array_equal(filled[~hole], truth[~hole])
    assert error(filled, truth, hole) < 0.3 * error(fill_never_seen(truth, hole), truth, hole)


def test_a_fill_has_the_contrast_of_its_surroundings() -> None:
    picture = texture(200, 160, seed=4)
    hole = hole_in(picture.shape, Box(70, 50, 130, 110))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    detail = [float((image - cv2.GaussianBlur(image, (0, 0), 4))[hole].std()) for image in (filled, picture)]
    assert 0.6 * detail[1] < detail[0] < 1.4 * detail[1]


def test_what_does_not_lend_is_not_copied() -> None:
    picture = stripes(160, 120)
    picture[:, 112:140] = (0.0, 0.0, 5.0)
    hole = hole_in(picture.shape, Box(60, 40, 110, 85))
    lends = ~hole & (picture[..., 2] < 2.0)
    filled = continue_texture(picture, hole, lends, go_on)
    assert filled is not None
    assert filled[hole][:, 2].max() < 1.5


def test_it_repeats_exactly_and_does_not_write_into_what_it_is_given() -> None:
    picture = texture(120, 100, seed=6)
    kept = picture.copy()
    hole = hole_in(picture.shape, Box(40, 30, 80, 70))
    first, second = (continue_texture(picture, hole, ~hole, go_on) for _ in range(2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(picture, kept)


def test_the_unknown_itself_has_no_influence() -> None:
    picture = texture(120, 100, seed=6)
    hole = hole_in(picture.shape, Box(40, 30, 80, 70))
    other = picture.copy()
    other[hole] = np.nan
    first, second = (continue_texture(image, hole, ~hole, go_on) for image in (picture, other))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)


def test_what_is_no_number_stays_where_it_is() -> None:
    picture = stripes(120, 90)
    picture[10, 30], picture[44, 41] = np.nan, np.inf
    hole = hole_in(picture.shape, Box(42, 30, 80, 60))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    assert 0.0 < float(filled[hole].min()) < float(filled[hole].max()) < 1.0
    np.testing.assert_array_equal(filled[~hole], picture[~hole])


@pytest.mark.parametrize("value", [0.0, 0.5, 30.0])
def test_a_flat_picture_stays_flat(value: float) -> None:
    picture = np.full((90, 120, 3), value, np.float32)
    hole = hole_in(picture.shape, Box(30, 20, 90, 70))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    np.testing.assert_allclose(filled, value, rtol=1e-5, atol=1e-5)


def test_a_hole_at_the_edge_and_in_two_parts() -> None:
    picture = stripes(160, 120)
    hole = hole_in(picture.shape, Box(0, 0, 40, 40)) | hole_in(picture.shape, Box(120, 90, 160, 120))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    assert error(filled, picture, hole) < 0.15


def test_with_too_little_to_copy_there_is_no_answer() -> None:
    picture = texture(60, 50)
    hole = hole_in(picture.shape, Box(10, 10, 50, 40))
    assert continue_texture(picture, hole, np.zeros_like(hole), go_on) is None
    assert continue_texture(picture, np.ones_like(hole), ~hole, go_on) is None


def test_a_rim_is_enough_for_a_large_hole() -> None:
    picture = stripes(220, 160)
    hole = hole_in(picture.shape, Box(8, 8, 212, 152))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    assert 0.5 * float(picture[hole].std()) < float(filled[hole].std()) < 1.5 * float(picture[hole].std())


def test_it_can_be_cancelled() -> None:
    class CancelledError(Exception):
        pass

    def cancel() -> None:
        raise CancelledError

    picture = stripes(160, 120)
    hole = hole_in(picture.shape, Box(60, 40, 110, 85))
    with pytest.raises(CancelledError):
        continue_texture(picture, hole, ~hole, cancel)


# --- patches ----------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 40))
def test_nearest_true_is_nearest(seed: int, width_px: int, height_px: int) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((height_px, width_px)) < 0.2
    mask[random.integers(height_px), random.integers(width_px)] = True
    at = np.argwhere(~mask)
    if len(at) == 0:
        return
    found = nearest_true(mask, at)
    assert mask[found[:, 0], found[:, 1]].all()
    away = np.linalg.norm(found - at, axis=1)
    best = np.linalg.norm(np.argwhere(mask)[None] - at[:, None], axis=2).min(axis=1)
    # The 5x5 distance transform is right to within a few per cent.
    assert (away <= best * 1.05 + 0.6).all()


def search_case() -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.intp], NDArray[np.bool_]]:
    """A picture whose lower part repeats the upper: it, what may be copied, chance matches, what wants better ones."""
    upper = texture(120, 50, seed=8)
    picture = np.concatenate([upper, texture(120, 30, seed=9), upper])
    sources = np.zeros(picture.shape[:2], bool)
    sources[:75] = True
    free = hole_in(picture.shape, Box(10, 84, 110, 126))
    at = own_positions(picture.shape)
    centres = np.argwhere(sources)
    at[free] = centres[np.random.default_rng(0).integers(len(centres), size=int(free.sum()))]
    return picture, sources, at, free


def test_the_search_finds_a_repeated_picture() -> None:
    picture, sources, at, free = search_case()
    found, distance = better_matches(picture, sources, at, free, free, 6, 0, 120.0)
    exact = (found - own_positions(picture.shape) == np.array([-80, 0])).all(axis=2)[free]
    assert exact.mean() > 0.95
    assert float(distance[free].max()) < 0.1
    assert sources[found[free][:, 0], found[free][:, 1]].all()


def test_more_rounds_match_better() -> None:
    picture, sources, at, free = search_case()
    means = [float(better_matches(picture, sources, at, free, free, n, 0, 120.0)[1][free].mean()) for n in (1, 2)]
    assert means[1] < means[0]


def test_a_search_keeps_its_distance() -> None:
    picture, sources, _, _ = search_case()
    centres = np.argwhere(sources)
    at = own_positions(picture.shape)
    at[sources] = centres[::-1]
    found, _ = better_matches(picture, sources, at, sources, sources, 3, 0, 120.0, 9.0)
    moved = (found != at).any(axis=2) & sources
    shift = (found - own_positions(picture.shape))[moved]
    assert moved.any()
    assert (np.abs(shift).max(axis=1) >= 9).all()


# --- structure --------------------------------------------------------------------------------------------------


def horizon(width_px: int, height_px: int, slope: float) -> NDArray[np.float32]:
    """Bright sky over dark ground, both with texture; the edge rises by `slope` px per px."""
    y, x = np.mgrid[:height_px, :width_px]
    edge = np.clip(y - (0.5 * height_px + slope * (x - 0.5 * width_px)) + 0.5, 0.0, 1.0)[..., None]
    noise = np.random.default_rng(3).normal(0, 0.02, (height_px, width_px, 1))
    picture = (1 - edge) * np.array([0.6, 0.7, 0.8]) + edge * np.array([0.25, 0.3, 0.1]) + noise
    return np.asarray(picture, np.float32)


@pytest.mark.parametrize("slope", [0.0, 0.12, -0.3])
def test_a_horizon_goes_on_straight(slope: float) -> None:
    picture = horizon(120, 80, slope)
    hole = hole_in(picture.shape, Box(40, 20, 82, 62))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    edge_px = (filled[:, 40:82, 2] > 0.45).sum(axis=0)
    expected_px = 40.5 + slope * (np.arange(40, 82) - 60)
    assert np.abs(edge_px - expected_px).max() < 1.0


def test_a_ramp_stays_a_ramp() -> None:
    y, x = np.mgrid[:100, :140]
    picture = np.repeat((0.2 + 0.0015 * x + 0.001 * y)[..., None], 3, axis=2).astype(np.float32)
    hole = hole_in(picture.shape, Box(50, 30, 95, 75))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    assert float(np.abs(filled - picture)[hole].max()) < 0.01


def test_noise_stays_noise() -> None:
    random = np.random.default_rng(5)
    picture = np.asarray(0.5 + random.normal(0, 0.05, (110, 150, 3)), np.float32)
    hole = hole_in(picture.shape, Box(50, 30, 100, 80))
    filled = continue_texture(picture, hole, ~hole, go_on)
    assert filled is not None
    assert 0.8 * 0.05 < float(filled[hole].std()) < 1.1 * 0.05
    assert abs(float(filled[hole].mean()) - 0.5) < 0.01


def test_edges_that_enter_on_both_sides_are_found() -> None:
    picture = horizon(180, 120, 0.12)
    hole = hole_in(picture.shape, Box(60, 25, 125, 95))
    line = crossing_lines([(picture, hole)])[0]
    ends = sorted((line.start, line.stop), key=lambda end: float(end[1]))
    assert ends[0][1] < 60
    assert ends[1][1] >= 125
    for row, column in ends:
        assert abs(row - (59.5 + 0.12 * (column - 90))) < 2.0


def test_no_edge_is_found_in_noise_or_where_all_is_hole() -> None:
    picture = np.random.default_rng(5).normal(0.5, 0.1, (110, 150, 3)).astype(np.float32)
    assert crossing_lines([(picture, hole_in(picture.shape, Box(50, 30, 100, 80)))]) == []
    assert crossing_lines([(picture, np.ones((110, 150), bool))]) == []


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(8, 30), st.integers(8, 26))
def test_whole_parts_come_from_what_lends(x0: int, y0: int, width_px: int, height_px: int) -> None:
    picture = PICTURE[:56, :64]
    hole = hole_in(picture.shape, Box(x0, y0, min(x0 + width_px, 64), min(y0 + height_px, 56)))
    sources = whole_patches(~hole)
    at = shift_map(picture, hole, sources, crossing_lines([(picture, hole)]), go_on)
    np.testing.assert_array_equal(at[~hole], own_positions(picture.shape)[~hole])
    assert not hole[at[hole][:, 0], at[hole][:, 1]].any()


def test_steps_between_parts_vanish() -> None:
    y, x = np.mgrid[:60, :80]
    truth = np.repeat((0.3 + 0.003 * x + 0.1 * np.sin(y / 5.0))[..., None], 3, axis=2).astype(np.float32)
    hole = hole_in(truth.shape, Box(20, 15, 60, 45))
    stepped = truth.copy()
    stepped[15:45, 20:40] += 0.03
    stepped[15:45, 40:60] -= 0.02
    wanted = [np.diff(truth, axis=axis, append=np.take(truth, [-1], axis=axis)) for axis in (0, 1)]
    mended = without_steps(stepped, hole, wanted)
    left = np.abs(mended - truth)
    assert float(left.max()) < 0.015
    assert float(left[hole].mean()) < 0.003


# --- reference frames -------------------------------------------------------------------------------------------


@given(st.integers(0, 5000), st.integers(1, 900), st.integers(2, 300), st.data())
def test_references_form_a_tree(start: int, length: int, longest: int, data: st.DataObject) -> None:
    available = range(start, start + length)
    frame = data.draw(st.sampled_from(available))
    found = ancestors(frame, available, longest)
    assert found
    assert all(n in available and abs(n - frame) <= longest for n in found)
    assert len(set(found)) == len(found)
    for depth, reference in enumerate(found):
        assert ancestors(reference, available, longest) == found[: depth + 1]


def test_a_short_shot_has_one_root() -> None:
    roots = {ancestors(n, range(100), 240)[0] for n in range(100)}
    assert roots == {50}


@given(st.integers(0, 5000), st.integers(1, 900), st.integers(24, 300), st.integers(1, 12))
def test_shares_of_the_next_stretch_rise_evenly_to_its_border(start: int, length: int, longest: int, fade: int) -> None:
    available = range(start, start + length)
    own_share = [1.0] * length
    for n in available:
        found = neighbour(n, available, longest, fade)
        if found is not None:
            nearest, share = found
            assert 0.0 < share < 0.5
            assert abs(nearest - n) <= fade
            assert ancestors(nearest, available, longest)[0] != ancestors(n, available, longest)[0]
            own_share[n - start] -= share
    for n in range(length - 1):
        border = ancestors(start + n, available, longest)[0] != ancestors(start + n + 1, available, longest)[0]
        step = own_share[n] + own_share[n + 1] - 1.0 if border else own_share[n + 1] - own_share[n]
        assert abs(step) <= 0.5 / fade + 1e-9


# --- in a shot --------------------------------------------------------------------------------------------------


def invented(truth: list[NDArray[np.float32]], box_of: Callable[[int], Box]) -> list[NDArray[np.float32]]:
    clip, frames = Clip(truth, box_of), range(len(truth))
    results = list(recover(clip, frames, frames, PlateSettings(), lambda share: None))
    assert all((result.provenance == SYNTHESISED).mean() > 0.5 for result in results)
    return [result.rgb for result in results]


def test_an_invention_holds_still() -> None:
    pictures = invented([shifted(PICTURE, 60, 60, 240, 160)] * 12, lambda n: Box(80, 60, 130, 100))
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture, pictures[0])


def test_an_invention_moves_with_the_background() -> None:
    truth = [shifted(PICTURE, 60 + 2 * n, 60, 240, 160) for n in range(12)]
    pictures = invented(truth, lambda n: Box(110 - 2 * n, 60, 160 - 2 * n, 100))
    for picture in pictures:
        assert float(np.abs(picture - pictures[6])[4:-4, 4:-4].mean()) < 0.01


def test_a_painted_plate_goes_before_inventions_and_follows_the_background() -> None:
    truth = [shifted(PICTURE, 60 + 2 * n, 60, 240, 160) for n in range(12)]
    clip = Clip(truth, lambda n: Box(110 - 2 * n, 60, 160 - 2 * n, 100))
    painted = PaintedPlate(3, truth[3])
    for result in recover(clip, [1, 3, 9], range(12), PlateSettings(), go_on_for, painted):
        assert result.box is not None
        assert float(np.abs(result.rgb - truth[result.frame][result.box.slices]).mean()) < 0.01
        assert (result.provenance == SYNTHESISED).mean() > 0.5


def test_a_painted_plate_of_another_shot_is_not_carried_over_the_cut() -> None:
    other = texture(480, 320, seed=9)[:, :, ::-1] * np.float32(0.6)
    truth = [shifted(PICTURE if n < 8 else other, 60, 60, 240, 160) for n in range(16)]
    clip = Clip(truth, lambda n: Box(80, 60, 130, 100))
    white = PaintedPlate(2, np.full((160, 240, 3), 9.0, np.float32))
    first, second = recover(clip, [4, 12], range(16), PlateSettings(), go_on_for, white)
    assert first.rgb.min() > 8.0
    assert second.rgb.max() < 1.1


def test_a_painted_plate_of_another_size_is_refused() -> None:
    clip = Clip([texture(240, 160)] * 3, lambda n: Box(80, 60, 120, 100))
    with pytest.raises(ValueError, match="100x50"):
        list(recover(clip, [1], range(3), PlateSettings(), go_on_for, PaintedPlate(0, texture(100, 50))))


def test_inventions_of_two_stretches_dissolve_into_each_other() -> None:
    random = np.random.default_rng(4)
    still = shifted(PICTURE, 60, 60, 160, 110)
    truth = [still + random.normal(0, 0.01, still.shape).astype(np.float32) for _ in range(48)]
    clip = Clip(truth, lambda n: Box(60, 40, 96, 70))
    near = PlateSettings(reach_frames=16)
    pictures = [result.rgb for result in recover(clip, range(18, 31), range(48), near, go_on_for)]
    whole = float(np.abs(pictures[-1] - pictures[0]).mean())
    assert whole > 0.01
    assert max(float(np.abs(b - a).mean()) for a, b in itertools.pairwise(pictures)) < 0.25 * whole


@pytest.mark.slow
def test_an_invention_does_not_depend_on_the_chunks() -> None:
    truth = [shifted(PICTURE, 60 + 1.3 * n, 60, 160, 110) for n in range(14)]
    clip = Clip(truth, lambda n: Box(60 - n, 40, 96, 70))
    near = PlateSettings(reach_frames=5)
    whole = list(recover(clip, range(14), range(14), near, lambda share: None))
    parts = [next(recover(clip, [n], range(14), near, lambda share: None)) for n in (1, 12)]
    for part in parts:
        np.testing.assert_array_equal(part.rgb, whole[part.frame].rgb)
        np.testing.assert_array_equal(part.confidence, whole[part.frame].confidence)
