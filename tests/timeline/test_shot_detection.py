"""Cuts are found, flashes and camera movement are not cuts."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.clips import shared_clip
from timeline.media.reader import open_media
from timeline.shot_detection import detect_cuts, find_cuts

Picture = NDArray[np.uint8]


def scene(seed: int, frames: int, pan_px: int = 2) -> list[Picture]:
    """A panning camera over a textured wall of its own colours, with a little grain."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(20, 235, (12, 40, 3)).astype(np.uint8)
    wall = cv2.resize(coarse, (640, 90), interpolation=cv2.INTER_CUBIC)
    views = (wall[:, pan_px * frame : pan_px * frame + 160].astype(np.int16) for frame in range(frames))
    return [np.clip(view + generator.normal(0, 2, view.shape), 0, 255).astype(np.uint8) for view in views]


def test_cuts_between_scenes_are_found() -> None:
    assert find_cuts([*scene(1, 20), *scene(2, 30), *scene(3, 12)]) == [20, 50]


@pytest.mark.parametrize("lengths", [(1, 25), (2, 25), (25, 1), (25, 2), (20, 3, 20)])
def test_a_few_frames_of_another_shot_are_a_shot(lengths: tuple[int, ...]) -> None:
    pictures = [picture for seed, length in enumerate(lengths) for picture in scene(seed + 4, length)]
    assert find_cuts(pictures) == list(np.cumsum(lengths)[:-1])


def test_a_panning_camera_does_not_cut() -> None:
    assert find_cuts(scene(5, 60, pan_px=6)) == []


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_flash_is_no_cut(length: int) -> None:
    pictures = scene(6, 50)
    for frame in range(20, 20 + length):
        pictures[frame] = np.full_like(pictures[frame], 250)
    assert find_cuts(pictures) == []


def test_a_shot_that_lasts_longer_than_a_flash_is_a_shot() -> None:
    pictures = scene(7, 60)
    pictures[20:30] = scene(8, 10)
    assert find_cuts(pictures) == [20, 30]


def test_a_flash_on_a_cut_does_not_hide_another_cut() -> None:
    assert find_cuts([*scene(9, 20), *scene(10, 4), *scene(11, 20)]) == [20, 24]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_shortest_clips(count: int) -> None:
    assert find_cuts(scene(12, count)) == []


def test_few_pictures_are_held_at_a_time() -> None:
    taken: list[weakref.ref[Picture]] = []
    most = 0

    def pictures() -> Iterator[Picture]:
        nonlocal most
        for picture in scene(13, 60):
            fresh = picture.copy()
            taken.append(weakref.ref(fresh))
            most = max(most, sum(reference() is not None for reference in taken))
            yield fresh

    assert find_cuts(pictures()) == []
    assert len(taken) == 60 and most <= 4


@pytest.mark.real_clips
def test_cuts_in_media_are_numbered_as_its_frames() -> None:
    with open_media(shared_clip("car-road") / "clip.mp4") as reader:
        seen: list[tuple[int, int]] = []
        assert detect_cuts(reader, 10, 30, lambda done, total: seen.append((done, total))) == []
    assert seen == [(done, 20) for done in range(1, 21)]
