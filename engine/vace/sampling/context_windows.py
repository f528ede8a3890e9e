"""Which latents the model sees together, and how the predictions of overlapping windows are mixed.

All in latent frames. Per denoising step, each window is predicted on its own, the predictions are mixed by weights that
sum to 1 at every latent, and the solver takes one step on the whole latent. The ``uniform`` schedules move their
windows from step to step, as in AnimateDiff-Evolved and WanVideoWrapper, so that no border stays in one place.

A window is a start on a lattice of latents. Stride k adds lattices of every 2nd, 4th, ... latent (their phase moves
with the step), so that a strided window is in range and never holds a latent twice, whatever the length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Schedule: TypeAlias = Literal["static_even", "static_standard", "uniform_standard", "uniform_looped"]
Fuse: TypeAlias = Literal["linear", "pyramid"]
_Starts: TypeAlias = Callable[[int, int, int, int], list[int]]


@dataclass(frozen=True)
class ContextWindow:
    """Latents that are predicted together, and the share that each prediction has in the mix, float32 in (0, 1]."""

    latents: tuple[int, ...]
    shares: NDArray[np.float32]


@dataclass(frozen=True)
class ContextPlan:
    """How a shot is cut into windows. ``length`` and ``overlap`` are in latents; an overlap is at most length - 1."""

    schedule: Schedule = "static_even"
    length: int = 21
    overlap: int = 4
    stride: int = 1
    fuse: Fuse = "linear"

    def windows(self, latent_count: int, step: int = 0) -> list[ContextWindow]:
        """The windows of one denoising step: every latent lies in at least one, and its shares sum to 1."""
        found = [
            (latents, weights)
            for lattice in self._lattices(latent_count, step)
            for latents, weights in self._on_lattice(lattice, step)
        ]
        total = np.zeros(latent_count, np.float64)
        for latents, weights in found:
            total[list(latents)] += weights
        return [
            ContextWindow(latents, (weights / total[list(latents)]).astype(np.float32)) for latents, weights in found
        ]

    def _lattices(self, latent_count: int, step: int) -> Iterator[range]:
        """Every latent, then every 2nd, 4th, ... until one window holds a whole lattice."""
        for level in range(self.stride):
            spacing = 2**level
            if level and (self.length * spacing >= 2 * latent_count or spacing >= latent_count):
                return
            yield range(step % spacing, latent_count, spacing)

    def _on_lattice(self, lattice: range, step: int) -> Iterator[tuple[tuple[int, ...], NDArray[np.float64]]]:
        count, length = len(lattice), min(self.length, len(lattice))
        starts = window_starts(self.schedule, count, length, self.overlap, step)
        shared = _neighbour_overlaps(starts, length, count if self.schedule == "uniform_looped" else None)
        for start in starts:
            weights = _linear(length, *shared[start]) if self.fuse == "linear" else _pyramid(length)
            yield tuple(lattice[(start + offset) % count] for offset in range(length)), weights


def window_starts(schedule: Schedule, count: int, length: int, overlap: int, step: int = 0) -> list[int]:
    """First latents of the windows, in order, each once; a looped window that starts late goes on at latent 0."""
    if count <= length:
        return [0]
    return _SCHEDULES[schedule](count, length, length - min(overlap, length - 1), step)


def _static_even(count: int, length: int, advance: int, step: int) -> list[int]:
    """The fewest windows that overlap by at least the wanted amount, evenly spaced."""
    del step
    last = math.ceil((count - length) / advance)
    return [index * (count - length) // last for index in range(last + 1)]


def _static_standard(count: int, length: int, advance: int, step: int) -> list[int]:
    """Windows at a fixed advance, the last one pulled back to the end."""
    del step
    return [*range(0, count - length, advance), count - length]


def _uniform_looped(count: int, length: int, advance: int, step: int) -> list[int]:
    """Windows all around a shot whose end runs into its beginning, moved on at every step."""
    del length
    moved = round(count * halved(step))
    return list(dict.fromkeys(start % count for start in range(moved, count + moved, advance)))


def _uniform_standard(count: int, length: int, advance: int, step: int) -> list[int]:
    """The looped windows, but one that would run over the end is pulled back to it.

    What it no longer holds at the beginning is given a window of its own, unless the next one starts there.
    """
    moved = round(count * halved(step))
    looped = [start % count for start in range(moved, count + moved - (length - advance), advance)]
    starts: list[int] = []
    for start, following in zip(looped, [*looped[1:], looped[0]], strict=True):
        starts.append(min(start, count - length))
        if start + length > count and 0 < following <= count - length:
            starts.append(0)
    # Where two windows in a row run over the end, neither is followed by one that begins a shot.
    return list(dict.fromkeys(starts if 0 in starts else [*starts, 0]))


_SCHEDULES: Mapping[Schedule, _Starts] = {
    "static_even": _static_even,
    "static_standard": _static_standard,
    "uniform_standard": _uniform_standard,
    "uniform_looped": _uniform_looped,
}


def halved(step: int) -> float:
    """0, 1/2, 1/4, 3/4, 1/8, ...: the step's bits mirrored at the binary point (van der Corput), spread over [0, 1)."""
    return int(f"{step:064b}"[::-1], 2) / 2**64


def _neighbour_overlaps(starts: Sequence[int], length: int, period: int | None) -> dict[int, tuple[int, int]]:
    """By start, how many latents a window shares with the nearest one before it, and with the nearest one after it."""
    rising = sorted(starts)
    gaps = [after - before for before, after in pairwise(rising)]
    around = rising[0] + period - rising[-1] if period and len(rising) > 1 else length
    apart = [around, *gaps, around]
    return {
        start: (max(length - before, 0), max(length - after, 0))
        for start, (before, after) in zip(rising, pairwise(apart), strict=True)
    }


def _linear(length: int, before: int, after: int) -> NDArray[np.float64]:
    """1, with ramps over the overlaps that never reach 0: over n latents 1/(n+1), ..., n/(n+1), which sum to 1."""
    position = np.arange(length, dtype=np.float64)
    return np.minimum(1.0, np.minimum((position + 1) / (before + 1), (length - position) / (after + 1)))


def _pyramid(length: int) -> NDArray[np.float64]:
    """1, 2, 3, ..., 3, 2, 1: the middle of a window, which sees most, counts most."""
    position = np.arange(length, dtype=np.float64)
    return np.minimum(position + 1, length - position)
