"""Hypothesis strategies for sizes, boxes, rectangles and keyframes."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from roi_tools.geometry import Box, Size
from roi_tools.keyframes import Interpolation, Keyframe, Track
from roi_tools.shapes import AnimatedRectangle, RectF

sizes = st.builds(Size, st.integers(1, 60), st.integers(1, 60))
edges = st.floats(-40, 90, width=32)
sides = st.floats(0.0625, 60, width=32)
interpolations: st.SearchStrategy[Interpolation] = st.sampled_from(get_args(Interpolation))


@st.composite
def boxes_within(draw: st.DrawFn, size: Size) -> Box:
    """A box inside a frame of ``size``."""
    x0 = draw(st.integers(0, size.width_px - 1))
    y0 = draw(st.integers(0, size.height_px - 1))
    return Box(x0, y0, draw(st.integers(x0 + 1, size.width_px)), draw(st.integers(y0 + 1, size.height_px)))


@st.composite
def rects(draw: st.DrawFn) -> RectF:
    """A rectangle with sub-pixel edges, somewhere around the frame."""
    x0, y0 = draw(edges), draw(edges)
    return RectF(x0, y0, x0 + draw(sides), y0 + draw(sides))


@st.composite
def rectangles(draw: st.DrawFn) -> AnimatedRectangle:
    """An animated rectangle with one to five keyframes and any range."""
    frames = draw(st.lists(st.integers(-5, 200), min_size=1, max_size=5, unique=True))
    track = Track.of(Keyframe(frame, draw(rects()).as_tuple(), draw(interpolations)) for frame in frames)
    first = draw(st.none() | st.integers(0, 50))
    last = draw(st.none() | st.integers(50, 200))
    return AnimatedRectangle(track, first, last)
