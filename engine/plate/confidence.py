"""How far a recovered pixel can be trusted: by how much the frames agree on it, by how far the frame that lends it is
off around the hole, and by an audit of the guard band.

The band around a hole is recovered like the hole, but there the truth is known: its error says what to expect inside.
The points around it, which all lenders show, say how much worse a frame is that lends inside than those that lend to
the band, which are near in time. The error expected is the root of a sum of squares; its four weights were fitted to
absolute errors on the three clips with known background, the made shots and nine real clips with a sprite before them
(`bench/clean_plate_confidence.py`), each clip counting the same, and hold on other sprites, ways and seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.plate.analysis import mean_of
from engine.plate.fusion import Fused
from engine.plate.model import FloatImage, Mask
from engine.plate.photometric import pull_push

HALF_TRUST = 0.03
"""A pixel that is expected to be this far off, of the range, has a confidence of one half."""

SPREAD_WEIGHT = 0.1
BAND_WEIGHT = 0.03
LENDER_WEIGHT = 0.3
LONE_WEIGHT = 3.0
"""What the frames that lend a pixel are off themselves counts so much, over the square of their number: a few are
easily wrong all together."""

SMOOTH_PX = 1.5
EDGES_PX = 3.0
MOST_EDGES = 6.0
"""A pixel that is read in a wrong place is off by as much as its surroundings change: up to so many times the mean."""


@dataclass(frozen=True)
class Doubts:
    """What the frames say of each pixel, (h, w); see Fused."""

    spread: FloatImage
    lent: FloatImage
    supporters: FloatImage

    @classmethod
    def of(cls, fused: Fused, grid: Mask) -> Doubts:
        """Those of the pixels at which the (h, w) `grid` is True."""
        return cls(*(_placed(values, grid) for values in (fused.spread, fused.lent, fused.supporters)))


def confidence(plate: FloatImage, doubts: Doubts, error: FloatImage, band: Mask, found: Mask) -> FloatImage:
    """(h, w) confidence in [0, 1] of the recovered pixels of a (h, w, 3) `plate`; 0 where nothing was `found`.

    `error`: (h, w, 3) of the recovered pixels in the `band`, after their light is matched.
    """
    of_few = np.asarray(doubts.lent / np.square(np.maximum(doubts.supporters, 1.0)), np.float32)
    lone = _smoothed(of_few, found)
    square = SPREAD_WEIGHT * _smoothed(doubts.spread, found) + LONE_WEIGHT * lone * (1.0 + _edges(plate, band, found))
    worse = doubts.lent
    if band.any():
        square = square + BAND_WEIGHT * _carried(mean_of(np.square(error)), band)
        worse = np.maximum(worse - _carried(worse, band), np.float32(0.0))
    square = square + LENDER_WEIGHT * worse
    expected = np.sqrt(square)
    return np.where(found, HALF_TRUST / (HALF_TRUST + expected), np.float32(0.0)).astype(np.float32)


def _placed(values: FloatImage, grid: Mask) -> FloatImage:
    image = np.zeros(grid.shape, np.float32)
    image[grid] = values
    return image


def _smoothed(values: FloatImage, found: Mask) -> FloatImage:
    """(h, w) the values over the neighbourhood, as far as they were found."""
    inside = np.where(found, values, np.float32(0.0)).astype(np.float32)
    amount = np.maximum(cv2.GaussianBlur(found.astype(np.float32), (0, 0), SMOOTH_PX), 1e-6)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), SMOOTH_PX) / amount, np.float32)


def _edges(plate: FloatImage, band: Mask, found: Mask) -> FloatImage:
    """(h, w) by how much the plate changes from pixel to pixel, in mean square, in parts of what the band does."""
    gray = mean_of(plate)
    square = np.square(cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=1 / 8))
    square += np.square(cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=1 / 8))
    known = band if band.any() else found
    usual = max(float(square[known].mean()), 1e-5) if known.any() else 1.0
    return np.clip(cv2.GaussianBlur(square, (0, 0), EDGES_PX) / usual, 0.0, MOST_EDGES).astype(np.float32)


def _carried(values: FloatImage, band: Mask) -> FloatImage:
    """(h, w) what the band shows, carried inside."""
    shown = np.where(band, values, np.float32(0.0)).astype(np.float32)
    total, amount = (cv2.GaussianBlur(v, (0, 0), 2 * SMOOTH_PX) for v in (shown, band.astype(np.float32)))
    return pull_push(np.asarray(total, np.float32), np.asarray(amount, np.float32))
