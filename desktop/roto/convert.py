"""Rectangles as roto shapes. Without Qt."""

from __future__ import annotations

from dataclasses import replace

from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.shapes import AnimatedRectangle
from timeline.marking import Marking, RotoMarking

_CORNERS = ((0, 1), (2, 1), (2, 3), (0, 3))
"""Which edges of (x0, y0, x1, y1) a corner's x and y are, clockwise from the top left."""


def shape_of_rectangle(rectangle: AnimatedRectangle, label: str) -> Shape:
    """The same rectangle as a curve of four points: equal on every frame, whatever its interpolation."""
    tracks = tuple(Track(tuple(_corner(key, x, y) for key in rectangle.track.keys)) for x, y in _CORNERS)
    return Shape(label, "bezier", tracks, first_frame=rectangle.first_frame, last_frame=rectangle.last_frame)


def _corner(key: Keyframe, x: int, y: int) -> Keyframe:
    rest = (0.0,) * 6
    slopes = key.slopes and tuple((side[x], side[y], *rest) for side in key.slopes)
    return replace(
        key,
        value=(key.value[x], key.value[y], *rest),
        slopes=None if slopes is None else (slopes[0], slopes[1]),
    )


def layer_of(marking: Marking) -> RotoLayer:
    """The shapes of a marking, with its lifetime worked into theirs."""
    if isinstance(marking, RotoMarking):
        return marking.shown_layer()
    return RotoLayer("roto", (shape_of_rectangle(marking, "box"),))
