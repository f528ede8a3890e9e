"""Gray fill, box masks, and the mask in latent time and space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.vace.conditioning import box_mask, gray_box_conditioning, latent_mask


def _moving_box(frames: int, height: int = 32, width: int = 64) -> np.ndarray:
    mask = np.zeros((frames, height, width), bool)
    for frame in range(frames):
        x = 3 * frame % (width - 16)
        mask[frame, 8:24, x : x + 16] = True
    return mask


@pytest.mark.parametrize("frames", range(1, 11))
def test_fill_is_exactly_gray_inside_and_exactly_the_source_outside(frames: int) -> None:
    video = np.random.default_rng(1).uniform(-1, 1, (frames, 32, 64, 3)).astype(np.float32)
    mask = _moving_box(frames)
    conditioning = gray_box_conditioning(video, mask)
    assert conditioning.frame_count == frames
    assert len(conditioning.video) == len(conditioning.mask)
    assert len(conditioning.video) % 4 == 1
    for filled, matte, source in zip(conditioning.video, conditioning.mask, video, strict=False):
        assert (filled[matte == 1] == 0.0).all()
        assert np.array_equal(filled[matte == 0], source[matte == 0])
    assert np.array_equal(conditioning.mask[:frames], mask)


def test_padding_is_the_mirror_image_of_the_last_frames() -> None:
    video = np.broadcast_to(np.linspace(-1, 1, 6, dtype=np.float32)[:, None, None, None], (6, 16, 16, 3))
    conditioning = gray_box_conditioning(video, np.zeros((6, 16, 16), bool))
    assert np.array_equal(conditioning.video[6:], video[[4, 3, 2]])


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


def test_an_empty_matte_masks_nothing() -> None:
    assert not box_mask(np.zeros((32, 48), np.float32)).any()


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


@pytest.mark.parametrize("frames", [1, 5, 9, 13, 81])
def test_nearest_timing_is_what_stock_diffusers_does(frames: int) -> None:
    torch = pytest.importorskip("torch")
    mask = np.random.default_rng(0).integers(0, 2, (frames, 16, 24)).astype(np.float32)
    # WanVACEPipeline.prepare_masks, spelled out.
    folded = torch.from_numpy(mask).view(frames, 2, 8, 3, 8).permute(2, 4, 0, 1, 3).flatten(0, 1)[None]
    size = ((frames + 3) // 4, 2, 3)
    stock = torch.nn.functional.interpolate(folded, size=size, mode="nearest-exact")[0].numpy()
    assert np.array_equal(latent_mask(mask, "nearest"), stock)


def test_both_timings_agree_on_a_mask_that_stands_still() -> None:
    mask = np.repeat(_moving_box(1).astype(np.float32), 21, axis=0)
    assert np.array_equal(latent_mask(mask, "group_max"), latent_mask(mask, "nearest"))


def test_group_max_marks_a_latent_where_any_of_its_frames_is_marked() -> None:
    mask = np.zeros((9, 16, 16), np.float32)
    mask[0, 0, 0] = mask[4, 8, 3] = mask[5, 15, 15] = 1.0
    latent = latent_mask(mask, "group_max")
    assert latent.shape == (64, 3, 2, 2)
    assert latent[0, 0, 0, 0] == latent[3, 1, 1, 0] == latent[63, 2, 1, 1] == 1.0
    assert latent.sum() == 3


def test_nearest_misses_a_box_that_group_max_sees() -> None:
    mask = np.zeros((9, 16, 16), np.float32)
    mask[2] = 1.0
    assert latent_mask(mask, "nearest").sum() == 0
    assert latent_mask(mask, "group_max")[:, 1].all()
