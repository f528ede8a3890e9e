"""Keyframes: what a track says at and between them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.keyframes import Keyframe, Track

keys = st.lists(
    st.builds(
        Keyframe,
        st.integers(-1000, 1000),
        st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
        st.sampled_from(["linear", "hold"]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda key: key.frame,
)


@given(keys)
def test_the_value_at_a_keyframe_is_its_own(entries: list[Keyframe]) -> None:
    track = Track.of(entries)
    assert all(track.value_at(key.frame) == key.value for key in entries)
    assert track.frames == tuple(sorted(key.frame for key in entries))


@given(keys, st.integers(-1200, 1200))
def test_a_value_stays_between_its_neighbours(entries: list[Keyframe], frame: int) -> None:
    track = Track.of(entries)
    before = [key for key in track.keys if key.frame <= frame] or [track.keys[0]]
    after = [key for key in track.keys if key.frame >= frame] or [track.keys[-1]]
    for number, a, b in zip(track.value_at(frame), before[-1].value, after[0].value, strict=True):
        assert min(a, b) - 1e-6 <= number <= max(a, b) + 1e-6


def test_linear_goes_straight_and_hold_waits() -> None:
    track = Track.of([Keyframe(0, (0.0,)), Keyframe(10, (5.0,), "hold"), Keyframe(20, (8.0,))])
    assert [track.value_at(frame)[0] for frame in (-3, 0, 4, 10, 15, 19, 20, 99)] == [0, 0, 2, 5, 5, 5, 8, 8]


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(1, 500))
def test_whole_pixels_per_frame_interpolate_exactly(start: int, step: int, length: int) -> None:
    track = Track.of([Keyframe(0, (float(start),)), Keyframe(length, (float(start + step * length),))])
    assert all(track.value_at(frame) == (start + step * frame,) for frame in range(length + 1))


def test_a_key_on_a_keyed_frame_replaces_it() -> None:
    track = Track.of([Keyframe(3, (1.0,))]).with_key(Keyframe(3, (2.0,))).with_key(Keyframe(1, (0.0,)))
    assert track.keys == (Keyframe(1, (0.0,)), Keyframe(3, (2.0,)))
    assert track.without_key(1).frames == (3,)


def test_an_edit_leaves_the_old_track_alone() -> None:
    track = Track.of([Keyframe(3, (1.0,))])
    track.with_key(Keyframe(5, (2.0,)))
    assert track.frames == (3,)


def test_removing_a_key_that_is_not_there_or_the_last_one_is_refused() -> None:
    track = Track.of([Keyframe(3, (1.0,))])
    with pytest.raises(ShapeError, match=r"there is no keyframe on frame 4 to remove; keyed are \[3\]"):
        track.without_key(4)
    with pytest.raises(ShapeError, match="the keyframe on frame 3 is the only one; remove the whole shape"):
        track.without_key(3)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "at least one keyframe"),
        ([Keyframe(1, (0.0,)), Keyframe(1, (1.0,))], r"one per frame; found frames \[1, 1\]"),
        ([Keyframe(1, (0.0,)), Keyframe(2, (1.0, 2.0))], "equally many numbers"),
    ],
)
def test_a_track_that_makes_no_sense_is_refused(entries: list[Keyframe], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Track.of(entries)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ShapeError, match="give finite numbers"):
        Keyframe(0, (number,))


def test_an_unknown_interpolation_is_refused() -> None:
    with pytest.raises(ShapeError, match="the interpolation 'cubic'; known are linear, hold"):
        Keyframe(0, (1.0,), "cubic")  # type: ignore[arg-type]
