"""Hypothesis strategies for roto shapes and layers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

from hypothesis import strategies as st

from roi_tools.keyframes import Interpolation, Keyframe, Track
from roi_tools.roto.model import FEWEST_POINTS, PARAMETERS, POINT, Kind, Mode, RotoLayer, Shape, constant

numbers = st.floats(-200, 200, width=32)


@st.composite
def tracks(draw: st.DrawFn, length: int, elements: st.SearchStrategy[float] = numbers) -> Track:
    """Any track of ``length`` numbers, slopes included."""
    frames = draw(st.lists(st.integers(-20, 100), min_size=1, max_size=3, unique=True))
    values = st.tuples(*[elements] * length)
    return Track.of(
        Keyframe(
            frame,
            draw(values),
            draw(st.sampled_from(get_args(Interpolation))),
            draw(st.none() | st.tuples(values, values)),
        )
        for frame in frames
    )


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any shape, sensible or not, that the model accepts."""
    kind: Kind = draw(st.sampled_from(get_args(Kind)))
    count = 1 if kind in PARAMETERS else draw(st.integers(FEWEST_POINTS[kind], 4))
    mode: Mode = draw(st.sampled_from(get_args(Mode)))
    return Shape(
        draw(st.text(min_size=1, max_size=8)),
        kind,
        tuple(draw(tracks(len(PARAMETERS.get(kind, POINT)))) for _ in range(count)),
        mode,
        draw(st.booleans()),
        draw(tracks(1, st.floats(0, 1))),
        draw(tracks(1, st.floats(-20, 20))),
        draw(tracks(1, st.floats(0, 50))),
        draw(tracks(9)),
        draw(st.none() | st.integers(-5, 10)),
        draw(st.none() | st.integers(10, 50)),
        draw(st.tuples(*[st.floats(0, 1)] * 3)),
        draw(st.booleans()),
        draw(st.booleans()),
    )


@st.composite
def layers(draw: st.DrawFn) -> RotoLayer:
    """Any layer of up to three shapes."""
    drawn = draw(st.lists(shapes(), max_size=3, unique_by=lambda shape: shape.label))
    leader = drawn[0].label if drawn else None
    drawn = [*drawn[:1], *(replace(shape, linked_to=leader if draw(st.booleans()) else None) for shape in drawn[1:])]
    return RotoLayer(draw(st.text(max_size=8)), tuple(drawn), draw(st.floats(0, 2)), draw(st.integers(1, 64)))


@st.composite
def blobs(draw: st.DrawFn) -> tuple[tuple[float, ...], ...]:
    """Points of a round closed curve around (60, 50) that does not cross itself."""
    count = draw(st.integers(3, 8))
    points = []
    for index in range(count):
        angle = 2 * math.pi * index / count
        radius = draw(st.floats(12, 35))
        x, y = 60 + radius * math.cos(angle), 50 + radius * math.sin(angle)
        hx, hy = -3 * math.sin(angle), 3 * math.cos(angle)
        points.append((x, y, -hx, -hy, hx, hy, 0.0, 0.0))
    return tuple(points)


@st.composite
def moving_layers(draw: st.DrawFn) -> RotoLayer:
    """Layers as an artist makes them: up to three shapes of about 100 px that move, turn and are feathered."""
    shapes = []
    for label in "abc"[: draw(st.integers(0, 3))]:
        kind: Kind = draw(st.sampled_from(get_args(Kind)))
        lowest, highest = ((-50, -50, 1, 1, -90), (150, 120, 90, 90, 90)) if kind in PARAMETERS else _POINT_LIMITS
        limits = [st.floats(low, high) for low, high in zip(lowest, highest, strict=True)]
        count = 1 if kind in PARAMETERS else draw(st.integers(3, 5))
        points = tuple(Track.of(Keyframe(n, draw(st.tuples(*limits))) for n in (0, 10)) for _ in range(count))
        mode: Mode = draw(st.sampled_from(get_args(Mode)))
        soft, width = constant(draw(st.floats(-9, 9))), constant(draw(st.floats(0, 20)))
        shapes.append(Shape(label, kind, points, mode, draw(st.booleans()), feather_px=soft, width_px=width))
    return RotoLayer("a", tuple(shapes), draw(st.sampled_from((0.0, 0.5, 2.0))), draw(st.integers(1, 3)))


_POINT_LIMITS = ((-50, -50, -20, -20, -20, -20, -9, -9), (150, 120, 20, 20, 20, 20, 9, 9))
