"""One colour per hidden pixel from all that other frames show of it.

The best supported colour wins, not the mean or the median: frames that agree with each other and are near in time.
Colours near the winner are averaged, which lowers the grain without mixing in what passed through the background.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask

AGREEMENT = 0.03
"""Two colours agree when they differ by about this much of the range or less: grain, compression, slight misfit."""

STARTS = (0, 2, 4)
"""Slots of each direction whose colours are put to the vote."""

VOTE_MEMORY_STATIC_FRAMES = 60.0
VOTE_MEMORY_MOVING_FRAMES = 12.0
"""After so many frames a sighting's vote counts 1/e as much: chains drift, and things move."""

COLOUR_MEMORY_FRAMES = 4.0
"""The same for its part in the colour: light changes, and grain that is near in time is alike."""


@dataclass(frozen=True)
class Evidence:
    """What the frames show of N pixels, in S slots (the nearest of each direction first).

    `colour`: (S, N, 3), matched to the target's light; `vote`: (S, N) how much a slot counts in the choice, 0 where it is
    empty; `weight`: (S, N) how much in the colour; `frame`: (S, N). `starts`: the slots put to the vote.
    """

    colour: FloatImage
    vote: FloatImage
    weight: FloatImage
    frame: NDArray[np.int32]
    starts: tuple[int, ...]


@dataclass(frozen=True)
class Fused:
    """(N, 3) colours, (N,) the frame that counts most, (N,) whether there is any."""

    colour: FloatImage
    frame: NDArray[np.int32]
    found: Mask


def fuse(evidence: Evidence, grid: Mask, feather_px: float) -> Fused:
    """Chooses a start per pixel (nearest before, nearest after), by support, and averages what agrees with it.

    `grid` (h, w) is True at the N pixels, in row order: choices are feathered over it.
    """
    starts = [(evidence.colour[slot], evidence.vote[slot] > 0) for slot in evidence.starts]
    support = np.stack(
        [np.where(ok, _closeness(evidence, start, evidence.vote).sum(axis=0), 0.0) for start, ok in starts]
    )
    share = _feathered_choice(support, grid, feather_px)
    colour = np.zeros(evidence.colour.shape[1:], np.float32)
    total = np.zeros(evidence.weight.shape, np.float32)
    for (start, ok), part in zip(starts, share, strict=True):
        mean, weight = _agreeing_mean(evidence, start)
        part = np.where(ok, part, 0.0)
        colour += mean * part[:, None]
        total += weight * part
    found: Mask = np.any(evidence.vote > 0, axis=0)
    slot = total.argmax(axis=0)
    frame = np.take_along_axis(evidence.frame, slot[None], axis=0)[0]
    return Fused(colour, frame, found)


def _closeness(evidence: Evidence, start: FloatImage, weight: FloatImage) -> FloatImage:
    difference = evidence.colour - start
    square = np.einsum("snc,snc->sn", difference, difference) / 3.0
    return weight * np.exp(square * (-0.5 / AGREEMENT**2))


def _agreeing_mean(evidence: Evidence, start: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Mean of the colours that agree with the start, and the weights of that mean."""
    mean = start
    for _ in range(2):
        weight = _closeness(evidence, mean, evidence.weight)
        norm = np.maximum(weight.sum(axis=0), 1e-12)
        # Relative to the start, so that equal samples give exactly their value back.
        shift = np.einsum("sn,snc->nc", weight, evidence.colour - start) / norm[:, None]
        mean = start + shift
    return mean, weight / norm


def _feathered_choice(support: FloatImage, grid: Mask, feather_px: float) -> FloatImage:
    """(starts, N) shares that add up to 1: the better supported start, decided and blended over a neighbourhood."""
    smooth = np.stack([_blur(values, grid, max(feather_px, 0.5)) for values in support])
    smooth = np.where(support > 0, smooth, 0.0)
    best = smooth.argmax(axis=0)
    chosen = np.stack([(best == n).astype(np.float32) for n in range(len(support))])
    if feather_px > 0:
        chosen = np.stack([_blur(values, grid, feather_px) for values in chosen])
    share = np.where(support > 0, chosen, 0.0)
    total = share.sum(axis=0)
    # Where only a start that nobody near chose exists, it takes all.
    share = np.where(total > 1e-6, share, (support > 0).astype(np.float32))
    return np.asarray(share / np.maximum(share.sum(axis=0), 1e-6), np.float32)


def _blur(values: FloatImage, grid: Mask, sigma_px: float) -> FloatImage:
    image = np.zeros(grid.shape, np.float32)
    image[grid] = values
    blurred = cv2.GaussianBlur(image, (0, 0), sigma_px)
    amount = cv2.GaussianBlur(grid.astype(np.float32), (0, 0), sigma_px)
    return np.asarray(blurred[grid] / np.maximum(amount[grid], 1e-6), np.float32)
