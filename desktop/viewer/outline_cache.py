"""Outlines of shapes that don't change from one look to the next. Without Qt."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from desktop.roto.points import points_at
from roi_tools.roto.model import Shape
from roi_tools.roto.outlines import Polygon, feather_at, outline_at

_KEPT = 512


@dataclass(frozen=True)
class Outlines:
    """A shape on one frame, in frame px."""

    shape: Shape
    frame: int
    polygons: tuple[Polygon, ...]

    @cached_property
    def feather(self) -> Polygon | None:
        """Where the points' own feather ends; None where they have none."""
        return feather_at(self.shape, self.frame)

    @cached_property
    def corners(self) -> Polygon:
        """(n, 2): the corners of all polygons; of a line without width its points."""
        return np.vstack(self.polygons) if self.polygons else points_at(self.shape, self.frame)[:, 0]

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1."""
        (x0, y0), (x1, y1) = self.corners.min(axis=0), self.corners.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    def is_near(self, x: float, y: float, reach_px: float) -> bool:
        """Whether a place lies within the bounds, or at most ``reach_px`` outside."""
        x0, y0, x1, y1 = self.bounds
        return x0 - reach_px <= x <= x1 + reach_px and y0 - reach_px <= y <= y1 + reach_px


class OutlineCache:
    """Knows shapes by their identity: comparing their numbers would cost as much as their outline."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Outlines] = OrderedDict()

    def of(self, shape: Shape, frame: int) -> Outlines:
        """The outlines of ``shape`` on ``frame``."""
        kept = self._kept.get(id(shape))
        # What is kept holds its shape, so that no other one can have the same identity.
        if kept is None or kept.frame != frame:
            kept = Outlines(shape, frame, outline_at(shape, frame))
            self._kept[id(shape)] = kept
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return kept
