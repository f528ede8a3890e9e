"""Positions carried from frame to frame at the nodes of a coarse grid: a completed background moves smoothly."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from engine.plate.flow import Step
from engine.plate.model import FloatImage, Mask, Points
from engine.plate.sampling import sample_linear
from roi_tools.geometry import Box

NODE_PX = 4

Shift = Callable[[Points], Points]
"""(n, 2) by which a chain's ends must move for (n, 2) positions in its first frame."""


class Nodes:
    """Where a grid of nodes over a box has got to, and between them every pixel."""

    def __init__(self, box: Box, margin_px: int) -> None:
        self.static = True
        """Whether nothing has moved."""
        self._box = box
        # One cell more on each side, so that pixels at the edge are interpolated too.
        self.pad_cells = 1 + -(-margin_px // NODE_PX)
        self._columns = -(-box.width_px // NODE_PX) + 2 * self.pad_cells
        self._rows = -(-box.height_px // NODE_PX) + 2 * self.pad_cells
        centre = (NODE_PX - 1) / 2 - self.pad_cells * NODE_PX
        x = box.x0 + centre + NODE_PX * np.arange(self._columns, dtype=np.float32)
        y = box.y0 + centre + NODE_PX * np.arange(self._rows, dtype=np.float32)
        self._home = np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2).astype(np.float32)
        self._now = self._home
        self._dense: FloatImage | None = None

    def advance(self, motion: Step) -> None:
        """Moves all nodes by one step."""
        if not motion.static:
            self._now = motion.advance(self._now)
            self.static = False
            self._dense = None

    def shift(self, by: Shift) -> None:
        """Moves all nodes by what is said of where they were in the first frame."""
        self._now = np.asarray(self._now + by(self._home), np.float32)
        self.static = False
        self._dense = None

    @property
    def moved(self) -> FloatImage:
        """(rows, columns, 2) how far the nodes have moved; empty where nothing has."""
        if self.static:
            return np.zeros((0, 0, 2), np.float32)
        return (self._now - self._home).reshape(self._rows, self._columns, 2)

    def home(self, chosen: Mask) -> Points:
        """(n, 2) positions of the chosen pixels in the first frame."""
        row, column = np.nonzero(chosen)
        return np.stack([column + self._box.x0, row + self._box.y0], axis=1).astype(np.float32)

    def points(self, chosen: Mask) -> Points:
        """(n, 2) positions of the chosen pixels."""
        # Several times quicker than a mask as the index.
        return np.take(self._positions().reshape(-1, 2), np.flatnonzero(chosen), axis=0)

    def reached(self, points: Points) -> Points:
        """(n, 2) where points of the first frame, in the box or its margin, have got to."""
        moved = (self._now - self._home).reshape(self._rows, self._columns, 2)
        return points + sample_linear(moved, (points - self._home[0]) / np.float32(NODE_PX))

    def _positions(self) -> FloatImage:
        if self._dense is None:
            moved = (self._now - self._home).reshape(self._rows, self._columns, 2)
            # cv2.resize puts a cell's value at its centre, where the nodes are.
            size = (self._columns * NODE_PX, self._rows * NODE_PX)
            dense = cv2.resize(moved, size, interpolation=cv2.INTER_LINEAR)
            edge, height, width = self.pad_cells * NODE_PX, self._box.height_px, self._box.width_px
            x, y = np.arange(self._box.x0, self._box.x1), np.arange(self._box.y0, self._box.y1)
            home = np.stack(np.meshgrid(x, y), axis=2)
            self._dense = (dense[edge : edge + height, edge : edge + width] + home).astype(np.float32)
        return self._dense
