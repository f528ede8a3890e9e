from __future__ import annotations

import numpy as np
import pytest

from engine.vace.training.scenes import random_shot
from engine.vace.training.tasks import TASK_SHARES, Task, make_example, random_task


@pytest.mark.parametrize("seed", range(6))
def test_a_shot_differs_from_its_clean_plate_under_the_matte_alone(seed: int) -> None:
    shot = random_shot(np.random.default_rng(seed), 32, 48, 5)
    assert shot.clean.shape == shot.filmed.shape == (5, 32, 48, 3)
    assert shot.matte.shape == (5, 32, 48)
    assert np.array_equal(shot.clean[shot.matte == 0], shot.filmed[shot.matte == 0])
    assert (shot.clean != shot.filmed).any()
    assert all(video.min() >= 0 and video.max() <= 1 for video in (shot.clean, shot.filmed, shot.matte))


def test_the_same_seed_draws_the_same_shot() -> None:
    first, second = (random_shot(np.random.default_rng(5), 32, 32, 5) for _ in range(2))
    other = random_shot(np.random.default_rng(6), 32, 32, 5)
    assert np.array_equal(first.filmed, second.filmed)
    assert not np.array_equal(first.filmed, other.filmed)


def test_tasks_come_by_their_shares() -> None:
    random = np.random.default_rng(0)
    drawn = [random_task(random) for _ in range(2000)]
    assert sum(TASK_SHARES.values()) == pytest.approx(1)
    for task, share in TASK_SHARES.items():
        assert drawn.count(task) / len(drawn) == pytest.approx(share, abs=0.04)


def _example(task: Task) -> tuple:
    shot = random_shot(np.random.default_rng(3), 32, 48, 5)
    return shot, make_example(task, shot, np.random.default_rng(0))


@pytest.mark.parametrize("task", ["box", "silhouette"])
def test_removal_sees_exact_gray_and_is_to_make_the_clean_shot(task: Task) -> None:
    shot, example = _example(task)
    assert (example.video[example.mask] == 0).all()
    assert example.mask[shot.matte > 0].all()
    assert np.array_equal(example.target, 2 * shot.clean - 1)
    assert np.array_equal(example.video[~example.mask], example.target[~example.mask])


def test_a_thing_left_under_the_mask_is_to_come_back() -> None:
    shot, example = _example("object_left")
    assert np.array_equal(example.video, 2 * shot.filmed - 1)
    assert np.array_equal(example.target, example.video)
    assert example.mask.any() and not example.mask.all()


def test_without_a_mask_the_gray_is_to_stay() -> None:
    shot, example = _example("no_mask")
    assert example.mask.all()
    assert np.array_equal(example.target, example.video)
    assert (example.video[shot.matte > 0] == 0).all()


def test_a_full_mask_shows_nothing() -> None:
    shot, example = _example("full_mask")
    assert example.mask.all() and not example.video.any()
    assert np.array_equal(example.target, 2 * shot.clean - 1)


def test_a_control_video_is_repainted_as_a_whole() -> None:
    shot, example = _example("control")
    assert example.mask.all()
    assert not np.array_equal(example.video, example.target)
    assert np.array_equal(example.target, 2 * shot.filmed - 1)
