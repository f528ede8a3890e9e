"""Nearest neighbours of patches: for every patch that touches a hole, the most alike patch of the known picture.

PatchMatch (Barnes et al., SIGGRAPH 2009) with all pixels in step: good matches spread to neighbours at falling
distances, and random trials around each match look for better ones. Patches are compared by their principal components
(as in He and Sun, CVPR 2012), a sixth of the work at nearly the same distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage, Mask

RADIUS_PX = 3
PATCH_PX = 2 * RADIUS_PX + 1
COMPONENTS = 24
TRAINING_PATCHES = 4000
EXACT_UP_TO = 12_000_000
"""So many pairs of patches, or fewer, are all compared."""

USE_PX = 9
FREE_USES = 1.5
OVERUSE = 0.5
"""Copies of one place, counted over this window, are free up to so many per pixel; each doubling then costs this share
of the median distance (a simple form of the occurrence term of Kaspar et al., Eurographics 2015)."""

JUMPS_PX = (8, 4, 2, 1)
Positions = NDArray[np.intp]
"""(n, 2) rows and columns."""


@dataclass(frozen=True)
class Matches:
    """For target patches, centred at `target`, the source patches, centred at `source`, and their squared distance."""

    target: Positions
    source: Positions
    distance: NDArray[np.float32]


class PatchSpace:
    """The patches of one picture, of which those centred in `sources` may be copied."""

    def __init__(self, rgb: FloatImage, sources: Mask) -> None:
        self.sources = sources
        self._centres = np.argwhere(sources)
        stride = max(len(self._centres) // TRAINING_PATCHES, 1)
        sample = patches_at(rgb, self._centres[::stride])
        self._mean = sample.mean(axis=0)
        centred = (sample - self._mean).astype(np.float64)
        vectors = np.linalg.eigh(centred.T @ centred).eigenvectors
        self._basis = vectors[:, : -COMPONENTS - 1 : -1].astype(np.float32)
        self._row_of = np.full(sources.shape, -1, np.intp)
        self._row_of[sources] = np.arange(len(self._centres))
        self._features = self.features(rgb, self._centres)
        self._price = np.zeros(len(self._centres), np.float32)

    def features(self, rgb: FloatImage, centres: Positions) -> FloatImage:
        """(n, COMPONENTS) of the patches at the centres, in slices: whole patches take six times the memory."""
        parts = [(patches_at(rgb, part) - self._mean) @ self._basis for part in _slices(centres, 20000)]
        return np.concatenate(parts) if parts else np.zeros((0, COMPONENTS), np.float32)

    def match(self, rgb: FloatImage, start: Matches, rounds: int, seed: int) -> Matches:
        """Better matches for the same targets, whose patches now look as in `rgb`."""
        wanted = self.features(rgb, start.target)
        self._price = self._overuse(start)
        if len(start.target) * len(self._centres) <= EXACT_UP_TO:
            return self._exact(wanted, start.target)
        search = _Search(self, wanted, start)
        random = np.random.default_rng(seed)
        for _ in range(rounds):
            search.propagate()
            search.try_around(random)
        return Matches(start.target, search.source, search.distance)

    def distance(self, wanted: FloatImage, source: Positions) -> NDArray[np.float32]:
        """(n,) squared distances of the patches at `source` to the wanted features; infinite where none may be copied.

        Positions may lie outside the picture.
        """
        height, width = self.sources.shape
        row, column = source[:, 0], source[:, 1]
        inside = (row >= 0) & (column >= 0) & (row < height) & (column < width)
        index = np.where(inside, self._row_of[row.clip(0, height - 1), column.clip(0, width - 1)], -1)
        result = np.full(len(source), np.inf, np.float32)
        allowed = np.flatnonzero(index >= 0)
        difference = self._features[index[allowed]] - wanted[allowed]
        result[allowed] = np.einsum("nc,nc->n", difference, difference) + self._price[index[allowed]]
        return result

    def _overuse(self, matches: Matches) -> NDArray[np.float32]:
        """What a source patch costs beyond its distance: what has been copied often already makes a pattern."""
        uses = np.zeros(self.sources.shape, np.float32)
        np.add.at(uses, (matches.source[:, 0], matches.source[:, 1]), 1.0)
        around = cv2.blur(uses, (USE_PX, USE_PX), borderType=cv2.BORDER_CONSTANT)[self.sources]
        typical = float(np.median(matches.distance[np.isfinite(matches.distance)]))
        return np.asarray(typical * OVERUSE * np.log2(np.maximum(around / FREE_USES, 1.0)), np.float32)

    def _exact(self, wanted: FloatImage, target: Positions) -> Matches:
        lengths = np.einsum("nc,nc->n", self._features, self._features) + self._price
        best = np.concatenate(
            [(lengths - 2.0 * part @ self._features.T).argmin(axis=1) for part in _slices(wanted, 512)]
        )
        source = self._centres[best]
        return Matches(target, source, self.distance(wanted, source))


class _Search:
    def __init__(self, space: PatchSpace, wanted: FloatImage, start: Matches) -> None:
        self._space, self._wanted, self._target = space, wanted, start.target
        self._index = np.full(space.sources.shape, -1, np.intp)
        self._index[start.target[:, 0], start.target[:, 1]] = np.arange(len(start.target))
        self.source = start.source.copy()
        self.distance = space.distance(wanted, self.source)

    def propagate(self) -> None:
        """Each target tries what its neighbours have found."""
        height, width = self._space.sources.shape
        for jump in JUMPS_PX:
            for step in ((0, jump), (0, -jump), (jump, 0), (-jump, 0)):
                there = self._target + np.array(step)
                row, column = there[:, 0].clip(0, height - 1), there[:, 1].clip(0, width - 1)
                neighbour = self._index[row, column]
                known = np.flatnonzero((neighbour >= 0) & (row == there[:, 0]) & (column == there[:, 1]))
                self._offer(known, self.source[neighbour[known]] - np.array(step))

    def try_around(self, random: np.random.Generator) -> None:
        """Each target tries random places around its match, in ever smaller areas."""
        everyone = np.arange(len(self._target))
        reach = float(max(self._index.shape))
        while reach >= 1.0:
            aside = np.rint(random.uniform(-reach, reach, self.source.shape)).astype(np.intp)
            self._offer(everyone, self.source + aside)
            reach /= 2.0

    def _offer(self, who: NDArray[np.intp], source: Positions) -> None:
        distance = self._space.distance(self._wanted[who], source)
        better = distance < self.distance[who]
        self.source[who[better]] = source[better]
        self.distance[who[better]] = distance[better]


def patches_at(rgb: FloatImage, centres: Positions) -> FloatImage:
    """(n, PATCH_PX * PATCH_PX * C) the patches around the centres; at the picture's edge it is mirrored."""
    padded = np.pad(rgb, ((RADIUS_PX, RADIUS_PX), (RADIUS_PX, RADIUS_PX), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (PATCH_PX, PATCH_PX), axis=(0, 1))
    return np.ascontiguousarray(windows[centres[:, 0], centres[:, 1]]).reshape(len(centres), -1)


def nearest_true(mask: Mask, at: Positions) -> Positions:
    """(n, 2) the True pixel nearest to each position, which must lie inside the mask."""
    labels = cv2.distanceTransformWithLabels(
        (~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    where = np.zeros((int(labels.max()) + 1, 2), np.intp)
    where[labels[mask]] = np.argwhere(mask)
    return where[labels[at[:, 0], at[:, 1]]]


def _slices(rows: NDArray, size: int) -> list[NDArray]:
    return [rows[n : n + size] for n in range(0, len(rows), size)]
