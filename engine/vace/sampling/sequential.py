"""Window after window, each going on from what the one before it made: for shots of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.vace.latent_geometry import TEMPORAL_COMPRESSION, latent_count, padded_frame_count
from engine.vace.sampling.conditioning import ConditionedFrame
from engine.vace.sampling.context_windows import window_starts
from engine.vace.sampling.control import FrameSource

Generator = Callable[[FrameSource, range], Iterator[NDArray[np.float32]]]
"""``generate(source, window)``: the frames of a window of the clip; ``source`` counts from the window's start."""


def sequential_windows(frame_count: int, context_frames: int, overlap_frames: int) -> list[range]:
    """The fewest windows of ``context_frames`` (4n + 1) that share at least ``overlap_frames``, evenly spaced.

    They start at multiples of 4 and share 4m + 1 frames, so that what two windows share fills whole latents of both;
    windows are of 5 frames at least.
    """
    context_frames = max(context_frames, TEMPORAL_COMPRESSION + 1)
    total, length = latent_count(padded_frame_count(frame_count)), latent_count(context_frames)
    overlap = latent_count(padded_frame_count(max(overlap_frames, 1)))
    starts = window_starts("static_even", total, length, overlap)
    frames = [range(TEMPORAL_COMPRESSION * start, TEMPORAL_COMPRESSION * start + context_frames) for start in starts]
    return [range(window.start, min(window.stop, frame_count)) for window in frames]


def generate_sequentially(
    generate: Generator, source: FrameSource, windows: list[range]
) -> Iterator[NDArray[np.float32]]:
    """All frames of ``windows`` in order, each once. Pictures of one overlap are kept, however long the clip is.

    The frames that a window shares with the one before it are known to it: the finished picture, and nothing masked.
    """
    known: dict[int, ConditionedFrame] = {}
    for window, following in zip(windows, [*windows[1:], range(0)], strict=True):
        given = _Window(source, window, following, known)
        finished: dict[int, ConditionedFrame] = {}
        for frame, picture in zip(window, generate(given.frame, window), strict=True):
            if frame in given.shared:
                finished[frame] = _finished(given.shared[frame], picture)
            if frame not in known:
                yield picture
        known = finished


class _Window:
    """The frames of one window, those that it shares with the one before it as that one left them."""

    def __init__(
        self, source: FrameSource, window: range, following: range, known: dict[int, ConditionedFrame]
    ) -> None:
        self._source, self._window, self._following, self._known = source, window, following, known
        self.shared: dict[int, ConditionedFrame] = {}
        """What was given of the frames that the following window sees too."""

    def frame(self, index: int) -> ConditionedFrame:
        frame = self._window[index]
        given = self._known.get(frame) or self._source(frame)
        if frame in self._following:
            self.shared[frame] = given
        return given


def _finished(given: ConditionedFrame, generated: NDArray[np.float32]) -> ConditionedFrame:
    """The generated part in the known surroundings, all of it known now."""
    video = np.where(given.mask[..., np.newaxis], generated, given.video)
    return ConditionedFrame(video, np.zeros_like(given.mask))
