"""How the light differs between two frames: a gain and an offset per channel, measured robustly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage

ROUNDS = 3
CUTOFF = 4.685
"""Tukey's biweight gives no weight beyond so many standard deviations."""

SIGNIFICANT = 4.0
"""A change of light is matched from so many standard errors on; below, it is grain."""

GAIN_PRIOR = 0.05
"""Gains seldom differ from 1 by more: where there is little contrast the change is an offset."""

GAIN_SLACK = 0.05
"""A light's change lies between a mere offset and a mere gain, or this far beyond: more is an accident of the picture,
and would amplify grain and whatever is not like the surroundings."""

MAX_GAIN = 2.0
MIN_SPREAD = 0.25 / 255.0
"""Rounding to 8 bits alone sets equal colours this far apart."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """What turns a lender's colours into the target's: (3,) `gain` and `offset`."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    def match(self, rgb: FloatImage) -> FloatImage:
        """(n, 3) colours in the target's light; unchanged to the bit where the light is the same."""
        if (self.gain == 1.0).all() and not self.offset.any():
            return rgb
        return np.asarray(rgb * self.gain + self.offset, np.float32)


def fit_light(rgb: FloatImage, truth: FloatImage) -> Light:
    """What brings (n, 3) colours to the true ones, (n, 3), passers-by left out; nothing within the grain.

    Iteratively reweighted least squares with Tukey's biweight, for the three channels at once.
    """
    x = np.ascontiguousarray(rgb.T, np.float64)
    error, middle = truth.T - x, x.mean(axis=1)
    away = x - middle[:, None]
    shift, slope = np.median(error, axis=1), np.zeros(3)
    for _ in range(ROUNDS):
        left = error - shift[:, None] - slope[:, None] * away
        spread = np.maximum(1.4826 * np.median(np.abs(left), axis=1), MIN_SPREAD)
        robust = np.square(np.maximum(1.0 - np.square(left / (CUTOFF * spread)[:, None]), 0.0))
        total = np.maximum(robust.sum(axis=1), 1.0)
        centred = away - (_dot(robust, away) / total)[:, None]
        contrast = _dot(robust, centred * centred)
        slope = _dot(robust, error * centred) / (contrast + np.square(spread / GAIN_PRIOR))
        shift = _dot(robust, error - slope[:, None] * away) / total
    mere = _dot(robust, error) / total
    gains = np.abs(slope) * np.sqrt(contrast) >= SIGNIFICANT * spread
    slope, shift = np.where(gains, slope, 0.0), np.where(gains, shift, mere)
    changes = gains | (np.abs(shift) >= SIGNIFICANT * spread / np.sqrt(total))
    gain = np.where(gains, _plausible(1.0 + slope, middle, shift), 1.0)
    offset = np.where(changes, shift - (gain - 1.0) * middle, 0.0)
    return Light(gain.astype(np.float32), offset.astype(np.float32))


def _dot(a: Values, b: Values) -> Values:
    """(3,) sums of the products of two (3, n)."""
    return np.asarray(np.einsum("cn,cn->c", a, b))


def _plausible(gain: Values, middle: Values, shift: Values) -> Values:
    """The gains, kept near what lies between none and that which alone turns the mean level into the other."""
    whole = np.where(middle > 0.01, 1.0 + shift / np.maximum(middle, 0.01), 1.0)
    whole = np.clip(whole, 1.0 / MAX_GAIN, MAX_GAIN)
    return np.clip(gain, np.minimum(1.0, whole) - GAIN_SLACK, np.maximum(1.0, whole) + GAIN_SLACK)
