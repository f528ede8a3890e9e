"""Matches the recovered pixels to the light of the frame they go into, by what a band around the hole shows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import largest
from engine.plate.model import FloatImage, Mask

MAX_CORRECTION = 0.06
"""Larger differences in the band are misfits or passers-by, not light."""

SMOOTH_PX = 6.0
COARSE = 4
MIN_COARSE_PX = 64
"""Pictures smaller than this are not made coarser."""

FADE = 0.05
MIN_FADE_PX = 4.0
"""What one part of the band shows beyond the light of all of it reaches this part of the picture's size inwards: the
object's own shadow is met at the edge, and not carried inside. Of shadows made to cross the edge half as much stays as
with twice the reach; passers-by and real changes of light are met worse by less than 0.1 dB."""

MIN_BAND_PX = 60
MAX_PLANE_PX = 4000
"""So many pixels of the band are enough for the light of all of it."""

PLANE_ROUNDS = 5
CUTOFF = 4.685
"""Tukey's biweight gives no weight beyond so many standard deviations."""

MIN_SPREAD = 1.0 / 255.0
SLOPE_PRIOR = 0.02
"""Part of the band's weight that says the light is even: a band on one side says nothing about a slope."""


def relight(error: FloatImage, band: Mask) -> FloatImage:
    """A smooth (h, w, 3) correction of what is recovered, from its `error`, (h, w, 3), in the `band` around the hole.

    The light that most of the band has in common, even or with a slope, is corrected everywhere; what a part of the
    band shows beyond that, a shadow that leaves the hole, fades inwards.
    """
    usable = band & (largest(np.abs(error)) < MAX_CORRECTION)
    if usable.sum() < MIN_BAND_PX:
        return np.zeros_like(error)
    common = _common_light(error, usable)
    rest = membrane(error - common, usable)
    away = cv2.distanceTransform((~band).view(np.uint8), cv2.DIST_L2, 3)
    fade_px = max(FADE * float(np.sqrt(band.size)), MIN_FADE_PX)
    return np.asarray(common + rest * np.exp(away * np.float32(-1.0 / fade_px))[..., None], np.float32)


def _common_light(error: FloatImage, band: Mask) -> FloatImage:
    """(h, w, 3) the plane through the error in the band, by iteratively reweighted least squares (Tukey's biweight)."""
    height, width = band.shape
    chosen = np.argwhere(band)
    chosen = chosen[:: max(len(chosen) // MAX_PLANE_PX, 1)]
    y, x = _centred(chosen[:, 0], height), _centred(chosen[:, 1], width)
    design = np.stack([np.ones_like(x), x, y])
    values = error[chosen[:, 0], chosen[:, 1]].T.astype(np.float64)
    weight, ridge = np.ones_like(values), np.diag([1e-9, SLOPE_PRIOR, SLOPE_PRIOR]) * len(chosen)
    plane = np.zeros((3, 3))
    for _ in range(PLANE_ROUNDS):
        normal = np.einsum("cn,in,jn->cij", weight, design, design) + ridge
        plane = np.linalg.solve(normal, np.einsum("cn,in,cn->ci", weight, design, values)[..., None])[..., 0]
        left = values - np.einsum("ci,in->cn", plane, design)
        spread = np.maximum(1.4826 * np.median(np.abs(left), axis=1), MIN_SPREAD)[:, None]
        weight = np.square(np.maximum(1.0 - np.square(left / (CUTOFF * spread)), 0.0))
    even, across, down = plane.T
    x, y = _centred(np.arange(width), width)[None, :, None], _centred(np.arange(height), height)[:, None, None]
    return np.asarray((even + across * x).astype(np.float32) + (down * y).astype(np.float32))


def _centred(index: NDArray[np.intp], size_px: int) -> NDArray[np.float64]:
    """-1 to 1 over the picture."""
    return np.asarray((2.0 * index + 1.0) / size_px - 1.0)


def membrane(error: FloatImage, band: Mask) -> FloatImage:
    """A smooth (h, w, 3) correction that equals `error` in the band and interpolates it elsewhere.

    The pull-push scheme of Gortler et al. (The Lumigraph, 1996): averages over ever larger cells fill what the
    finer cells don't know.
    """
    usable = band & (largest(np.abs(error)) < MAX_CORRECTION)
    if usable.sum() < 20:
        return np.zeros_like(error)
    values = np.where(usable[..., None], error, np.float32(0.0))
    size = (usable.shape[1], usable.shape[0])
    # So smooth a picture needs no more than a part of the pixels.
    shrink = COARSE if min(size) >= MIN_COARSE_PX else 1
    small = (size[0] // shrink, size[1] // shrink)
    coarse = (cv2.resize(v, small, interpolation=cv2.INTER_AREA) for v in (values, usable.astype(np.float32)))
    total, amount = (np.asarray(cv2.GaussianBlur(v, (0, 0), SMOOTH_PX / shrink), np.float32) for v in coarse)
    return np.asarray(cv2.resize(pull_push(total, amount), size, interpolation=cv2.INTER_CUBIC), np.float32)


def pull_push(total: FloatImage, amount: FloatImage) -> FloatImage:
    """Ratio total / amount where the amount, (h, w), is solid, coarser averages where it is not.

    `total`: (h, w) or (h, w, C).
    """
    height, width = amount.shape
    like = (height, width) + (1,) * (total.ndim - 2)
    confidence = np.minimum(amount / 0.05, 1.0).reshape(like)
    ratio = total / np.maximum(amount, 1e-6).reshape(like)
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
