"""Cuts inside the range: nothing may be carried over one.

A pair of frames is judged by the pictures themselves and a few neighbours, so the verdict is the same whichever part of
a shot is being rendered.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from engine.plate.alignment import CameraMotion
from engine.plate.analysis import FrameView
from engine.plate.model import FloatImage

MIN_CHANGE = 0.05
"""Mean colour change, of the full range, below which no pair is a cut."""

OUTSTANDING = 2.5
"""A cut changes the picture this many times more than the pairs around it do (the ratio AdaptiveDetector uses is 3)."""

MOVES_WITH_CAMERA = 0.5
"""Where this share of at least `ENOUGH_MATCHES` features follows one camera motion the shot goes on."""

ENOUGH_MATCHES = 40
FLASH_FRAMES = 5
NEIGHBOUR_PAIRS = 2


def is_cut(
    first: int,
    motion: Callable[[int], CameraMotion],
    view: Callable[[int], FrameView],
    available: range,
) -> bool:
    """Whether frames `first` and `first + 1` belong to different shots.

    `motion(n)` is the camera's motion from frame n to n + 1. A flash, a picture that is back within
    `FLASH_FRAMES`, is no cut (PySceneDetect reports one as two).
    """
    change = _change(view(first), view(first + 1))
    if change < MIN_CHANGE:
        return False
    moved = motion(first)
    if moved.matched >= ENOUGH_MATCHES and moved.support >= MOVES_WITH_CAMERA:
        return False
    if change < OUTSTANDING * _usual_change(first, view, available):
        return False
    return not _is_flash(first, change, view, available)


def _usual_change(first: int, view: Callable[[int], FrameView], available: range) -> float:
    pairs = [
        n
        for n in range(first - NEIGHBOUR_PAIRS, first + NEIGHBOUR_PAIRS + 1)
        if n != first and n >= available.start and n + 1 < available.stop
    ]
    return float(np.median([_change(view(n), view(n + 1)) for n in pairs])) if pairs else 0.0


def _is_flash(first: int, change: float, view: Callable[[int], FrameView], available: range) -> bool:
    """The picture before the change is back soon after it, or the one after it was there shortly before."""
    for gap in range(2, FLASH_FRAMES + 2):
        for a, b in ((first, first + gap), (first + 1 - gap, first + 1)):
            if a >= available.start and b < available.stop and _change(view(a), view(b)) < change / 3.0:
                return True
    return False


def _change(a: FrameView, b: FrameView) -> float:
    """Mean absolute difference of the blurred thumbnails outside both holes; 0 when nothing is comparable."""
    known = a.thumbnail_known & b.thumbnail_known
    if not known.any():
        return 0.0
    return float(np.abs(_blurred(a.thumbnail)[known] - _blurred(b.thumbnail)[known]).mean())


def _blurred(thumbnail: FloatImage) -> FloatImage:
    # Blurred so that a shaking camera over fine texture changes little.
    return np.asarray(cv2.GaussianBlur(np.clip(thumbnail, 0.0, 1.0), (0, 0), 2.0), np.float32)
