"""Which frames are sampled together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.vace.context_windows import BRIDGED_GAP_FRAMES, consecutive_windows

marked_frames = st.sets(st.integers(0, 500), max_size=200).map(sorted)


@given(marked_frames, st.integers(1, 101))
def test_every_marked_frame_lies_in_exactly_one_window_of_allowed_length(marked: list[int], context: int) -> None:
    windows = consecutive_windows(marked, context)
    covered = [frame for window in windows for frame in window]
    assert set(marked) <= set(covered)
    assert covered == sorted(set(covered))
    assert all(1 <= len(window) <= context for window in windows)
    assert all(window[0] in marked and window[-1] in marked for window in windows)


@given(st.integers(1, 2000), st.integers(1, 101))
def test_a_long_stretch_is_shared_out_evenly(length: int, context: int) -> None:
    lengths = [len(window) for window in consecutive_windows(range(length), context)]
    assert len(lengths) == -(-length // context)
    assert max(lengths) - min(lengths) <= 1


def test_a_shot_of_one_window_is_one_window() -> None:
    assert consecutive_windows(range(10, 91), 81) == [range(10, 91)]


def test_short_gaps_are_bridged_and_long_ones_are_not() -> None:
    near, far = 5 + BRIDGED_GAP_FRAMES, 6 + BRIDGED_GAP_FRAMES
    assert consecutive_windows([*range(5), near], 81) == [range(near + 1)]
    assert consecutive_windows([*range(5), far], 81) == [range(5), range(far, far + 1)]


def test_nothing_marked_needs_no_window() -> None:
    assert consecutive_windows([], 81) == []
