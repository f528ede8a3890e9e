"""Crops that follow their object: always around it, smooth, and exactly undone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.crop_path import FollowingCropPath, plan_following_crop
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box
from tests.roi_tools.strategies import boxes_within

SIZE = Size(150, 90)
tracks = st.lists(st.none() | boxes_within(SIZE), min_size=1, max_size=12).filter(any)


@given(tracks, st.integers(0, 12), st.sampled_from([1, 8, 16]), st.floats(0, 6))
def test_every_box_and_half_of_its_margin_lie_inside(
    boxes: list[Box | None], margin: int, multiple: int, smooth: float
) -> None:
    path = plan_following_crop(boxes, SIZE, margin, multiple, smoothing_frames=smooth, first_frame=5)
    assert path.working_size.width_px % multiple == 0 and path.working_size.height_px % multiple == 0
    for frame, box in enumerate(boxes, 5):
        window = path.window_at(frame)
        assert window.size == path.window.size and window.x0 >= 0 and window.y0 >= 0
        if box is not None:
            held = box.grown(margin // 2).intersected(frame_box(SIZE))
            assert held is not None and window.contains(held)


@given(tracks, st.integers(0, 5))
def test_pasting_undoes_cropping_exactly(boxes: list[Box | None], seed: int) -> None:
    path = plan_following_crop(boxes, SIZE, 4)
    image = np.random.default_rng(seed).integers(0, 65536, (90, 150, 3), np.uint16)
    for frame in range(len(boxes)):
        cropped = path.crop(image, frame)
        assert cropped.shape[:2] == (path.working_size.height_px, path.working_size.width_px)
        np.testing.assert_array_equal(path.paste(image, cropped, frame), image)
        pasted = path.paste(np.zeros_like(image), cropped, frame)
        inside = path.inside_at(frame).slices
        np.testing.assert_array_equal(pasted[inside], image[inside])


def test_a_following_window_is_smaller_than_one_that_stands_still_and_moves_steadily() -> None:
    boxes = [Box(4 * n, 30 + n % 3, 4 * n + 20, 60 + n % 3) for n in range(30)]
    path = plan_following_crop(boxes, Size(400, 90), 6)
    assert path.window.size == Size(32, 48)
    steps = np.diff([path.window_at(n).x0 for n in range(30)])
    assert steps.max() <= 6 and steps.min() >= 0


def test_the_window_waits_smoothly_while_nothing_is_marked() -> None:
    boxes = [Box(10, 10, 30, 30), *[None] * 8, Box(90, 10, 110, 30)]
    lefts = [plan_following_crop(boxes, SIZE, 2, smoothing_frames=0).window_at(n).x0 for n in range(10)]
    assert lefts == sorted(lefts) and lefts[0] < 12 and lefts[-1] > 70


def test_a_track_that_trembles_does_not_shake_the_window() -> None:
    tremble = np.random.default_rng(3).integers(-5, 6, 40)
    boxes = [Box(n, 30, n + 40, 60) for n in (100 + 3 * np.arange(40) + tremble).tolist()]
    path = plan_following_crop(boxes, Size(400, 90), 16)
    steps = np.diff([path.window_at(n).x0 for n in range(40)])
    assert steps.min() >= 2 and steps.max() <= 4


@given(tracks)
def test_a_part_of_the_frame_gives_the_same_crop(boxes: list[Box | None]) -> None:
    path = plan_following_crop(boxes, SIZE, 4, max_area_px=5000)
    image = np.random.default_rng(1).random((90, 150, 3), np.float32)
    for frame in range(len(boxes)):
        inside, local = path.local(frame)
        np.testing.assert_array_equal(local.crop(image[inside.slices], frame), path.crop(image, frame))


def test_a_large_window_is_scaled() -> None:
    path = plan_following_crop([Box(0, 0, 100, 80), Box(40, 0, 140, 80)], SIZE, 4, max_area_px=4000)
    assert path.is_scaled and path.working_size.width_px * path.working_size.height_px <= 4000


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ShapeError, match="nothing to crop to"):
        plan_following_crop([None], SIZE, 4)
    with pytest.raises(ShapeError, match="smoothing -1 is not possible"):
        plan_following_crop([Box(0, 0, 9, 9)], SIZE, 4, smoothing_frames=-1)
    with pytest.raises(ShapeError, match="all of one size"):
        FollowingCropPath(SIZE, Box(0, 0, 9, 9), Size(9, 9), (Box(0, 0, 8, 8),))
