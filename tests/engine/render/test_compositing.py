"""Outside the matte nothing changes, in every pixel format and at every alignment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RenderFailedError
from engine.ofx.effect import RenderedImage
from engine.render.clips import RenderMatte
from engine.render.compositing import composite, writable
from roi_tools.geometry import Box, Size, frame_box
from tests.support.media import noise_frame
from timeline.media.color import frame_to_rgb
from timeline.media.frame import Frame

FORMATS = ("yuv420p", "yuv422p10le", "yuv444p", "gbrp", "gray16le", "gbrpf16le", "yuva420p", "yuv410p", "gbrapf32le")
SIZES = (Size(31, 23), Size(32, 24), Size(33, 1), Size(1, 17))


@st.composite
def cases(draw):
    size = draw(st.sampled_from(SIZES))

    def span(length: int) -> tuple[int, int]:
        start = draw(st.integers(0, length - 1))
        return start, draw(st.integers(start + 1, length))

    boxes = [
        Box(x[0], y[0], x[1], y[1])
        for x, y in [(span(size.width_px), span(size.height_px)) for _ in range(draw(st.integers(1, 3)))]
    ]
    return size, boxes, draw(st.sampled_from(FORMATS)), draw(st.floats(0, 5)), draw(st.integers(0, 2))


def matte_of(size: Size, boxes: list[Box], grow_px: int = 0) -> RenderMatte:
    return RenderMatte(range(1), size, [boxes], None, grow_px)


def painted(window: Box, value: float = 0.25) -> RenderedImage:
    return RenderedImage(window, np.full((window.height_px, window.width_px, 3), value, np.float32))


def covered_pixels(support: np.ndarray, shifts: tuple[int, int], row: int, column: int) -> np.ndarray:
    step_x, step_y = 1 << shifts[0], 1 << shifts[1]
    return support[row * step_y : (row + 1) * step_y, column * step_x : (column + 1) * step_x]


@settings(max_examples=120, deadline=None)
@given(cases())
def test_samples_that_are_not_wholly_inside_the_matte_stay_bit_identical(case):
    size, boxes, name, feather_px, grow_px = case
    source = noise_frame(name, size, seed=1)
    matte = matte_of(size, boxes, grow_px)
    support = matte.image(0) > 0
    bounds = matte.bounds(0)
    assert bounds is not None

    result = composite(source, painted(bounds), matte, 0, feather_px, None).apply(source)

    for number, (before, after) in enumerate(zip(source.planes, result.planes, strict=True)):
        is_alpha = number >= len(source.color_planes)
        changed = before.view(f"u{before.itemsize}") != after.view(f"u{before.itemsize}")
        for row, column in zip(*np.nonzero(changed), strict=True):
            assert not is_alpha
            assert covered_pixels(support, source.format.plane_shifts(number), row, column).all()


@settings(max_examples=60, deadline=None)
@given(cases())
def test_without_feather_every_sample_inside_is_the_effects(case):
    size, boxes, name, _, _ = case
    source, target = noise_frame(name, size, seed=1), noise_frame(name, size, seed=2)
    matte = matte_of(size, boxes)
    support = matte.image(0) > 0
    rgb = frame_to_rgb(target)

    result = composite(source, RenderedImage(frame_box(size), rgb), matte, 0, 0.0, None).apply(source)

    for number, after in enumerate(result.color_planes):
        inside = writable(support, source.format.plane_shifts(number))
        gap = np.abs(after.astype(np.float64) - target.planes[number].astype(np.float64))[inside]
        if source.format.is_float or source.format.family == "rgb":
            assert not gap.any()
        else:
            assert gap.size == 0 or gap.max() <= 1


@pytest.mark.parametrize("name", FORMATS)
def test_the_feather_rises_from_the_source_to_the_effect_inside_the_matte(name):
    size, box = Size(48, 48), Box(8, 8, 40, 40)
    form = noise_frame(name, size).format
    low = Frame(tuple(np.zeros_like(p) for p in noise_frame(name, size).planes), form, noise_frame(name, size).color)
    matte = matte_of(size, [box])

    row = composite(low, painted(box, 1.0), matte, 0, 8.0, None).apply(low).planes[0][24, 8:24].astype(np.float64)

    assert (np.diff(row) >= 0).all()
    assert 0 < row[0] < row[4] < row[-1]
    assert row[8] == row[-1]


def test_the_feather_does_not_soften_the_frames_border():
    size = Size(16, 16)
    source = noise_frame("gbrp", size)
    matte = matte_of(size, [Box(0, 0, 8, 16)])

    result = composite(source, painted(Box(0, 0, 8, 16), 1.0), matte, 0, 4.0, None).apply(source)

    assert (result.planes[0][:, :4] == 255).all()
    assert (result.planes[0][:, 8:] == source.planes[0][:, 8:]).all()


def test_a_chroma_sample_that_straddles_the_edge_stays():
    size = Size(8, 8)
    source = noise_frame("yuv420p", size)
    matte = matte_of(size, [Box(1, 1, 5, 5)])

    result = composite(source, painted(Box(1, 1, 5, 5)), matte, 0, 0.0, None).apply(source)

    changed = result.planes[1] != source.planes[1]
    assert changed[1, 1] and changed.sum() == 1


def test_nan_and_infinity_inside_the_matte_are_replaced_and_outside_they_stay():
    size = Size(6, 1)
    plate = np.array([[np.nan, np.inf, -np.inf, np.nan, np.inf, 0.5]], np.float16)
    source = Frame(
        (plate, plate.copy(), plate.copy()), noise_frame("gbrpf16le", size).format, noise_frame("gbrpf16le", size).color
    )
    matte = matte_of(size, [Box(1, 0, 4, 1)])

    result = composite(source, painted(Box(1, 0, 4, 1), 0.25), matte, 0, 2.0, None).apply(source)

    assert np.isfinite(result.planes[0][0, 1:4]).all()
    assert np.isnan(result.planes[0][0, 0]) and np.isposinf(result.planes[0][0, 4])


def test_the_patch_of_a_later_pass_holds_the_earlier_one():
    size = Size(32, 32)
    source = noise_frame("yuv420p", size)
    first = composite(source, painted(Box(2, 2, 8, 8)), matte_of(size, [Box(2, 2, 8, 8)]), 0, 0.0, None)
    between = first.apply(source)
    box = Box(20, 20, 28, 28)

    second = composite(between, painted(box, 0.75), matte_of(size, [box]), 0, 0.0, first)

    alone = second.apply(source)
    chained = second.apply(between)
    for a, b in zip(alone.planes, chained.planes, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(alone.planes[0][2:8, 2:8], source.planes[0][2:8, 2:8])


def test_an_image_that_does_not_cover_the_matte_is_refused():
    size = Size(16, 16)
    with pytest.raises(
        RenderFailedError, match=r"rendered \(0, 0, 4, 4\) of frame 0, but the matte reaches \(2, 2, 9, 9\)"
    ):
        composite(noise_frame("gbrp", size), painted(Box(0, 0, 4, 4)), matte_of(size, [Box(2, 2, 9, 9)]), 0, 0.0, None)


def test_an_image_of_the_wrong_shape_is_refused():
    size = Size(16, 16)
    image = RenderedImage(Box(0, 0, 4, 4), np.zeros((4, 5, 3), np.float32))
    with pytest.raises(RenderFailedError, match=r"image of frame 0 is \(4, 5, 3\), its window is \(4, 4, 3\)"):
        composite(noise_frame("gbrp", size), image, matte_of(size, [Box(0, 0, 4, 4)]), 0, 0.0, None)
