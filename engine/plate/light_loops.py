"""The loops of light.py over points. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plate.compiled import compiled, inlined
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
HALVINGS = 20
"""Of a range, in the search for a median: to a millionth."""

Values = NDArray[np.float64]


@compiled
def median(values: Values) -> float:
    """The median of (n,) numbers, to a millionth of their range: counting runs on whole vectors, sorting doesn't."""
    low, high = values.min(), values.max()
    for _ in range(HALVINGS):
        middle, below = 0.5 * (low + high), 0
        for n in range(values.size):
            below += values[n] <= middle
        if 2 * below >= values.size:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@compiled
def fit(rgb: FloatImage, truth: FloatImage, least: float) -> tuple[FloatImage, FloatImage]:
    """(3,) gains and offsets that bring (n, 3) colours to the true ones, which differ by `least` anyway; see
    light.fit_light."""
    gain, offset = np.ones(3, np.float32), np.zeros(3, np.float32)
    for channel in range(3):
        x = rgb[:, channel].astype(np.float64)
        error, middle = truth[:, channel] - x, x.mean()
        slope, shift, mere, contrast, spread, total = _regression(x - middle, error, least)
        if abs(slope) * np.sqrt(contrast) >= SIGNIFICANT * spread:
            level = _plausible(1.0 + slope, middle, shift)
            gain[channel], offset[channel] = level, shift - (level - 1.0) * middle
        elif abs(mere) >= SIGNIFICANT * spread / np.sqrt(total):
            offset[channel] = mere
    return gain, offset


@inlined
def _regression(away: Values, error: Values, least: float) -> tuple[float, float, float, float, float, float]:
    """Of the error on how far a colour is from the mean: slope, shift, shift without a slope; contrast, spread and
    number of what is no outlier."""
    shift, slope = median(error), 0.0
    contrast, spread, total, mere = 0.0, 0.0, 1.0, 0.0
    for _ in range(ROUNDS):
        left = np.abs(error - shift - slope * away)
        spread = max(1.4826 * median(left), least)
        robust = np.square(np.maximum(1.0 - np.square(left / (CUTOFF * spread)), 0.0))
        total = max(robust.sum(), 1.0)
        centred = away - (robust * away).sum() / total
        contrast = (robust * centred * centred).sum()
        slope = (robust * error * centred).sum() / (contrast + (spread / GAIN_PRIOR) ** 2)
        shift = (robust * (error - slope * away)).sum() / total
        mere = (robust * error).sum() / total
    return slope, shift, mere, contrast, spread, total


@inlined
def _plausible(gain: float, middle: float, shift: float) -> float:
    """The gain, kept near what lies between none and that which alone turns the mean level into the other."""
    whole = 1.0 + shift / middle if middle > 0.01 else 1.0
    whole = min(max(whole, 1.0 / MAX_GAIN), MAX_GAIN)
    return min(max(gain, min(1.0, whole) - GAIN_SLACK), max(1.0, whole) + GAIN_SLACK)
