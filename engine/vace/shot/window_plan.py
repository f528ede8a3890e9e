"""The context windows of a stretch as source frames: for a person to see where they meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from engine.ofx.parameters import ParameterSet
from engine.vace.context_parameters import context_frames
from engine.vace.latent_geometry import TEMPORAL_COMPRESSION, latent_count, padded_frame_count
from engine.vace.parameters import sampler_settings
from engine.vace.sampling.sequential import sequential_windows


def planned_windows(stretch: range, values: ParameterSet) -> list[range]:
    """The windows of the first step, in order and each once; schedules that move shift them with every step."""
    if values.text("context_mode") == "sequential":
        windows = sequential_windows(len(stretch), context_frames(values), values.integer("context_overlap"))
        return [
            range(stretch.start + window.start, min(stretch.start + window.stop, stretch.stop)) for window in windows
        ]
    latents = latent_count(padded_frame_count(len(stretch)))
    found = [
        window_frames(stretch, run)
        for window in sampler_settings(values).context.windows(latents, 0)
        for run in _runs(window.latents)
    ]
    return sorted(dict.fromkeys(found), key=lambda window: (window.start, window.stop))


def window_frames(stretch: range, latents: Sequence[int]) -> range:
    """The source frames that rising latents stand for; ``stretch`` is the clip that they lie in."""
    first = TEMPORAL_COMPRESSION * (latents[0] - 1) + 1 if latents[0] else 0
    last = TEMPORAL_COMPRESSION * latents[-1]
    return range(stretch.start + first, min(stretch.start + last + 1, stretch.stop))


def _runs(latents: Sequence[int]) -> Iterator[Sequence[int]]:
    """A looped window goes on at the clip's beginning: it is cut there."""
    start = 0
    for index, (before, after) in enumerate(pairwise(latents), start=1):
        if after < before:
            yield latents[start:index]
            start = index
    yield latents[start:]
