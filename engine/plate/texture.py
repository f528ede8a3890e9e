"""Invents what no frame shows, from patches of the picture around: texture and edges go on, nothing is smeared.

Coarse to fine, with patches that vote for the pixels they cover (Wexler, Shechtman and Irani, "Space-Time Completion of
Video", PAMI 2007).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask
from engine.plate.patch_match import PATCH_PX, RADIUS_PX, Matches, PatchSpace, Positions, nearest_true, patches_at
from engine.plate.photometric import membrane, pull_push

COARSEST_DEPTH_PX = 4.0
"""At the coarsest size no unknown pixel lies deeper than about this: every patch sees something known."""

MIN_SOURCES = 200
MAX_PIXELS = 700_000
"""Patches are matched up to this picture size; beyond, the matches are only scaled up and vote once."""

COARSE_ROUNDS = 8
FINE_ROUNDS = 3
INWARD_FALLOFF = 1.3
"""A vote counts this many times less per pixel of depth: what is known is continued inwards."""


def continue_texture(
    rgb: FloatImage, unknown: Mask, lends: Mask, still_wanted: Callable[[], None]
) -> FloatImage | None:
    """The (H, W, 3) image with `unknown` filled by patches that lie wholly in `lends` (H, W) and outside `unknown`.

    None where too little of the picture may lend. Repeats exactly. `still_wanted` is called now and then, and ends the
    work by raising.
    """
    levels = _pyramid(rgb, unknown, lends)
    if levels is None:
        return None
    picture, matches = _coarsest(*levels[-1])
    for (_, coarse_unknown, _), (known, hole, lent) in itertools.pairwise(reversed(levels)):
        matches = _refined(matches, hole, lent, coarse_unknown.shape)
        picture = _vote(known, hole, matches)
        if known.shape[0] * known.shape[1] > MAX_PIXELS:
            continue
        space = PatchSpace(known, lent)
        for n in range(FINE_ROUNDS):
            still_wanted()
            matches = space.match(picture, matches, 1, n)
            picture = _vote(known, hole, matches)
    return picture + _shading(levels[0], matches)


def _pyramid(rgb: FloatImage, unknown: Mask, lends: Mask) -> list[tuple[FloatImage, Mask, Mask]] | None:
    """(picture, unknown, source patch centres) from fine to coarse; None where even the finest has too few sources."""
    levels: list[tuple[FloatImage, Mask, Mask]] = []
    image, hole, lent = np.where(unknown[..., None], np.float32(0.0), rgb), unknown, lends & ~unknown
    while True:
        sources = _whole_patches(lent)
        if sources.sum() < MIN_SOURCES:
            return levels or None
        levels.append((image, hole, sources))
        if _depth_px(hole).max() <= COARSEST_DEPTH_PX or min(hole.shape) < 4 * PATCH_PX:
            return levels
        size = (-(-hole.shape[1] // 2), -(-hole.shape[0] // 2))
        amount = cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(np.where(hole[..., None], np.float32(0.0), image), size, interpolation=cv2.INTER_AREA)
        image = np.asarray(total / np.maximum(amount, 1e-6)[..., None], np.float32)
        hole = amount < 0.5
        lent = cv2.resize(lent.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999


def _whole_patches(lent: Mask) -> Mask:
    """Centres of the patches that are lent as a whole."""
    kernel = np.ones((PATCH_PX, PATCH_PX), np.uint8)
    return cv2.erode(lent.view(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(bool)


def _depth_px(mask: Mask) -> FloatImage:
    return np.asarray(cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 5), np.float32)


def _targets(unknown: Mask) -> Positions:
    """Centres of the patches that touch the unknown."""
    return np.argwhere(cv2.dilate(unknown.view(np.uint8), np.ones((PATCH_PX, PATCH_PX), np.uint8)))


def _coarsest(rgb: FloatImage, unknown: Mask, sources: Mask) -> tuple[FloatImage, Matches]:
    """Starts from the known pixels alone, then lets the patches agree."""
    known = ~unknown
    picture = np.where(unknown[..., None], pull_push(rgb * known[..., None], known.astype(np.float32)), rgb)
    target = _targets(unknown)
    matches = _match_known(rgb, known, target, np.argwhere(sources))
    space = PatchSpace(rgb, sources)
    for n in range(COARSE_ROUNDS):
        picture = _vote(rgb, unknown, matches)
        matches = space.match(picture, matches, 2, n)
    return picture, matches


def _match_known(rgb: FloatImage, known: Mask, target: Positions, sources: Positions) -> Matches:
    """Compares what is known of each target patch, with every source."""
    stride = max(len(sources) // 6000, 1)
    sources = sources[::stride]
    lent = patches_at(rgb, sources)
    squares = np.square(lent)
    mask = np.repeat(known.astype(np.float32)[..., None], 3, axis=2)
    best, distance = [], []
    for part in np.array_split(target, max(len(target) // 256, 1)):
        weight, wanted = patches_at(mask, part), patches_at(rgb, part)
        cost = weight @ squares.T - 2.0 * (weight * wanted) @ lent.T
        cost += (weight * np.square(wanted)).sum(axis=1, keepdims=True)
        cost /= np.maximum(weight.mean(axis=1, keepdims=True), 0.02)
        best.append(cost.argmin(axis=1))
        distance.append(cost.min(axis=1))
    return Matches(target, sources[np.concatenate(best)], np.maximum(np.concatenate(distance), 0).astype(np.float32))


def _refined(coarse: Matches, unknown: Mask, sources: Mask, coarse_shape: tuple[int, ...]) -> Matches:
    """The matches at twice the size."""
    index = np.full(coarse_shape, -1, np.intp)
    index[coarse.target[:, 0], coarse.target[:, 1]] = np.arange(len(coarse.target))
    target = _targets(unknown)
    parent = np.minimum(target // 2, np.array(coarse_shape) - 1)
    parent = nearest_true(index >= 0, parent)
    match = index[parent[:, 0], parent[:, 1]]
    source = 2 * coarse.source[match] + (target - 2 * parent)
    source = nearest_true(sources, source.clip(0, np.array(sources.shape) - 1))
    return Matches(target, source, coarse.distance[match])


def _vote(rgb: FloatImage, unknown: Mask, matches: Matches) -> FloatImage:
    """The picture whose unknown pixels are what the patches over them say, good and outer ones first."""
    mean, covered = _mean(rgb, unknown, matches)
    return np.where((unknown & covered)[..., None], mean, rgb).astype(np.float32)


def _shading(level: tuple[FloatImage, Mask, Mask], matches: Matches) -> FloatImage:
    """What smoothly brings the patches to the light of the pixels around the hole; 0 outside it."""
    rgb, unknown, _ = level
    mean, covered = _mean(rgb, unknown, matches)
    band = covered & ~unknown
    error = np.where(band[..., None], rgb - mean, np.float32(0.0))
    return np.where(unknown[..., None], membrane(error, band), np.float32(0.0))


def _mean(rgb: FloatImage, unknown: Mask, matches: Matches) -> tuple[FloatImage, Mask]:
    """(H, W, 3) what the patches say, and where they say anything."""
    height, width = unknown.shape
    edge = RADIUS_PX
    total = np.zeros((height + 2 * edge, width + 2 * edge, 3), np.float32)
    amount = np.zeros(total.shape[:2], np.float32)
    weight = _weights(unknown, matches)
    for dy, dx in itertools.product(range(-RADIUS_PX, RADIUS_PX + 1), repeat=2):
        row, column = matches.target[:, 0] + dy + edge, matches.target[:, 1] + dx + edge
        # A patch covers each pixel once, so no index repeats within one offset.
        total[row, column] += weight[:, None] * rgb[matches.source[:, 0] + dy, matches.source[:, 1] + dx]
        amount[row, column] += weight
    inside = (slice(edge, -edge), slice(edge, -edge))
    covered = amount[inside] > 0.0
    return np.asarray(total[inside] / np.maximum(amount[inside], 1e-30)[..., None], np.float32), covered


def _weights(unknown: Mask, matches: Matches) -> NDArray[np.float32]:
    typical = max(float(np.percentile(matches.distance, 60)), 1e-8)
    depth = _depth_px(unknown)[matches.target[:, 0], matches.target[:, 1]]
    near = np.exp(-np.minimum(depth, 60.0) * np.log(INWARD_FALLOFF))
    return np.asarray(np.exp(-np.minimum(matches.distance / (2.0 * typical), 20.0)) * near, np.float32)
