"""The frames of a movie in order of presentation, from its packets alone: exact at variable rates and with B-frames."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol


class PacketLike(Protocol):
    """What the index needs of PyAV's packets; times are in units of the stream's time base."""

    pts: int | None
    dts: int | None
    is_keyframe: bool
    is_discard: bool
    is_corrupt: bool
    size: int


@dataclass(frozen=True)
class FrameIndex:
    """Frame n is shown at ``pts[n]``. ``keyframes`` are where decoding can start, rising; frame 0 is always one.

    ``seek_times`` gives for each of them the time to ask the demuxer for. ``is_from_packets`` is False for containers
    without presentation times (AVI with B-frames): their index was counted by decoding, so decoding starts at 0.
    ``hidden_packets`` is how many packets an edit list hides.
    """

    pts: tuple[int, ...]
    keyframes: tuple[int, ...]
    seek_times: tuple[int, ...]
    is_from_packets: bool = True
    hidden_packets: int = 0

    @cached_property
    def frame_at_pts(self) -> dict[int, int]:
        """Frame numbers by presentation time."""
        return {pts: frame for frame, pts in enumerate(self.pts)}

    def keyframe_position(self, frame: int) -> int:
        """Position in ``keyframes`` of the last one at or before ``frame``."""
        return bisect_right(self.keyframes, frame) - 1

    def is_constant_rate(self) -> bool:
        """Whether all frames lie on an even grid, give or take the rounding of the time base."""
        if len(self.pts) < 3:
            return True
        first, count = self.pts[0], len(self.pts) - 1
        span = self.pts[-1] - first
        return all(abs((pts - first) * count - n * span) <= count for n, pts in enumerate(self.pts))

    def average_rate(self, time_base: Fraction) -> Fraction | None:
        """Frames per second from the first to the last presentation time; None for a single frame."""
        seconds = (self.pts[-1] - self.pts[0]) * time_base
        return Fraction(len(self.pts) - 1) / seconds if len(self.pts) > 1 and seconds > 0 else None


def index_packets(packets: Iterable[PacketLike]) -> FrameIndex | None:
    """The index of one video stream's packets; None when they carry no presentation times.

    Packets that an edit list hides (discard), that are cut short, or that are empty give no frame.
    """
    times: dict[int, tuple[bool, int]] = {}
    missing: list[PacketLike] = []
    is_intra_only, hidden = True, 0
    for packet in packets:
        if packet.size == 0:
            continue
        is_intra_only &= packet.is_keyframe
        hidden += packet.is_discard
        if packet.is_discard or packet.is_corrupt:
            continue
        if packet.pts is None:
            missing.append(packet)
        else:
            times[packet.pts] = packet.is_keyframe, packet.pts if packet.dts is None else packet.dts
    if missing and (not is_intra_only or any(packet.dts is None for packet in missing)):
        return None
    times |= {packet.dts: (True, packet.dts) for packet in missing if packet.dts is not None}
    ordered = sorted(times)
    keyframes = tuple(frame for frame, pts in enumerate(ordered) if times[pts][0] or frame == 0)
    seek_times = tuple(times[ordered[frame]][1] for frame in keyframes)
    return FrameIndex(tuple(ordered), keyframes, seek_times, hidden_packets=hidden)


def index_decoded(pts: Sequence[int | None]) -> FrameIndex:
    """The index of a stream whose frames were counted by decoding them; times are only numbers in order."""
    known = [time for time in pts if time is not None]
    is_usable = len(known) == len(pts) and sorted(set(known)) == known
    return FrameIndex(tuple(known) if is_usable else tuple(range(len(pts))), (0,), (0,), is_from_packets=False)
