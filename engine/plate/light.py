"""How the light differs between two frames: a gain and an offset per channel, measured robustly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plate.model import FloatImage

MIN_SPREAD = 0.25 / 255.0
"""Rounding to 8 bits alone sets equal colours this far apart."""


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

    Iteratively reweighted least squares with Tukey's biweight, channel by channel.
    """
    from engine.plate.light_loops import fit

    return Light(*fit(np.ascontiguousarray(rgb, np.float32), np.ascontiguousarray(truth, np.float32), MIN_SPREAD))
