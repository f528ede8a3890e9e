"""Crops that follow their object by fractions of a pixel: around it, steady, and undone exactly."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi_tools.crop_path import plan_following_crop
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box
from roi_tools.gliding_crop import STEPS_PER_PX, GlidingCropPath, plan_gliding_crop
from tests.roi_tools.strategies import boxes_within

SIZE = Size(150, 90)
tracks = st.lists(st.none() | boxes_within(SIZE), min_size=1, max_size=12).filter(any)


budgets = st.sampled_from([None, 6000, 3000])


@given(tracks, st.integers(0, 12), st.sampled_from([1, 8, 16]), budgets, st.floats(0, 6))
def test_every_box_and_half_of_its_margin_lie_inside(
    boxes: list[Box | None], margin: int, multiple: int, budget_px: int | None, smooth: float
) -> None:
    path = plan_gliding_crop(boxes, SIZE, margin, multiple, budget_px, smoothing_frames=smooth, first_frame=5)
    whole = plan_following_crop(boxes, SIZE, margin, multiple, budget_px, smoothing_frames=smooth, first_frame=5)
    size = path.window.size
    assert (size, path.working_size) == (whole.window.size, whole.working_size)
    for frame, box in enumerate(boxes, 5):
        x, y = path.corner_at(frame)
        window = whole.window_at(frame)
        assert abs(x - window.x0) <= 0.5 + 1 / STEPS_PER_PX and abs(y - window.y0) <= 0.5 + 1 / STEPS_PER_PX
        if box is not None:
            held = box.grown(margin // 2).intersected(frame_box(SIZE))
            assert held is not None and x <= held.x0 and held.x1 <= x + size.width_px
            assert y <= held.y0 and held.y1 <= y + size.height_px


@given(tracks, st.sampled_from([np.uint8, np.uint16, np.float32, np.float16]), budgets, st.integers(0, 9))
@settings(max_examples=40)
def test_pasting_what_was_left_alone_changes_nothing(
    boxes: list[Box | None], kind: type[np.generic], budget_px: int | None, seed: int
) -> None:
    path = plan_gliding_crop(boxes, SIZE, 4, max_area_px=budget_px)
    image = (np.random.default_rng(seed).random((90, 150, 3)) * 200).astype(kind)
    for frame in range(len(boxes)):
        cropped = path.crop(image, frame)
        size = path.working_size
        assert cropped.shape == (size.height_px, size.width_px, 3) and cropped.dtype == image.dtype
        np.testing.assert_array_equal(path.paste(image, cropped, frame), image)


@given(tracks, budgets)
@settings(max_examples=40)
def test_a_part_of_the_frame_gives_the_same_crop_and_takes_it_back(
    boxes: list[Box | None], budget_px: int | None
) -> None:
    path = plan_gliding_crop(boxes, SIZE, 4, max_area_px=budget_px)
    image = np.random.default_rng(1).random((90, 150, 3), np.float32)
    for frame in range(len(boxes)):
        inside, local = path.local(frame)
        cropped = path.crop(image, frame)
        np.testing.assert_allclose(local.crop(image[inside.slices], frame), cropped, atol=1e-6)
        given_back = path.paste(np.zeros_like(image), cropped, frame)[inside.slices]
        np.testing.assert_allclose(
            local.paste(np.zeros_like(image[inside.slices]), cropped, frame), given_back, atol=1e-5
        )


@given(tracks, budgets, st.integers(0, 9))
@settings(max_examples=60)
def test_all_of_a_matte_is_in_the_crop_and_marks_all_that_shows_it(
    boxes: list[Box | None], budget_px: int | None, seed: int
) -> None:
    path = plan_gliding_crop(boxes, SIZE, 4, max_area_px=budget_px)
    known = np.random.default_rng(seed).random((90, 150), np.float32)
    for frame, box in enumerate(boxes):
        matte = np.zeros((90, 150), np.float32)
        if box is not None:
            matte[box.slices] = 1
        covered = path.coverage(matte, frame) > 0
        shows = path.crop(known, frame) != path.crop(np.where(matte > 0, np.float32(9), known), frame)
        assert not (shows & ~covered).any()
        marked = path.paste(np.zeros_like(matte), covered.astype(np.float32), frame) > 0
        assert marked[matte > 0].all()
        if box is None:
            assert not covered.any()


@pytest.mark.parametrize("corner", [(40.0, 20.0), (40.25, 20.5), (39.96875, 20.03125)])
def test_scaled_down_each_pixel_is_the_mean_of_its_area(corner: tuple[float, float]) -> None:
    path = GlidingCropPath(SIZE, Box(0, 0, 64, 48), Size(16, 16), (corner,))
    fine = 32  # a pixel of the frame in parts: the grid that corners lie on
    image = np.random.default_rng(2).random((90, 150)).astype(np.float32)
    parts = np.repeat(np.repeat(image, fine, 0), fine, 1)
    left, top = round(corner[0] * fine), round(corner[1] * fine)
    area = parts[top : top + 48 * fine, left : left + 64 * fine].reshape(16, 3 * fine, 16, 4 * fine)
    np.testing.assert_allclose(path.crop(image, 0), area.mean(axis=(1, 3)), atol=1e-5)


def blob(size: Size, x: float, y: float) -> np.ndarray:
    rows, columns = np.mgrid[: size.height_px, : size.width_px]
    return np.asarray(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18), np.float32)


@pytest.mark.parametrize("corner", [(40.0, 20.0), (40.25, 20.5), (39.96875, 20.03125), (11.5, 30.71875)])
def test_pictures_go_where_places_go_both_ways(corner: tuple[float, float]) -> None:
    path = GlidingCropPath(SIZE, Box(0, 0, 64, 48), Size(64, 48), (corner,))
    image = blob(SIZE, corner[0] + 30.3, corner[1] + 22.6)
    expected = blob(path.working_size, 30.3, 22.6)
    assert np.abs(path.crop(image, 0) - expected).max() < 5e-3
    back = path.paste(np.zeros_like(image), expected, 0)
    assert np.abs(back - image).max() < 5e-3


@pytest.mark.parametrize("corner", [(40.25, 20.5), (11.5, 30.71875)])
def test_scaled_pictures_go_where_they_came_from(corner: tuple[float, float]) -> None:
    path = GlidingCropPath(SIZE, Box(0, 0, 64, 48), Size(48, 32), (corner,))
    image = blob(SIZE, corner[0] + 30.3, corner[1] + 22.6)
    back = path.paste(np.zeros_like(image), path.crop(image, 0), 0)
    assert np.abs(back - image).max() < 0.12
    rows, columns = np.mgrid[:90, :150]
    there, came_from = (((columns * it).sum() / it.sum(), (rows * it).sum() / it.sum()) for it in (back, image))
    np.testing.assert_allclose(there, came_from, atol=0.03)


def test_only_what_changed_is_written() -> None:
    path = GlidingCropPath(SIZE, Box(0, 0, 64, 48), Size(64, 48), ((40.5, 20.25),))
    image = np.random.default_rng(0).random((90, 150)).astype(np.float32)
    cropped = path.crop(image, 0)
    cropped[20:30, 20:30] = 7.0
    written = path.paste(image, cropped, 0) != image
    rows, columns = np.flatnonzero(written.any(axis=1)), np.flatnonzero(written.any(axis=0))
    assert rows[0] >= 20 + 20 - 6 and rows[-1] <= 20 + 30 + 6
    assert columns[0] >= 40 + 20 - 6 and columns[-1] <= 41 + 30 + 6
    inner = path.paste(image, cropped, 0)[44:47, 64:67]
    np.testing.assert_allclose(inner, 7.0, atol=1e-4)


def test_an_object_that_drifts_slowly_stands_still_in_its_crop() -> None:
    boxes = [Box(int(30 + 0.3 * n), 30, int(30 + 0.3 * n) + 20, 50) for n in range(60)]
    path = plan_gliding_crop(boxes, Size(300, 90), 20, smoothing_frames=12)
    steps = np.diff([path.corner_at(n)[0] for n in range(15, 45)])
    assert steps.min() > 0.1 and steps.max() < 0.4 and np.ptp(steps) < 0.1


def test_a_corner_off_the_grid_and_a_picture_of_another_size_are_refused() -> None:
    with pytest.raises(ShapeError, match="in steps of 1/32 px"):
        GlidingCropPath(SIZE, Box(0, 0, 64, 48), Size(64, 48), ((0.1, 0.0),))
    path = GlidingCropPath(SIZE, Box(0, 0, 64, 48), Size(64, 48), ((1.0, 2.0),))
    with pytest.raises(ShapeError, match="the image is 10x10, this crop path is made for 150x90"):
        path.crop(np.zeros((10, 10)), 0)
    assert np.array_equal(path.crop(cv2.merge([blob(SIZE, 9, 9)] * 3), 0)[..., 0], blob(SIZE, 9, 9)[2:50, 1:65])
