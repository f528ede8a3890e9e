"""A range of frames split at its cuts, for effects that see many frames at once."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from threading import Lock

from engine.ofx.effect import Clips
from engine.plate.clip_source import ClipSource
from engine.plate.footage import Footage
from engine.plate.model import PlateSettings

_MEDIA_REMEMBERED = 16
_verdicts: OrderedDict[Hashable, dict[int, bool]] = OrderedDict()
"""By media: whether there is a cut after a frame. A few bytes each; an inspector asks again with every change."""
_lock = Lock()


def find_cuts(
    clips: Clips, frames: range, progress: Callable[[float], None], limit_s: float = math.inf
) -> tuple[int, ...]:
    """The frames of ``frames`` with which another shot begins, rising: as clean-plate judges them.

    Reads every frame once; memory does not grow with their number. ``progress(share done)`` cancels by raising. After
    ``limit_s`` seconds the rest counts as free of cuts; of ``clips.media`` what was found is remembered, so that the
    next call gets further.
    """
    source, matte = clips.source.frames, clips.matte.known_frames
    available = range(max(source.start, matte.start), min(source.stop, matte.stop))
    footage = Footage(ClipSource(clips.source, clips.matte), available, PlateSettings())
    known = _remembered(clips.media)
    began = time.monotonic()
    cuts: list[int] = []
    for first, second in pairwise(frames):
        if first not in available or second not in available:
            continue
        if first not in known:
            if time.monotonic() - began > limit_s:
                break
            known[first] = footage.is_cut_after(first)
            footage.forget_before(second)
            progress((second + 1 - frames.start) / len(frames))
        if known[first]:
            cuts.append(second)
    return tuple(cuts)


def split(frames: range, cuts: Sequence[int]) -> list[range]:
    """``frames`` cut before each of the rising ``cuts`` that lie inside."""
    edges = [frames.start, *(cut for cut in cuts if frames.start < cut < frames.stop), frames.stop]
    return [range(start, end) for start, end in pairwise(edges)]


def _remembered(media: Hashable | None) -> dict[int, bool]:
    if media is None:
        return {}
    with _lock:
        verdicts = _verdicts.setdefault(media, {})
        _verdicts.move_to_end(media)
        while len(_verdicts) > _MEDIA_REMEMBERED:
            _verdicts.popitem(last=False)
        return verdicts
