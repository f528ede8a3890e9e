"""The steadiest way through a corridor: where a window's edge lies on each frame, within limits, and without jerks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 200
_PENALTY = 100.0
"""How closely the two halves of the splitting are tied. From 30 to 1000 the result is the same to a few hundredths of a
pixel after these rounds; further away it needs more of them."""

Path = NDArray[np.float64]


def steady_path(wanted: Path, low: Path, high: Path, smoothing_frames: float) -> Path:
    """A path near ``wanted`` that bends as little as ``low`` <= path <= ``high`` allow; all (frames,) in px.

    Minimises the sum of (path - wanted)^2 + smoothing_frames^4 (second difference)^2 under the limits, which are kept
    exactly, and the first and the last frame lie where they are wanted: what crosses at a constant speed is followed
    at it. By ADMM (Boyd et al. 2011, section 5): the quadratic part is solved in the frequency domain, the
    limits by clipping. ``wanted`` must keep the limits.
    """
    count = len(wanted)
    if count < 3 or smoothing_frames == 0:
        return wanted.copy()
    straight = np.linspace(wanted[0], wanted[-1], count)
    target, least, most = wanted - straight, low - straight, high - straight
    bending = (2 - 2 * np.cos(np.pi * np.arange(count) / (count - 1))) ** 2
    response = 1 / (1 + _PENALTY + smoothing_frames**4 * bending)
    kept, difference = target.copy(), np.zeros(count)
    for _ in range(_ROUNDS):
        smooth = _filtered(target + _PENALTY * (kept - difference), response)
        kept = np.clip(smooth + difference, least, most)
        difference += smooth - kept
    return np.asarray(np.clip(kept + straight, low, high))


def _filtered(path: Path, response: Path) -> Path:
    """``path`` times ``response`` in the frequency domain, continued as its own point reflection at both ends, which
    stay at 0."""
    ends_at_zero = np.concatenate([[0.0], path[1:-1], [0.0]])
    odd = np.concatenate([ends_at_zero, -ends_at_zero[-2:0:-1]])
    return np.asarray(np.fft.irfft(np.fft.rfft(odd) * response, len(odd))[: len(path)])
