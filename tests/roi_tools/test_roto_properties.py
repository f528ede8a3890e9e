"""Every kind of shape: it goes through affine maps, is exact in area, small as large, and joins by the laws of sets."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roi_tools.geometry import Box, Size
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import PARAMETERS, Kind, RotoLayer, Shape, constant
from roi_tools.roto.raster import layer_matte, shape_box
from tests.roi_tools.roto_strategies import blobs

SIZE = Size(128, 100)
ROOMY = Box(-80, -80, 208, 180)
KINDS = get_args(Kind)
Matrix = NDArray[np.float64]

_angles = st.floats(-180, 180)


@st.composite
def drawn(draw: st.DrawFn, kind: Kind) -> Shape:
    """A shape of this kind around the middle of the frame; points feather nothing."""
    if kind in PARAMETERS:
        place = draw(st.tuples(st.floats(50, 78), st.floats(40, 60), st.floats(8, 50), st.floats(8, 50), _angles))
        return Shape("a", kind, (constant(*place),))
    points = draw(blobs())
    if kind in ("stroke", "brush"):
        points = points[: max(2, len(points) // 2)]
    return Shape("a", kind, tuple(constant(*point) for point in points), width_px=constant(draw(st.floats(4, 20))))


any_shape = st.sampled_from(KINDS).flatmap(drawn)
around_the_middle = st.tuples(st.floats(-12, 12), st.floats(-12, 12))


@st.composite
def similarities(draw: st.DrawFn) -> tuple[float, float, Matrix]:
    """Scale, angle in degrees, and the matrix that turns and scales around the frame's middle and moves."""
    scale, angle = draw(st.floats(0.5, 1.4)), draw(_angles)
    c, s = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    return scale, angle, _around_the_middle(np.array([[c, -s], [s, c]]), draw(around_the_middle))


@st.composite
def affinities(draw: st.DrawFn) -> Matrix:
    """Any map that turns, scales each way, shears, mirrors and moves, and keeps at least a third of the area."""
    a, b = (math.radians(draw(_angles)) for _ in range(2))
    turns = [np.array([[math.cos(x), -math.sin(x)], [math.sin(x), math.cos(x)]]) for x in (a, b)]
    sides = np.diag([draw(st.floats(0.6, 1.4)), draw(st.floats(0.6, 1.4)) * draw(st.sampled_from([1, -1]))])
    return _around_the_middle(turns[0] @ sides @ turns[1], draw(around_the_middle))


def _around_the_middle(linear: Matrix, shift: tuple[float, float]) -> Matrix:
    middle = np.array([64.0, 50.0])
    return np.vstack([np.column_stack([linear, middle - linear @ middle + shift]), [0, 0, 1]])


def matte(*shapes: Shape, size: Size = SIZE, **given: object) -> NDArray[np.float32]:
    labelled = tuple(replace(shape, label=str(n)) for n, shape in enumerate(shapes))
    return layer_matte(RotoLayer("a", labelled), 0, size, **given)  # type: ignore[arg-type]


def mapped_points(shape: Shape, matrix: Matrix) -> Shape:
    """The shape of points whose points, handles and feathers went through an affine matrix."""
    tracks = []
    for track in shape.tracks:
        pairs = np.array(track.keys[0].value).reshape(4, 2) @ matrix[:2, :2].T
        pairs[0] += matrix[:2, 2]  # handles and feathers are relative
        tracks.append(constant(*pairs.ravel()))
    return replace(shape, tracks=tuple(tracks))


def as_points(shape: Shape) -> Shape:
    """A rectangle as a curve of its corners, an ellipse as one of 16 arcs that are cubics."""
    x, y, width, height, angle = shape.tracks[0].value_at(0)
    turn = np.array([[math.cos(math.radians(angle)), -math.sin(math.radians(angle))],
                     [math.sin(math.radians(angle)), math.cos(math.radians(angle))]])  # fmt: skip
    if shape.kind == "rectangle":
        places = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        handles = np.zeros_like(places)
    else:
        angles = 2 * math.pi * np.arange(16) / 16
        places = np.column_stack([np.cos(angles), np.sin(angles)]) / 2
        handles = 4 / 3 * math.tan(math.pi / 32) * np.column_stack([-np.sin(angles), np.cos(angles)]) / 2
    places = (places * (width, height)) @ turn.T + (x, y)
    handles = (handles * (width, height)) @ turn.T
    points = np.column_stack([places, -handles, handles, np.zeros_like(places)])
    return Shape(shape.label, "bezier", tuple(constant(*point) for point in points))


def assert_alike(one: Shape, other: Shape, curve_px: float = 0.04) -> None:
    """The same raster, but for how finely curves are cut, and the same box, but for the pixel at an edge."""
    ours, theirs = matte(one, window=ROOMY), matte(other, window=ROOMY)
    np.testing.assert_allclose(ours, theirs, atol=curve_px)
    assert np.abs(ours - theirs).mean() < 1e-3
    boxes = [shape_box(shape, 0, SIZE) for shape in (one, other)]
    assert (boxes[0] is None) == (boxes[1] is None)
    if boxes[0] and boxes[1]:
        assert np.abs(np.subtract(boxes[0].as_tuple(), boxes[1].as_tuple())).max() <= 1


# --- affine maps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_turned_scaled_and_moved_numbers_draw_what_the_transform_draws(kind: Kind, data: st.DataObject) -> None:
    shape, (scale, angle, matrix) = data.draw(drawn(kind)), data.draw(similarities())
    moved = replace(shape, transform=constant(*matrix.ravel()))
    if shape.has_parameters:
        x, y, width, height, own = shape.tracks[0].value_at(0)
        centre = matrix[:2, :2] @ (x, y) + matrix[:2, 2]
        mapped = replace(shape, tracks=(constant(*centre, width * scale, height * scale, own + angle),))
    else:
        mapped = mapped_points(shape, matrix)
        mapped = replace(mapped, width_px=constant(shape.width_px.value_at(0)[0] * scale))
    assert_alike(moved, mapped, 0.08 if shape.is_open else 0.04)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("stroke", "brush")])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_affine_map_of_a_closed_shape_is_that_of_its_points(kind: Kind, data: st.DataObject) -> None:
    """Lines keep their width only through maps that turn and scale."""
    shape, matrix = data.draw(drawn(kind)), data.draw(affinities())
    points = as_points(shape) if shape.has_parameters else shape
    assert_alike(replace(shape, transform=constant(*matrix.ravel())), mapped_points(points, matrix), 0.06)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_two_maps_one_after_the_other_are_their_product(kind: Kind, data: st.DataObject) -> None:
    shape, first, second = data.draw(drawn(kind)), data.draw(affinities()), data.draw(affinities())
    once = replace(shape, transform=constant(*(second @ first).ravel()))
    grown = matte(once, window=ROOMY)
    if not shape.is_open:
        points = mapped_points(as_points(shape) if shape.has_parameters else shape, first)
        twice = replace(points, transform=constant(*second.ravel()))
        np.testing.assert_allclose(grown, matte(twice, window=ROOMY), atol=0.08)
    area = matte(shape, window=ROOMY).sum(dtype=np.float64)
    assert grown.sum(dtype=np.float64) == pytest.approx(area * abs(np.linalg.det(second @ first)), rel=5e-3)


# --- areas --------------------------------------------------------------------------------------------------------


def cubics_area(cubics: NDArray[np.float64]) -> float:
    """Of closed cubic Bezier pieces (n, 4, 2): Green's theorem, the integral of x dy - y dx in closed form."""
    p0, p1, p2, p3 = cubics.transpose(1, 0, 2)

    def cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum())

    parts = ((6, p0, p1), (3, p0, p2), (1, p0, p3), (3, p1, p2), (3, p1, p3), (6, p2, p3))
    return abs(sum(weight * cross(a, b) for weight, a, b in parts)) / 20


@settings(max_examples=40, deadline=None)
@given(drawn("bezier"), st.sampled_from(["bezier", "bspline"]))
def test_the_area_of_curves_is_exact(shape: Shape, kind: Kind) -> None:
    values = np.array([track.value_at(0) for track in shape.tracks])
    points, following = values[:, :2], np.roll(values[:, :2], -1, axis=0)
    if kind == "bezier":
        arriving = np.roll(points + values[:, 2:4], -1, axis=0)
        cubics = np.stack([points, points + values[:, 4:6], arriving, following], axis=1)
    else:
        before, after = np.roll(points, 1, axis=0), np.roll(points, -2, axis=0)
        starts, ends = (before + 4 * points + following) / 6, (points + 4 * following + after) / 6
        cubics = np.stack([starts, (2 * points + following) / 3, (points + 2 * following) / 3, ends], axis=1)
    area = matte(replace(shape, kind=kind), window=ROOMY).sum(dtype=np.float64)
    assert area == pytest.approx(cubics_area(cubics), rel=1e-3)


@pytest.mark.parametrize("kind", ["stroke", "brush"])
@settings(max_examples=40, deadline=None)
@given(st.floats(8, 30), _angles, st.floats(20, 90))
def test_the_area_of_a_straight_line_is_exact(kind: Kind, width: float, angle: float, length: float) -> None:
    dx, dy = length / 2 * math.cos(math.radians(angle)), length / 2 * math.sin(math.radians(angle))
    ends = ((64 - dx, 50 - dy), (64 + dx, 50 + dy))
    shape = Shape("a", kind, tuple(constant(*end, *(0.0,) * 6) for end in ends), width_px=constant(width))
    expected = length * width + math.pi / 4 * width * width
    assert matte(shape, window=ROOMY).sum(dtype=np.float64) == pytest.approx(expected, rel=1e-3)


# --- scale --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(data=st.data(), feather=st.sampled_from([-6.0, 0.0, 8.0]), shutter=st.sampled_from([0.0, 1.0]))
def test_half_the_scale_is_the_whole_raster_downsampled(
    kind: Kind, data: st.DataObject, feather: float, shutter: float
) -> None:
    shape = replace(data.draw(drawn(kind)), feather_px=constant(feather))
    moves = Track((Keyframe(0, (1.0, 0, 0, 0, 1, 0, 0, 0, 1)), Keyframe(1, (1.0, 0, 9, 0, 1, 3, 0, 0, 1))))
    layer = RotoLayer("a", (replace(shape, transform=moves),), shutter, 3)
    full, half = layer_matte(layer, 0, Size(256, 200)), layer_matte(layer, 0, Size(128, 100), scale=0.5)
    assert np.abs(half - cv2.resize(full, (128, 100), interpolation=cv2.INTER_AREA)).mean() < 1 / 255


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_part_at_an_offset_is_that_part_of_the_whole(kind: Kind, data: st.DataObject) -> None:
    shape = data.draw(drawn(kind))
    window = Box(33, 21, 90, 77)
    np.testing.assert_allclose(matte(shape, window=window), matte(shape)[window.slices], atol=2e-5)
    shifted = matte(shape, size=Size(57, 56), offset_px=(-33.0, -21.0))
    np.testing.assert_allclose(shifted, matte(shape)[window.slices], atol=5e-5)


# --- the laws of sets ---------------------------------------------------------------------------------------------

NOTHING = Shape("none", "rectangle", (constant(-500, -500, 1, 1, 0),))


def intersected(shape: Shape) -> Shape:
    return replace(shape, mode="intersect")


def subtracted(shape: Shape) -> Shape:
    return replace(shape, mode="subtract")


def inverted(shape: Shape) -> Shape:
    return replace(shape, is_inverted=not shape.is_inverted)


@settings(max_examples=60, deadline=None)
@given(any_shape, any_shape, any_shape)
def test_shapes_of_any_kind_join_by_the_laws_of_sets(a: Shape, b: Shape, c: Shape) -> None:
    # Commutative, associative, idempotent.
    np.testing.assert_array_equal(matte(a, b, c), matte(c, a, b))
    np.testing.assert_array_equal(matte(a, intersected(b), intersected(c)), matte(c, intersected(b), intersected(a)))
    np.testing.assert_array_equal(matte(a, subtracted(b), subtracted(c)), matte(a, subtracted(c), subtracted(b)))
    np.testing.assert_array_equal(matte(a, a), matte(a))
    np.testing.assert_array_equal(matte(a, intersected(a)), matte(a))
    np.testing.assert_array_equal(matte(a, subtracted(b), subtracted(b)), matte(a, subtracted(b)))
    # Absorption: a and (a or b) is a; (a and b) or a is a.
    np.testing.assert_array_equal(matte(b, a, intersected(a)), matte(a))
    np.testing.assert_array_equal(matte(a, intersected(b), a), matte(a))
    # Taking away is meeting the complement; De Morgan.
    np.testing.assert_allclose(matte(a, subtracted(b)), matte(a, intersected(inverted(b))), atol=1e-6)
    np.testing.assert_allclose(1 - matte(a, b), matte(inverted(a), intersected(inverted(b))), atol=1e-6)
    both_gone = 1 - matte(a, intersected(b))
    np.testing.assert_allclose(both_gone, matte(inverted(a), inverted(b)), atol=1e-6)
    # The order of unlike operations counts: later shapes have the last word.
    np.testing.assert_array_equal(matte(a, subtracted(b), b), np.maximum(matte(a, subtracted(b)), matte(b)))


@settings(max_examples=30, deadline=None)
@given(any_shape)
def test_nothing_and_everything_are_neutral(a: Shape) -> None:
    everything = inverted(NOTHING)
    np.testing.assert_array_equal(matte(NOTHING, a), matte(a))
    np.testing.assert_array_equal(matte(a, subtracted(NOTHING)), matte(a))
    np.testing.assert_array_equal(matte(a, intersected(everything)), matte(a))
    assert matte(a, everything).min() == 1 and not matte(a, intersected(NOTHING)).any()
    assert not matte(subtracted(a)).any() and not matte(intersected(a)).any()
    np.testing.assert_allclose(matte(inverted(a)), 1 - matte(a), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(any_shape, any_shape, st.floats(0, 1))
def test_opacity_is_a_way_between_not_there_and_wholly_there(a: Shape, b: Shape, opacity: float) -> None:
    part = replace(b, opacity=constant(opacity))
    for mode in (lambda shape: shape, subtracted, intersected):
        mattes = [matte(a, mode(replace(b, opacity=constant(value)))) for value in (0.0, opacity, 1.0)]
        np.testing.assert_array_equal(mattes[0], matte(a))
        np.testing.assert_array_equal(mattes[1], matte(a, mode(part)))
        for low, high in pairwise(mattes):
            steps = high - low
            assert (steps >= -1e-6).all() if mode(b).mode == "add" else (steps <= 1e-6).all()


# --- over time ----------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(any_shape, st.integers(2, 5), st.floats(0.1, 2))
def test_motion_blur_is_the_mean_of_its_samples(shape: Shape, samples: int, shutter: float) -> None:
    moves = Track((Keyframe(-5, (1.0, 0, -20, 0, 1, 0, 0, 0, 1)), Keyframe(5, (1.0, 0, 20, 0, 1, 9, 0, 0, 1))))
    shape = replace(shape, transform=moves, feather_px=constant(2))
    layer = RotoLayer("a", (shape,), shutter, samples)
    stills = [
        layer_matte(RotoLayer("a", (replace(shape, transform=constant(*moves.value_at(time))),)), 0, SIZE)
        for time in layer.exposures(0)
    ]
    np.testing.assert_allclose(layer_matte(layer, 0, SIZE), np.mean(stills, axis=0), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(any_shape, st.integers(-3, 3), st.integers(0, 4), st.integers(-5, 9))
def test_a_shape_is_there_from_its_first_frame_to_its_last_one(shape: Shape, first: int, frames: int, at: int) -> None:
    lasting = replace(shape, first_frame=first, last_frame=first + frames)
    seen = layer_matte(RotoLayer("a", (lasting,)), at, SIZE)
    expected = layer_matte(RotoLayer("a", (shape,)), at, SIZE)
    np.testing.assert_array_equal(seen, expected if first <= at <= first + frames else 0 * expected)
    assert not layer_matte(RotoLayer("a", (replace(shape, is_visible=False),)), at, SIZE).any()
    locked = replace(shape, is_locked=True, color=(0.1, 0.2, 0.3))  # of these the viewer alone knows
    np.testing.assert_array_equal(layer_matte(RotoLayer("a", (locked,)), at, SIZE), expected)


@settings(max_examples=30, deadline=None)
@given(any_shape, any_shape, st.integers(0, 2))
def test_moving_a_shape_in_the_order_keeps_all_of_them(a: Shape, b: Shape, position: int) -> None:
    layer = RotoLayer("a", (a, replace(b, label="b", mode="subtract"), replace(a, label="c", mode="intersect")))
    moved = layer.moved("b", position)
    assert moved.shapes[position].label == "b" and sorted(s.label for s in moved.shapes) == ["a", "b", "c"]
    assert [s.label for s in moved.shapes if s.label != "b"] == ["a", "c"]
