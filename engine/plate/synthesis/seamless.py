"""Takes the steps of brightness out of a picture that is put together, in the domain of gradients.

The differences from pixel to pixel are given; the picture that has them, and the known pixels around, solves Poisson's
equation (Perez, Gangnet and Blake, "Poisson Image Editing", SIGGRAPH 2003).
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from engine.plate.analysis import largest
from engine.plate.model import FloatImage, Mask

MAX_STEP = 0.06
"""Steps, in [0, 1], beyond twice this are edges and texture that don't join, which no brightness mends."""

MAX_TINT = 0.02
"""The same for what differs from channel to channel: light changes less in colour than in brightness."""

LEAST_STEP = 1e-4
"""Below this it is rounding."""

ALONG_PX = 4.0
"""So far along a seam its steps are averaged: light changes slowly, texture doesn't."""

ROUNDS = 30
OVER = 1.7
"""Gauss-Seidel at each size, overrelaxed."""

SMALLEST_PX = 8


_FORMER, _LATTER, _ALL = slice(None, -1), slice(1, None), slice(None)
NEXT = (((_FORMER, _ALL), (_LATTER, _ALL)), ((_ALL, _FORMER), (_ALL, _LATTER)))
"""Of the pixels above and below, then left and right of each other: the first and the second."""


def without_steps(rgb: FloatImage, unknown: Mask, wanted: Iterable[FloatImage]) -> FloatImage:
    """The (H, W, 3) picture whose `unknown` part has the wanted differences from each pixel to the next.

    `wanted`: (H, W, 3) to the pixel below, then to the one on the right; the last of each don't count.
    """
    pull = np.zeros_like(rgb)
    for difference, (first, second) in zip(wanted, NEXT, strict=True):
        counts = unknown[first] | unknown[second]
        step = np.where(counts[..., None], difference[first] - (rgb[second] - rgb[first]), np.float32(0.0))
        step = _evened(np.asarray(step, np.float32))
        pull[second] += step
        pull[first] -= step
    return rgb + _solved(np.where(unknown[..., None], pull, np.float32(0.0)), unknown)


def _evened(step: FloatImage) -> FloatImage:
    """The steps, averaged along the seams, as far as the average is more than chance and not an edge."""
    seam = (largest(np.abs(step)) > LEAST_STEP).astype(np.float32)
    near = np.maximum(cv2.GaussianBlur(seam, (0, 0), ALONG_PX), 1e-6)[..., None]
    mean = cv2.GaussianBlur(step, (0, 0), ALONG_PX) / near
    square = np.square(mean)
    chance = np.maximum(cv2.GaussianBlur(np.square(step), (0, 0), ALONG_PX) / near - square, 0.0) / (3.5 * ALONG_PX)
    size = np.sqrt(square.sum(axis=2, keepdims=True) / 3.0)
    share = square.sum(axis=2, keepdims=True) / np.maximum((square + chance).sum(axis=2, keepdims=True), 1e-12)
    share *= np.clip(2.0 - size / np.float32(MAX_STEP), 0.0, 1.0)
    gray = mean.mean(axis=2, keepdims=True)
    tint = mean - gray
    tint *= np.clip(2.0 - np.abs(tint).max(axis=2, keepdims=True) / np.float32(MAX_TINT), 0.0, 1.0)
    return np.asarray((gray + tint) * share * seam[..., None], np.float32)


def _solved(pull: FloatImage, free: Mask) -> FloatImage:
    """(H, W, 3) what is 0 outside `free` and whose negative Laplacian there is `pull`; coarse to fine."""
    from engine.plate.synthesis.patch_loops import relax

    height, width = free.shape
    value = np.zeros_like(pull)
    if min(height, width) >= SMALLEST_PX:
        edge = ((0, height % 2), (0, width % 2))
        size = ((width + 1) // 2, (height + 1) // 2)
        # Of four pixels' pull the sum: over twice the distance the same differences.
        coarse = 4.0 * cv2.resize(np.pad(pull, (*edge, (0, 0))), size, interpolation=cv2.INTER_AREA)
        inside = cv2.resize(np.pad(free, edge).astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
        solved = cv2.resize(_solved(coarse, inside), (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR)
        value = np.where(free[..., None], solved[:height, :width], np.float32(0.0))
    relax(value, pull, np.argwhere(free), ROUNDS, OVER)
    return value
