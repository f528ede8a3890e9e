"""Scene-linear light and back: the eye, and the thresholds of the recovery, see differences of display-coded values."""

from __future__ import annotations

import numpy as np

from engine.plate.model import FloatImage

GAMMA = 2.4


def encode_scene_linear(rgb: FloatImage) -> FloatImage:
    """A power law, extended to negative values; infinities and NaN become finite, since they cannot be blended."""
    finite = np.nan_to_num(rgb, nan=0.0, posinf=65504.0, neginf=-65504.0)
    return np.asarray(np.sign(finite) * np.abs(finite) ** np.float32(1.0 / GAMMA), np.float32)


def decode_scene_linear(rgb: FloatImage) -> FloatImage:
    """The inverse of `encode_scene_linear` for finite values, to float32 precision."""
    return np.asarray(np.sign(rgb) * np.abs(rgb) ** np.float32(GAMMA), np.float32)
