"""Matches the recovered pixels to the light of the frame they go into, by what a band around the hole shows."""

from __future__ import annotations

import cv2
import numpy as np

from engine.plate.analysis import largest
from engine.plate.model import FloatImage, Mask

MAX_CORRECTION = 0.06
"""Larger differences in the band are misfits or passers-by, not light."""

SMOOTH_PX = 6.0


def membrane(error: FloatImage, band: Mask) -> FloatImage:
    """A smooth (h, w, 3) correction that equals `error` in the band and interpolates it elsewhere.

    The pull-push scheme of Gortler et al. (The Lumigraph, 1996): averages over ever larger cells fill what the
    finer cells don't know.
    """
    usable = band & (largest(np.abs(error)) < MAX_CORRECTION)
    if usable.sum() < 20:
        return np.zeros_like(error)
    weight = usable.astype(np.float32)
    values = np.where(usable[..., None], error, 0.0).astype(np.float32)
    total = cv2.GaussianBlur(values, (0, 0), SMOOTH_PX)
    amount = cv2.GaussianBlur(weight, (0, 0), SMOOTH_PX)
    return pull_push(np.asarray(total, np.float32), np.asarray(amount, np.float32))


def pull_push(total: FloatImage, amount: FloatImage) -> FloatImage:
    """Ratio total / amount where the amount is solid, coarser averages where it is not."""
    height, width = amount.shape
    confidence = np.minimum(amount / 0.05, 1.0)[..., None]
    ratio = total / np.maximum(amount, 1e-6)[..., None]
    if min(height, width) <= 2:
        whole = total.sum(axis=(0, 1)) / max(float(amount.sum()), 1e-6)
        return np.asarray(confidence * ratio + (1 - confidence) * whole, np.float32)
    half = (max(width // 2, 1), max(height // 2, 1))
    coarse = pull_push(
        np.asarray(cv2.resize(total, half, interpolation=cv2.INTER_AREA), np.float32),
        np.asarray(cv2.resize(amount, half, interpolation=cv2.INTER_AREA), np.float32),
    )
    filled = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(confidence * ratio + (1 - confidence) * filled, np.float32)
