"""The model's door: from a clip's own values to what Wan was trained on, display-coded R'G'B' in [-1, 1], and back.

Display-referred clips are only scaled and clipped: nothing is quantised. Scene-linear clips (EXR) pass through a curve
that looks like sRGB up to middle values and compresses highlights logarithmically instead of clipping them:

    e(x) = sRGB(x)                                  for 0 <= x <= k
    e(x) = sRGB(k) + a ln(1 + s (x - k))            for x > k,      a = sRGB'(k) / s

With k = 0.5 and s = 13.4 the curve and its slope are continuous and it reaches 1 at x = 16.6, a little over four
stops above diffuse white. Brighter and negative values are clipped.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

_KNEE = 0.5
_SHOULDER = 13.4
# IEC 61966-2-1: the linear segment ends here, and beyond it e = 1.055 x^(1/2.4) - 0.055.
_LINEAR_END = 0.0031308
_CODED_LINEAR_END = 12.92 * _LINEAR_END
_CODED_KNEE = 1.055 * _KNEE ** (1 / 2.4) - 0.055
_GAIN = 1.055 / 2.4 * _KNEE ** (1 / 2.4 - 1) / _SHOULDER
SCENE_LINEAR_CLIP = _KNEE + (math.exp((1 - _CODED_KNEE) / _GAIN) - 1) / _SHOULDER
"""The brightest scene-linear value that comes back from the model; it is 16.6."""


def to_model(rgb: Image, is_scene_linear: bool) -> Image:
    """A clip's values as the model's, float32 in [-1, 1], any shape. Not-a-number counts as black."""
    values = np.nan_to_num(rgb, nan=0.0, posinf=SCENE_LINEAR_CLIP, neginf=0.0)
    coded = _coded(values) if is_scene_linear else np.clip(values, 0.0, 1.0)
    return np.asarray(coded * 2.0 - 1.0, np.float32)


def from_model(values: Image, is_scene_linear: bool) -> Image:
    """The model's [-1, 1] as the clip's own values: the inverse of :func:`to_model` for everything not clipped."""
    coded = np.clip(values * 0.5 + 0.5, 0.0, 1.0)
    return np.asarray(_linear(coded) if is_scene_linear else coded, np.float32)


def _coded(linear: Image) -> NDArray[np.floating]:
    x = np.clip(linear.astype(np.float64), 0.0, SCENE_LINEAR_CLIP)
    srgb = np.where(x <= _LINEAR_END, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.where(x <= _KNEE, srgb, _CODED_KNEE + _GAIN * np.log1p(_SHOULDER * np.maximum(x - _KNEE, 0.0)))


def _linear(coded: Image) -> NDArray[np.floating]:
    e = coded.astype(np.float64)
    srgb = np.where(e <= _CODED_LINEAR_END, e / 12.92, (np.maximum(e + 0.055, 0.0) / 1.055) ** 2.4)
    highlights = _KNEE + np.expm1(np.maximum(e - _CODED_KNEE, 0.0) / _GAIN) / _SHOULDER
    return np.where(e <= _CODED_KNEE, srgb, highlights)
