"""Which frames of a shot are sampled as one clip."""

from __future__ import annotations

from collections.abc import Iterable

BRIDGED_GAP_FRAMES = 16
"""An unmarked stretch up to this long stays inside its clip: it shows the model what the object hides."""


def marked_stretches(marked_frames: Iterable[int], known_frames: int, available: range) -> list[range]:
    """``marked_frames`` (rising) as ranges, cut wherever more than the bridged gap lies between two of them.

    Each range reaches ``known_frames`` unmarked frames further on both sides, as far as frames are ``available`` and
    without reaching into what the next one marks.
    """
    cores: list[range] = []
    for frame in marked_frames:
        if cores and frame - cores[-1].stop <= BRIDGED_GAP_FRAMES:
            cores[-1] = range(cores[-1].start, frame + 1)
        else:
            cores.append(range(frame, frame + 1))
    limits = [available.start, *(core.stop for core in cores)], [*(core.start for core in cores), available.stop]
    return [
        range(max(core.start - known_frames, before), min(core.stop + known_frames, after))
        for core, before, after in zip(cores, limits[0], limits[1][1:], strict=False)
    ]
