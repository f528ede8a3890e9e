"""How the light differs between two frames: a gain and an offset per channel, measured robustly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage

ROUNDS = 4
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
        return np.asarray(rgb * self.gain + self.offset, np.float32)


def fit_light(rgb: FloatImage, truth: FloatImage) -> Light:
    """What brings (n, 3) colours to the true ones, (n, 3), passers-by left out; nothing within the grain."""
    lines = [_fit(rgb[:, n].astype(np.float64), truth[:, n].astype(np.float64)) for n in range(3)]
    gain, offset = np.array(lines, np.float32).T
    return Light(gain, offset)


def _plausible(gain: float, middle: float, shift: float) -> float:
    """The gain, kept near what lies between none and that which alone turns the mean level into the other."""
    whole = min(max(1.0 + shift / middle, 1.0 / MAX_GAIN), MAX_GAIN) if middle > 0.01 else 1.0
    return min(max(gain, min(1.0, whole) - GAIN_SLACK), max(1.0, whole) + GAIN_SLACK)


def _fit(x: Values, y: Values) -> tuple[float, float]:
    """Gain and offset of y over x by iteratively reweighted least squares with Tukey's biweight."""
    error, middle = y - x, float(x.mean())
    away = x - middle
    shift, slope = float(np.median(error)), 0.0
    for _ in range(ROUNDS):
        left = error - shift - slope * away
        spread = max(1.4826 * float(np.median(np.abs(left))), MIN_SPREAD)
        robust = np.square(np.maximum(1.0 - np.square(left / (CUTOFF * spread)), 0.0))
        total = max(float(robust.sum()), 1.0)
        centre = float(robust @ away) / total
        contrast = float(robust @ np.square(away - centre))
        slope = float(robust @ (error * (away - centre))) / (contrast + (spread / GAIN_PRIOR) ** 2)
        shift = float(robust @ (error - slope * away)) / total
    if abs(slope) * contrast**0.5 < SIGNIFICANT * spread:
        slope, shift = 0.0, float(robust @ error) / total
        if abs(shift) < SIGNIFICANT * spread / total**0.5:
            return 1.0, 0.0
    gain = _plausible(1.0 + slope, middle, shift)
    return gain, shift - (gain - 1.0) * middle
