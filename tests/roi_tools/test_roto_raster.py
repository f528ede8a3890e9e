"""Roto mattes: exact areas, any part of the frame at any scale, the algebra of modes."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size, frame_box
from roi_tools.keyframes import Keyframe, Track
from roi_tools.polylines import polygon_area
from roi_tools.roto import coverage, raster
from roi_tools.roto.model import Kind, RotoLayer, Shape, constant
from roi_tools.roto.outlines import outline_at
from roi_tools.roto.raster import layer_box, layer_matte, shape_box
from tests.roi_tools.roto_strategies import blobs, moving_layers

SIZE = Size(128, 100)
WHOLE = frame_box(SIZE)
Blob = tuple[tuple[float, ...], ...]


def blob(points: Blob, label: str = "blob", kind: Kind = "bezier") -> Shape:
    return Shape(label, kind, tuple(constant(*point) for point in points))


def matte(*shapes: Shape, **given: object) -> NDArray[np.float32]:
    labelled = tuple(replace(shape, label=str(n)) for n, shape in enumerate(shapes))
    return layer_matte(RotoLayer("a", labelled), 0, SIZE, **given)  # type: ignore[arg-type]


def area(*shapes: Shape) -> float:
    return float(matte(*shapes).sum(dtype=np.float64))


@given(st.floats(3, 60), st.floats(3, 60), st.floats(-180, 180), st.floats(50, 78), st.floats(45, 55))
def test_areas_of_rectangles_and_ellipses_are_exact(w: float, h: float, angle: float, x: float, y: float) -> None:
    assert area(Shape("r", "rectangle", (constant(x, y, w, h, angle),))) == pytest.approx(w * h, rel=1e-4)
    ellipse = area(Shape("e", "ellipse", (constant(x, y, w, h, angle),)))
    assert ellipse == pytest.approx(math.pi / 4 * w * h, rel=1e-3, abs=0.05)


@given(st.lists(st.lists(st.tuples(st.floats(-90, 220), st.floats(-90, 200)), max_size=6), max_size=5),
       st.integers(0, 30_000))  # fmt: skip
def test_polygons_cover_together_what_each_covers(corners: list[list[tuple[float, float]]], at_once: int) -> None:
    polygons = [np.array(each, np.float64).reshape(-1, 2) for each in corners]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "_CELLS_AT_ONCE", at_once)
        together = list(coverage.cover(polygons, WHOLE))
    for polygon, found in zip(polygons, together, strict=True):
        (alone,) = coverage.cover([polygon], WHOLE)
        assert (found is None) == (alone is None)
        if found and alone:
            assert found[0] == alone[0] and np.array_equal(found[1], alone[1])


@given(st.floats(-1e-11, 1e-11), st.floats(-1e-11, 1e-11))
def test_edges_beside_whole_pixels_count_once(right: float, low: float) -> None:
    (found,) = coverage.cover([np.array([(10, 20), (30 + right, 20), (30 - right, 60 + low), (10, 60 - low)])], WHOLE)
    assert found is not None
    assert found[1].sum(dtype=np.float64) == pytest.approx(800, abs=1e-3) and found[1].max() == 1


def test_the_area_of_a_cubic_curve_is_exact() -> None:
    # One cubic and its chord: 3/20 of (P3-P0)x... for a symmetric arch of height h and width w: area = 3/5 w h'.
    shape = blob(((20, 80, 0, 0, 0, -60, 0, 0), (100, 80, 0, -60, 0, 0, 0, 0)))
    assert area(shape) == pytest.approx(80 * 60 * 3 / 5, rel=1e-3)


@given(st.floats(4, 20), st.floats(-180, 180))
def test_the_area_of_a_straight_stroke_is_its_length_by_its_width_and_its_round_ends(w: float, angle: float) -> None:
    dx, dy = 25 * math.cos(math.radians(angle)), 25 * math.sin(math.radians(angle))
    line = [(64 - dx, 50 - dy, 0, 0, 0, 0, 0, 0), (64 + dx, 50 + dy, 0, 0, 0, 0, 0, 0)]
    shape = replace(blob(tuple(line), kind="stroke"), width_px=constant(w))
    assert area(shape) == pytest.approx(50 * w + math.pi / 4 * w * w, rel=2e-3)


def test_a_stroke_with_a_hairpin_has_no_gap() -> None:
    line = ((20, 30), (100, 50), (20, 70))
    shape = replace(blob(tuple((x, y, 0, 0, 0, 0, 0, 0) for x, y in line), kind="brush"), width_px=constant(10))
    drawn = matte(shape)
    assert drawn[30, 22] == drawn[50, 98] == drawn[70, 22] == 1 and drawn[50, 30] == 0


@given(blobs(), st.sampled_from(["bezier", "bspline"]))
def test_coverage_lies_between_0_and_1_and_sums_to_the_polygons_area(points: Blob, kind: Kind) -> None:
    shape = blob(points, kind=kind)
    drawn = matte(shape)
    assert drawn.min() >= 0 and drawn.max() <= 1
    (polygon,) = outline_at(shape, 0)
    assert drawn.sum(dtype=np.float64) == pytest.approx(abs(polygon_area(polygon)), rel=1e-4)


@given(blobs(), st.integers(-20, 20), st.integers(-20, 20))
def test_moving_by_whole_pixels_moves_the_matte(points: Blob, dx: int, dy: int) -> None:
    moved = blob(tuple((x + dx, y + dy, *rest) for x, y, *rest in points))
    window = Box(-40, -40, 168, 140)
    drawn = matte(moved, window=window)
    expected = matte(blob(points), window=window.shifted(-dx, -dy))
    np.testing.assert_allclose(drawn, expected, atol=3e-5)


@given(blobs())
def test_quarter_turns_and_mirrors_turn_the_matte(points: Blob) -> None:
    shape = blob(points)
    turn = constant(0, -1, 100, 1, 0, 0, 0, 0, 1)  # (x, y) -> (100 - y, x)
    turned = layer_matte(RotoLayer("a", (replace(shape, transform=turn),)), 0, Size(100, 128))
    np.testing.assert_allclose(turned, np.rot90(matte(shape), -1), atol=3e-5)
    mirror = constant(-1, 0, 128, 0, 1, 0, 0, 0, 1)
    np.testing.assert_allclose(matte(replace(shape, transform=mirror)), matte(shape)[:, ::-1], atol=3e-5)


@given(blobs(), st.floats(0.3, 0.9), st.floats(-0.5, 0.5), st.floats(-0.4, 0.4))
def test_areas_scale_with_the_transforms_determinant(points: Blob, scale: float, shear: float, angle: float) -> None:
    linear = (
        scale
        * np.array([[1, shear], [0, 1]])
        @ [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    shift = np.array([64, 50]) - linear @ [60, 50]
    transform = constant(*linear[0], shift[0], *linear[1], shift[1], 0, 0, 1)
    moved = replace(blob(points), transform=transform)
    window = Box(-60, -60, 190, 160)
    drawn = matte(moved, window=window).sum(dtype=np.float64)
    # The frame is where coverage counts; nothing of the blob leaves this window.
    assert drawn == pytest.approx(area(blob(points)) * abs(np.linalg.det(linear)), rel=2e-3)


@given(
    blobs(),
    st.sampled_from(["bezier", "bspline"]),
    st.tuples(*[st.floats(-0.4, 0.4)] * 4),
    st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
)
def test_a_transform_draws_what_transformed_points_draw(
    points: Blob, kind: Kind, linear: tuple[float, ...], offset: tuple[float, float]
) -> None:
    """Affine equivariance of the raster and of the box."""
    matrix = np.array([[1 + linear[0], linear[1]], [linear[2], 1 + linear[3]]])
    centre = np.array([60.0, 50.0])
    shift = centre - matrix @ centre + offset
    row_by_row = (*matrix[0], shift[0], *matrix[1], shift[1], 0, 0, 1)
    moved = replace(blob(points, kind=kind), transform=constant(*row_by_row))
    pairs = [np.array(point).reshape(4, 2) @ matrix.T for point in points]
    shifts = np.array([shift, (0, 0), (0, 0), (0, 0)])  # handles and feathers are relative
    mapped = blob(tuple(tuple((pair + shifts).ravel()) for pair in pairs), kind=kind)
    # The curves are cut into straight pieces before they are moved, or after: both are as close to them.
    np.testing.assert_allclose(matte(moved), matte(mapped), atol=0.03)
    assert np.abs(matte(moved) - matte(mapped)).mean() < 1e-4
    ours, theirs = shape_box(moved, 0, SIZE), shape_box(mapped, 0, SIZE)
    assert (ours is None) == (theirs is None)
    if ours and theirs:
        assert np.abs(np.subtract(ours.as_tuple(), theirs.as_tuple())).max() <= 1


@given(blobs())
def test_the_box_is_the_smallest_around_the_matte(points: Blob) -> None:
    box = shape_box(blob(points), 0, SIZE)
    assert box is not None
    drawn = matte(blob(points)) > 0
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert box.contains(Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    assert box.width_px <= len(columns) + 2 and box.height_px <= len(rows) + 2


@settings(max_examples=60, deadline=None)
@given(moving_layers(), st.integers(-2, 12))
def test_nothing_is_drawn_outside_the_layers_box(layer: RotoLayer, frame: int) -> None:
    drawn, box = layer_matte(layer, frame, SIZE), layer_box(layer, frame, SIZE)
    if box is not None:
        drawn[box.slices] = 0
    assert not drawn.any()


def test_the_layers_box_holds_what_moves_while_the_shutter_is_open() -> None:
    moving = Track((Keyframe(0, (30.0, 50.0, 20.0, 20.0, 0.0)), Keyframe(10, (130.0, 50.0, 20.0, 20.0, 0.0))))
    still, hidden = Shape("r", "rectangle", (moving,)), Shape("h", "ellipse", (moving,), is_visible=False)
    taken = Shape("s", "rectangle", (constant(64, 50, 400, 400, 0),), "subtract")
    assert layer_box(RotoLayer("a", (still, hidden, taken)), 2, SIZE) == Box(40, 40, 60, 60)
    blurred = layer_box(RotoLayer("a", (still,), 1.0, 2), 2, SIZE)
    assert blurred == Box(37, 40, 63, 60)
    assert layer_box(RotoLayer("a", (replace(still, is_inverted=True),)), 2, SIZE) == Box(0, 0, 128, 100)
    assert layer_box(RotoLayer("a", (hidden, taken)), 2, SIZE) is None


def test_an_edge_that_ends_at_the_left_border_draws_nothing_elsewhere() -> None:
    """Rounding once put a cut of such an edge left of its box: into the row above it, or before the first one."""
    generator = np.random.default_rng(5)
    for _ in range(300):
        polygon = generator.uniform(0, 30, (5, 2)) + generator.uniform(-1, 1, 2) * 1e-15
        polygon[generator.integers(5), 0] = 0.0
        matte = layer_matte(RotoLayer("a", (_polygon(polygon), _polygon(polygon + 40))), 0, SIZE)
        assert not matte[:, 36:40].any() and not matte[33:40].any()


def _polygon(points: np.ndarray) -> Shape:
    label = f"at {points[0, 0]}"
    return Shape(label, "bezier", tuple(constant(x, y, 0, 0, 0, 0, 0, 0) for x, y in points.tolist()))


@given(blobs(), st.floats(-10, 10))
def test_a_part_of_the_frame_is_that_part_of_the_whole(points: Blob, feather: float) -> None:
    shape = replace(blob(points), feather_px=constant(feather))
    window = Box(40, 30, 71, 90)  # less than 1e-5 counts as nothing
    np.testing.assert_allclose(matte(shape, window=window), matte(shape)[window.slices], atol=2e-5)


@given(blobs())
def test_half_the_scale_is_the_whole_raster_downsampled(points: Blob) -> None:
    full = matte(blob(points))
    half = layer_matte(RotoLayer("a", (blob(points),)), 0, Size(64, 50), scale=0.5)
    assert np.abs(half - cv2.resize(full, (64, 50), interpolation=cv2.INTER_AREA)).mean() < 1 / 255
    np.testing.assert_allclose(half, full.reshape(50, 2, 64, 2).mean(axis=(1, 3)), atol=0.02)


def test_half_the_scale_of_a_feathered_shape_is_close_to_the_downsampled_one() -> None:
    points = tuple(
        (60 + 25 * math.cos(a), 50 + 25 * math.sin(a), 0, 0, 0, 0, 8 * math.cos(a), 8 * math.sin(a))
        for a in np.arange(12) / 12 * 2 * math.pi
    )
    full = matte(blob(points))
    half = layer_matte(RotoLayer("a", (blob(points),)), 0, Size(64, 50), scale=0.5)
    assert np.abs(half - cv2.resize(full, (64, 50), interpolation=cv2.INTER_AREA)).mean() < 1 / 255


@given(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_a_sub_pixel_offset_is_a_shift_of_the_shape(dx: float, dy: float) -> None:
    shape = Shape("e", "ellipse", (constant(60, 50, 40, 30, 20),))
    moved = Shape("e", "ellipse", (constant(60 + dx, 50 + dy, 40, 30, 20),))
    np.testing.assert_allclose(matte(shape, offset_px=(dx, dy)), matte(moved), atol=1e-6)


@settings(max_examples=40)
@given(blobs(), blobs())
def test_the_algebra_of_modes(first: Blob, second: Blob) -> None:
    a, b = blob(first), blob(tuple((x + 11.3, y - 7.7, *rest) for x, y, *rest in second))
    np.testing.assert_array_equal(matte(a, a), matte(a))
    np.testing.assert_array_equal(matte(a, b), matte(b, a))
    np.testing.assert_array_equal(matte(a, replace(b, mode="intersect")), matte(b, replace(a, mode="intersect")))
    np.testing.assert_allclose(
        matte(a, replace(b, mode="subtract")), matte(a, replace(b, mode="intersect", is_inverted=True)), atol=1e-6
    )
    assert matte(a, replace(a, mode="subtract")).max() <= 0.5  # only half-covered edge pixels keep anything
    # De Morgan: not (a or b) = not a and not b
    not_a = replace(a, is_inverted=True)
    np.testing.assert_allclose(1 - matte(a, b), matte(not_a, replace(b, mode="intersect", is_inverted=True)), atol=1e-6)


def test_opacity_scales_what_a_shape_adds_and_takes() -> None:
    box = Shape("r", "rectangle", (constant(60, 50, 40, 40, 0),))
    half = replace(box, opacity=constant(0.5))
    assert matte(half)[50, 60] == 0.5
    assert matte(box, replace(half, mode="subtract"))[50, 60] == 0.5
    assert matte(box, replace(half, mode="intersect"))[5, 5] == 0


def test_feathers_are_soft_outside_or_inside_only() -> None:
    box = Shape("r", "rectangle", (constant(60, 50, 40, 40, 0),))
    outside = matte(replace(box, feather_px=constant(8)))
    assert outside[50, 41] == 1 and 0.4 < outside[50, 36] < 0.65 and outside[50, 31] == 0
    inside = matte(replace(box, feather_px=constant(-8)))
    assert inside[50, 39] == 0 and 0.4 < inside[50, 44] < 0.65 and inside[50, 60] == 1


@given(st.floats(0, 1), st.sampled_from([0.0, 90.0]))
def test_a_feather_moves_by_fractions_of_a_pixel(offset: float, angle: float) -> None:
    box = Shape("r", "rectangle", (constant(60 + offset, 50, 40, 40, angle),))
    columns = np.arange(83, 90)
    outside = matte(replace(box, feather_px=constant(12)))[50, columns]
    np.testing.assert_allclose(outside, 1 - (columns + 0.5 - 80 - offset) / 12, atol=0.005)
    inside = matte(replace(box, feather_px=constant(-12)))[50, columns - 13]
    np.testing.assert_allclose(inside, (80 + offset - columns + 12.5) / 12, atol=0.005)


def test_a_slanted_feather_is_as_wide_as_a_straight_one() -> None:
    for offset in np.arange(10) / 10:
        box = Shape("r", "rectangle", (constant(64 + offset, 50, 40, 40, 45),), feather_px=constant(12))
        drawn = matte(box)
        for x, y in ((86, 60), (88, 63), (90, 62)):
            away = ((x + 0.5 - 64 - offset) + (y + 0.5 - 50)) / math.sqrt(2) - 20
            assert drawn[y, x] == pytest.approx(min(1 - away / 12, 1), abs=0.02)


def test_a_point_has_its_own_feather() -> None:
    points = [
        (30, 30, 0, 0, 0, 0, 0, 0),
        (90, 30, 0, 0, 0, 0, 20, 0),
        (90, 70, 0, 0, 0, 0, 20, 0),
        (30, 70, 0, 0, 0, 0, 0, 0),
    ]
    drawn = matte(blob(tuple(map(tuple, points))))
    assert drawn[50, 60] == 1 and 0.3 < drawn[50, 99] < 0.7 and drawn[50, 112] == 0 and drawn[50, 28] == 0


def test_motion_blur_spreads_a_moving_shape_and_keeps_its_area() -> None:
    track = Track((Keyframe(0, (30.0, 50, 20, 20, 0)), Keyframe(10, (90.0, 50, 20, 20, 0))))
    layer = RotoLayer("a", (Shape("r", "rectangle", (track,)),), shutter_frames=1.0, shutter_samples=16)
    drawn = layer_matte(layer, 5, SIZE)
    assert drawn.sum() == pytest.approx(400, rel=1e-3)
    assert np.count_nonzero(drawn[50]) > 24 and 0 < drawn[50, 49] < 1


def test_shapes_outside_the_frame_or_without_area_draw_nothing() -> None:
    assert not matte(Shape("r", "rectangle", (constant(-500, 50, 40, 40, 0),))).any()
    assert not matte(Shape("r", "rectangle", (constant(60, 50, 0, 40, 0),))).any()
    assert shape_box(Shape("r", "rectangle", (constant(-500, 50, 40, 40, 0),)), 0, SIZE) is None


@given(st.floats(-60, 180), st.floats(-60, 160), st.floats(20, 300), st.floats(-90, 90))
def test_a_shape_that_leaves_the_frame_is_cut_not_changed(x: float, y: float, side: float, angle: float) -> None:
    shape = Shape("r", "rectangle", (constant(x, y, side, side, angle),))
    window = Box(-400, -400, 500, 500)
    whole = matte(shape, window=window)
    assert whole.sum(dtype=np.float64) == pytest.approx(side * side, rel=1e-4)
    np.testing.assert_allclose(matte(shape), whole[400:500, 400:528], atol=1e-4)


def test_a_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ShapeError, match="scale 0 is not possible"):
        matte(blob(((0,) * 8, (1,) * 8)), scale=0)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blobs(), st.sampled_from([-9.0, 0.0, 14.0]), st.sampled_from([0.0, 12.0]), st.floats(30, 50))
def test_a_wide_feather_that_is_drawn_small_looks_like_one_that_is_not(
    monkeypatch: pytest.MonkeyPatch, points: Blob, uniform: float, own: float, factor: float
) -> None:
    pairs = zip(points, np.linspace(0, 2 * math.pi, len(points), endpoint=False), strict=True)
    soft = tuple((*point[:6], own * math.cos(angle), own * math.sin(angle)) for point, angle in pairs)
    shape = replace(blob(soft), feather_px=constant(uniform), transform=constant(*_zoomed(points[0], factor)))
    small = matte(shape)
    monkeypatch.setattr(raster, "_WIDE_PX", 1e9)
    np.testing.assert_allclose(small, matte(shape), atol=1.5 / 255)


def _zoomed(around: tuple[float, ...], factor: float) -> tuple[float, ...]:
    x, y = around[:2]
    return (factor, 0, 64 - factor * x, 0, factor, 50 - factor * y, 0, 0, 1)


@pytest.mark.parametrize("factor", [1e3, 1e5])
def test_a_feathered_shape_that_is_magnified_beyond_reason_is_drawn(factor: float) -> None:
    points = ((40, 30, 0, 0, 0, 0, -9, 0), (90, 30, 0, 0, 0, 0, 9, 0), (65, 80, 0, 0, 0, 0, 0, 9))
    shape = replace(blob(points), feather_px=constant(6), transform=constant(*_zoomed((65, 55), factor)))
    assert matte(shape).min() == 1
    outside = matte(replace(shape, transform=constant(*_zoomed((65, 27), factor))))
    assert outside.min() == pytest.approx(0.5, abs=0.02) and outside.max() == pytest.approx(0.5, abs=0.02)


def test_a_magnified_curve_has_no_corners() -> None:
    shape = replace(blob(((20, 80, 0, 0, 0, -60, 0, 0), (100, 80, 0, -60, 0, 0, 0, 0))))
    (drawn,) = outline_at(replace(shape, transform=constant(*_zoomed((60, 35), 40))), 0)
    steps = np.diff(drawn, axis=0)[:-1]
    angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    lengths = np.linalg.norm(steps, axis=1)
    # How far a chord of that length and turn lies from its arc.
    assert (lengths[1:] * np.abs(np.diff(angles)) / 8).max() < 0.1
