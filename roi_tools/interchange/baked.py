"""Shapes as what every roto program knows: closed cubic Bezier curves with their points on each frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roi_tools.roto.model import Shape
from roi_tools.roto.outlines import bezier_points_at


@dataclass(frozen=True)
class BakedShape:
    """A closed curve over time. ``points[i]`` (n, 4, 2) holds, for ``frames[i]``, each point's place (frame px) and,
    relative to it, its arriving handle, its leaving handle and its feather point."""

    shape: Shape
    frames: tuple[int, ...]
    points: NDArray[np.float64]
    span: range

    def shown(self) -> tuple[tuple[int, float], ...]:
        """(frame, opacity), 0 where the shape is not there: for formats that know no lifetime.

        Every frame of the span where it changes, else one.
        """
        first, last = self.shape.first_frame, self.shape.last_frame
        values = tuple(
            (frame, self.shape.opacity.value_at(frame)[0])
            if (first is None or frame >= first) and (last is None or frame <= last)
            else (frame, 0.0)
            for frame in self.span
        )
        return values if len({opacity for _, opacity in values}) > 1 else values[:1]


def baked(shape: Shape, span: range) -> BakedShape | None:
    """``shape`` on the frames of ``span``, one frame where nothing moves; None for open lines, which have no outline.

    Its transform is applied to the points: exact for affine ones.
    """
    if shape.is_open:
        return None
    frames = tuple(span) if shape.key_frames else (span.start,)
    return BakedShape(shape, frames, np.stack([bezier_points_at(shape, frame) for frame in frames]), span)
