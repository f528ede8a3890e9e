"""Invents what no frame shows, from the picture around: structures and texture go on, nothing is smeared.

At a coarse size few shifts are found that fill the hole with whole parts of the picture (shift_map.py). Coarse to fine,
where these parts meet each other and the hole's edge, patches that vote for the pixels they cover grow them together
(Wexler, Shechtman and Irani, "Space-Time Completion of Video", PAMI 2007). Last, the steps of brightness between them
are taken out (seamless.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from engine.plate.model import FloatImage, Mask
from engine.plate.synthesis.border_lines import crossing_lines
from engine.plate.synthesis.patch_match import (
    PATCH_PX,
    RADIUS_PX,
    MatchMap,
    Positions,
    better_matches,
    nearest_true,
    own_positions,
    touching,
    whole_patches,
)
from engine.plate.synthesis.seamless import without_steps
from engine.plate.synthesis.shift_map import shift_map

MOST_NODES = 6000
"""At the coarsest size the hole has at most so many pixels."""

TOO_MANY_NODES = 24_000
"""Beyond so many, with too little around the hole for a coarser size, the picture is mirrored into it instead."""

MIN_SOURCES = 200
ROUNDS = 2
SEARCH_PX = 16.0
SEAM_PX = 5
"""So far around the seams matches may change."""

DEEPEST_PX = 60.0
INWARD_FALLOFF = 1.3
"""A vote counts this many times less per pixel of depth: what is known is continued inwards."""

MIN_KNOWN = 20
"""So many known pixels next to where a shift is used say by how much it is to be corrected."""

MAX_ERROR = 0.1
BETTER = 0.98


@dataclass(frozen=True)
class _Level:
    """The picture, (H, W, 3), at one size; what of it is to be filled; centres of the patches that may be copied."""

    rgb: FloatImage
    unknown: Mask
    sources: Mask

    @property
    def targets(self) -> Mask:
        return touching(self.unknown)


def continue_texture(
    rgb: FloatImage, unknown: Mask, lends: Mask, still_wanted: Callable[[], None]
) -> FloatImage | None:
    """The (H, W, 3) image with `unknown` filled by patches that lie wholly in `lends` (H, W) and outside `unknown`.

    None where too little of the picture may lend. Repeats exactly. `still_wanted` is called now and then, and ends the
    work by raising.
    """
    # EXR may hold infinities and what is no number: neither is copied, nor continued.
    finite = np.isfinite(rgb).all(axis=2)
    levels = _pyramid(rgb, unknown | ~finite, lends & finite)
    if levels is None:
        return None
    lines = crossing_lines([(level.rgb, level.unknown) for level in levels[-2:]])
    coarser = levels.pop()
    still_wanted()
    if coarser.unknown.sum() <= TOO_MANY_NODES:
        at = shift_map(coarser.rgb, coarser.unknown, coarser.sources, lines, still_wanted)
    else:
        at = _mirrored(coarser)
    at = _grown_together(coarser, _for_targets(at, coarser), still_wanted)
    while levels:
        level = levels.pop()
        at = _grown_together(level, _doubled(at, level, coarser), still_wanted)
        coarser = level
    return np.where(unknown[..., None], _filled(coarser, at), rgb)


def _pyramid(rgb: FloatImage, unknown: Mask, lends: Mask) -> list[_Level] | None:
    """From fine to coarse; None where even the finest has too few sources."""
    levels: list[_Level] = []
    image, hole, lent = np.where(unknown[..., None], np.float32(0.0), rgb), unknown, lends & ~unknown
    while True:
        sources = whole_patches(lent)
        if sources.sum() < MIN_SOURCES:
            return levels or None
        levels.append(_Level(image, hole, sources))
        if hole.sum() <= MOST_NODES or min(hole.shape) < 4 * PATCH_PX:
            return levels
        size = (-(-hole.shape[1] // 2), -(-hole.shape[0] // 2))
        amount = cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(np.where(hole[..., None], np.float32(0.0), image), size, interpolation=cv2.INTER_AREA)
        image = np.asarray(total / np.maximum(amount, 1e-6)[..., None], np.float32)
        hole = amount < 0.5
        lent = cv2.resize(lent.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999


def _mirrored(level: _Level) -> MatchMap:
    """A match map that reflects the picture at the hole's edge."""
    nodes = np.argwhere(level.unknown)
    edge = nearest_true(level.sources, nodes)
    return _with(own_positions(level.unknown.shape), nodes, 2 * edge - nodes, level.sources)


def _for_targets(at: MatchMap, level: _Level) -> MatchMap:
    """The match map of the unknown, for all patches that touch it."""
    target = np.argwhere(level.targets)
    nearest = nearest_true(level.unknown, target)
    source = target + at[nearest[:, 0], nearest[:, 1]] - nearest
    return _with(at, target, source, level.sources)


def _with(at: MatchMap, target: Positions, source: Positions, sources: Mask) -> MatchMap:
    """The match map with other matches for the targets, each the nearest that may be copied."""
    at = at.copy()
    at[target[:, 0], target[:, 1]] = nearest_true(sources, source.clip(0, np.array(sources.shape) - 1))
    return at


def _doubled(coarse: MatchMap, level: _Level, coarser: _Level) -> MatchMap:
    """The match map at twice the size; each shift is taken to the pixel that fits the hole's edge best."""
    target = np.argwhere(level.targets)
    parent = np.minimum(target // 2, np.array(coarser.unknown.shape) - 1)
    parent = nearest_true(coarser.targets, parent)
    shift = 2 * (coarse[parent[:, 0], parent[:, 1]] - parent)
    shift = shift + _corrections(level, target, shift)
    return _with(own_positions(level.unknown.shape), target, target + shift, level.sources)


def _corrections(level: _Level, target: Positions, shift: Positions) -> Positions:
    """(n, 2) by how much, at most a pixel each way, every shift fits better what is known next to where it is used."""
    shifts, kind = np.unique(shift, axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    known = ~level.unknown[target[:, 0], target[:, 1]]
    at, kinds = target[known], kind[known]
    enough = np.bincount(kinds, minlength=len(shifts)) >= MIN_KNOWN
    best, lowest = np.zeros_like(shifts), np.full(len(shifts), np.inf)
    for by in sorted(itertools.product((-1, 0, 1), repeat=2), key=lambda d: abs(d[0]) + abs(d[1])):
        source = (at + shifts[kinds] + np.array(by)).clip(0, np.array(level.unknown.shape) - 1)
        error = np.square(level.rgb[source[:, 0], source[:, 1]] - level.rgb[at[:, 0], at[:, 1]]).sum(axis=1)
        error = np.where(level.unknown[source[:, 0], source[:, 1]], MAX_ERROR, np.minimum(error, MAX_ERROR))
        total = np.bincount(kinds, error, minlength=len(shifts))
        better = enough & (total < BETTER * lowest)
        best[better], lowest[better] = by, total[better]
    return best[kind]


def _grown_together(level: _Level, at: MatchMap, still_wanted: Callable[[], None]) -> MatchMap:
    """The match map with better matches around the seams."""
    targets = level.targets
    free = _seams(at) & targets
    # At first as it is copied: patches that disagree vote for a blur, and find blurs.
    picture = level.rgb[at[..., 0], at[..., 1]]
    for n in range(ROUNDS):
        still_wanted()
        at, distance = better_matches(picture, level.sources, at, targets, free, 2, n, SEARCH_PX)
        picture = _voted(level, at, distance, free)
    return at


def _seams(at: MatchMap) -> Mask:
    """What is near a change of the shift or the hole's edge."""
    shift = at - own_positions(at.shape)
    seam = np.zeros(at.shape[:2], bool)
    for axis in (0, 1):
        changes = np.diff(shift, axis=axis).any(axis=2)
        seam[tuple(slice(1, None) if a == axis else slice(None) for a in (0, 1))] |= changes
    kernel = np.ones((2 * SEAM_PX + 1, 2 * SEAM_PX + 1), np.uint8)
    return cv2.dilate(seam.view(np.uint8), kernel).astype(bool)


def _voted(level: _Level, at: MatchMap, distance: FloatImage, free: Mask) -> FloatImage:
    """The picture whose unknown pixels are what the patches over them say, good and outer ones first."""
    from engine.plate.synthesis.patch_loops import vote

    target = np.argwhere(level.targets)
    weight = _weights(level.unknown, distance, free)[target[:, 0], target[:, 1]]
    mean, amount = vote(level.rgb, target, at, weight, RADIUS_PX)
    return np.where((level.unknown & (amount > 0.0))[..., None], mean, level.rgb).astype(np.float32)


def _weights(unknown: Mask, distance: FloatImage, free: Mask) -> FloatImage:
    typical = max(float(np.percentile(distance[free], 60)) if free.any() else 0.0, 1e-8)
    depth = np.asarray(cv2.distanceTransform(unknown.view(np.uint8), cv2.DIST_L2, 5), np.float32)
    near = np.exp(-np.minimum(depth, DEEPEST_PX) * np.log(INWARD_FALLOFF))
    return np.asarray(np.exp(-np.minimum(distance / (2.0 * typical), 20.0)) * near, np.float32)


def _filled(level: _Level, at: MatchMap) -> FloatImage:
    """What is copied, without the steps between what comes from different places."""
    rgb, unknown = level.rgb, level.unknown
    at = np.where(unknown[..., None], at, own_positions(unknown.shape))
    picture = np.ascontiguousarray(rgb[at[..., 0], at[..., 1]])
    return without_steps(picture, unknown, (_copied_steps(rgb, unknown, at, axis) for axis in (0, 1)))


def _copied_steps(rgb: FloatImage, unknown: Mask, at: MatchMap, axis: int) -> FloatImage:
    """(H, W, 3) the differences to the next pixel, each the mean of what the places of the two show.

    Next to what is known that of the unknown one counts alone.
    """
    before, after = at.copy(), at.copy()
    before[..., axis] = np.maximum(at[..., axis] - 1, 0)
    after[..., axis] = np.minimum(at[..., axis] + 1, rgb.shape[axis] - 1)
    here = rgb[at[..., 0], at[..., 1]]
    onwards = rgb[after[..., 0], after[..., 1]] - here
    arriving = np.roll(here - rgb[before[..., 0], before[..., 1]], -1, axis=axis)
    first, second = (side[..., None].astype(np.float32) for side in (unknown, np.roll(unknown, -1, axis=axis)))
    return np.asarray((first * onwards + second * arriving) / np.maximum(first + second, 1.0), np.float32)
