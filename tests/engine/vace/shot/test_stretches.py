"""Which frames are sampled as one clip."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.vace.shot.stretches import BRIDGED_GAP_FRAMES, marked_stretches

EVERYTHING = range(1000)
marked_frames = st.sets(st.integers(0, 500), max_size=200).map(sorted)


@given(marked_frames, st.integers(0, 100))
def test_every_marked_frame_lies_in_exactly_one_stretch(marked: list[int], known: int) -> None:
    stretches = marked_stretches(marked, known, EVERYTHING)
    for frame in marked:
        assert sum(frame in stretch for stretch in stretches) == 1
    for stretch in stretches:
        assert stretch.start >= 0 and stretch.stop <= 1000
        inside = [frame for frame in marked if frame in stretch]
        assert inside[0] - stretch.start <= known and stretch.stop - 1 - inside[-1] <= known


def test_short_gaps_are_bridged_and_long_ones_are_not() -> None:
    near, far = 5 + BRIDGED_GAP_FRAMES, 6 + BRIDGED_GAP_FRAMES
    assert marked_stretches([*range(5), near], 0, EVERYTHING) == [range(near + 1)]
    assert marked_stretches([*range(5), far], 0, EVERYTHING) == [range(5), range(far, far + 1)]


def test_known_frames_end_with_the_media_and_where_the_next_stretch_is_marked() -> None:
    marked = [*range(3, 6), *range(50, 52)]
    assert marked_stretches(marked, 8, range(55)) == [range(14), range(42, 55)]
    assert marked_stretches(marked, 60, range(55)) == [range(50), range(6, 55)]


def test_nothing_marked_needs_no_stretch() -> None:
    assert marked_stretches([], 8, EVERYTHING) == []
