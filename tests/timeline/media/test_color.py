"""Known values of the standards, and exact ways back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.geometry import Box, Size, frame_box
from tests.timeline.media.pictures import FFV1_FORMATS, random_frame
from timeline.errors import MediaError
from timeline.media.color import frame_to_rgb, resolved_color, rgb_to_display8, rgb_to_planes
from timeline.media.frame import ColorTags, Frame, pixel_format

BT709 = ColorTags("bt709", "bt709", "bt709", False)
BT601 = ColorTags("smpte170m", "smpte170m", "smpte170m", False)
BT2020 = ColorTags("bt2020", "bt2020-10", "bt2020nc", False)
FULL_601 = ColorTags("bt470bg", "bt709", "bt470bg", True)
COLORS = [BT709, BT601, BT2020, FULL_601, ColorTags(), ColorTags(full_range=True)]


def solid(name: str, codes: tuple[int, ...], color: ColorTags) -> Frame:
    """A 4x4 frame of one colour."""
    pixels, size = pixel_format(name), Size(4, 4)
    shapes = [pixels.plane_size(index, size) for index in range(len(codes))]
    planes = [np.full((s.height_px, s.width_px), code, pixels.dtype) for s, code in zip(shapes, codes, strict=True)]
    return Frame(tuple(planes), pixels, color)


@pytest.mark.parametrize(
    ("name", "color", "codes", "rgb"),
    [
        ("yuv420p", BT709, (16, 128, 128), (0, 0, 0)),
        ("yuv420p", BT709, (235, 128, 128), (1, 1, 1)),
        ("yuv420p", BT709, (63, 102, 240), (1, 0, 0)),
        ("yuv420p", BT709, (173, 42, 26), (0, 1, 0)),
        ("yuv420p", BT709, (32, 240, 118), (0, 0, 1)),
        ("yuv420p", BT601, (81, 90, 240), (1, 0, 0)),
        ("yuv420p", BT601, (145, 54, 34), (0, 1, 0)),
        ("yuv420p", BT601, (41, 240, 110), (0, 0, 1)),
        ("yuv444p", FULL_601, (76, 85, 255), (1, 0, 0)),
        ("yuv422p10le", BT709, (940, 512, 512), (1, 1, 1)),
        ("yuv422p10le", BT709, (250, 409, 960), (1, 0, 0)),
        ("yuv420p10le", BT2020, (294, 387, 960), (1, 0, 0)),
        ("gray", ColorTags(), (255,), (1, 1, 1)),
        ("gray10le", ColorTags(full_range=False), (940,), (1, 1, 1)),
        ("gbrp", ColorTags(), (255, 0, 51), (1, 0, 0.2)),
        ("gbrp10le", ColorTags(), (1023, 0, 0), (1, 0, 0)),
        ("gbrp", ColorTags(full_range=False), (235, 16, 16), (1, 0, 0)),
    ],
)
def test_known_values(name: str, color: ColorTags, codes: tuple[int, ...], rgb: tuple[float, ...]) -> None:
    """Colour bars of BT.709, BT.601 and BT.2020 to within one code value, and the codes back from pure colours."""
    frame = solid(name, codes, color)
    one_code = 2.2 / (219 if frame.format.bit_depth == 8 else 876)
    assert np.allclose(frame_to_rgb(frame), rgb, atol=one_code)
    pure = np.broadcast_to(np.asarray(rgb, np.float32), (4, 4, 3))
    patch = rgb_to_planes(pure, frame.format, color, Box(0, 0, 4, 4), frame)
    assert tuple(int(plane[0, 0]) for plane in patch.planes) == codes


@pytest.mark.parametrize(
    ("size", "matrix"),
    [
        (Size(854, 480), "smpte170m"),
        (Size(720, 576), "smpte170m"),
        (Size(1280, 534), "bt709"),
        (Size(960, 720), "bt709"),
        (Size(1920, 1080), "bt709"),
    ],
)
def test_untagged_video_follows_its_size(size: Size, matrix: str) -> None:
    resolved = resolved_color(ColorTags(), pixel_format("yuv420p"), size)
    assert resolved == ColorTags(matrix, matrix, matrix, False)


def test_what_is_tagged_stays() -> None:
    assert resolved_color(FULL_601, pixel_format("yuv420p"), Size(1920, 1080)) == FULL_601


def test_an_unknown_matrix_is_refused() -> None:
    with pytest.raises(MediaError, match="'ycgco' is not supported"):
        frame_to_rgb(solid("yuv444p", (16, 128, 128), ColorTags(matrix="ycgco")))


@given(
    st.data(),
    st.sampled_from([*FFV1_FORMATS, "ya16le", "gbrpf32le", "gbrapf16le", "grayf32le"]),
    st.sampled_from(COLORS),
    st.integers(1, 24),
    st.integers(1, 24),
)
def test_untouched_pixels_come_back_exactly(
    data: st.DataObject, name: str, color: ColorTags, width: int, height: int
) -> None:
    """Any window, odd sizes and noise over all code values included."""
    size = Size(width, height)
    frame = random_frame(name, size, seed=width, color=color)
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    window = Box(x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    rgb = frame_to_rgb(frame, window)
    assert np.array_equal(rgb, frame_to_rgb(frame)[window.slices])
    patch = rgb_to_planes(rgb, frame.format, color, window, frame)
    for index, plane in enumerate(patch.planes):
        expected = frame.planes[index][frame.format.plane_box(index, patch.box).slices]
        assert np.array_equal(plane, expected)


def test_chroma_is_the_mean_of_the_pixels_that_it_covers() -> None:
    below = solid("yuv420p", (126, 128, 128), BT709)
    rgb = frame_to_rgb(below)
    rgb[0, 0] = (1, 0, 0)
    patch = rgb_to_planes(rgb, below.format, BT709, Box(0, 0, 4, 4), below)
    assert patch.planes[2].tolist() == [[128 + (240 - 128) // 4, 128], [128, 128]]
    assert patch.planes[0][0].tolist() == [63, 126, 126, 126]


def test_pixels_beside_the_window_come_from_below() -> None:
    below = solid("yuv420p", (100, 90, 160), BT709)
    red = np.broadcast_to(np.asarray((1, 0, 0), np.float32), (1, 1, 3))
    patch = rgb_to_planes(red, below.format, BT709, Box(1, 1, 2, 2), below)
    assert patch.box == Box(0, 0, 2, 2)
    assert patch.planes[0].tolist() == [[100, 100], [100, 63]]
    assert patch.planes[2].tolist() == [[(3 * 160 + 240) // 4]]


def test_values_are_clipped_to_the_container() -> None:
    below = solid("yuv420p10le", (512, 512, 512), BT709)
    bright = np.full((4, 4, 3), 9.0, np.float32)
    patch = rgb_to_planes(bright, below.format, BT709, frame_box(below.size), below)
    assert int(patch.planes[0].max()) == 1023
    dark = rgb_to_planes(-bright, below.format, BT709, frame_box(below.size), below)
    assert int(dark.planes[0].min()) == 0


def test_regions_that_do_not_fit_are_refused() -> None:
    frame = solid("yuv420p", (16, 128, 128), BT709)
    with pytest.raises(MediaError, match="leaves the 4x4 frame"):
        frame_to_rgb(frame, Box(0, 0, 5, 4))
    with pytest.raises(MediaError, match="do not fill"):
        rgb_to_planes(np.zeros((2, 2, 3), np.float32), frame.format, BT709, Box(0, 0, 4, 4), frame)


def test_for_viewing() -> None:
    values = np.array([[[0.0, 0.5, 1.0], [-1.0, 0.18, 7.0]]], np.float32)
    assert rgb_to_display8(values, is_scene_linear=False).tolist() == [[[0, 128, 255], [0, 46, 255]]]
    assert rgb_to_display8(values, is_scene_linear=True).tolist() == [[[0, 188, 255], [0, 118, 255]]]
