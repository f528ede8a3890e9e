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
from engine.plate.votes import LIKELY

VOTE_SIGMA_PX = 1.5
"""Neighbours have a say in what a pixel shows, so far around."""

STARTS = (0, 3)
"""Slots of each direction whose colours are put to the vote."""

VOTE_MEMORY_STATIC_FRAMES = 60.0
VOTE_MEMORY_MOVING_FRAMES = 12.0
"""After so many frames a sighting's vote counts 1/e as much: chains drift, and things move."""


@dataclass(frozen=True)
class Evidence:
    """What the frames show of N pixels, in S slots.

    `colour`: (3, S, N), matched to the target's light; `vote`: (S, N) how much a slot counts in the choice, 0 where
    it is empty; `phase`: (2, S, N) how far from the nearest pixel's centre, x and y, it was read; `frame`: (S, N).
    `starts`: the slots put to the vote. `loss`: what reading between pixels costs, see Surround.interpolation_loss.
    """

    colour: FloatImage
    vote: FloatImage
    phase: FloatImage
    frame: NDArray[np.int32]
    starts: tuple[int, ...]
    loss: float = 0.0


@dataclass(frozen=True)
class Fused:
    """(N, 3) colours, (N,) the frame that counts most, (N,) whether there is any.

    `spread`: (N,) how far the evidence lies from the colour, in mean square; what few frames show counts as unsure.
    `lent`: (N,) the mean square error of that frame around the hole; `supporters`: (N,) how many show the colour.
    """

    colour: FloatImage
    frame: NDArray[np.int32]
    found: Mask
    spread: NDArray[np.float32]
    lent: NDArray[np.float32]
    supporters: NDArray[np.float32]


PerFrame = Callable[[NDArray[np.int32]], FloatImage]


def fuse(evidence: Evidence, grid: Mask, blend_px: float, weigh: PerFrame, errors: PerFrame) -> Fused:
    """Elects a colour per pixel and averages what agrees with it, feathered over the `grid`.

    `grid` (h, w) is True at the N pixels, in row order. `weigh` says what each of a pixel's lenders, (S, N) frames or
    SYNTHESISED for none, counts in the mean; `errors` how far, in mean square, the frames, (N,), are off around the
    hole. Equal colours give exactly that colour back.
    """
    from engine.plate import fusion_loops as loops
    from engine.plate.phases import balanced

    colour, vote, at = evidence.colour, evidence.vote, np.flatnonzero(grid)
    base = _elected(evidence, grid, at)
    agrees = loops.agreement(colour, vote, base)
    share = weigh(np.where(agrees > LIKELY, evidence.frame, SYNTHESISED))
    mean = loops.mean(colour, base, share * agrees)
    agrees = loops.agreement(colour, vote, mean)
    weight = share * agrees
    if blend_px > 0:
        images = _images(len(vote), grid)
        loops.shares(weight, at, images)
        weight = loops.feathered(_blurred(images, grid, blend_px), at, agrees)
    weight = balanced(weight, evidence.phase, evidence.loss)
    result = loops.mean(colour, base, weight)
    found = np.asarray((vote > 0).any(axis=0))
    frame, (spread, supporters) = loops.strongest(weight, evidence.frame), loops.spread(colour, vote, result)
    return Fused(np.ascontiguousarray(result.T), frame, found, spread, errors(frame), supporters)


def _elected(evidence: Evidence, grid: Mask, at: NDArray[np.intp]) -> FloatImage:
    """(3, N) the start with the most votes in the neighbourhood; `at`: (N,) where the grid is True."""
    from engine.plate import fusion_loops as loops

    colour, vote, starts = evidence.colour, evidence.vote, np.array(evidence.starts, np.intp)
    images = _images(len(starts), grid)
    loops.support(colour, vote, starts, at, images)
    return loops.elect(colour, vote, starts, at, _blurred(images, grid, VOTE_SIGMA_PX))


def _images(count: int, grid: Mask) -> FloatImage:
    """(count, H * W) images of the grid, black."""
    return np.zeros((count, grid.size), np.float32)


def _blurred(images: FloatImage, grid: Mask, sigma_px: float) -> FloatImage:
    """The (n, H * W) images of the grid, blurred in place; what is black all over stays."""
    for image in images:
        if image.any():
            cv2.GaussianBlur(image.reshape(grid.shape), (0, 0), sigma_px, dst=image.reshape(grid.shape))
    return images
