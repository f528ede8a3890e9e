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


@given(tracks, st.integers(0, 12), st.sampled_from([1, 8, 16]), st.floats(0, 6))
def test_every_box_and_its_margin_lie_inside(
    boxes: list[Box | None], margin: int, multiple: int, smooth: float
) -> None:
    path = plan_gliding_crop(boxes, SIZE, margin, multiple, smoothing_frames=smooth, first_frame=5)
    whole = plan_following_crop(boxes, SIZE, margin, multiple, smoothing_frames=smooth, first_frame=5)
    assert path.size == whole.window.size
    for frame, box in enumerate(boxes, 5):
        x, y = path.corner_at(frame)
        window = whole.window_at(frame)
        assert abs(x - window.x0) <= 0.5 + 1 / STEPS_PER_PX and abs(y - window.y0) <= 0.5 + 1 / STEPS_PER_PX
        if box is not None:
            wanted = box.grown(margin).intersected(frame_box(SIZE))
            assert wanted is not None and x <= wanted.x0 and wanted.x1 <= x + path.size.width_px
            assert y <= wanted.y0 and wanted.y1 <= y + path.size.height_px


@given(tracks, st.sampled_from([np.uint8, np.uint16, np.float32, np.float16]), st.integers(0, 9))
@settings(max_examples=40)
def test_pasting_what_was_left_alone_changes_nothing(
    boxes: list[Box | None], kind: type[np.generic], seed: int
) -> None:
    path = plan_gliding_crop(boxes, SIZE, 4)
    image = (np.random.default_rng(seed).random((90, 150, 3)) * 200).astype(kind)
    for frame in range(len(boxes)):
        cropped = path.crop(image, frame)
        assert cropped.shape == (path.size.height_px, path.size.width_px, 3) and cropped.dtype == image.dtype
        np.testing.assert_array_equal(path.paste(image, cropped, frame), image)


@given(tracks, st.integers(0, 12))
def test_places_map_back_exactly(boxes: list[Box | None], frame: int) -> None:
    path = plan_gliding_crop(boxes, SIZE, 4)
    places = np.random.default_rng(frame).integers(0, 4800, (20, 2)) / 32
    np.testing.assert_array_equal(path.to_frame(path.to_crop(places, frame), frame), places)


def blob(size: Size, x: float, y: float) -> np.ndarray:
    rows, columns = np.mgrid[: size.height_px, : size.width_px]
    return np.asarray(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18), np.float32)


@pytest.mark.parametrize("corner", [(40.0, 20.0), (40.25, 20.5), (39.96875, 20.03125), (11.5, 30.71875)])
def test_pictures_go_where_places_go_both_ways(corner: tuple[float, float]) -> None:
    path = GlidingCropPath(SIZE, Size(64, 48), (corner,))
    place = np.array([[corner[0] + 30.3, corner[1] + 22.6]])
    image = blob(SIZE, *place[0])
    expected = blob(path.size, *path.to_crop(place, 0)[0])
    assert np.abs(path.crop(image, 0) - expected).max() < 5e-3
    back = path.paste(np.zeros_like(image), expected, 0)
    assert np.abs(back - image).max() < 5e-3


def test_only_what_changed_is_written() -> None:
    path = GlidingCropPath(SIZE, Size(64, 48), ((40.5, 20.25),))
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
        GlidingCropPath(SIZE, Size(64, 48), ((0.1, 0.0),))
    path = GlidingCropPath(SIZE, Size(64, 48), ((1.0, 2.0),))
    with pytest.raises(ShapeError, match="the image is 10x10, this crop path is made for 150x90"):
        path.crop(np.zeros((10, 10)), 0)
    assert np.array_equal(path.crop(cv2.merge([blob(SIZE, 9, 9)] * 3), 0)[..., 0], blob(SIZE, 9, 9)[2:50, 1:65])
