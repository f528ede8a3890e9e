"""One colour per hidden pixel from all that other frames show of it.

The best supported colour wins, not the mean or the median: frames that agree with each other and are near in time.
Colours near the winner are averaged, which lowers the grain without mixing in what passed through the background.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import SYNTHESISED, FloatImage, Mask

AGREEMENT = 0.04
"""Two colours agree when they differ by about this much of the range or less: grain, compression, slight misfit."""

LIKELY = 0.3
"""Agreement with the elected colour from which on a lender shows the same thing."""

OUTVOTED_SPREAD = 0.05**2
"""A frame that is outvoted counts as if it were this far off: it makes the vote less sure, however wrong it is."""

PRIOR_VOTE = 0.001
PRIOR_SPREAD = 0.15**2
"""Without evidence a colour may be this far off, in mean square; so much of a vote says so beside the frames."""

STARTS = (0, 3)
"""Slots of each direction whose colours are put to the vote."""

VOTE_MEMORY_STATIC_FRAMES = 60.0
VOTE_MEMORY_MOVING_FRAMES = 12.0
"""After so many frames a sighting's vote counts 1/e as much: chains drift, and things move."""


@dataclass(frozen=True)
class Evidence:
    """What the frames show of N pixels, in S slots.

    `colour`: (3, S, N), matched to the target's light; `vote`: (S, N) how much a slot counts in the choice, 0 where
    it is empty; `weight`: (S, N) how much in the colour, less where much was interpolated; `frame`: (S, N).
    `starts`: the slots put to the vote.
    """

    colour: FloatImage
    vote: FloatImage
    weight: FloatImage
    frame: NDArray[np.int32]
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Fused:
    """(N, 3) colours, (N,) the frame that counts most, (N,) whether there is any.

    `spread`: (N,) how far the evidence lies from the colour, in mean square; what few frames show counts as unsure.
    """

    colour: FloatImage
    frame: NDArray[np.int32]
    found: Mask
    spread: NDArray[np.float32]


def fuse(evidence: Evidence, grid: Mask, blend_px: float, weigh: Callable[[NDArray[np.int32]], FloatImage]) -> Fused:
    """Elects a colour per pixel and averages what agrees with it, feathered over the `grid`.

    `grid` (h, w) is True at the N pixels, in row order. `weigh` says what each of a pixel's lenders, (S, N) frames or
    SYNTHESISED for none, counts in the mean. Equal colours give exactly that colour back.
    """
    base = _elected(evidence, grid)
    there = (evidence.vote > 0).astype(np.float32)
    agrees = _agreement(evidence, base, there)
    share = evidence.weight * weigh(np.where(agrees > LIKELY, evidence.frame, SYNTHESISED))
    mean = _mean(evidence, base, share * agrees)
    if blend_px > 0:
        agrees = _agreement(evidence, mean, there)
        weight = _feathered(share * agrees, grid, blend_px) * agrees
    else:
        weight = _agreement(evidence, mean, share)
    slot = weight.argmax(axis=0)
    frame = np.take_along_axis(evidence.frame, slot[None], axis=0)[0]
    colour = _mean(evidence, base, weight)
    spread = _spread(evidence, colour)
    return Fused(np.ascontiguousarray(colour.T), frame, np.asarray(there.any(axis=0)), spread)


def _elected(evidence: Evidence, grid: Mask) -> FloatImage:
    """(3, N) the start with the most votes in the neighbourhood."""
    winner = np.zeros_like(evidence.colour[:, 0])
    most = np.zeros_like(evidence.vote[0])
    for slot in evidence.starts:
        support = _agreement(evidence, evidence.colour[:, slot], evidence.vote).sum(axis=0)
        there = evidence.vote[slot] > 0
        votes = np.where(there, _blur(np.where(there, support, np.float32(0.0)), grid, 1.5) + np.float32(1e-6), 0.0)
        better = votes > most
        np.copyto(winner, evidence.colour[:, slot], where=better)
        np.copyto(most, votes, where=better)
    return winner


def _agreement(evidence: Evidence, colour: FloatImage, weight: FloatImage) -> FloatImage:
    """(S, N) the weights of the slots, less the further they are from the (3, N) colour."""
    out = np.zeros_like(weight)
    for slot, row in enumerate(out):
        if weight[slot].any():
            np.exp(_square(evidence, slot, colour) * np.float32(-0.5 / (3.0 * AGREEMENT**2)), out=row)
            row *= weight[slot]
    return out


def _square(evidence: Evidence, slot: int, colour: FloatImage) -> FloatImage:
    """(N,) square distance of a slot from the (3, N) colour. Slot by slot, all of it stays in the processor's cache."""
    difference = evidence.colour[:, slot] - colour
    np.square(difference, out=difference)
    total = difference[0]
    total += difference[1]
    total += difference[2]
    return total


def _spread(evidence: Evidence, colour: FloatImage) -> NDArray[np.float32]:
    """(N,) mean square distance of the votes from the colour, capped, with a prior for what nobody says."""
    total = np.full_like(colour[0], PRIOR_VOTE * PRIOR_SPREAD)
    for slot, vote in enumerate(evidence.vote):
        if vote.any():
            total += vote * np.minimum(_square(evidence, slot, colour) / np.float32(3.0), np.float32(OUTVOTED_SPREAD))
    return np.asarray(total / (evidence.vote.sum(axis=0) + np.float32(PRIOR_VOTE)), np.float32)


def _feathered(weight: FloatImage, grid: Mask, blend_px: float) -> FloatImage:
    """(S, N) shares of the slots, blended with those of the pixels around: no seam where the nearest frame changes."""
    share = weight / np.maximum(weight.sum(axis=0), 1e-12)
    return np.stack([_blur(part, grid, blend_px) if part.any() else part for part in share])


def _mean(evidence: Evidence, base: FloatImage, weight: FloatImage) -> FloatImage:
    """(3, N) weighted mean, taken relative to a base so that equal colours come back unrounded."""
    shift = np.zeros_like(base)
    for slot, row in enumerate(weight):
        if row.any():
            shift += row * (evidence.colour[:, slot] - base)
    return base + shift / np.maximum(weight.sum(axis=0), np.float32(1e-12))


def _blur(values: FloatImage, grid: Mask, sigma_px: float) -> FloatImage:
    image = np.zeros(grid.shape, np.float32)
    image[grid] = values
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px)[grid], np.float32)
