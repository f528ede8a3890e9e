"""A patch changes its region and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.geometry import Box, Size
from tests.timeline.media.pictures import FFV1_FORMATS, random_frame, same_planes
from timeline.errors import MediaError, MediaUnreadableError, MediaWriteError
from timeline.media.color import frame_to_rgb, rgb_to_planes
from timeline.media.frame import Frame
from timeline.media.patch import FramePatch


def patch_of(frame: Frame, box: Box) -> FramePatch:
    aligned = frame.format.aligned_box(box, frame.size)
    planes = [plane[frame.format.plane_box(i, aligned).slices] for i, plane in enumerate(frame.color_planes)]
    return FramePatch(aligned, tuple(planes))


@given(st.data(), st.sampled_from([*FFV1_FORMATS, "gbrapf16le"]), st.integers(1, 30), st.integers(1, 30))
def test_only_the_region_changes(data: st.DataObject, name: str, width: int, height: int) -> None:
    size = Size(width, height)
    below, above = random_frame(name, size, 1), random_frame(name, size, 2)
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    patch = patch_of(above, box)
    result = patch.apply(below)
    for index, plane in enumerate(result.planes):
        expected = below.planes[index].copy()
        if below.format.plane_names[index] != "A":
            region = below.format.plane_box(index, patch.box).slices
            expected[region] = above.planes[index][region]
        assert np.array_equal(plane, expected)


@given(st.sampled_from(FFV1_FORMATS), st.integers(2, 30), st.integers(2, 30))
def test_painting_one_pixel_leaves_the_others(name: str, width: int, height: int) -> None:
    """Luma (or RGB) of every other pixel, and chroma outside the painted pixel's sample, are bit-identical."""
    frame = random_frame(name, Size(width, height), seed=height)
    x, y = width // 2, height // 3
    window = Box(x, y, x + 1, y + 1)
    rgb = 1 - frame_to_rgb(frame, window)
    result = rgb_to_planes(rgb, frame.format, frame.color, window, frame).apply(frame)
    for index, (before, after) in enumerate(zip(frame.planes, result.planes, strict=True)):
        changed = np.argwhere(before != after)
        box = frame.format.plane_box(index, window)
        assert all((row, column) == (box.y0, box.x0) for row, column in changed)


def test_save_and_load(tmp_path: Path) -> None:
    frame = random_frame("yuv422p10le", Size(33, 9))
    patch = patch_of(frame, Box(5, 2, 20, 7))
    patch.save(tmp_path / "frame_0007.npz")
    loaded = FramePatch.load(tmp_path / "frame_0007.npz")
    assert loaded.box == patch.box == Box(4, 2, 20, 7)
    assert same_planes(loaded.apply(frame), frame)
    assert [file.name for file in tmp_path.iterdir()] == ["frame_0007.npz"]


def test_a_patch_for_another_format_is_refused() -> None:
    patch = patch_of(random_frame("yuv420p", Size(16, 16)), Box(0, 0, 16, 16))
    for name, size in (("yuv422p", Size(16, 16)), ("yuv420p10le", Size(16, 16)), ("gray", Size(16, 16))):
        with pytest.raises(MediaError, match=rf"does not fit a {size} {name} frame"):
            patch.apply(random_frame(name, size))
    with pytest.raises(MediaError, match="does not fit a 8x8"):
        patch.apply(random_frame("yuv420p", Size(8, 8)))


def test_damaged_and_missing_patches_say_so(tmp_path: Path) -> None:
    path = tmp_path / "frame.npz"
    patch_of(random_frame("yuv420p", Size(64, 64)), Box(0, 0, 64, 64)).save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"hello", whole[:30] + b"\xff\xff\xff" + whole[33:]):
        path.write_bytes(content)
        with pytest.raises(MediaUnreadableError, match=r"cannot read the patch .*frame.npz: .*; render it again"):
            FramePatch.load(path)
    with pytest.raises(MediaUnreadableError, match="render it again"):
        FramePatch.load(tmp_path / "nothing.npz")


def test_a_patch_that_cannot_be_saved_says_so(tmp_path: Path) -> None:
    patch = patch_of(random_frame("gray", Size(4, 4)), Box(0, 0, 4, 4))
    with pytest.raises(MediaWriteError, match=r"cannot write .*frame.npz: No such file or directory"):
        patch.save(tmp_path / "nowhere" / "frame.npz")
