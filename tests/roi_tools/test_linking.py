"""Companions go along with their leaders, and stay themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roi_tools.errors import ShapeError
from roi_tools.keyframes import Keyframe, Track
from roi_tools.linking import (
    box_displacements,
    companion_box,
    companion_shape,
    moved_box,
    with_companions,
)
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.outlines import outline_at
from roi_tools.shapes import AnimatedRectangle, RectF
from tests.roi_tools.roto_strategies import layers
from tests.roi_tools.strategies import rectangles

STILL = AnimatedRectangle.still(RectF(10, 20, 30, 60))
SHADOW = AnimatedRectangle.still(RectF(30, 55, 70, 65))


def box(*keys: tuple[int, tuple[float, ...]]) -> AnimatedRectangle:
    return AnimatedRectangle(Track.of(Keyframe(frame, tuple(map(float, edges))) for frame, edges in keys))


def gone_along(companion: AnimatedRectangle, before: AnimatedRectangle, after: AnimatedRectangle) -> AnimatedRectangle:
    tracks = (before.track, after.track, companion.track)
    frames = range(min(t.frames[0] for t in tracks), max(t.frames[-1] for t in tracks) + 1)
    return moved_box(companion, frames, box_displacements(before, after, frames))


def edges_at(shape: AnimatedRectangle, frame: int) -> tuple[float, ...]:
    return shape.track.value_at(frame)


@settings(max_examples=60)
@given(rectangles(), rectangles(), rectangles(), st.integers(-20, 220))
def test_a_companion_keeps_its_size_and_its_place_beside_its_leaders_centre(
    companion: AnimatedRectangle, before: AnimatedRectangle, after: AnimatedRectangle, frame: int
) -> None:
    moved = gone_along(companion, before, after)
    sizes, old, new, there, here = (
        np.array(edges_at(shape, frame)) for shape in (companion, before, after, companion, moved)
    )
    np.testing.assert_allclose(here[2:] - here[:2], sizes[2:] - sizes[:2], atol=0.25)
    way = (new[:2] + new[2:] - old[:2] - old[2:]) / 2
    for axis in range(2):
        expected = there[axis] + way[axis]
        assert here[axis] == pytest.approx(expected, abs=0.06) or _was_pulled(before, after, axis)


def _was_pulled(before: AnimatedRectangle, after: AnimatedRectangle, axis: int) -> bool:
    frames = range(-21, 222)
    old, new = (np.array([edges_at(shape, n) for n in frames]) for shape in (before, after))
    steps = np.abs(new - old)[:, [axis, axis + 2]]
    return bool((steps.min(axis=1) < 1e-6).all())


@settings(max_examples=40)
@given(rectangles(), rectangles(), rectangles(), st.integers(-20, 220))
def test_what_goes_there_and_back_is_where_it_was(
    companion: AnimatedRectangle, before: AnimatedRectangle, after: AnimatedRectangle, frame: int
) -> None:
    back = gone_along(gone_along(companion, before, after), after, before)
    np.testing.assert_allclose(edges_at(back, frame), edges_at(companion, frame), atol=0.25)


@given(rectangles(), rectangles())
def test_a_leader_that_stays_leaves_its_companion_alone(
    companion: AnimatedRectangle, leader: AnimatedRectangle
) -> None:
    assert gone_along(companion, leader, leader) is companion


def test_a_tracked_leader_takes_its_companion_along_with_as_few_keyframes() -> None:
    tracked = box((0, (10, 20, 30, 60)), (10, (60, 20, 80, 60)), (20, (60, 40, 80, 80)))
    moved = gone_along(SHADOW, STILL, tracked)
    assert moved.key_frames == (0, 10, 20)
    assert moved.rect_at(5) == RectF(55, 55, 95, 65) and moved.rect_at(30) == RectF(80, 75, 120, 85)


def test_what_an_artist_changed_beside_its_leader_stays_changed() -> None:
    tracked = box((0, (10, 20, 30, 60)), (10, (60, 20, 80, 60)))
    edited = SHADOW.with_rect(10, RectF(30, 55, 90, 65))
    assert gone_along(edited, STILL, tracked).rect_at(10) == RectF(80, 55, 140, 65)


def test_a_pulled_edge_moves_nothing_but_a_moved_keyframe_does() -> None:
    leader = box((0, (10, 20, 30, 60)), (10, (60, 20, 80, 60)))
    pulled = leader.with_rect(10, RectF(60, 20, 95, 60))
    assert gone_along(SHADOW, leader, pulled) is SHADOW
    dragged = leader.with_rect(10, RectF(70, 20, 90, 60))
    assert gone_along(SHADOW, leader, dragged).rect_at(10) == RectF(40, 55, 80, 65)
    later = box((0, (10, 20, 30, 60)), (20, (60, 20, 80, 60)))
    assert gone_along(SHADOW, leader, later).rect_at(10) == RectF(5, 55, 45, 65)


def test_a_whole_move_keeps_the_companions_keyframes_and_their_curves() -> None:
    keys = (Keyframe(0, (30.0, 55, 70, 65), "bezier", ((0, 0, 0, 0), (1, 1, 1, 1))), Keyframe(9, (40.0, 55, 80, 65)))
    companion = AnimatedRectangle(Track(keys), 0, 9)
    moved = gone_along(companion, STILL, AnimatedRectangle.still(RectF(13, 16, 33, 56)))
    assert moved.track.keys[0] == replace(keys[0], value=(33.0, 51, 73, 61))
    assert (moved.first_frame, moved.last_frame, moved.key_frames) == (0, 9, (0, 9))


def test_a_companion_box_is_where_it_was_proposed_and_lasts_as_long_as_its_leader() -> None:
    leader = box((0, (10, 20, 30, 60)), (10, (60, 30, 100, 70))).with_range(0, 12)
    companion = companion_box(leader, RectF(40, 55, 90, 65), 5)
    assert companion.rect_at(5) == RectF(40, 55, 90, 65)
    assert companion.rect_at(10) == RectF(70, 60, 120, 70) and companion.rect_at(0) == RectF(10, 50, 60, 60)
    assert (companion.first_frame, companion.last_frame) == (0, 12)


# --- shapes of a layer --------------------------------------------------------------------------------------------

CURVE = Shape("boy", "bezier", tuple(constant(x, y, 0, 0, 0, 0, 0, 0) for x, y in ((10, 10), (30, 10), (20, 40))))
SHADE = Shape("shadow", "ellipse", (constant(40, 42, 30, 8, 0),), linked_to="boy")
LAYER = RotoLayer("a", (CURVE, SHADE))
TURN = (math.cos(0.3), -math.sin(0.3), 8.0, math.sin(0.3), math.cos(0.3), -3.0, 0.0, 0.0, 1.0)


def with_leader(leader: Shape) -> RotoLayer:
    return with_companions(LAYER, LAYER.with_shape(leader))


def centre(shape: Shape, frame: int) -> tuple[float, float]:
    (outline,) = outline_at(shape, frame)
    x, y = (outline.min(axis=0) + outline.max(axis=0)) / 2
    return float(x), float(y)


def test_a_companion_turns_with_the_surface_that_carries_its_leader() -> None:
    carried = replace(CURVE, transform=Track((Keyframe(0, constant(1, 0, 0, 0, 1, 0, 0, 0, 1).keys[0].value),
                                              Keyframe(1, TURN))))  # fmt: skip
    shade = with_leader(carried).shape("shadow")
    assert shade.tracks == SHADE.tracks
    np.testing.assert_allclose(shade.transform.value_at(1), TURN, atol=1e-9)
    np.testing.assert_allclose(outline_at(shade, 0)[0], outline_at(SHADE, 0)[0], atol=1e-9)


def test_a_companion_goes_along_with_its_leaders_keyframes_but_not_with_one_point() -> None:
    moved = replace(CURVE, tracks=tuple(
        Track((track.keys[0], Keyframe(10, (track.keys[0].value[0] + 50, *track.keys[0].value[1:]))))
        for track in CURVE.tracks
    ))  # fmt: skip
    shade = with_leader(moved).shape("shadow")
    assert centre(shade, 5) == pytest.approx((65, 42)) and centre(shade, 20) == pytest.approx((90, 42))
    reshaped = replace(CURVE, tracks=(*CURVE.tracks[:2], constant(20, 60, 0, 0, 0, 0, 0, 0)))
    assert with_leader(reshaped).shape("shadow") == SHADE
    fewer = replace(CURVE, tracks=(*moved.tracks, CURVE.tracks[0]))
    assert with_leader(fewer).shape("shadow") == SHADE


def test_a_companion_that_the_edit_changes_is_left_to_it() -> None:
    shifted = replace(CURVE, transform=constant(1, 0, 9, 0, 1, 0, 0, 0, 1))
    edited = replace(SHADE, tracks=(constant(50, 42, 30, 8, 0),))
    after = with_companions(LAYER, LAYER.with_shape(shifted).with_shape(edited))
    assert after.shape("shadow") == edited
    assert centre(with_leader(shifted).shape("shadow"), 0) == pytest.approx((49, 42))


def test_a_link_survives_another_label_and_ends_with_its_leader() -> None:
    renamed = with_companions(LAYER, RotoLayer("a", (replace(CURVE, label="girl"), SHADE)))
    assert renamed.shape("shadow") == replace(SHADE, linked_to="girl")
    assert with_companions(LAYER, RotoLayer("a", (SHADE,))).shape("shadow").linked_to is None


def test_a_companion_shape_is_where_it_was_proposed_and_moves_with_its_leader() -> None:
    track = Track((Keyframe(0, (10.0, 10, 8, 30, 0)), Keyframe(10, (60.0, 10, 8, 30, 0))))
    leader = Shape("post", "rectangle", (track,), first_frame=0, last_frame=10)
    shade = companion_shape(leader, RectF(40, 20, 60, 30), 4, "shade")
    assert shade.linked_to == "post" and (shade.first_frame, shade.last_frame) == (0, 10)
    assert centre(shade, 4) == pytest.approx((50, 25)) and centre(shade, 8) == pytest.approx((70, 25))
    RotoLayer("a", (leader, shade))


@settings(max_examples=60, deadline=None)
@given(layers(), layers())
def test_any_edit_keeps_all_shapes_and_what_is_not_linked(before: RotoLayer, edited: RotoLayer) -> None:
    labels = [shape.label for shape in before.shapes]
    pairs = zip(labels, edited.shapes, strict=False)
    as_before = [replace(s, label=label, linked_to=labels[0] if label != labels[0] else None) for label, s in pairs]
    after = with_companions(before, RotoLayer("b", tuple(as_before)))
    assert [shape.label for shape in after.shapes] == [shape.label for shape in as_before]
    assert after.shapes[:1] == tuple(as_before[:1])
    assert with_companions(before, before) is before


def test_a_companion_leads_nobody() -> None:
    with pytest.raises(ShapeError, match="'deeper' is linked to 'shadow', which is linked itself; link it to 'boy'"):
        RotoLayer("a", (CURVE, SHADE, replace(SHADE, label="deeper", linked_to="shadow")))
    with pytest.raises(ShapeError, match="'boy' is linked to itself"):
        replace(CURVE, linked_to="boy")
