"""Frames for a viewer look as the exact conversion says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.geometry import Box, Size
from tests.timeline.media.pictures import random_frame
from timeline.errors import MediaError
from timeline.media.color import frame_to_rgb, rgb_to_display8
from timeline.media.display import frame_to_display8
from timeline.media.frame import ColorTags, Frame, PixelFormat, pixel_format

COLORS = [
    ColorTags(),
    ColorTags("bt709", "bt709", "bt709", False),
    ColorTags("bt2020", "bt2020-10", "bt2020nc", False),
    ColorTags("bt470bg", "bt709", "bt470bg", True),
]


@pytest.mark.parametrize("color", COLORS, ids=lambda color: str(color.matrix))
@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv420p10le", "yuv422p12le", "yuva420p"])
def test_subsampled_video(name: str, color: ColorTags) -> None:
    """Flat colours over the whole range of codes, far out of gamut ones included, at an even and an odd size."""
    pixels = pixel_format(name)
    levels = [round(pixels.max_code * level) for level in (0, 0.06, 0.25, 0.5, 0.75, 0.92, 1)]
    for size, codes in itertools.product((Size(18, 7), Size(17, 6)), itertools.product(levels, repeat=3)):
        frame = flat_frame(pixels, size, color, codes)
        shown = frame_to_display8(frame).astype(int)
        exact = rgb_to_display8(frame_to_rgb(frame), is_scene_linear=False)
        assert shown.shape == (size.height_px, size.width_px, 3)
        assert np.abs(shown - exact).max() <= 6, codes


def flat_frame(pixels: PixelFormat, size: Size, color: ColorTags, codes: tuple[int, ...]) -> Frame:
    shapes = [pixels.plane_size(index, size) for index in range(len(pixels.plane_names))]
    planes = [
        np.full((shape.height_px, shape.width_px), code, pixels.dtype)
        for shape, code in zip(shapes, (*codes, 0), strict=False)
    ]
    return Frame(tuple(planes), pixels, color)


@given(st.data(), st.sampled_from(["yuv420p", "yuv422p", "gbrp", "yuv444p"]), st.integers(1, 30), st.integers(1, 30))
def test_a_window_shows_what_the_whole_frame_shows(data: st.DataObject, name: str, width: int, height: int) -> None:
    frame = random_frame(name, Size(width, height), color=COLORS[1])
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    window = Box(x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    whole = frame_to_display8(frame)[window.slices].astype(int)
    assert np.abs(frame_to_display8(frame, window) - whole).max() <= 4


def test_a_window_outside_the_frame_is_refused() -> None:
    frame = random_frame("yuv420p", Size(16, 16))
    for window in (Box(8, 8, 18, 16), Box(-2, 0, 4, 4), Box(20, 20, 24, 24)):
        with pytest.raises(MediaError, match="the 16x16 frame"):
            frame_to_display8(frame, window)


@pytest.mark.parametrize("name", ["yuv444p", "yuv444p10le", "gbrp", "gbrp16le", "gray", "yuv420p16le"])
def test_the_rest_is_exact(name: str) -> None:
    frame = random_frame(name, Size(31, 17))
    assert np.array_equal(frame_to_display8(frame), rgb_to_display8(frame_to_rgb(frame), is_scene_linear=False))


def test_scene_linear_light_gets_the_srgb_curve() -> None:
    frame = random_frame("gbrpf16le", Size(9, 5), color=ColorTags("bt709", "linear", None, True))
    assert np.array_equal(frame_to_display8(frame), rgb_to_display8(frame_to_rgb(frame), is_scene_linear=True))
    untagged = random_frame("gbrpf16le", Size(9, 5))
    assert np.array_equal(frame_to_display8(untagged), frame_to_display8(frame))
