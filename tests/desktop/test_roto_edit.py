"""What edits do to a shape, whatever its transform."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from desktop.roto.edit import (
    as_bezier,
    is_smooth,
    made_corners,
    made_smooth,
    with_feather_point,
    with_handle,
    with_inserted,
    without_points,
)
from desktop.roto.picking import distance_to_outline, is_inside
from desktop.roto.points import keyed, points_at, with_points_at
from desktop.roto.shape_numbers import is_number_keyed, number_at, with_number, with_number_key_toggled
from desktop.roto.transforms import rotation, scaling, transformed, translation
from desktop.viewer.box_handles import Handle
from desktop.viewer.roto_hits import CurveHit, GripHit, InsideHit, PointHit, hit_active
from desktop.viewer.tools.brush_tool import simplified
from desktop.viewer.transform_box import box_around
from roi_tools.keyframes import Keyframe, Track
from roi_tools.polylines import polygon_area
from roi_tools.roto.model import Shape
from roi_tools.roto.outlines import outline_at
from tests.roi_tools.roto_strategies import blobs

TRANSFORM = Track(
    (Keyframe(0, (1.1, 0.1, 3.0, -0.2, 0.9, 5.0, 0, 0, 1)), Keyframe(10, (1.3, 0.2, -3.0, 0.1, 1.2, 2.0, 1e-4, 0, 1)))
)


def shape_of(points: tuple[tuple[float, ...], ...], kind: str = "bezier", frame: int = 2) -> Shape:
    return Shape("s", kind, tuple(Track((Keyframe(frame, point),)) for point in points))  # type: ignore[arg-type]


def ellipse(angle: float = 30.0) -> Shape:
    return Shape("e", "ellipse", (Track((Keyframe(2, (50.0, 40.0, 40.0, 20.0, angle)),)),))


@given(blobs(), st.integers(-3, 14))
def test_what_is_seen_can_be_set_and_comes_back(points: tuple[tuple[float, ...], ...], frame: int) -> None:
    shape = replace(shape_of(points), transform=TRANSFORM)
    seen = points_at(shape, frame)
    np.testing.assert_allclose(points_at(with_points_at(shape, frame, seen), frame), seen, atol=1e-6)


@given(blobs(), st.floats(-40, 40), st.floats(-40, 40), st.integers(-3, 14))
def test_a_move_moves_what_is_seen_and_keys_all_points(
    points: tuple[tuple[float, ...], ...], dx: float, dy: float, frame: int
) -> None:
    shape = replace(shape_of(points), transform=TRANSFORM)
    moved = transformed(shape, frame, None, translation(dx, dy))
    wanted = points_at(shape, frame) + np.array([dx, dy])
    np.testing.assert_allclose(points_at(moved, frame), wanted, atol=1e-6)
    assert {track.frames for track in moved.tracks} == {tuple(sorted({2, frame}))}


@given(st.floats(-170, 170), st.floats(0.3, 3), st.floats(-20, 20))
def test_an_ellipse_is_turned_scaled_and_moved_as_its_outline(angle: float, scale: float, dx: float) -> None:
    matrix = translation(dx, 3) @ rotation((10, 5), angle) @ scaling((0, 0), scale, scale)
    before, after = outline_at(ellipse(), 2)[0], outline_at(transformed(ellipse(), 2, None, matrix), 2)[0]
    wanted = before @ matrix[:2, :2].T + matrix[:2, 2]
    for place in wanted[:: max(1, len(wanted) // 9)]:  # the outline may start elsewhere: compare as curves
        assert np.hypot(*(after - place).T).min() < 0.05 * max(scale, 1) + 3.5 * scale


@given(blobs(), st.data())
def test_a_point_put_in_leaves_the_curve_as_it_is_on_every_key(
    points: tuple[tuple[float, ...], ...], data: st.DataObject
) -> None:
    shape = shape_of(points)
    shape = transformed(shape, 8, {0, 1}, translation(6, -4))
    segment, t = data.draw(st.integers(0, len(points) - 1)), data.draw(st.floats(0.1, 0.9))
    longer, index = with_inserted(shape, segment, t)
    assert (index, len(longer.tracks)) == (segment + 1, len(shape.tracks) + 1)
    for frame in (2, 5, 8):
        before, after = (abs(polygon_area(outline_at(one, frame)[0])) for one in (shape, longer))
        assert after == pytest.approx(before, rel=2e-3)


def test_points_are_deleted_until_too_few_are_left() -> None:
    square = shape_of(tuple((x, y, *(0.0,) * 6) for x, y in ((0, 0), (9, 0), (9, 9), (0, 9))))
    triangle = without_points(square, {1})
    assert triangle is not None and len(triangle.tracks) == 3
    assert without_points(triangle, {0}) is None


def test_corners_become_smooth_and_corners_again() -> None:
    square = shape_of(tuple((x, y, *(0.0,) * 6) for x, y in ((0, 0), (9, 0), (9, 9), (0, 9))))
    smooth = made_smooth(square, {0})
    assert is_smooth(points_at(smooth, 2)[0])
    assert any(smooth.tracks[0].keys[0].value[2:6])
    assert made_corners(smooth, {0}) == square


def test_the_other_handle_of_a_smooth_point_turns_along_unless_it_breaks() -> None:
    shape = shape_of(((10.0, 10, -4, 0, 4, 0, 0, 0), (30.0, 10, 0, 0, 0, 0, 0, 0), (20.0, 30, 0, 0, 0, 0, 0, 0)))
    turned = points_at(with_handle(shape, 2, 0, "out", (10, 16), breaks=False), 2)[0]
    np.testing.assert_allclose(turned[1:3], [(10, 6), (10, 16)], atol=1e-9)
    broken = points_at(with_handle(shape, 2, 0, "out", (10, 16), breaks=True), 2)[0]
    np.testing.assert_allclose(broken[1:3], [(6, 10), (10, 16)], atol=1e-9)


@pytest.mark.parametrize("kind", ["ellipse", "rectangle", "bspline"])
def test_as_bezier_looks_the_same(kind: str) -> None:
    if kind == "bspline":
        shape = shape_of(tuple((x, y, *(0.0,) * 6) for x, y in ((0, 0), (40, 3), (44, 40), (5, 37))), kind)
    else:
        shape = ellipse() if kind == "ellipse" else replace(ellipse(), kind="rectangle")
    bezier = as_bezier(replace(shape, transform=TRANSFORM))
    assert bezier.kind == "bezier"
    before, after = outline_at(replace(shape, transform=TRANSFORM), 4)[0], outline_at(bezier, 4)[0]
    assert polygon_area(after) == pytest.approx(polygon_area(before), rel=2e-3)


def test_numbers_change_everywhere_until_they_are_keyed() -> None:
    shape = with_number(ellipse(), "opacity", 5, 0.5)
    assert [number_at(shape, "opacity", frame) for frame in (0, 5, 9)] == [0.5] * 3
    shape = with_number_key_toggled(shape, "opacity", 9)
    assert is_number_keyed(shape, "opacity", 9)
    shape = with_number(shape, "opacity", 9, 1.0)
    assert [number_at(shape, "opacity", frame) for frame in (2, 9)] == [0.5, 1.0]
    shape = with_number_key_toggled(shape, "opacity", 9)
    assert [number_at(shape, "opacity", frame) for frame in (2, 9)] == [0.5, 0.5]


def test_a_new_key_goes_on_as_the_one_before_it() -> None:
    held = Track((Keyframe(0, (1.0,), "hold"),))
    assert [key.interpolation for key in keyed(held, 6, (2.0,)).keys] == ["hold", "hold"]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=40))
def test_a_simplified_line_stays_within_its_error(places: list[tuple[float, float]]) -> None:
    fewer = simplified(places, 2.0)
    assert (fewer[0], fewer[-1]) == (places[0], places[-1])
    start, end = np.array(fewer[:-1]), np.array(fewer[1:])
    for place in np.array(places):
        along = end - start
        length = np.maximum((along**2).sum(axis=1), 1e-12)
        share = np.clip(((place - start) * along).sum(axis=1) / length, 0, 1)
        distances = np.hypot(*(start + share[:, np.newaxis] * along - place).T)
        # Places beyond an end of their piece count by their distance from its line.
        lines = np.abs(along[:, 0] * (place - start)[:, 1] - along[:, 1] * (place - start)[:, 0]) / np.sqrt(length)
        assert min(distances.min(), lines.min()) <= 2.0 + 1e-6


# --- the box around a selection -------------------------------------------------------------------------------------


@given(st.floats(-80, 80), st.sampled_from([Handle.RIGHT, Handle.BOTTOM_RIGHT, Handle.TOP]), st.floats(-9, 30))
def test_a_handle_s_drag_moves_it_and_leaves_the_other_side(angle: float, handle: Handle, by: float) -> None:
    shape = ellipse(angle)
    box = box_around(shape, 2, frozenset())
    assert box is not None
    before = box.handles(0)
    direction = np.array(before[handle]) - np.array(box.centre)
    dx, dy = direction / np.hypot(*direction) * by
    after = box_around(transformed(shape, 2, None, box.scaled(handle, dx, dy, uniform=False)), 2, frozenset())
    assert after is not None
    opposite = {Handle.RIGHT: Handle.LEFT, Handle.BOTTOM_RIGHT: Handle.TOP_LEFT, Handle.TOP: Handle.BOTTOM}[handle]
    np.testing.assert_allclose(after.handles(0)[handle], np.array(before[handle]) + np.array([dx, dy]), atol=0.1)
    np.testing.assert_allclose(after.handles(0)[opposite], before[opposite], atol=0.1)


def test_a_turn_snaps_to_steps_of_15_degrees() -> None:
    box = box_around(ellipse(0), 2, frozenset())
    assert box is not None
    turned = transformed(ellipse(0), 2, None, box.turned((70, 40), (70, 47), steps=True))
    assert turned.tracks[0].value_at(2)[4] == pytest.approx(15)


def test_what_lies_under_the_cursor() -> None:
    square = shape_of(tuple((x, y, *(0.0,) * 6) for x, y in ((0, 0), (100, 0), (100, 100), (0, 100))))
    everything = frozenset(range(4))
    assert hit_active(square, 2, frozenset(), 1, 1, 1.0) == PointHit(0)
    assert hit_active(square, 2, frozenset(), 50, 1, 1.0) == CurveHit(0, 0.5)
    assert hit_active(square, 2, frozenset(), 50, 50, 1.0) == InsideHit()
    assert hit_active(square, 2, frozenset(), 150, 50, 1.0) is None
    assert hit_active(square, 2, everything, 112, 50, 1.0) == GripHit(Handle.RIGHT)
    assert hit_active(square, 2, everything, 122, 122, 1.0) == GripHit(None)
    feathered = with_feather_point(square, 2, 2, (120, 130))
    assert hit_active(feathered, 2, frozenset(), 121, 129, 1.0) == PointHit(2, "feather")


@given(st.floats(-20, 120), st.floats(-20, 120))
def test_inside_agrees_with_the_distance_to_a_square(x: float, y: float) -> None:
    square = shape_of(tuple((px, py, *(0.0,) * 6) for px, py in ((0, 0), (100, 0), (100, 100), (0, 100))))
    inside = 0 < x < 100 and 0 < y < 100
    near = min(abs(x), abs(y), abs(x - 100), abs(y - 100))
    assume(near > 1e-6)
    assert is_inside(square, 2, x, y) is inside
    if inside:
        assert distance_to_outline(square, 2, x, y) == pytest.approx(near)
