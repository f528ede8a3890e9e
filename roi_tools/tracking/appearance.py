"""What an object looks like beside what surrounds it: colour histograms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from roi_tools.tracking.working import Image

Mask: TypeAlias = NDArray[np.float32]
"""(h, w): how surely a pixel belongs to the object, 0 to 1."""

_BINS = 16
_RARE = 1e-5
"""Share of a colour that was never seen."""
_KEYFRAME_SHARE = 0.7
"""How much the keyframe's colours count beside the recent ones: what the artist marked is the reference."""
_OBJECT_RATE, _AROUND_RATE = 0.05, 0.15


@dataclass(frozen=True)
class Appearance:
    """Colours of the object and of its surroundings: histograms of 16 x 16 x 16 R'G'B' cells, each summing to 1."""

    key: NDArray[np.float32]
    recent: NDArray[np.float32]
    around: NDArray[np.float32]

    @classmethod
    def of(cls, image: Image, mask: Mask, around: Mask) -> Appearance:
        """The colours of ``image`` (h, w, 3) under two masks."""
        inside = _histogram(image, mask)
        return cls(inside, inside, _histogram(image, around))

    def log_ratio(self, image: Image) -> NDArray[np.float32]:
        """log P(colour | object) - log P(colour | surroundings) per pixel, (h, w)."""
        inside = _KEYFRAME_SHARE * self.key + (1 - _KEYFRAME_SHARE) * self.recent
        table = np.log((inside + _RARE) / (self.around + _RARE)).astype(np.float32)
        return table[_cells(image)]

    def updated(self, image: Image, mask: Mask, around: Mask) -> Appearance:
        """Moved a little towards what ``image`` shows; the keyframe's colours stay."""
        return replace(
            self,
            recent=(1 - _OBJECT_RATE) * self.recent + _OBJECT_RATE * _histogram(image, mask),
            around=(1 - _AROUND_RATE) * self.around + _AROUND_RATE * _histogram(image, around),
        )


def _histogram(image: Image, weights: Mask) -> NDArray[np.float32]:
    """Share of each colour cell, a little blurred so that neighbouring shades count."""
    counts = np.bincount(_cells(image).ravel(), weights.ravel(), _BINS**3).reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if other == axis else (0, 0) for other in range(3)], mode="edge")
        low, middle, high = (np.take(padded, np.arange(_BINS) + shift, axis=axis) for shift in range(3))
        counts = 0.25 * low + 0.5 * middle + 0.25 * high
    return (counts.ravel() / max(float(counts.sum()), 1e-6)).astype(np.float32)


def _cells(image: Image) -> NDArray[np.int32]:
    quantised = (image >> 4).astype(np.int32)
    cells = (quantised[..., 0] << 8) | (quantised[..., 1] << 4) | quantised[..., 2]
    return np.asarray(cells, np.int32)
