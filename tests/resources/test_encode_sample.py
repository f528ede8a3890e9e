"""The parts of the sample's encoder that need no render: boxes, compositing, colour, keyframes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.sample.encode_sample import (
    DIFFERENCE,
    MARGIN_PX,
    SLACK_PX,
    Box,
    changed_box,
    composite,
    keyframes_round,
    yuv420,
)


def noisy_plate(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.4, 0.01, (96, 160, 3)).astype(np.float32)


def test_a_changed_patch_is_boxed_with_its_margin() -> None:
    plate = noisy_plate()
    figure = plate.copy()
    figure[40:60, 70:90] += 0.3
    x0, y0, x1, y1 = changed_box(plate, figure, (20, 10, 150, 90)) or (0, 0, 0, 0)
    assert 70 - MARGIN_PX - 12 <= x0 <= 70 - MARGIN_PX
    assert 40 - MARGIN_PX - 12 <= y0 <= 40 - MARGIN_PX
    assert 90 + MARGIN_PX <= x1 <= 90 + MARGIN_PX + 12
    assert 60 + MARGIN_PX <= y1 <= 60 + MARGIN_PX + 12
    assert x0 % 2 == y0 % 2 == x1 % 2 == y1 % 2 == 0


def test_other_grain_alone_is_no_change() -> None:
    plate, other = noisy_plate(1), noisy_plate(2)
    assert np.abs(plate - other).max() > DIFFERENCE
    assert changed_box(plate, other, (0, 0, 160, 96)) is None


def test_the_box_stays_inside_the_odd_border_that_was_rendered() -> None:
    plate = noisy_plate()
    assert changed_box(plate, plate + np.float32(0.2), (31, 11, 121, 81)) == (32, 12, 120, 80)


def test_the_composite_is_the_plate_outside_and_the_figure_inside() -> None:
    plate, figure = noisy_plate(1), noisy_plate(2)
    result = composite(plate, figure, (40, 20, 100, 80))
    outside = np.ones(plate.shape[:2], dtype=bool)
    outside[21:79, 41:99] = False  # the outermost pixels of the box are the plate's too
    assert np.array_equal(result[outside], plate[outside])
    assert np.allclose(result[30:70, 50:90], figure[30:70, 50:90], atol=1e-6)


def test_outside_the_box_the_codes_are_identical_chroma_included() -> None:
    plate, figure = noisy_plate(1), noisy_plate(2)
    before, after = yuv420(plate), yuv420(composite(plate, figure, (40, 20, 100, 80)))
    chroma = [codes[96:].reshape(2, 48, 80) for codes in (before, after)]
    changed = np.argwhere(chroma[0] != chroma[1])
    assert changed[:, 1].min() >= 10
    assert changed[:, 1].max() < 40
    assert changed[:, 2].min() >= 20
    assert changed[:, 2].max() < 50


@pytest.mark.parametrize(
    ("rgb", "codes"),
    [  # 8-bit codes of the 100 % colour bars, ITU-R BT.709
        ((1.0, 1.0, 1.0), (235, 128, 128)),
        ((0.0, 0.0, 0.0), (16, 128, 128)),
        ((1.0, 0.0, 0.0), (63, 102, 240)),
        ((0.0, 1.0, 0.0), (173, 42, 26)),
        ((0.0, 0.0, 1.0), (32, 240, 118)),
    ],
)
def test_colours_become_bt709_limited_codes(rgb: tuple[float, ...], codes: tuple[int, ...]) -> None:
    planes = yuv420(np.full((4, 8, 3), rgb, dtype=np.float32))
    luma, chroma = planes[:4], planes[4:].reshape(2, 2, 4)
    assert (luma == codes[0]).all()
    assert (chroma[0] == codes[1]).all()
    assert (chroma[1] == codes[2]).all()


boxes = st.lists(
    st.builds(lambda x, y, w, h: (x, y, x + w, y + h), *[st.integers(0, 400)] * 2, *[st.integers(1, 200)] * 2),
    min_size=2,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(boxes)
def test_keyframes_cover_any_run_of_boxes(run: list[Box]) -> None:
    keyframes = keyframes_round(run)
    at = [frame for frame, _ in keyframes]
    for side, outward in enumerate((-1, -1, 1, 1)):
        edge = np.interp(range(len(run)), at, [edges[side] for _, edges in keyframes])
        slack = outward * (edge - [box[side] for box in run])
        assert slack.min() >= -1e-6
        assert slack.max() <= SLACK_PX + 0.25


def test_an_even_glide_needs_two_keyframes() -> None:
    run: list[Box] = [(10 * i, 5, 10 * i + 80, 100) for i in range(30)]
    assert [frame for frame, _ in keyframes_round([None, *run, None])] == [1, 30]
