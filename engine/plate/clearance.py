"""How much a lender's pixels count by their distance from what it hides: shadows and soft edges reach out of a hole.

Where others show the same place far from their own holes, those decide.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import FrameView
from engine.plate.model import FloatImage, Points

FALLOFF = 0.15
"""The doubt falls to 1/e over this part of the hole's size, the square root of its area."""

DOUBT = 0.9
"""At the edge of a hole a vote counts so much less. Chosen on one clip, with a car whose shadow leaves its box; static
clips without shadows come out the same."""

REACH = 4.0
"""Beyond so many times the falloff there is no doubt."""

COARSE_PX = 8.0
"""Of a falloff that is longer, so many steps are kept."""


class Clearance:
    """Of one frame."""

    def __init__(self, view: FrameView) -> None:
        self._trust = np.ones((1, 1), np.float32)
        self._corner, self._scale = np.zeros(2, np.float32), np.float32(1.0)
        if view.box is None:
            return
        falloff_px = FALLOFF * math.sqrt(max(int(np.count_nonzero(view.guarded)), 1))
        margin = math.ceil(REACH * falloff_px)
        # So smooth a picture needs no more than a part of the pixels.
        shrink = max(int(falloff_px / COARSE_PX), 1)
        hidden = np.ascontiguousarray(np.pad(view.guarded, margin)[shrink // 2 :: shrink, shrink // 2 :: shrink])
        away = cv2.distanceTransform((~hidden).view(np.uint8), cv2.DIST_L2, 3)
        self._trust = np.asarray(1.0 - DOUBT * np.exp(away * np.float32(-shrink / falloff_px)), np.float32)
        self._corner = np.array([view.box.x0 - margin, view.box.y0 - margin], np.float32) + np.float32(shrink // 2)
        self._scale = np.float32(1.0 / shrink)

    def enter(self, trust: FloatImage, points: Points, index: NDArray[np.int32], slot: NDArray[np.int8]) -> None:
        """Writes to the (S, N) trust, at the (n,) numbers and slots, how far (n, 2) x, y positions can be trusted."""
        from engine.plate.lending_loops import enter_nearest

        enter_nearest(trust, self._trust, self._corner, float(self._scale), points, index, slot)

    def at(self, points: Points) -> FloatImage:
        """(n,) between 1 - DOUBT beside the hole and 1, at (n, 2) x, y positions of the frame."""
        trust = np.empty((1, len(points)), np.float32)
        self.enter(trust, points, np.arange(len(points), dtype=np.int32), np.zeros(len(points), np.int8))
        return trust[0]
