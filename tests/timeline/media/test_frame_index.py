"""The frame index from packets alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from timeline.media.frame_index import index_decoded, index_packets
from timeline.media.rates import nominal_rate


@dataclass
class FakePacket:
    pts: int | None
    dts: int | None = None
    is_keyframe: bool = False
    is_discard: bool = False
    is_corrupt: bool = False
    size: int = 100


@given(st.lists(st.tuples(st.integers(-500, 5000), st.booleans()), min_size=1, unique_by=lambda pair: pair[0]))
def test_frames_are_numbered_by_presentation_time(packets: list[tuple[int, bool]]) -> None:
    index = index_packets([FakePacket(pts, pts - 3, key) for pts, key in packets])
    assert index is not None
    assert list(index.pts) == sorted(pts for pts, _ in packets)
    assert all(index.frame_at_pts[pts] == frame for frame, pts in enumerate(index.pts))
    keys = {pts for pts, key in packets if key}
    assert {index.pts[frame] for frame in index.keyframes} == keys | {index.pts[0]}
    assert [time + 3 for time in index.seek_times] == [index.pts[frame] for frame in index.keyframes]
    for frame in range(len(index.pts)):
        keyframe = index.keyframes[index.keyframe_position(frame)]
        assert keyframe == max(key for key in index.keyframes if key <= frame)


def test_hidden_cut_and_empty_packets_are_no_frames() -> None:
    hidden, cut, empty = FakePacket(-1, is_discard=True), FakePacket(3, is_corrupt=True), FakePacket(9, size=0)
    index = index_packets([hidden, FakePacket(0, is_keyframe=True), FakePacket(1), cut, empty])
    assert index is not None
    assert (index.pts, index.hidden_packets) == ((0, 1), 1)


def test_packets_without_presentation_times() -> None:
    intra = [FakePacket(None, dts, is_keyframe=True) for dts in (0, 1, 2)]
    index = index_packets(intra)
    assert index is not None
    assert (index.pts, index.keyframes) == ((0, 1, 2), (0, 1, 2))
    assert index_packets([*intra, FakePacket(None, 3)]) is None
    assert index_packets([FakePacket(None, None, is_keyframe=True)]) is None
    assert index_decoded([None, 4, None]).pts == (0, 1, 2)
    assert not index_decoded([0, 2, 4]).is_from_packets


@given(st.integers(3, 300), st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)]))
def test_milliseconds_still_are_a_constant_rate(count: int, rate: Fraction) -> None:
    index = index_decoded([round(frame * 1000 / rate) for frame in range(count)])
    assert index.is_constant_rate()
    measured = index.average_rate(Fraction(1, 1000))
    assert measured is not None
    assert abs(measured / rate - 1) <= Fraction(2, index.pts[-1])


def test_a_variable_rate_is_seen() -> None:
    assert not index_decoded([0, 10, 20, 45, 50]).is_constant_rate()


def test_nominal_rates() -> None:
    assert nominal_rate(23.976) == Fraction(24000, 1001)
    assert nominal_rate(29.97) == Fraction(30000, 1001)
    assert nominal_rate(Fraction(19001, 317)) == Fraction(60000, 1001)
    assert nominal_rate(25.0) == 25
    assert nominal_rate(12.5) == Fraction(25, 2)
