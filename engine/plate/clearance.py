"""How much a lender's pixels count by their distance from what it hides: shadows and soft edges reach out of a hole.

Where others show the same place far from their own holes, those decide.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from engine.plate.analysis import FrameView
from engine.plate.model import FloatImage, Points
from engine.plate.sampling import pick

FALLOFF = 0.15
"""The doubt falls to 1/e over this part of the hole's size, the square root of its area."""

DOUBT = 0.9
"""At the edge of a hole a vote counts so much less. Chosen on one clip, with a car whose shadow leaves its box; static
clips without shadows come out the same."""

REACH = 4.0
"""Beyond so many times the falloff there is no doubt."""


class Clearance:
    """Of one frame."""

    def __init__(self, view: FrameView) -> None:
        self._trust = np.ones((1, 1), np.float32)
        self._corner = np.zeros(2, np.float32)
        if view.box is None:
            return
        falloff_px = FALLOFF * math.sqrt(max(int(np.count_nonzero(view.guarded)), 1))
        margin = math.ceil(REACH * falloff_px)
        hidden = np.pad(view.guarded, margin)
        away = cv2.distanceTransform((~hidden).view(np.uint8), cv2.DIST_L2, 3)
        self._trust = np.asarray(1.0 - DOUBT * np.exp(away * np.float32(-1.0 / falloff_px)), np.float32)
        self._corner = np.array([view.box.x0 - margin, view.box.y0 - margin], np.float32)

    def at(self, points: Points) -> FloatImage:
        """(n,) between 1 - DOUBT beside the hole and 1, at (n, 2) x, y positions of the frame."""
        high = np.array(self._trust.shape[::-1], np.float32) - 1
        return np.asarray(pick(self._trust, np.clip(points - self._corner, 0, high)), np.float32)
