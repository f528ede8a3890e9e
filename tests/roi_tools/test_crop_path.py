"""The crop path: holds every box, is a multiple, and comes back exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.crop_path import plan_crop
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box
from tests.roi_tools.strategies import boxes_within, sizes

margins = st.integers(0, 40)
multiples = st.sampled_from([1, 2, 8, 16])
images = st.sampled_from([((), np.uint8), ((3,), np.float32), ((), np.uint16), ((4,), np.uint8)])


@st.composite
def crops(draw: st.DrawFn) -> tuple[Size, list[Box | None]]:
    """A frame size and the boxes of a few frames, at least one of them there."""
    size = draw(sizes)
    boxes = draw(st.lists(st.none() | boxes_within(size), max_size=4))
    return size, [*boxes, draw(boxes_within(size))]


@given(crops(), margins, multiples, images)
def test_cropping_and_pasting_is_exact_at_every_size_and_place(
    case: tuple[Size, list[Box | None]], margin_px: int, multiple: int, kind: tuple[tuple[int, ...], type]
) -> None:
    size, boxes = case
    path = plan_crop(boxes, size, margin_px, multiple)
    image = _noise(size, *kind)
    cropped = path.crop(image, 0)
    assert cropped.shape[:2] == (path.working_size.height_px, path.working_size.width_px)
    assert cropped.dtype == image.dtype
    np.testing.assert_array_equal(path.paste(image, cropped, 0), image)
    np.testing.assert_array_equal(
        path.paste(np.zeros_like(image), cropped, 0)[path.inside_at(0).slices], image[path.inside_at(0).slices]
    )


@given(crops(), margins, multiples)
def test_the_window_holds_every_box_and_its_context(
    case: tuple[Size, list[Box | None]], margin_px: int, multiple: int
) -> None:
    size, boxes = case
    path = plan_crop(boxes, size, margin_px, multiple)
    assert not path.is_scaled
    assert path.window.width_px % multiple == 0 and path.window.height_px % multiple == 0
    for frame, box in enumerate(boxes):
        if box is not None:
            with_context = box.grown(margin_px).clipped(size)
            assert with_context is not None and path.window_at(frame).contains(with_context)
    assert path.window.width_px < size.width_px + multiple and path.window.height_px < size.height_px + multiple


@given(crops(), margins)
def test_the_window_leaves_the_frame_only_where_it_must(case: tuple[Size, list[Box | None]], margin_px: int) -> None:
    size, boxes = case
    window = plan_crop(boxes, size, margin_px).window
    assert window.x0 >= 0 and window.y0 >= 0
    assert window.x1 <= max(size.width_px, window.width_px) and window.y1 <= max(size.height_px, window.height_px)


@given(crops(), margins)
def test_pasting_changes_nothing_outside_the_window(case: tuple[Size, list[Box | None]], margin_px: int) -> None:
    size, boxes = case
    path = plan_crop(boxes, size, margin_px)
    image = _noise(size, (3,), np.uint8)
    pasted = path.paste(image, np.zeros_like(path.crop(image, 0)), 0)
    outside = np.ones(image.shape[:2], bool)
    outside[path.inside_at(0).slices] = False
    np.testing.assert_array_equal(pasted[outside], image[outside])
    assert not pasted[path.inside_at(0).slices].any()


def test_beyond_the_frame_the_image_is_mirrored() -> None:
    image = np.arange(5, dtype=np.uint8)[np.newaxis].repeat(3, axis=0)
    path = plan_crop([Box(0, 0, 5, 3)], Size(5, 3), 0, multiple=8)
    np.testing.assert_array_equal(path.crop(image, 0)[0], [0, 1, 2, 3, 4, 3, 2, 1])


def test_a_frame_one_pixel_wide_is_repeated() -> None:
    path = plan_crop([Box(0, 0, 1, 1)], Size(1, 1), 0, multiple=4)
    np.testing.assert_array_equal(path.crop(np.full((1, 1), 7, np.uint8), 0), np.full((4, 4), 7))


@given(st.integers(16, 2000), st.integers(16, 2000), st.sampled_from([16, 32]), st.integers(64 * 64, 832 * 480))
def test_a_large_window_is_scaled_to_fit_and_keeps_its_aspect(
    width: int, height: int, multiple: int, max_area_px: int
) -> None:
    size = Size(width, height)
    path = plan_crop([frame_box(size)], size, 0, multiple, max_area_px)
    working, window = path.working_size, path.window
    assert working.width_px % multiple == 0 and working.height_px % multiple == 0
    assert window.contains(frame_box(size))
    if path.is_scaled and min(working.width_px, working.height_px) > multiple:
        assert working.width_px * working.height_px <= max_area_px
        # The window's sides are whole pixels: each may be half a pixel off one common scale.
        low, high = (
            [side / (whole + off) for side, whole in zip(_sides(working), _sides(window), strict=True)]
            for off in (0.5, -0.5)
        )
        assert max(low) <= min(high)


def _sides(size: Size | Box) -> tuple[int, int]:
    return size.width_px, size.height_px


def test_scaling_down_and_back_keeps_a_smooth_image() -> None:
    size = Size(320, 200)
    ramp = np.linspace(0.2, 0.8, 320, dtype=np.float32)[np.newaxis, :, np.newaxis].repeat(200, 0).repeat(3, 2)
    path = plan_crop([frame_box(size)], size, 0, max_area_px=160 * 112)
    assert path.is_scaled
    np.testing.assert_allclose(path.paste(ramp, path.crop(ramp, 0), 0)[:, 16:-16], ramp[:, 16:-16], atol=0.01)


def test_a_small_box_gets_the_smallest_side_that_is_asked_for() -> None:
    path = plan_crop([Box(100, 100, 110, 110)], Size(640, 360), 8, minimum_side_px=256)
    assert path.window.size == Size(256, 256)
    assert plan_crop([Box(5, 5, 9, 9)], Size(100, 90), 0, minimum_side_px=256).window == Box(0, 0, 112, 96)


def test_nothing_marked_is_refused() -> None:
    with pytest.raises(ShapeError, match="no box marks anything inside the frame"):
        plan_crop([None, Box(50, 50, 60, 60)], Size(40, 40), 8)
    with pytest.raises(ShapeError, match="margin -1 px and multiple 16 is not possible"):
        plan_crop([Box(0, 0, 5, 5)], Size(40, 40), -1)


def test_an_image_of_another_size_is_refused() -> None:
    path = plan_crop([Box(0, 0, 5, 5)], Size(40, 30), 0)
    with pytest.raises(ShapeError, match="the image is 30x40, this crop path is made for 40x30"):
        path.crop(np.zeros((40, 30)), 0)
    with pytest.raises(ShapeError, match="the crop is 8x8, this crop path is made for 16x16"):
        path.paste(np.zeros((30, 40)), np.zeros((8, 8)), 0)


def _noise(size: Size, channels: tuple[int, ...], dtype: type) -> np.ndarray:
    generator = np.random.default_rng(7)
    return generator.integers(0, 255, (size.height_px, size.width_px, *channels)).astype(dtype)
