"""Nearest neighbours of patches: PatchMatch (Barnes et al., SIGGRAPH 2009).

A match map, (H, W, 2), holds for the centre of every target patch the centre of the patch that it is copied from.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask

RADIUS_PX = 3
PATCH_PX = 2 * RADIUS_PX + 1
RANDOM_PLACES = 9973

Positions = NDArray[np.intp]
"""(n, 2) rows and columns."""

MatchMap = NDArray[np.intp]
"""(H, W, 2) rows and columns."""


def whole_patches(lent: Mask) -> Mask:
    """Centres of the patches that are lent as a whole, as far as they lie in the picture."""
    kernel = np.ones((PATCH_PX, PATCH_PX), np.uint8)
    return cv2.erode(lent.view(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1).astype(bool)


def touching(unknown: Mask) -> Mask:
    """Centres of the patches that touch the unknown."""
    return cv2.dilate(unknown.view(np.uint8), np.ones((PATCH_PX, PATCH_PX), np.uint8)).astype(bool)


def better_matches(
    picture: FloatImage,
    sources: Mask,
    at: MatchMap,
    covered: Mask,
    free: Mask,
    rounds: int,
    seed: int,
    reach_px: float,
    nearest_px: float = 0.0,
) -> tuple[MatchMap, FloatImage]:
    """The match map of the `covered` patches with better matches for the `free` ones, and the distances, (H, W).

    Only patches centred in `sources` are taken, and none nearer than `nearest_px` in both directions. Places up to
    `reach_px` around each match are tried.
    """
    from engine.plate.synthesis.patch_loops import measure, search

    at, distance = at.copy(), np.zeros(sources.shape, np.float32)
    measure(picture, np.argwhere(covered), at, distance, RADIUS_PX)
    random, target = np.random.default_rng(seed), np.argwhere(free)
    for n in range(rounds):
        places = random.uniform(-1.0, 1.0, (RANDOM_PLACES, 2)).astype(np.float32)
        search(picture, sources, covered, target, at, distance, places, RADIUS_PX, reach_px, nearest_px, n % 2 == 1)
    return at, distance


def own_positions(shape: tuple[int, ...]) -> MatchMap:
    """Every pixel's own."""
    return np.moveaxis(np.indices(shape[:2], np.intp), 0, 2).copy()


def nearest_true(mask: Mask, at: Positions) -> Positions:
    """(n, 2) the True pixel nearest to each position, which must lie inside the mask."""
    labels = cv2.distanceTransformWithLabels(
        (~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    where = np.zeros((int(labels.max()) + 1, 2), np.intp)
    where[labels[mask]] = np.argwhere(mask)
    return where[labels[at[:, 0], at[:, 1]]]
