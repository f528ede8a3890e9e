"""What nothing within reach shows is taken from frames far away: which, how they are aligned, and when they are not."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.alignment import Matrix, apply_matrix
from engine.plate.analysis import FrameView, view_frame
from engine.plate.far_frames import MAX_FRAMES, FarFrames, far_frames
from engine.plate.footage import Footage
from engine.plate.landmarks import find_landmarks, match_landmarks
from engine.plate.model import PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from engine.plate.refit import refit
from engine.plate.registration import Ring
from engine.plate.trace import trace
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

WIDTH, HEIGHT = 240, 160
PICTURE, OTHER = texture(480, 320), texture(480, 320, seed=9)
BOX = Box(90, 50, 140, 110)
LEAVES, FRAMES = 26, 40
NEAR = PlateSettings(reach_frames=6, keep_agreeing=False)


def standing(frame: int) -> Box | None:
    """Gone from LEAVES on."""
    return BOX if frame < LEAVES else None


def carried(frame: int) -> Box | None:
    """Stands in the scene while the camera moves by a pixel and a quarter a frame."""
    return BOX.shifted(-round(1.25 * frame), 0) if frame < LEAVES else None


def locked(frames: int = FRAMES) -> list[NDArray[np.float32]]:
    return [shifted(PICTURE, 60, 60, WIDTH, HEIGHT) for _ in range(frames)]


def recovered(clip: Clip, frame: int, chosen: PlateSettings = NEAR) -> RecoveredFrame:
    (result,) = recover(clip, [frame], range(len(clip.truth)), chosen, lambda share: None)
    return result


def lenders(clip: Clip, frame: int, chosen: PlateSettings = NEAR) -> set[int]:
    target = trace(Footage(clip, range(len(clip.truth)), chosen), frame)
    return {sighting.frame for way in target.sightings for sighting in way}


def psnr_db(result: RecoveredFrame, clip: Clip) -> float:
    assert result.box is not None
    error = result.rgb - clip.truth[result.frame][result.box.slices]
    return -10.0 * math.log10(max(float(np.square(error).mean()), 1e-12))


def view(picture: NDArray[np.float32], box: Box | None) -> FrameView:
    return view_frame(Clip([picture], lambda frame: box), 0, PlateSettings())


# --- the whole --------------------------------------------------------------------------------------------------


def test_a_locked_camera_gives_back_what_stood_hidden_for_long_without_a_passer_by() -> None:
    truth = locked(64)
    truth[36] = truth[36].copy()
    truth[36][60:100, 100:125] = (1.0, 0.0, 0.0)
    clip = Clip(truth, standing)
    result = recovered(clip, 4)
    assert (result.provenance >= LEAVES).all()
    np.testing.assert_allclose(result.rgb, clip.truth[4][BOX.slices], atol=1e-5)
    assert result.confidence.min() > 0.3


def test_a_moving_camera_is_aligned_directly_whatever_was_asked_before() -> None:
    clip = Clip([shifted(PICTURE, 60 + 1.25 * n, 60, WIDTH, HEIGHT) for n in range(FRAMES)], carried)
    first, second = (Footage(clip, range(FRAMES), NEAR) for _ in range(2))
    trace(second, 2)
    row, column = np.nonzero(first.view(4).guarded)
    box = first.view(4).box
    assert box is not None
    home = np.stack([column + box.x0, row + box.y0], axis=1)
    found, again = (
        # The guard band's edge may be seen within reach.
        [each for each in itertools.chain(*trace(footage, 4).sightings) if each.frame >= LEAVES]
        for footage in (first, second)
    )
    assert len(found) == len(again) > 3
    for sighting, other in zip(found, again, strict=True):
        assert sighting.frame == other.frame
        np.testing.assert_array_equal(sighting.points, other.points)
        moved = sighting.points - home[sighting.index]
        assert np.abs(moved - [-1.25 * (sighting.frame - 4), 0.0]).max() < 0.15


def test_it_comes_in_the_light_of_its_frame() -> None:
    truth = [picture * np.float32(1.0 - 0.006 * n) + np.float32(0.001 * n) for n, picture in enumerate(locked())]
    clip = Clip(truth, standing)
    result = recovered(clip, 4)
    assert (result.provenance >= LEAVES).all()
    assert psnr_db(result, clip) > 42


def test_nothing_is_sought_where_all_is_shown() -> None:
    clip = Clip(locked(), lambda frame: Box(10 + 12 * frame, 50, 40 + 12 * frame, 110) if frame < 12 else None)
    assert lenders(clip, 4) <= set(range(11))
    assert max(clip.asked) < 30  # verdicts on cuts look a dozen frames ahead


def test_it_can_be_switched_off() -> None:
    clip = Clip(locked(), standing)
    assert min(lenders(clip, 4)) >= LEAVES
    assert not lenders(clip, 4, PlateSettings(reach_frames=6, search_far=False))


def test_nothing_is_taken_from_beyond_a_cut() -> None:
    truth = locked()
    truth[12:20] = [shifted(OTHER, 60, 60, WIDTH, HEIGHT) * np.float32(0.5) for _ in range(8)]
    assert not lenders(Clip(truth, standing), 4)


def test_nothing_is_taken_from_a_scene_that_has_changed() -> None:
    other, whole = shifted(OTHER, 60, 60, WIDTH, HEIGHT), locked(1)[0]
    share = np.clip((np.arange(FRAMES) - 8) / 14, 0.0, 1.0)
    truth = [np.asarray(whole + np.float32(part) * (other - whole), np.float32) for part in share]
    assert not lenders(Clip(truth, standing), 4)


# --- the ladder -------------------------------------------------------------------------------------------------


@given(st.integers(0, 5000), st.integers(1, 20000))
def test_far_frames_are_few_and_lie_all_over_the_shot(start: int, count: int) -> None:
    available = range(start, start + count)
    found = far_frames(available)
    assert found == sorted(set(found))
    assert found[0] == available[0] and found[-1] == available[-1]
    assert len(found) <= MAX_FRAMES + 2
    gaps = [b - a for a, b in itertools.pairwise(found)]
    assert max(gaps, default=0) <= max(12, -(-count // MAX_FRAMES))


@given(st.integers(0, 300), st.integers(1, 400), st.integers(1, 400))
def test_they_stay_the_same_in_a_longer_range(start: int, count: int, more: int) -> None:
    shorter, longer = range(start, start + count), range(start, start + count + more)
    if len(longer) > 12 * MAX_FRAMES:
        return
    assert set(far_frames(shorter)[:-1]) <= set(far_frames(longer))


def test_they_are_looked_at_from_near_to_far_as_far_as_the_scene_goes() -> None:
    flat, cuts = view(PICTURE, None), {17, 90}
    far = FarFrames(lambda frame: flat, lambda frame: frame in cuts, range(120))
    assert list(far.outwards(48)) == [60, 36, 72, 24, 84]
    assert list(far.outwards(12)) == [0]
    assert list(far.outwards(119)) == [108, 96]


# --- landmarks --------------------------------------------------------------------------------------------------


def seen_from(matrix: Matrix, picture: NDArray[np.float32] = PICTURE) -> NDArray[np.float32]:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(picture, np.linalg.inv(matrix), (WIDTH, HEIGHT), flags=flags), np.float32)


def towards(x_px: float, y_px: float, zoom: float, turn: float) -> Matrix:
    """From the picture to a view of it."""
    c, s = zoom * math.cos(turn), zoom * math.sin(turn)
    return np.array([[c, -s, -x_px], [s, c, -y_px], [0.0, 0.0, 1.0]])


@settings(max_examples=8, deadline=None)
@given(st.floats(-60, 60), st.floats(-40, 40), st.floats(0.85, 1.2), st.floats(-0.15, 0.15), st.floats(0.7, 1.2))
def test_two_views_are_related_by_their_landmarks(x: float, y: float, zoom: float, turn: float, gain: float) -> None:
    one, other = towards(110, 80, 1.0, 0.0), towards(110 + x, 80 + y, zoom, turn)
    here = find_landmarks(view(seen_from(one), BOX))
    there = find_landmarks(view(seen_from(other) * np.float32(gain), None))
    matrix, truth = match_landmarks(here, there), other @ np.linalg.inv(one)
    if matrix is None:
        # Little of one may lie in the other, and then nothing is said.
        assert (np.abs(apply_matrix(truth, np.array([[120.0, 80.0]])) - [120, 80]) > 30).any()
        return
    corners = np.array([[60.0, 40.0], [180.0, 40.0], [60.0, 120.0], [180.0, 120.0]])
    assert np.abs(apply_matrix(matrix, corners) - apply_matrix(truth, corners)).max() < 2.5


@pytest.mark.parametrize("other", [OTHER, np.full_like(PICTURE, 0.4)])
def test_different_views_are_not_related(other: NDArray[np.float32]) -> None:
    here, there = (find_landmarks(view(shifted(p, 60, 60, WIDTH, HEIGHT), None)) for p in (PICTURE, other))
    assert match_landmarks(here, there) is None


def test_landmarks_say_what_their_frame_shows() -> None:
    marks = find_landmarks(view(shifted(PICTURE, 60, 60, WIDTH, HEIGHT), BOX))
    points = np.array([[5.0, 5.0], [115.0, 80.0], [-3.0, 10.0], [239.0, 159.0], [240.5, 80.0]], np.float32)
    assert marks.show(points).tolist() == [True, False, False, True, False]


# --- the direct alignment ---------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(st.floats(-12, 12), st.floats(-8, 8), st.floats(-4, 4), st.floats(-4, 4), st.floats(0.75, 1.1))
def test_a_rough_guess_is_sharpened_around_the_hole(x: float, y: float, dx: float, dy: float, gain: float) -> None:
    one, other = towards(110, 80, 1.0, 0.0), towards(110 + x, 80 + y, 1.03, 0.02)
    here = view(seen_from(one), BOX)
    there = view(seen_from(other) * np.float32(gain), None)
    truth = other @ np.linalg.inv(one)
    off = np.array([[1.0, 0.0, dx], [0.0, 1.0, dy], [0.0, 0.0, 1.0]])
    found = refit(Ring(here), here, there, off @ truth, locked=False)
    assert found is not None
    inside = np.array([[BOX.x0, BOX.y0], [BOX.x1, BOX.y1], [115.0, 80.0]], np.float32)
    assert np.abs(apply_matrix(found, inside) - apply_matrix(truth, inside)).max() < 0.35


def test_a_locked_camera_is_recognised_and_a_moving_one_is_not_taken_for_it() -> None:
    here = view(shifted(PICTURE, 60, 60, WIDTH, HEIGHT), BOX)
    noise = np.random.default_rng(4).normal(0.0, 0.01, (HEIGHT, WIDTH, 3)).astype(np.float32)
    same, moved = (view(shifted(PICTURE, x, 60, WIDTH, HEIGHT) + noise, None) for x in (60, 61.2))
    ring, guess = Ring(here), towards(0.1, -0.1, 1.0, 0.0)
    np.testing.assert_array_equal(refit(ring, here, same, guess, locked=True), np.eye(3))
    found = refit(ring, here, moved, guess, locked=True)
    assert found is not None
    assert found[0, 2] == pytest.approx(-1.2, abs=0.3)


def test_what_does_not_fit_is_refused() -> None:
    here = view(shifted(PICTURE, 60, 60, WIDTH, HEIGHT), BOX)
    other = view(shifted(OTHER, 60, 60, WIDTH, HEIGHT), None)
    hidden = view(shifted(PICTURE, 60, 60, WIDTH, HEIGHT), Box(40, 0, 200, 160))
    for is_locked in (False, True):
        assert refit(Ring(here), here, other, np.eye(3), is_locked) is None
        assert refit(Ring(here), here, hidden, np.eye(3), is_locked) is None
