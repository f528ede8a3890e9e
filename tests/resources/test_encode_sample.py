"""The parts of the sample's encoder that need no render: boxes, compositing, colour, keyframes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.sample.encode_sample import (
    SLACK_PX,
    Box,
    box_round,
    composite,
    keyframes_round,
    yuv420,
)


def noisy_plate(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.4, 0.01, (96, 160, 3)).astype(np.float32)


def test_the_box_has_a_margin_and_whole_chroma_samples() -> None:
    assert box_round((101, 50, 200, 301), 960, 540) == (88, 38, 212, 314)


def test_the_box_stays_in_the_frame() -> None:
    assert box_round((-40, 400, 30, 538), 960, 540) == (0, 388, 42, 540)
    assert box_round((900, 3, 990, 60), 960, 540) == (888, 0, 960, 72)


@pytest.mark.parametrize("bounds", [(-90, 10, -20, 80), (980, 10, 1050, 80), (10, -90, 80, -20), (10, 560, 80, 600)])
def test_there_is_no_box_while_the_figure_is_out_of_the_frame(bounds: tuple[int, int, int, int]) -> None:
    assert box_round(bounds, 960, 540) is None


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
