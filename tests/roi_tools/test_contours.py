"""Outlines of mattes and the shapes that are made of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roi_tools.contours import outlines_matte, outlines_of
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.polylines import polygon_area
from roi_tools.roto.from_outlines import shapes_from_outlines
from roi_tools.roto.model import RotoLayer
from roi_tools.roto.outlines import Polygon, outline_at
from roi_tools.roto.raster import layer_matte

SIZE = Size(72, 56)


@st.composite
def masks(draw: st.DrawFn) -> NDArray[np.bool_]:
    """Blobs with holes, islands and pixels that touch at corners, up to the border."""
    noise = np.random.default_rng(draw(st.integers(0, 10_000))).random((56, 72)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), draw(st.floats(0.5, 6)))
    return np.asarray(soft > np.quantile(soft, draw(st.floats(0.05, 0.95))))


def distance_from(outline: Polygon, points: Polygon) -> NDArray[np.float64]:
    """Of each point from the closed outline."""
    start, chord = outline, np.roll(outline, -1, axis=0) - outline
    offset = points[:, np.newaxis] - start
    along = np.clip((offset * chord).sum(axis=2) / np.maximum((chord**2).sum(axis=1), 1e-12), 0, 1)
    return np.asarray(np.linalg.norm(offset - along[..., np.newaxis] * chord, axis=2).min(axis=1))


@given(masks())
@settings(max_examples=20)
def test_without_error_outlines_are_the_mask(mask: NDArray[np.bool_]) -> None:
    outlines = outlines_of(mask, 0)
    assert np.array_equal(outlines_matte(outlines, SIZE), mask)
    assert sum(polygon_area(outline) for outline in outlines) == np.count_nonzero(mask)
    window = Box(-3, 10, 40, 70)
    padded = np.pad(mask, ((0, 14), (3, 0)))[10:70, :43]
    assert np.array_equal(outlines_matte(outlines, SIZE, window), padded)


@given(masks(), st.floats(0, 4))
@settings(max_examples=20)
def test_an_outline_lies_within_its_error(mask: NDArray[np.bool_], error_px: float) -> None:
    exact = [loop for loop in outlines_of(mask, 0) if cv2.contourArea(loop.astype(np.float32)) > 4 * error_px**2 + 9]
    simple = outlines_of(mask, error_px)
    for loop in exact:
        assert min(distance_from(outline, loop).max() for outline in simple) <= error_px + 1e-4


def test_a_disc_needs_few_points() -> None:
    mask = cv2.circle(np.zeros((200, 200), np.uint8), (100, 100), 80, 1, -1)
    (outline,) = outlines_of(mask, 1.0)
    assert len(outline) < 80 and polygon_area(outline) == pytest.approx(np.count_nonzero(mask), rel=0.01)
    assert len(outlines_of(np.zeros((9, 9)), 1)) == 0
    with pytest.raises(ShapeError, match="give 0 or more"):
        outlines_of(mask, -1)


def walk(frame: int) -> NDArray[np.uint8]:
    """A ring that moves and swells, a bar that swings on it, and from frame 4 on a dot of its own."""
    image = np.zeros((56, 72), np.uint8)
    cv2.circle(image, (24 + 2 * frame, 28), 12 + frame // 2, 1, -1)
    end = (24 + 2 * frame + int(20 * np.cos(frame / 3)), 28 + int(20 * np.sin(frame / 3)))
    cv2.line(image, (24 + 2 * frame, 28), end, 1, 5)
    cv2.circle(image, (24 + 2 * frame, 28), 5, 0, -1)
    if frame >= 4:
        cv2.circle(image, (66, 50), 4, 1, -1)
    return image


@pytest.mark.parametrize("error_px", [0.5, 1.0, 2.5])
def test_shapes_lie_within_their_error_of_the_outlines(error_px: float) -> None:
    outlines = {frame: outlines_of(walk(frame), 0.5) for frame in range(10)}
    shapes = shapes_from_outlines(outlines, "ring", error_px)
    assert [(shape.label, shape.mode, shape.first_frame, shape.last_frame) for shape in shapes] == [
        ("ring", "add", 0, 9),
        ("ring 2", "subtract", 0, 9),
        ("ring 3", "add", 4, 9),
    ]
    for frame, loops in outlines.items():
        for shape in shapes:
            if shape.is_present(frame):
                (drawn,) = outline_at(shape, frame)
                assert min(distance_from(drawn, loop).max() for loop in loops) <= error_px + 0.02
        matte = layer_matte(RotoLayer("a", shapes), frame, SIZE)
        expected = walk(frame).astype(bool)
        assert np.minimum(matte, expected).sum() / np.maximum(matte, expected).sum() > 1 - 0.08 * max(error_px, 1)


def test_a_curve_that_was_drawn_comes_back_with_few_points_and_near_where_it_was() -> None:
    angles = 2 * np.pi * np.arange(400) / 400
    radii = 60 + 9 * np.sin(5 * angles)
    drawn = np.column_stack([100.3 + radii * np.cos(angles), 90.7 + radii * np.sin(angles)])
    matte = outlines_matte((drawn,), Size(200, 180))
    (stepped,), (outline,) = outlines_of(matte >= 0.5, 0.5), outlines_of(matte, 0.5)
    assert distance_from(drawn, outline).max() < 0.15  # its corners; the sides may cut off as much as the error
    assert distance_from(outline, drawn).max() < 0.6
    assert len(outline) < 50 < len(stepped)
    (shape,) = shapes_from_outlines(dict.fromkeys(range(3), (outline,)), "curve", 0.5)
    assert len(shape.tracks) < 50


def test_hair_lies_within_its_error_on_each_frame_too() -> None:
    angles = np.linspace(0, 2 * np.pi, 1500, endpoint=False)
    away = 100 + np.random.default_rng(4).normal(0, 4, (3, 1500))
    hairs = [np.column_stack([150 + 2 * n + r * np.cos(angles), 120 + r * np.sin(angles)]) for n, r in enumerate(away)]
    (shape,) = shapes_from_outlines({n: [hair] for n, hair in enumerate(hairs)}, "hair", 1.0)
    assert len(shape.tracks) > 400
    for frame, hair in enumerate(hairs):
        (drawn,) = outline_at(shape, frame)
        assert distance_from(drawn, hair).max() <= 1.02 and distance_from(hair, drawn).max() <= 1.02


def test_a_larger_error_needs_fewer_points_and_what_moves_straight_few_keyframes() -> None:
    fine, coarse = (
        shapes_from_outlines({frame: outlines_of(walk(frame), 0.5) for frame in range(10)}, "ring", error_px)[0]
        for error_px in (0.5, 3.0)
    )
    assert len(coarse.tracks) < len(fine.tracks) / 2
    square = np.array([(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)])
    (slides,) = shapes_from_outlines({frame: [square + frame * 2.5] for frame in range(5, 30)}, "s", 0.5)
    assert len(slides.tracks) == 4 and slides.key_frames == (5, 29)


def test_a_gap_in_time_is_a_new_shape_and_specks_are_left_out() -> None:
    square = np.array([(0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0)])
    shapes = shapes_from_outlines({1: [square], 2: [square, square / 10 + 40], 5: [square]}, "s")
    assert [(shape.first_frame, shape.last_frame) for shape in shapes] == [(1, 2), (5, 5)]
    with pytest.raises(ShapeError, match="give a number above 0"):
        shapes_from_outlines({}, "s", 0)
