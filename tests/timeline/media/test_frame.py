"""Pixel formats, frames and packed layouts."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.geometry import Box, Size, frame_box
from tests.timeline.media.pictures import FFV1_FORMATS, random_frame, same_planes
from timeline.errors import MediaError
from timeline.media.av_frames import from_av, planar_equivalent, to_av
from timeline.media.frame import ColorTags, Frame, pixel_format


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yuv420p", ("yuv", 8, False, 1, 1, False, np.uint8, ("Y", "U", "V"))),
        ("yuva422p10le", ("yuv", 10, False, 1, 0, True, np.uint16, ("Y", "U", "V", "A"))),
        ("gbrp", ("rgb", 8, False, 0, 0, False, np.uint8, ("R", "G", "B"))),
        ("gbrap16le", ("rgb", 16, False, 0, 0, True, np.uint16, ("R", "G", "B", "A"))),
        ("gbrpf16le", ("rgb", 16, True, 0, 0, False, np.float16, ("R", "G", "B"))),
        ("gbrapf32le", ("rgb", 32, True, 0, 0, True, np.float32, ("R", "G", "B", "A"))),
        ("gray", ("gray", 8, False, 0, 0, False, np.uint8, ("Y",))),
        ("ya16le", ("gray", 16, False, 0, 0, True, np.uint16, ("Y", "A"))),
    ],
)
def test_names_say_what_planes_hold(name: str, expected: tuple) -> None:
    p = pixel_format(name)
    shifts = p.chroma_shift_x, p.chroma_shift_y
    assert (p.family, p.bit_depth, p.is_float, *shifts, p.has_alpha, p.dtype, p.plane_names) == expected


@pytest.mark.parametrize("name", ["nv12", "yuv420p11le", "yuv444pf32le", "rgb24", "xyz12le", ""])
def test_formats_without_planes_of_their_own_are_refused(name: str) -> None:
    with pytest.raises(MediaError, match="not a planar"):
        pixel_format(name)


def test_planes_of_the_wrong_size_or_depth_are_refused() -> None:
    luma, chroma = np.zeros((5, 7), np.uint8), np.zeros((3, 4), np.uint8)
    color = ColorTags()
    assert Frame((luma, chroma, chroma), pixel_format("yuv420p"), color).size == Size(7, 5)
    with pytest.raises(MediaError, match="plane U of a 7x5 yuv420p frame must be 4x3 uint8"):
        Frame((luma, luma, luma), pixel_format("yuv420p"), color)
    with pytest.raises(MediaError, match="uint16"):
        Frame((luma,), pixel_format("gray10le"), color)
    with pytest.raises(MediaError, match="has planes"):
        Frame((luma, luma), pixel_format("gray"), color)


@given(st.data(), st.sampled_from(FFV1_FORMATS), st.integers(1, 40), st.integers(1, 40))
def test_an_aligned_box_covers_whole_chroma_samples(data: st.DataObject, name: str, width: int, height: int) -> None:
    size, pixels = Size(width, height), pixel_format(name)
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    aligned = pixels.aligned_box(box, size)
    assert aligned.contains(box)
    assert frame_box(size).contains(aligned)
    assert aligned.x0 % (1 << pixels.chroma_shift_x) == 0
    assert aligned.x1 % (1 << pixels.chroma_shift_x) == 0 or aligned.x1 == width
    assert pixels.plane_box(1, aligned) == pixels.plane_box(1, box)


@given(st.sampled_from([*FFV1_FORMATS, "gbrpf32le", "ya16le"]), st.integers(1, 37), st.integers(1, 23))
def test_a_picture_keeps_every_sample(name: str, width: int, height: int) -> None:
    frame = random_frame(name, Size(width, height))
    stored = {"gbrp": "bgr0", "gbrap": "bgra"}.get(name, name)
    assert same_planes(from_av(to_av(frame, stored)), frame)


PACKED = [
    "nv12",
    "nv21",
    "nv16",
    "p010le",
    "yuyv422",
    "uyvy422",
    "rgb24",
    "bgr24",
    "rgba",
    "bgra",
    "argb",
    "0rgb",
    "rgb48le",
    "rgb48be",
    "rgba64be",
    "gray16be",
    "yuv422p10be",
    "gbrp16be",
    "x2rgb10le",
    "y210le",
    "vuya",
    "ya16be",
    "xv30le",
]


@pytest.mark.parametrize("name", PACKED)
def test_packed_layouts_come_as_their_planar_equivalent(name: str) -> None:
    """swscale packs the samples (its own code path), and unpacking them gives them back."""
    frame = random_frame(planar_equivalent(name).name, Size(52, 23))
    picture = to_av(frame, frame.format.name)
    packed = picture.reformat(format=name, src_color_range="JPEG", dst_color_range="JPEG", threads=1)
    assert packed.format.name == name
    assert all(same_planes(from_av(packed), frame) for _ in range(20)), "with threads, swscale errs now and then"


def test_full_range_formats_of_the_past_are_tagged() -> None:
    picture = av.VideoFrame(8, 8, "yuvj420p")
    assert from_av(picture).color.full_range is True
    assert from_av(picture).format.name == "yuv420p"


@pytest.mark.parametrize("name", ["xyz12le", "bayer_rggb8", "rgb96le", "cuda"])
def test_layouts_without_an_equivalent_are_refused(name: str) -> None:
    with pytest.raises(MediaError, match=f"'{name}' has no planar"):
        planar_equivalent(name)
