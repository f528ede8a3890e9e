"""How far a recovered pixel can be trusted: by how much the frames agree on it, and by an audit of the guard band.

The band around a hole is recovered like the hole, but there the truth is known: its error says what to expect inside.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.plate.model import FloatImage, Mask
from engine.plate.photometric import pull_push

HALF_TRUST = 0.03
"""A pixel that is expected to be this far off, of the range, has a confidence of one half."""

SMOOTH_PX = 1.5


def confidence(spread: FloatImage, error: FloatImage, band: Mask, found: Mask) -> FloatImage:
    """(h, w) confidence in [0, 1] of the recovered pixels; 0 where nothing was `found`.

    `spread`: (h, w) mean square disagreement of the frames; `error`: (h, w, 3) of the recovered pixels in `band`,
    after their light is matched.
    """
    inside = np.where(found, spread, np.float32(0.0)).astype(np.float32)
    amount = np.maximum(cv2.GaussianBlur(found.astype(np.float32), (0, 0), SMOOTH_PX), 1e-6)
    square = np.asarray(cv2.GaussianBlur(inside, (0, 0), SMOOTH_PX) / amount, np.float32)
    if band.any():
        square = square + _audited(error, band)
    expected = np.sqrt(square)
    return np.where(found, HALF_TRUST / (HALF_TRUST + expected), np.float32(0.0)).astype(np.float32)


def _audited(error: FloatImage, band: Mask) -> FloatImage:
    """(h, w) the mean square error of the band, carried inside."""
    square = np.where(band, np.square(error).mean(axis=2), np.float32(0.0))
    total, amount = (cv2.GaussianBlur(v, (0, 0), 2 * SMOOTH_PX) for v in (square, band.astype(np.float32)))
    return pull_push(np.asarray(total, np.float32), np.asarray(amount, np.float32))
