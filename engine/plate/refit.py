"""The motion from a frame to one far away, measured directly around the hole, from a first guess."""

from __future__ import annotations

import cv2
import numpy as np

from engine.plate.alignment import Matrix, apply_matrix, fit_motion, match_levels, track
from engine.plate.analysis import FrameView
from engine.plate.layer_motion import aligned
from engine.plate.registration import Ring
from roi_tools.geometry import Box, Size

AROUND_PX = 64
"""How far around the hole motion is measured, in analysis pixels."""

MIN_TRACKED = 12
MIN_SHOWN = 0.25
MIN_ALIKE = 0.7
"""So much of the ring must be shown, and so much of that must look alike; the rest may be passers-by."""

LOCKED_PX = 0.3
"""A locked camera measures no more between far frames."""

MAX_GUESS_PX = 2.0


def refit(ring: Ring, view: FrameView, other: FrameView, guess: Matrix, locked: bool) -> Matrix | None:
    """The homography from `view`, whose ring is given, to another frame; None where the ring doesn't fit.

    `guess`: the same, a few analysis pixels off; `locked`: whether the camera stands still around `view`, so that the
    identity is tried first.
    """
    if locked and _moves_px(guess, ring) < MAX_GUESS_PX and _is_still(ring, other):
        return np.eye(3) if fits(ring, other, np.eye(3)) else None
    tracked = _tracked(view, other, guess)
    found = aligned(ring, other, guess if tracked is None else tracked)
    return found if fits(ring, other, found) else None


def fits(ring: Ring, other: FrameView, matrix: Matrix) -> bool:
    """Whether another frame shows the ring where the motion says."""
    shown, alike = ring.fit(other, apply_matrix(matrix, ring.small))
    return shown >= MIN_SHOWN and alike >= MIN_ALIKE


def _moves_px(matrix: Matrix, ring: Ring) -> float:
    """How far the ring's points move, in the mean."""
    if not len(ring.small):
        return float("inf")
    return float(np.linalg.norm(apply_matrix(matrix, ring.small) - ring.small, axis=1).mean())


def _is_still(ring: Ring, other: FrameView) -> bool:
    """Whether the ring is where it was."""
    return _moves_px(aligned(ring, other, np.eye(3)), ring) < LOCKED_PX


def _tracked(view: FrameView, other: FrameView, guess: Matrix) -> Matrix | None:
    """The guess, corrected by what is tracked around the hole; None where too little is."""
    box = view.box_small
    window = None if box is None else box.grown(AROUND_PX).clipped(Size(view.gray.shape[1], view.gray.shape[0]))
    if window is None:
        return None
    warped, known = _brought_here(other, guess, window)
    gray, own = view.gray[window.slices], ~view.guarded_small[window.slices]
    start, end = track(np.ascontiguousarray(gray), match_levels(warped, gray, known & own), own, known)
    if len(start) < MIN_TRACKED:
        return None
    matrix, close = fit_motion(start, end)
    if close.sum() < MIN_TRACKED:
        return None
    shift = np.array([[1.0, 0.0, window.x0], [0.0, 1.0, window.y0], [0.0, 0.0, 1.0]])
    return np.asarray(guess @ shift @ matrix @ np.linalg.inv(shift))


def _brought_here(other: FrameView, guess: Matrix, window: Box) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) of the window as another frame shows it, 8-bit gray, and where it does."""
    local = guess @ np.array([[1.0, 0.0, window.x0], [0.0, 1.0, window.y0], [0.0, 0.0, 1.0]])
    size = (window.width_px, window.height_px)
    warped = cv2.warpPerspective(other.gray, local, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    seen = (~other.guarded_small).view(np.uint8)
    known = cv2.warpPerspective(seen, local, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return warped, known > 0
