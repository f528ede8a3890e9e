"""Masks of every mode, fills, and the mask in latent time and space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vace.sampling.conditioning import (
    FillMode,
    MaskFolder,
    MaskMode,
    MaskSettings,
    MaskTiming,
    box_mask,
    condition,
    painted_region,
    thinnest_px,
)


def _picture(height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (height, width, 3)).astype(np.float32)


def _ell() -> np.ndarray:
    """An L, whose box, hull and shape differ."""
    matte = np.zeros((64, 96), np.float32)
    matte[10:50, 20:40] = 1.0
    matte[30:50, 40:80] = 0.4
    return matte


def _moving_box(frames: int, height: int = 32, width: int = 64) -> np.ndarray:
    mask = np.zeros((frames, height, width), bool)
    for frame in range(frames):
        x = 3 * frame % (width - 16)
        mask[frame, 8:24, x : x + 16] = True
    return mask


def _folded(mask: np.ndarray, timing: MaskTiming) -> np.ndarray:
    folder = MaskFolder(len(mask), timing)
    for frame, image in enumerate(mask):
        folder.add(frame, image)
    return folder.folded()


# --- masks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["box", "shape", "hull"])
def test_fill_is_exactly_gray_inside_and_exactly_the_source_outside(mode: MaskMode) -> None:
    picture = _picture()
    frame = condition(picture, _ell(), MaskSettings(mode), None)
    assert frame.mask[_ell() > 0].all()
    assert (frame.video[frame.mask] == 0.0).all()
    assert np.array_equal(frame.video[~frame.mask], picture[~frame.mask])


def test_box_hull_and_shape_hold_each_other() -> None:
    box, hull, shape = (painted_region(_ell(), MaskSettings(mode)) for mode in ("box", "hull", "shape"))
    assert np.array_equal(shape, _ell() > 0)
    assert hull[shape].all() and box[hull].all()
    assert shape.sum() < hull.sum() < box.sum()
    assert np.array_equal(np.argwhere(box).min(axis=0), [10, 20]) and box.sum() == 40 * 60


@pytest.mark.parametrize("mode", ["box", "shape", "hull"])
def test_dilation_widens_each_mask(mode: MaskMode) -> None:
    narrow, wide = (painted_region(_ell(), MaskSettings(mode, dilate)) for dilate in (0, 3))
    for region, grown in ((narrow, 0), (wide, 3)):
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        assert (rows[0], rows[-1], columns[0], columns[-1]) == (10 - grown, 49 + grown, 20 - grown, 79 + grown)


def test_the_study_modes() -> None:
    picture, box = _picture(), painted_region(_ell(), MaskSettings())
    everything = condition(picture, _ell(), MaskSettings("all"), None)
    assert everything.mask.all() and (everything.video == 0.0).all()
    modes: tuple[tuple[MaskMode, bool], ...] = (("none", True), ("nothing", False))
    for mode, marks_all in modes:
        frame = condition(picture, _ell(), MaskSettings(mode), None)
        assert (frame.mask == marks_all).all()
        assert (frame.video[box] == 0.0).all() and np.array_equal(frame.video[~box], picture[~box])


@pytest.mark.parametrize("fill", ["gray", "source", "plate"])
def test_what_stands_under_the_mask(fill: FillMode) -> None:
    picture, plate = _picture(), np.full((64, 96, 3), 0.25, np.float32)
    frame = condition(picture, _ell(), MaskSettings(fill=fill), plate)
    under = {"gray": np.zeros_like(plate), "source": picture, "plate": plate}[fill]
    assert np.array_equal(frame.video[frame.mask], under[frame.mask])
    assert np.array_equal(frame.video[~frame.mask], picture[~frame.mask])


def test_each_part_of_a_matte_gets_its_own_box() -> None:
    matte = np.zeros((100, 200), np.float32)
    matte[10:40, 20:60] = 1.0
    matte[10, 20] = 0.0
    matte[60:90, 120:190] = 0.3
    mask = box_mask(matte)
    expected = np.zeros((100, 200), bool)
    expected[10:40, 20:60] = True
    expected[60:90, 120:190] = True
    assert np.array_equal(mask, expected)


def test_each_part_of_a_matte_gets_its_own_hull() -> None:
    matte = np.zeros((64, 96), np.float32)
    matte[4:20, 4:20] = 1.0
    matte[40:60, 60:90] = 1.0
    assert np.array_equal(painted_region(matte, MaskSettings("hull")), matte > 0)


@pytest.mark.parametrize("mode", ["box", "shape", "hull"])
def test_an_empty_matte_masks_nothing(mode: MaskMode) -> None:
    assert not painted_region(np.zeros((32, 48), np.float32), MaskSettings(mode, dilate_px=4)).any()


@given(st.integers(0, 63), st.integers(0, 47), st.integers(1, 40), st.integers(1, 40))
def test_boxes_hold_the_matte_and_are_never_thinner_than_a_token(x: int, y: int, width: int, height: int) -> None:
    matte = np.zeros((48, 64), np.float32)
    matte[y : y + height, x : x + width] = 0.01
    mask = box_mask(matte)
    assert mask[matte > 0].all()
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert len(rows) == max(16, min(height, 48 - y)) and len(columns) == max(16, min(width, 64 - x))
    assert mask.sum() == len(rows) * len(columns)


def test_a_raster_smaller_than_a_token_does_not_break_the_box() -> None:
    matte = np.zeros((8, 8), np.float32)
    matte[3, 3] = 1.0
    assert box_mask(matte).all()


@pytest.mark.parametrize("width", [1, 2, 5, 6, 15, 16, 30])
def test_the_thinnest_part_of_a_mask_is_measured_across(width: int) -> None:
    mask = np.zeros((64, 96), bool)
    mask[5:60, 10:50] = True
    assert thinnest_px(mask) == pytest.approx(40, abs=1)
    mask[5:60, 60 : 60 + width] = True
    assert thinnest_px(mask) == pytest.approx(width, abs=1)
    assert thinnest_px(np.zeros((8, 8), bool)) == 0


# --- latent time and space ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [1, 5, 9, 13, 81])
def test_nearest_timing_is_what_stock_diffusers_does(frames: int) -> None:
    torch = pytest.importorskip("torch")
    mask = np.random.default_rng(0).integers(0, 2, (frames, 16, 24)).astype(bool)
    # WanVACEPipeline.prepare_masks, spelled out.
    folded = torch.from_numpy(mask.astype(np.float32)).view(frames, 2, 8, 3, 8).permute(2, 4, 0, 1, 3).flatten(0, 1)
    size = ((frames + 3) // 4, 2, 3)
    stock = torch.nn.functional.interpolate(folded[None], size=size, mode="nearest-exact")[0].numpy()
    assert np.array_equal(_folded(mask, "nearest"), stock)


def test_both_timings_agree_on_a_mask_that_stands_still() -> None:
    mask = np.repeat(_moving_box(1), 21, axis=0)
    assert np.array_equal(_folded(mask, "group_max"), _folded(mask, "nearest"))


def test_group_max_marks_a_latent_where_any_of_its_frames_is_marked() -> None:
    mask = np.zeros((9, 16, 16), bool)
    mask[0, 0, 0] = mask[4, 8, 3] = mask[5, 15, 15] = True
    latent = _folded(mask, "group_max")
    assert latent.shape == (64, 3, 2, 2)
    assert latent[0, 0, 0, 0] and latent[3, 1, 1, 0] and latent[63, 2, 1, 1]
    assert latent.sum() == 3


def test_nearest_misses_a_box_that_group_max_sees() -> None:
    mask = np.zeros((9, 16, 16), bool)
    mask[2] = True
    assert _folded(mask, "nearest").sum() == 0
    assert _folded(mask, "group_max")[:, 1].all()


def test_masks_come_in_any_order_and_are_not_changed() -> None:
    mask = _moving_box(9)
    given, folder = mask.copy(), MaskFolder(9, "group_max")
    for frame in reversed(range(9)):
        folder.add(frame, given[frame])
    assert np.array_equal(folder.folded(), _folded(mask, "group_max"))
    assert np.array_equal(given, mask)
