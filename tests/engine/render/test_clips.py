"""The clips that effects see: bounded caches, patched plates, mattes from boxes and movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadRequestError
from engine.render.clips import (
    ByteBoundedCache,
    MediaPlate,
    PatchedPlate,
    RenderMatte,
    check_matte_fits,
)
from roi_tools.geometry import Box, Size, frame_box
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.raster import layer_matte
from tests.roi_tools.roto_strategies import moving_layers
from tests.support.media import BT709, noise_clip, noise_frame, write_clip
from timeline.media.frame import ColorTags, Frame, pixel_format
from timeline.media.mattes import frame_coverage
from timeline.media.patch import FramePatch
from timeline.media.reader import open_media

SIZE = Size(20, 14)


def gray_frame(values: np.ndarray, name: str = "gray", color: ColorTags = BT709) -> Frame:
    form = pixel_format(name)
    return Frame((values.astype(form.dtype),), form, color)


def gray_clip(path: Path, frames: list[np.ndarray]) -> Path:
    return write_clip(path, [gray_frame(values) for values in frames])


def layer(box: Box, opacity: float = 1.0) -> RotoLayer:
    center = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    track = constant(*center, box.width_px, box.height_px, 0)
    return RotoLayer("roto", (Shape("shape", "rectangle", (track,), opacity=constant(opacity)),))


class TestByteBoundedCache:
    @settings(max_examples=50)
    @given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 50))
    def test_it_never_holds_more_than_its_budget_unless_one_value_alone_is_larger(self, keys, budget):
        cache: ByteBoundedCache[int, bytes] = ByteBoundedCache(lambda key: b"x" * key, len, budget)
        for key in keys:
            assert cache.get(key) == b"x" * key
            assert cache.held_bytes <= max(budget, key)

    def test_what_was_used_last_is_kept(self):
        made: list[int] = []

        def make(key: int) -> bytes:
            made.append(key)
            return b"12345"

        cache = ByteBoundedCache(make, len, 10)
        for key in (1, 2, 1, 3, 1, 2):
            cache.get(key)
        assert made == [1, 2, 3, 2]


class TestPlates:
    def test_a_media_plate_gives_native_frames_and_read_only_rgb(self, tmp_path):
        with open_media(noise_clip(tmp_path / "a.mkv", 3, SIZE)) as reader:
            plate = MediaPlate(reader)
            assert plate.frames == range(3)
            assert plate.size == SIZE
            assert not plate.is_scene_linear
            assert np.array_equal(plate.native(2).planes[0], noise_frame("yuv420p", SIZE, 2).planes[0])
            window = plate.image(1, Box(3, 2, 9, 8))
            assert window.shape == (6, 6, 3)
            assert np.array_equal(window, plate.image(1)[2:8, 3:9])
            with pytest.raises(ValueError, match="read-only"):
                window[0, 0] = 0

    def test_exr_is_scene_linear(self, tmp_path):
        with open_media(write_clip(tmp_path / "a.####.exr", [noise_frame("gbrpf16le", SIZE)])) as reader:
            plate = MediaPlate(reader)
            assert plate.is_scene_linear and PatchedPlate(plate, lambda _: None).is_scene_linear

    def test_memory_does_not_grow_with_the_clip(self, tmp_path):
        with open_media(noise_clip(tmp_path / "a.mkv", 12, SIZE, "gbrp")) as reader:
            frame_bytes = SIZE.width_px * SIZE.height_px * 3
            plate = MediaPlate(reader, budget_bytes=4 * frame_bytes)
            for frame in plate.frames:
                plate.native(frame)
            assert plate._cache.held_bytes == 4 * frame_bytes

    def test_a_patched_plate_shows_the_patches(self, tmp_path):
        with open_media(noise_clip(tmp_path / "a.mkv", 2, SIZE, "gbrp")) as reader:
            below = MediaPlate(reader)
            patch = FramePatch(Box(2, 2, 4, 4), tuple(np.full((2, 2), v, np.uint8) for v in (1, 2, 3)))
            plate = PatchedPlate(below, lambda frame: patch if frame == 1 else None)
            assert plate.native(0) is below.native(0)
            assert (plate.native(1).planes[2][2:4, 2:4] == 3).all()
            assert np.allclose(plate.image(1, Box(2, 2, 4, 4)) * 255, [1, 2, 3], atol=1e-3)
            assert (plate.frames, plate.size, plate.is_scene_linear) == (range(2), SIZE, False)


class TestRenderMatte:
    def test_boxes_may_speak_of_more_frames_than_are_rendered(self):
        matte = RenderMatte(range(5, 6), SIZE, [[], [Box(1, 1, 4, 4)], [Box(2, 2, 6, 6)]], None, 0, range(4, 7))
        assert (matte.frames, matte.known_frames) == (range(5, 6), range(4, 7))
        assert [matte.bounds(frame) for frame in range(3, 8)] == [None, None, Box(1, 1, 4, 4), Box(2, 2, 6, 6), None]

    def test_boxes_mark_their_union_and_only_their_own_frame(self):
        matte = RenderMatte(range(5, 7), SIZE, [[Box(1, 1, 4, 4), Box(3, 3, 6, 5)], []], None, 0)
        assert matte.bounds(5) == Box(1, 1, 6, 5)
        assert matte.image(5).sum() == 9 + 6 - 1
        assert set(np.unique(matte.image(5))) == {0.0, 1.0}
        assert matte.bounds(6) is None and not matte.image(6).any()

    def test_boxes_say_nothing_of_frames_outside_the_range(self):
        matte = RenderMatte(range(5, 6), SIZE, [[Box(1, 1, 4, 4)]], None, 0)
        assert matte.bounds(0) is None and matte.bounds(6) is None

    def test_boxes_are_clipped_to_the_frame(self):
        matte = RenderMatte(range(1), SIZE, [[Box(-5, -5, 3, 2), Box(18, 12, 40, 40)]], None, 0)
        assert matte.bounds(0) == frame_box(SIZE)
        assert matte.image(0).sum() == 6 + 4

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 4), st.integers(0, 17), st.integers(0, 11), st.integers(1, 8), st.integers(1, 8))
    def test_a_grown_box_is_the_box_with_more_on_every_side(self, grow_px, x, y, width, height):
        box = Box(x, y, x + width, y + height)
        grown = RenderMatte(range(1), SIZE, [[box]], None, grow_px)
        assert grown.bounds(0) == box.grown(grow_px).clipped(SIZE)
        assert (grown.image(0, grown.bounds(0)) == 1).all()

    def test_roto_layers_mark_with_soft_edges_and_the_largest_counts(self):
        layers = [layer(Box(2, 3, 6, 8)), layer(Box(5, 4, 12, 6), opacity=0.5)]
        matte = RenderMatte(range(1), SIZE, None, None, 0, range(3), layers)
        assert matte.bounds(0) == matte.bounds(2) == Box(2, 3, 12, 8)
        image = matte.image(0)
        assert image[4, 5] == 1 and image[4, 9] == 0.5 and image[7, 9] == 0
        assert np.count_nonzero(image) == 20 + 12

    def test_roto_counts_inside_the_boxes_only_and_grows_afterwards(self):
        boxes = [[Box(0, 0, 4, 14)], [], [Box(18, 0, 20, 2)]]
        matte = RenderMatte(range(3), SIZE, boxes, None, 1, roto=[layer(Box(2, 3, 6, 8))])
        assert [matte.bounds(frame) for frame in range(3)] == [Box(1, 2, 5, 9), None, None]
        assert (matte.image(0, matte.bounds(0)) == 1).all()

    def test_roto_without_a_visible_shape_marks_nothing_even_inside_boxes(self):
        matte = RenderMatte(range(1), SIZE, [[Box(0, 0, 4, 4)]], None, 0, roto=[RotoLayer("empty")])
        assert matte.bounds(0) is None

    def test_roto_and_a_movie_mark_together(self, tmp_path):
        drawn = np.zeros((14, 20))
        drawn[10:12, 15:18] = 255
        with open_media(gray_clip(tmp_path / "m.mkv", [drawn])) as reader:
            matte = RenderMatte(range(1), SIZE, None, reader, 0, roto=[layer(Box(2, 3, 6, 8))])
            assert matte.image(0).sum() == 20 + 6 and matte.bounds(0) == Box(2, 3, 18, 12)
            boxed = RenderMatte(
                range(1), SIZE, [[Box(0, 0, 3, 14), Box(17, 0, 20, 14)]], reader, 0, roto=[layer(Box(2, 3, 6, 8))]
            )
            assert boxed.image(0).sum() == 5 + 2

    @settings(max_examples=30, deadline=None)
    @given(moving_layers(), st.integers(-5, 20))
    def test_roto_is_the_layers_matte_whatever_part_of_the_frame_is_drawn(self, drawn, frame):
        matte = RenderMatte(range(1), SIZE, None, None, 0, roto=[drawn])
        np.testing.assert_allclose(matte.image(frame), layer_matte(drawn, frame, SIZE), atol=1e-4)

    def test_a_window_may_leave_the_frame(self):
        matte = RenderMatte(range(1), SIZE, [[Box(0, 0, 2, 2)]], None, 0)
        image = matte.image(0, Box(-2, -2, 3, 3))
        assert image.shape == (5, 5)
        assert np.array_equal(np.argwhere(image), [[2, 2], [2, 3], [3, 2], [3, 3]])

    def test_a_movie_alone_marks_every_frame_of_the_source(self, tmp_path):
        drawn = np.zeros((14, 20))
        drawn[3:6, 4:9] = 255
        drawn[3, 4] = 51
        path = gray_clip(tmp_path / "m.mkv", [np.zeros((14, 20)), drawn])
        with open_media(path) as reader:
            matte = RenderMatte(range(1), SIZE, None, reader, 0)
            assert matte.bounds(0) is None
            assert matte.bounds(1) == Box(4, 3, 9, 6)
            assert matte.image(1)[3, 4] == pytest.approx(0.2)

    def test_a_movie_counts_inside_the_boxes_only_and_grows_afterwards(self, tmp_path):
        path = gray_clip(tmp_path / "m.mkv", [np.full((14, 20), 255)])
        with open_media(path) as reader:
            matte = RenderMatte(range(1), SIZE, [[Box(4, 4, 8, 8)]], reader, 1)
            assert matte.bounds(0) == Box(3, 3, 9, 9)
            matte = RenderMatte(range(1), SIZE, [[]], reader, 1)
            assert matte.bounds(0) is None


class TestMatteCoverage:
    @pytest.mark.parametrize(
        ("name", "full_range", "code", "coverage"),
        [
            ("gray", False, 255, 1.0),
            ("gray", None, 0, 0.0),
            ("gray16le", None, 65535, 1.0),
            ("yuv420p", False, 235, 1.0),
            ("yuv420p", None, 16, 0.0),
            ("yuv420p", True, 255, 1.0),
            ("yuv420p10le", False, 940, 1.0),
            ("yuv420p", False, 255, 1.0),
        ],
    )
    def test_white_is_one_and_black_is_zero_in_every_range(self, name, full_range, code, coverage):
        form = pixel_format(name)
        sizes = [form.plane_size(number, Size(2, 2)) for number in range(len(form.plane_names))]
        planes = tuple(np.full((s.height_px, s.width_px), code, form.dtype) for s in sizes)
        frame = Frame(planes, form, ColorTags(full_range=full_range))
        assert frame_coverage(frame, Box(0, 0, 2, 2)) == pytest.approx(np.full((2, 2), coverage))

    def test_a_float_matte_is_clipped_and_nan_marks_nothing(self):
        values = np.array([[-1.0, 0.5], [2.0, np.nan]], np.float32)
        frame = Frame((values,), pixel_format("grayf32le"), ColorTags())
        assert np.array_equal(frame_coverage(frame, Box(0, 0, 2, 2)), [[0.0, 0.5], [1.0, 0.0]])

    def test_a_colour_matte_marks_where_any_channel_does(self):
        red = np.array([[255, 0]], np.uint8)
        frame = Frame((red, red * 0, red * 0), pixel_format("gbrp"), ColorTags())
        assert np.array_equal(frame_coverage(frame, Box(0, 0, 2, 1)), [[1.0, 0.0]])


class TestMatteFits:
    def test_another_length_is_refused(self, tmp_path):
        with (
            open_media(noise_clip(tmp_path / "a.mkv", 3)) as source,
            open_media(noise_clip(tmp_path / "m.mkv", 2)) as m,
            pytest.raises(BadRequestError, match=r"m\.mkv has 2 frames, but the source .*a\.mkv has 3; render"),
        ):
            check_matte_fits(m, source, "m.mkv")

    def test_another_size_is_refused(self, tmp_path):
        with (
            open_media(noise_clip(tmp_path / "a.mkv", 1)) as source,
            open_media(noise_clip(tmp_path / "m.mkv", 1, Size(32, 48))) as m,
            pytest.raises(BadRequestError, match=r"m\.mkv is 32x48, but the source .*a\.mkv is 64x48; render"),
        ):
            check_matte_fits(m, source, "m.mkv")
