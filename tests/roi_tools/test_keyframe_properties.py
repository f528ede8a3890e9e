"""What each interpolation promises, and that every format carries all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roi_tools.geometry import Size
from roi_tools.interchange.nuke import read_nuke, write_nuke
from roi_tools.keyframes import Interpolation, Keyframe, Track
from roi_tools.keyframes_json import track_from_list, track_to_list
from roi_tools.roi_document import RoiDocument, read_roi, write_roi
from roi_tools.roto.layer_json import layer_from_dict, layer_to_dict
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.shapes import AnimatedRectangle

SIZE = Size(128, 100)
INTERPOLATIONS = get_args(Interpolation)
numbers = st.floats(-1000, 1000)
pairs = st.tuples(numbers, numbers)
moments = st.integers(-6400, 6400).map(lambda parts: parts / 64)
"""Parts of frames to which whole frames add exactly: `hold` jumps, so a rounded sum may lie on the other side."""
any_interpolation: st.SearchStrategy[Interpolation] = st.sampled_from(INTERPOLATIONS)
Value = tuple[float, ...]


def with_numbers(key: Keyframe, value: Callable[[Value], Value], slope: Callable[[Value], Value]) -> Keyframe:
    """The keyframe with other numbers in its value and its slopes."""
    sides = None if key.slopes is None else (slope(key.slopes[0]), slope(key.slopes[1]))
    return replace(key, value=value(key.value), slopes=sides)


@st.composite
def tracks(draw: st.DrawFn, given: Interpolation | None = None) -> Track:
    """Two to five keyframes of two numbers, with slopes or without, all joined in one way or each in its own."""
    joined = any_interpolation if given is None else st.just(given)
    frames = draw(st.lists(st.integers(-100, 100), min_size=2, max_size=5, unique=True))
    return Track.of(
        Keyframe(
            frame,
            draw(pairs),
            draw(joined),
            draw(st.none() | st.tuples(pairs, pairs)),
        )
        for frame in frames
    )


def values(track: Track, frames: np.ndarray) -> np.ndarray:
    return np.array([track.value_at(float(frame)) for frame in frames])


@given(tracks(), st.floats(-110, 110))
def test_every_curve_passes_through_its_keyframes_and_waits_outside_of_them(track: Track, frame: float) -> None:
    for key in track.keys:
        assert track.value_at(key.frame) == key.value
    first, last = track.keys[0], track.keys[-1]
    if frame <= first.frame:
        assert track.value_at(frame) == first.value
    if frame >= last.frame:
        assert track.value_at(frame) == last.value


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@given(data=st.data(), shift=st.integers(-50, 50), scale=st.floats(-3, 3), offset=numbers, frame=moments)
def test_curves_go_along_when_their_keyframes_are_moved_and_scaled(
    interpolation: Interpolation, data: st.DataObject, shift: int, scale: float, offset: float, frame: float
) -> None:
    """In time and in value: what is scaled and shifted is the curve, not only its keyframes."""
    track = data.draw(tracks(interpolation))

    def value(old: Value) -> Value:
        return tuple(scale * number + offset for number in old)

    def slope(old: Value) -> Value:
        return tuple(scale * number for number in old)

    keys = (with_numbers(replace(key, frame=key.frame + shift), value, slope) for key in track.keys)
    moved = Track(tuple(keys))
    expected = scale * np.array(track.value_at(frame)) + offset
    np.testing.assert_allclose(moved.value_at(frame + shift), expected, atol=1e-6 * (1 + 1e3 * abs(scale)))


@given(tracks("hold"), st.floats(-100, 100))
def test_hold_is_the_keyframe_before(track: Track, frame: float) -> None:
    before = [key for key in track.keys if key.frame <= frame] or [track.keys[0]]
    assert track.value_at(frame) == before[-1].value


@given(tracks("linear"))
def test_linear_is_straight(track: Track) -> None:
    for left, right in pairwise(track.keys):
        middle = values(track, np.linspace(left.frame, right.frame, 9))
        np.testing.assert_allclose(np.diff(middle, n=2, axis=0), 0, atol=1e-9 * 1e3)


@given(tracks("smooth"))
def test_smooth_never_leaves_its_two_keyframes_and_has_no_corners(track: Track) -> None:
    for left, right in pairwise(track.keys):
        between = values(track, np.linspace(left.frame, right.frame, 41))
        low, high = np.minimum(left.value, right.value), np.maximum(left.value, right.value)
        assert (between >= low - 1e-6).all() and (between <= high + 1e-6).all()
        assert (np.diff(between, axis=0) * np.sign(np.subtract(right.value, left.value)) >= -1e-6).all()
    for key in track.keys[1:-1]:
        before, here, after = values(track, key.frame + np.array([-1e-4, 0, 1e-4]))
        np.testing.assert_allclose(here - before, after - here, atol=0.02 * 1e-4 * 2000)


@given(tracks("bezier"), st.floats(0.01, 0.99))
def test_bezier_is_the_cubic_of_its_handles(track: Track, share: float) -> None:
    """Handles a third of the way long, by de Casteljau; without slopes they are flat."""
    for left, right in pairwise(track.keys):
        third = (right.frame - left.frame) / 3
        leaving = np.array(left.slopes[1] if left.slopes else (0, 0))
        arriving = np.array(right.slopes[0] if right.slopes else (0, 0))
        start, end = np.array(left.value), np.array(right.value)
        points = [start, start + leaving * third, end - arriving * third, end]
        while len(points) > 1:
            points = [(1 - share) * a + share * b for a, b in pairwise(points)]
        found = track.value_at(left.frame + share * (right.frame - left.frame))
        np.testing.assert_allclose(found, points[0], atol=1e-6 * 1e3)


# --- through every format -----------------------------------------------------------------------------------------


def _through_json(track: Track, folder: Path) -> Track:
    return track_from_list(json.loads(json.dumps(track_to_list(track))), "a track")


def _through_a_rectangle(track: Track, folder: Path) -> Track:
    def edges(value: Value) -> Value:
        return value[0], value[1], value[0] + 10, value[1] + 10

    keys = (with_numbers(key, edges, lambda side: (*side, *side)) for key in track.keys)
    data = json.loads(json.dumps(AnimatedRectangle(Track(tuple(keys))).to_dict()))
    return _first_two(AnimatedRectangle.from_dict(data).track)


def _first_two(track: Track) -> Track:
    return Track(tuple(with_numbers(key, lambda value: value[:2], lambda side: side[:2]) for key in track.keys))


def _layer_of(track: Track) -> RotoLayer:
    """The track as a point's place, in a transform, and as three of the numbers that any shape has."""

    def within(before: Value, after: Value) -> Track:
        def value(old: Value) -> Value:
            return (*before, *old, *after)

        def slope(old: Value) -> Value:
            return (*(0.0,) * len(before), *old, *(0.0,) * len(after))

        return Track(tuple(with_numbers(key, value, slope) for key in track.keys))

    one = Track(tuple(with_numbers(key, lambda value: value[:1], lambda side: side[:1]) for key in track.keys))
    tracks = (within((), (0.0,) * 6), constant(9, 0, 0, 0, 0, 0, 0, 0), constant(9, 9, 0, 0, 0, 0, 0, 0))
    transform = within((1.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0))
    shape = Shape("a", "bezier", tracks, opacity=one, feather_px=one, width_px=one, transform=transform)
    return RotoLayer("a", (shape,))


def _track_of(layer: RotoLayer, expected: Track) -> Track:
    assert layer == _layer_of(expected)
    return _first_two(layer.shapes[0].tracks[0])


def _through_a_layer(track: Track, folder: Path) -> Track:
    return _track_of(layer_from_dict(json.loads(json.dumps(layer_to_dict(_layer_of(track))))), track)


def _through_an_roi_file(track: Track, folder: Path) -> Track:
    write_roi(folder / "a.json", RoiDocument(SIZE, Fraction(24), 9, {}, (_layer_of(track),)))
    return _track_of(read_roi(folder / "a.json").layers[0], track)


def _through_nuke(track: Track, folder: Path) -> Track:
    write_nuke(folder / "a.nk", _layer_of(track), SIZE, range(4), first_number=1001)
    return _track_of(read_nuke(folder / "a.nk", SIZE, first_number=1001), track)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize(
    "through", [_through_json, _through_a_rectangle, _through_a_layer, _through_an_roi_file, _through_nuke]
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_format_carries_every_interpolation(
    tmp_path: Path, through: Callable[[Track, Path], Track], interpolation: Interpolation, data: st.DataObject
) -> None:
    track = data.draw(tracks(interpolation))
    again = through(track, tmp_path)
    assert again == track
    frames = np.linspace(track.keys[0].frame - 1, track.keys[-1].frame + 1, 23)
    np.testing.assert_array_equal(values(again, frames), values(track, frames))
