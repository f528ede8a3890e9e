"""Window after window: known overlap, every frame once, bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.effects.vace import Vace
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterValue
from engine.vace.model import VaceModel
from engine.vace.sampling.conditioning import ConditionedFrame
from engine.vace.sampling.control import FrameSource
from engine.vace.sampling.sampler import generate
from engine.vace.sampling.sequential import generate_sequentially, sequential_windows
from engine.vace.sampling.settings import SamplerSettings
from engine.vace.shot.stretch_render import forward_count

SHAPE = (16, 32)
LENGTH = 2000


@given(st.integers(1, 3000), st.integers(0, 25).map(lambda n: 4 * n + 1), st.integers(0, 60))
def test_windows_follow_each_other_in_whole_latents(frames: int, context: int, overlap: int) -> None:
    windows = sequential_windows(frames, context, overlap)
    assert windows[0].start == 0 and windows[-1].stop == frames
    assert all(window.start % 4 == 0 and 1 <= len(window) <= max(context, 5) for window in windows)
    for before, after in pairwise(windows):
        shared = before.stop - after.start
        assert shared % 4 == 1 and shared >= min(overlap, max(context, 5) - 4)
        assert after.stop > before.stop


def _frame(index: int) -> ConditionedFrame:
    mask = np.zeros(SHAPE, bool)
    mask[4:12, 8:24] = True
    video = np.full((*SHAPE, 3), index / LENGTH, np.float32)
    video[mask] = 0.0
    return ConditionedFrame(video, mask)


def test_a_window_goes_on_from_the_finished_frames_of_the_one_before() -> None:
    given: list[list[ConditionedFrame]] = []

    def made(source: FrameSource, window: range) -> Iterator[np.ndarray]:
        given.append([source(index) for index in range(len(window))])
        for frame in window:
            yield np.full((*SHAPE, 3), 0.5 + 0.01 * frame + 0.1 * len(given), np.float32)

    windows = sequential_windows(20, 9, 5)
    pictures = list(generate_sequentially(made, _frame, windows))
    assert len(pictures) == 20
    assert [window.start for window in windows] == [0, 4, 8, 12]
    second, inside = given[1], _frame(0).mask
    for index, frame in enumerate(second[:5], start=4):
        assert not frame.mask.any()
        assert np.allclose(frame.video[inside], 0.5 + 0.01 * index + 0.1)
        assert np.array_equal(frame.video[~inside], _frame(index).video[~inside])
    assert all(np.array_equal(frame.video, _frame(index).video) for index, frame in enumerate(second[5:], start=9))
    # A frame that two windows share is the earlier one's.
    assert np.allclose(pictures[8][inside], 0.5 + 0.08 + 0.1) and np.allclose(pictures[9][inside], 0.5 + 0.09 + 0.2)


def test_2000_frames_hold_no_more_than_one_window_and_its_overlap() -> None:
    alive = most = 0

    class Counted(np.ndarray):
        def __new__(cls) -> Counted:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            return np.zeros((*SHAPE, 3), np.float32).view(cls)

        def __del__(self) -> None:
            nonlocal alive
            if self.base is None or not isinstance(self.base, Counted):
                alive -= 1

    def made(source: FrameSource, window: range) -> Iterator[np.ndarray]:
        for index in range(len(window)):
            source(index)
        for _ in window:
            yield Counted()

    count = sum(1 for _ in generate_sequentially(made, _frame, sequential_windows(LENGTH, 81, 17)))
    assert count == LENGTH
    assert most <= 81


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["blended", "sequential"])
def test_2000_frames_through_the_model(tiny_model: VaceModel, mode: str) -> None:
    """Every frame comes once, in order, from real forwards; pictures are asked for one chunk at a time."""
    settings, asked = SamplerSettings(steps=1), []

    def source(index: int) -> ConditionedFrame:
        asked.append(index)
        return _frame(index)

    def clip(window_source: FrameSource, window: range) -> Iterator[np.ndarray]:
        return generate(tiny_model, window_source, len(window), settings, lambda done, total: None)

    if mode == "blended":
        pictures = clip(source, range(LENGTH))
    else:
        pictures = generate_sequentially(clip, source, sequential_windows(LENGTH, 81, 17))
    next(pictures)
    assert len(asked) == (LENGTH + 1 if mode == "blended" else 81)
    count = 1 + sum(np.isfinite(picture).all() for picture in pictures)
    assert count == LENGTH


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 20 * 3),
        ({"guidance_scale": 5.0, "prompt": "a wall"}, 20 * 3 * 2),
        ({"guidance_scale": 5.0}, 20 * 3),
        ({"sigmas": "1 0.5"}, 2 * 3),
        ({"context_mode": "sequential"}, 20 * 3),
        ({"context_mode": "sequential", "context_frames": 161}, 20),
        ({"context_overlap": 64}, 20 * 5),
    ],
)
def test_forwards_of_161_frames_are_counted(given: dict[str, ParameterValue], expected: int) -> None:
    assert forward_count(161, ParameterSet(Vace.describe(), given)) == expected


@pytest.mark.slow
def test_a_longer_shot_adds_latents_and_no_pictures_to_memory(tiny_model: VaceModel) -> None:
    def peak_bytes(frames: int) -> int:
        settings = SamplerSettings(steps=1)
        tracemalloc.start()
        try:
            for _ in generate(tiny_model, _frame, frames, settings, lambda done, total: None):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes(41)  # what is kept for good is made
    grown = peak_bytes(801) - peak_bytes(161)
    # A mask for every latent, and nothing of the pictures, of which each takes 12 bytes a pixel.
    picture_bytes = SHAPE[0] * SHAPE[1] * 3 * 4
    assert grown < 640 * picture_bytes / 8
