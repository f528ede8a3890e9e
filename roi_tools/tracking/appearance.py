"""What an object looks like beside what surrounds it: colour histograms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from roi_tools.tracking.working import Image

Mask: TypeAlias = NDArray[np.float32]
"""(h, w): how surely a pixel belongs to the object, 0 to 1."""

Cells: TypeAlias = NDArray[np.int32]
"""(h, w): the cell of the histogram that a pixel's colour falls into."""

_BINS = 16
_RARE = 1e-5
"""Share of a colour that was never seen."""
_KEYFRAME_SHARE = 0.7
"""How much the keyframe's colours count beside the recent ones: what the artist marked is the reference."""
_ALIKE_RANGE, _LEAST_SURENESS = (0.6, 0.97), 0.05
"""Bhattacharyya coefficients between which colours tell; chosen on clips with known boxes and on composites of them."""
_OBJECT_RATE, _AROUND_RATE = 0.05, 0.15


@dataclass(frozen=True)
class Appearance:
    """Colours of the object and of its surroundings: histograms of 16 x 16 x 16 R'G'B' cells, each summing to 1."""

    key: NDArray[np.float32]
    recent: NDArray[np.float32]
    around: NDArray[np.float32]

    @classmethod
    def of(cls, cells: Cells, mask: Mask, around: Mask) -> Appearance:
        """The colours of a picture (h, w) under two masks."""
        inside = colour_shares(cells, mask)
        return cls(inside, inside, colour_shares(cells, around))

    def log_ratio(self, cells: Cells) -> NDArray[np.float32]:
        """log P(colour | object) - log P(colour | surroundings) per pixel, (h, w)."""
        inside = _KEYFRAME_SHARE * self.key + (1 - _KEYFRAME_SHARE) * self.recent
        table = np.log((inside + _RARE) / (self.around + _RARE)).astype(np.float32)
        return np.asarray(np.take(table, cells), np.float32)

    def sureness(self, cells: Cells, mask: Mask) -> float:
        """How surely what lies under ``mask`` is the object, above 0 to 1, by the keyframe's colours."""
        return sureness(self.key, colour_shares(cells, mask))

    def updated(self, cells: Cells, mask: Mask, around: Mask) -> Appearance:
        """Moved a little towards what a picture shows; the keyframe's colours stay."""
        return replace(
            self,
            recent=(1 - _OBJECT_RATE) * self.recent + _OBJECT_RATE * colour_shares(cells, mask),
            around=(1 - _AROUND_RATE) * self.around + _AROUND_RATE * colour_shares(cells, around),
        )


def sureness(key: NDArray[np.float32], shares: NDArray[np.float32]) -> float:
    """How surely two sets of colours are of one object, above 0 to 1: by their Bhattacharyya coefficient."""
    low, high = _ALIKE_RANGE
    return float(np.clip((np.sqrt(key * shares).sum() - low) / (high - low), _LEAST_SURENESS, 1))


def colour_shares(cells: Cells, weights: Mask) -> NDArray[np.float32]:
    """Share of each colour cell, a little blurred so that neighbouring shades count."""
    flat = np.asarray(np.bincount(cells.ravel(), weights.ravel(), _BINS**3), np.float64)
    counts: NDArray[np.float64] = flat.reshape(_BINS, _BINS, _BINS)
    for _ in range(3):
        # Each turn blurs along the first axis and makes the next one the first.
        blurred = 0.5 * counts
        blurred[1:] += 0.25 * counts[:-1]
        blurred[:-1] += 0.25 * counts[1:]
        blurred[[0, -1]] += 0.25 * counts[[0, -1]]
        counts = blurred.transpose(1, 2, 0)
    return (counts.ravel() / max(float(counts.sum()), 1e-6)).astype(np.float32)


def colour_cells(image: Image) -> Cells:
    """Which of the histogram's cells each pixel of ``image`` (h, w, 3) falls into."""
    quantised = (image >> 4).astype(np.int32)
    return np.asarray((quantised[..., 0] << 8) | (quantised[..., 1] << 4) | quantised[..., 2], np.int32)
