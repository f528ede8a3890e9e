"""Tracking: boxes, surfaces and motion on pictures whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from roi_tools.errors import TrackingError
from roi_tools.geometry import Box
from roi_tools.roi_file import read_boxes
from roi_tools.shapes import RectF
from roi_tools.tracking.appearance import Appearance, colour_cells, colour_shares, sureness
from roi_tools.tracking.boxes import TrackedBox, _straight, track_box
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.motion import moving_boxes
from roi_tools.tracking.outline import Outline, _one_object, _with_camera, start_outline
from roi_tools.tracking.picture import PictureFollower
from roi_tools.tracking.region import MotionModel, transformed
from roi_tools.tracking.shadow import propose_shadow
from roi_tools.tracking.surface import track_surface
from roi_tools.tracking.working import WorkingFrames
from tests.roi_tools.pictures import HEIGHT, WIDTH, MovingThing, iou, texture
from tests.support.clips import shared_clip

SPAN = range(40)


def grown(rect: RectF, px: float = 6) -> RectF:
    return RectF(rect.x0 - px, rect.y0 - px, rect.x1 + px, rect.y1 + px)


@pytest.mark.parametrize("key_frame", [0, 20, 39])
def test_a_box_follows_its_object_both_ways(key_frame: int) -> None:
    thing = MovingThing()
    tracked = track_box(thing, SPAN, {key_frame: grown(thing.rect(key_frame))})
    assert [box.frame for box in tracked] == list(SPAN)
    assert min(iou(box.rect, grown(thing.rect(box.frame))) for box in tracked) > 0.8
    assert all(0 <= box.confidence <= 1 for box in tracked)


def test_what_was_drawn_stays_as_drawn() -> None:
    thing = MovingThing()
    anchors = {5: grown(thing.rect(5)), 25: RectF(130, 60, 200, 130)}
    tracked = {box.frame: box for box in track_box(thing, SPAN, anchors)}
    assert all(tracked[frame].rect == rect and tracked[frame].is_anchor for frame, rect in anchors.items())
    assert not any(tracked[frame].is_anchor for frame in SPAN if frame not in anchors)


def test_between_anchors_the_box_goes_over_from_one_to_the_other() -> None:
    thing = MovingThing()
    tracked = {
        box.frame: box.rect
        for box in track_box(thing, SPAN, {0: grown(thing.rect(0), 2), 30: grown(thing.rect(30), 14)})
    }
    widths = [tracked[frame].width_px for frame in (1, 15, 29)]
    assert widths == sorted(widths) and widths[2] - widths[0] > 15


def test_a_hidden_object_is_found_again() -> None:
    thing = MovingThing(step_px=2.0, hidden=range(15, 19))
    tracked = {box.frame: box for box in track_box(thing, SPAN, {0: grown(thing.rect(0))})}
    assert iou(tracked[35].rect, grown(thing.rect(35))) > 0.7
    assert tracked[16].confidence < tracked[10].confidence


def test_the_track_stops_where_the_object_is_lost() -> None:
    thing = MovingThing(hidden=range(20, 40))
    tracked = track_box(thing, SPAN, {0: grown(thing.rect(0))})
    assert 18 <= tracked[-1].frame <= 24


def test_progress_rises_to_one_and_cancels_by_raising() -> None:
    thing, shares = MovingThing(), list[float]()
    track_box(thing, SPAN, {10: grown(thing.rect(10))}, shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0

    class CancelledError(Exception):
        pass

    def cancel(share: float) -> None:
        if share > 0.2:
            raise CancelledError

    with pytest.raises(CancelledError):
        track_box(thing, SPAN, {10: grown(thing.rect(10))}, cancel)


def test_a_long_shot_reads_each_frame_a_bounded_number_of_times() -> None:
    thing = MovingThing(step_px=0.5, pan_px=0.2)
    track_box(thing, range(120), {0: grown(thing.rect(0))})
    assert max(np.bincount(thing.calls)) <= 6


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ({}, r"drawn are \[\]"),
        ({99: RectF(0, 0, 20, 20)}, r"from boxes on frames 0 to 39; drawn are \[99\]"),
        ({3: RectF(500, 0, 520, 20)}, "too small or outside the picture; draw it larger"),
        ({3: RectF(10, 10, 12, 12)}, "too small or outside the picture; draw it larger"),
    ],
)
def test_a_track_that_cannot_start_says_why(anchors: dict[int, RectF], message: str) -> None:
    with pytest.raises(TrackingError, match=message):
        track_box(MovingThing(), SPAN, anchors)


def test_pictures_of_another_kind_or_size_are_refused() -> None:
    with pytest.raises(TrackingError, match=r"frame \d+ is float32 of shape"):
        track_box(lambda frame: np.zeros((40, 40, 3), np.float32), SPAN, {0: RectF(5, 5, 20, 20)})
    with pytest.raises(TrackingError, match="track within one clip"):
        track_box(lambda frame: np.zeros((40 + frame % 2, 40, 3), np.uint8), SPAN, {0: RectF(5, 5, 20, 20)})


def test_what_moves_against_the_camera_is_proposed() -> None:
    thing = MovingThing()
    boxes = moving_boxes(thing, SPAN, 20, margin_px=4)
    assert len(boxes) == 1
    assert iou(boxes[0], grown(thing.rect(20), 4)) > 0.75


def test_nothing_is_proposed_where_only_the_camera_moves() -> None:
    assert moving_boxes(MovingThing(hidden=range(40)), SPAN, 20) == ()


def with_shadow(thing: MovingThing, frame: int) -> NDArray[np.uint8]:
    image = thing(frame).astype(np.float32)
    x0, y1 = round(thing.rect(frame).x0), round(thing.rect(frame).y1)
    image[y1 : y1 + 14, x0 - 20 : x0 + 40] *= 0.5
    return image.astype(np.uint8)


def test_the_shadow_beside_an_object_is_proposed() -> None:
    thing = MovingThing()
    shadow = propose_shadow(lambda frame: with_shadow(thing, frame), SPAN, 20, thing.rect(20), margin_px=0)
    expected = RectF(thing.rect(20).x0 - 20, 118, thing.rect(20).x0 + 40, 132)
    assert shadow is not None and iou(shadow, expected) > 0.7


def test_no_shadow_is_proposed_where_none_moves_with_the_object() -> None:
    thing = MovingThing()
    assert propose_shadow(thing, SPAN, 20, thing.rect(20)) is None
    assert propose_shadow(thing, range(20, 21), 20, thing.rect(20)) is None


def with_dark_place(thing: MovingThing, frame: int, place: tuple[slice, slice]) -> NDArray[np.uint8]:
    """Dark for a while, so that most of the frames around show the place without it."""
    image = thing(frame).astype(np.float32)
    if 13 <= frame <= 27:
        image[place] *= 0.5
    return image.astype(np.uint8)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(np.s_[118:132, 100:160], id="that stays where it is"),
        pytest.param(np.s_[:, :115], id="as wide as a third of the picture"),
        pytest.param(np.s_[118:, :], id="everything below"),
    ],
)
def test_a_dark_place_that_does_not_go_along_is_no_shadow(place: tuple[slice, slice]) -> None:
    thing = MovingThing()
    assert propose_shadow(lambda frame: with_dark_place(thing, frame, place), SPAN, 20, thing.rect(20)) is None


def test_a_frame_that_is_darker_at_its_edges_still_shows_the_shadow() -> None:
    thing = MovingThing(step_px=3, pan_px=3)
    shading = np.interp(np.arange(WIDTH), [0, 100, 220, WIDTH], [0.7, 1, 1, 0.7])[:, np.newaxis]

    def shaded(frame: int) -> NDArray[np.uint8]:
        return (with_shadow(thing, frame) * shading).astype(np.uint8)

    shadow = propose_shadow(shaded, SPAN, 20, thing.rect(20), margin_px=0)
    expected = RectF(thing.rect(20).x0 - 20, 118, thing.rect(20).x0 + 40, 132)
    assert shadow is not None and iou(shadow, expected) > 0.7


def with_reflection(thing: MovingThing, frame: int, strength: float, flip: int) -> NDArray[np.uint8]:
    image = thing(frame).astype(np.float32)
    x0, y1 = round(thing.rect(frame).x0), round(thing.rect(frame).y1)
    mirrored = image[y1 - 48 : y1, x0 : x0 + 48][::flip]
    image[y1 : y1 + 48, x0 : x0 + 48] += strength * (mirrored - image[y1 : y1 + 48, x0 : x0 + 48])
    return image.astype(np.uint8)


@pytest.mark.parametrize("strength", [0.3, 0.6])
def test_the_reflection_below_an_object_is_proposed(strength: float) -> None:
    thing = MovingThing()
    found = propose_shadow(lambda frame: with_reflection(thing, frame, strength, -1), SPAN, 20, thing.rect(20), 0)
    assert found is not None and iou(found, thing.rect(20).shifted(0, 48)) > 0.8


def test_a_thing_below_an_object_that_is_not_its_picture_upside_down_is_no_reflection() -> None:
    thing = MovingThing()
    assert propose_shadow(lambda frame: with_reflection(thing, frame, 0.6, 1), SPAN, 20, thing.rect(20)) is None


PLANE = texture(HEIGHT, WIDTH, 7, 2.0)


def moved_plane(matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    # Shapes put (0, 0) at a pixel's corner, OpenCV at its centre.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.asarray(cv2.warpPerspective(PLANE, np.linalg.inv(half) @ matrix @ half, (WIDTH, HEIGHT)), np.uint8)


def similarity(frame: int) -> NDArray[np.float64]:
    angle, scale = 0.01 * frame, 1 + 0.004 * frame
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, 0.8 * frame], [s, c, -0.5 * frame], [0, 0, 1]])


def perspective(frame: int) -> NDArray[np.float64]:
    return similarity(frame) @ np.array([[1, 0.001 * frame, 0], [0, 1, 0], [2e-6 * frame, 1e-5 * frame, 1]])


POLYGON = np.array([[110.0, 60], [210, 60], [210, 130], [110, 130]])


@pytest.mark.parametrize(
    ("model", "motion"), [("similarity", similarity), ("affine", similarity), ("perspective", perspective)]
)
def test_a_surface_is_followed_to_a_fraction_of_a_pixel_and_does_not_drift(model: MotionModel, motion) -> None:
    found = track_surface(lambda frame: moved_plane(motion(frame - 10)), range(30), 10, POLYGON, model)
    assert [registration.frame for registration in found] == list(range(30))
    for registration in found:
        error = transformed(POLYGON, registration.matrix) - transformed(POLYGON, motion(registration.frame - 10))
        assert np.abs(error).max() < 0.35
    assert all(registration.is_anchored for registration in found)


def test_a_shape_may_follow_the_background_instead() -> None:
    thing = MovingThing()
    polygon = np.array([[60.0, 70], [108, 70], [108, 118], [60, 118]])
    found = {entry.frame: entry for entry in track_surface(thing, range(12), 0, polygon, "translation", "background")}
    assert found[10].matrix[0, 2] == pytest.approx(-10 * thing.pan_px, abs=0.3)
    inside = {entry.frame: entry for entry in track_surface(thing, range(12), 0, polygon, "translation")}
    assert inside[10].matrix[0, 2] == pytest.approx(10 * thing.step_px, abs=0.3)


def test_a_surface_without_detail_or_frame_is_refused() -> None:
    with pytest.raises(TrackingError, match="too little detail to follow"):
        track_surface(lambda frame: np.zeros((HEIGHT, WIDTH), np.uint8), SPAN, 0, POLYGON)
    with pytest.raises(TrackingError, match="frame 50 is not in the frames 0 to 39"):
        track_surface(MovingThing(), SPAN, 50, POLYGON)


@pytest.mark.slow
@pytest.mark.real_clips
@pytest.mark.parametrize(
    ("clip", "label", "key_frame", "least"),
    [
        ("tennis", 0, 0, 0.7),
        ("bmx-trees", 0, 0, 0.7),
        ("car-road", 0, 27, 0.8),
        ("dogs-jump", 0, 0, 0.7),
        ("dogs-jump", 1, 0, 0.75),
        ("dogs-jump", 2, 0, 0.75),
    ],
)
def test_real_objects_are_followed(clip: str, label: int, key_frame: int, least: float) -> None:
    folder = shared_clip(clip)
    capture, frames = cv2.VideoCapture(str(folder / "clip.mp4")), list[NDArray[np.uint8]]()
    while (read := capture.read())[0]:
        frames.append(np.asarray(read[1][..., ::-1], np.uint8))
    truth: tuple[Box | None, ...] = read_boxes(folder / "boxes.json").tracks[label].boxes
    key = truth[key_frame]
    assert key is not None
    tracked = {
        box.frame: box.rect
        for box in track_box(lambda n: frames[n], range(len(frames)), {key_frame: RectF.from_box(key)})
    }
    wanted = {frame: RectF.from_box(box) for frame, box in enumerate(truth) if box is not None}
    assert np.mean([iou(tracked[frame], rect) if frame in tracked else 0.0 for frame, rect in wanted.items()]) > least


def test_what_is_doubtful_between_sure_boxes_goes_straight_from_one_to_the_other() -> None:
    places = [RectF(0, 0, 10, 10), RectF(90, 90, 95, 95), RectF(80, 0, 81, 1), RectF(30, 0, 40, 40)]
    boxes = [TrackedBox(frame, rect, 0.2) for frame, rect in enumerate(places)]
    mended = _straight(boxes)
    assert (mended[0], mended[3]) == (boxes[0], boxes[3])
    assert mended[1].rect.as_tuple() == pytest.approx((10, 0, 20, 20)) and mended[2].confidence == 0.2


def test_a_mask_that_holds_more_than_its_object_is_doubtful_until_the_other_one_has_parted() -> None:
    image = texture(60, 60, 3)
    small, large = np.zeros((60, 60), np.float32), np.ones((60, 60), np.float32)
    small[20:40, 20:30] = 1
    usual = Outline(
        0,
        small,
        Appearance.of(colour_cells(image), small, large),
        0.9,
        0.5,
        (0.0, 0.0, 60.0, 60.0),
        200.0,
        large - small,
    )
    swollen = replace(usual, mask=large)
    assert not usual.is_doubtful and swollen.is_doubtful and replace(usual, confidence=0.0).is_doubtful
    assert swollen.plausibility == pytest.approx(1.6 * 200 / 3600)
    assert usual.has_parted(swollen) and not usual.has_parted(usual) and not swollen.has_parted(swollen)
    assert usual.within_itself().reach == (20, 20, 30, 40)


@pytest.mark.parametrize(("own_share", "is_telling"), [(1.0, True), (0.2, False)])
def test_a_picture_like_what_lies_behind_it_tells_nothing(own_share: float, is_telling: bool) -> None:
    ground, own = texture(HEIGHT, WIDTH, 31, 6.0), texture(HEIGHT, WIDTH, 32, 6.0)

    def shot(frame: int) -> NDArray[np.uint8]:
        image, here = ground.copy(), np.s_[70:118, 20 + 6 * frame : 68 + 6 * frame]
        image[here] = (own_share * own[here] + (1 - own_share) * ground[here]).astype(np.uint8)
        return image

    frames, box = WorkingFrames(shot), Box(80, 70, 128, 118)
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[box.slices] = 1
    assert PictureFollower(frames, Camera(frames, range(30)), 10, box, mask).is_telling() == is_telling


def test_what_goes_with_the_camera_is_told_from_an_object_that_does_not() -> None:
    against = np.zeros((40, 60, 2), np.float32)
    against[:, 20:40] = (-3.0, 1.0)
    carried = np.zeros((40, 60), np.float32)
    carried[:, 15:40] = 1  # holds a part of the background
    found = _with_camera(against, carried)
    assert (found[:, 22:38] == 0).all() and (found[:, :18] == 1).all() and (found[:, 42:] == 1).all()
    assert not _with_camera(0.2 * against, carried).any()  # an object that hardly moves tells nothing


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted), st.integers(0, 99))
def test_sureness_falls_with_the_share_of_other_colours(shares: list[float], seed: int) -> None:
    cells = colour_cells(texture(16, 16, seed))
    key, other = (colour_shares(cells, mask) for mask in (np.eye(16, dtype=np.float32), np.ones((16, 16), np.float32)))
    less, more = (sureness(key, (1 - share) * key + share * other) for share in shares)
    assert 0 < more <= less <= 1 == sureness(key, key)


def test_a_shape_on_something_else_is_given_up() -> None:
    here, there = texture(HEIGHT, WIDTH, 41, 2.0), texture(HEIGHT, WIDTH, 41, 2.0)
    there[60:132, 100:220] = (250, 40, 40) - there[60:132, 100:220] // 8  # the same pattern in other colours
    polygon = np.array([[110, 70], [210, 70], [210, 122], [110, 122]], np.float64)
    found = track_surface(lambda frame: here if frame < 10 else there, range(30), 0, polygon)
    assert found[-1].frame == 9 and min(one.confidence for one in found) > 0.5


@pytest.mark.parametrize("seed", [5, 6])
def test_an_object_that_looks_like_its_surroundings_is_told_by_the_middle_of_its_box(seed: int) -> None:
    image = texture(HEIGHT, WIDTH, 8, 2.0) // 2
    image[70:118, 140:164] = texture(48, 24, seed, 2.0) // 2
    frames = WorkingFrames(lambda frame: image)
    solid = start_outline(frames, Camera(frames, range(1)), 0, Box(128, 62, 176, 126)).mask > 0.5
    assert np.count_nonzero(solid[70:118, 140:164]) > 0.9 * 48 * 24 and np.count_nonzero(solid) < 1.1 * 48 * 24


def test_of_parts_that_lie_apart_the_one_of_its_size_that_was_expected_is_the_object() -> None:
    mask = np.zeros((100, 200), np.float32)
    mask[40:60, 10:30] = 0.9
    mask[40:60, 34:44] = 0.9  # near enough to be a part of it
    carried = np.where(mask > 0, 1.0, 0.0).astype(np.float32)
    mask[10:90, 110:190] = 1.0
    carried[10:90, 110:190] = 1.0
    one = _one_object(mask, carried, usual_px=600.0)
    assert np.count_nonzero(one) == 600 and np.array_equal(one[:, :100], mask[:, :100])
    assert np.array_equal(_one_object(mask, carried, usual_px=5000.0)[:, 100:], mask[:, 100:])
    # As large as it can be: a part far away may be the rest of it, behind a tree.
    assert np.array_equal(_one_object(mask, carried, usual_px=7000.0), mask)
