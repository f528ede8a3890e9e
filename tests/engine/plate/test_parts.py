"""The parts of the recovery, each on input whose answer is known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.alignment import CameraMotion, apply_matrix, measure_motion
from engine.plate.analysis import ANALYSIS_PIXELS, FrameView, box_around, dilate, view_frame
from engine.plate.chain import SIGHTING_ORDERS, Uncorrected, follow
from engine.plate.flow import Step, complete
from engine.plate.fusion import Evidence, fuse
from engine.plate.model import PlateSettings
from engine.plate.nodes import Nodes, Shift
from engine.plate.photometric import membrane
from engine.plate.registration import Ring
from engine.plate.sampling import pick, sample_linear, sample_sharp
from engine.plate.synthesis.telea import fill_never_seen
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, equally, exactly, shifted, texture

PICTURE = texture(420, 320)
HOLE = Box(90, 60, 130, 110)
NO_OFFSET = np.zeros(3, np.float32)
DRIFTLESS = Uncorrected(np.zeros((0, 2), np.float32), 0)


def view(image: NDArray[np.float32], box: Box | None = HOLE) -> FrameView:
    return view_frame(Clip([image], lambda n: box), 0, PlateSettings())


def translation(x_px: float, y_px: float) -> Step:
    matrix = np.array([[1.0, 0.0, x_px], [0.0, 1.0, y_px], [0.0, 0.0, 1.0]])
    return Step(matrix, x_px == 0 and y_px == 0, None, None, NO_OFFSET, (1.0, 1.0))


# --- views ------------------------------------------------------------------------------------------------------


def test_a_view_keeps_the_hole_and_its_guard_band() -> None:
    seen = view(shifted(PICTURE, 0, 0, 240, 160))
    assert seen.box == HOLE.grown(PlateSettings().guard_px)
    assert seen.hole.sum() == HOLE.area_px
    assert seen.hidden()[HOLE.slices].all()
    assert not seen.hidden()[:50].any()


def test_large_frames_are_analysed_small_with_no_part_of_the_hole_lost() -> None:
    image = np.zeros((1400, 2000, 3), np.float32)
    seen = view(image, Box(1001, 701, 1002, 702))
    assert seen.gray.size <= ANALYSIS_PIXELS * 1.01
    assert seen.guarded_small.any()
    assert seen.scale[0] == pytest.approx(seen.gray.shape[1] / 2000)


def test_pictures_far_above_one_are_not_white_all_over() -> None:
    bright = view(shifted(PICTURE, 0, 0, 240, 160) * np.float32(9.0), None)
    assert bright.gray.max() <= 255
    assert bright.gray.std() > 10


def test_boxes_and_dilation() -> None:
    mask = np.zeros((20, 30), bool)
    assert box_around(mask) is None
    mask[5, 7] = True
    assert box_around(mask) == Box(7, 5, 8, 6)
    assert box_around(dilate(mask, 3)) == Box(4, 2, 11, 9)


# --- alignment --------------------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(st.floats(-6, 6), st.floats(-4, 4))
def test_the_camera_is_measured_whatever_the_object_does(x_px: float, y_px: float) -> None:
    a = view(shifted(PICTURE, 60, 60, 240, 160))
    b = view(shifted(PICTURE, 60 + x_px, 60 + y_px, 240, 160), HOLE.shifted(20, 0))
    motion = measure_motion(a, b)
    middle = np.array([[120.0, 80.0]], np.float32)
    np.testing.assert_allclose(apply_matrix(motion.matrix, middle) - middle, [[-x_px, -y_px]], atol=0.08)
    back = motion.inverse()
    np.testing.assert_allclose(apply_matrix(back.matrix, apply_matrix(motion.matrix, middle)), middle, atol=1e-3)


def test_a_zoom_is_measured() -> None:
    start = shifted(PICTURE, 60, 60, 240, 160)
    zoom = np.array([[1.03, 0.0, -3.6], [0.0, 1.03, -2.4]])
    b = np.asarray(cv2.warpAffine(start, zoom, (240, 160), flags=cv2.INTER_CUBIC), np.float32)
    matrix = measure_motion(view(start, None), view(b, None)).matrix
    assert matrix[0, 0] / matrix[2, 2] == pytest.approx(1.03, abs=0.003)


def test_a_standing_picture_has_no_drift_and_a_drift_is_noticed() -> None:
    a = view(shifted(PICTURE, 60, 60, 240, 160))
    assert measure_motion(a, a).drift_px < 0.01
    moved = view(shifted(PICTURE, 60.4, 60, 240, 160))
    assert measure_motion(a, moved).drift_px == pytest.approx(0.4, abs=0.1)
    far = view(shifted(PICTURE, 70, 60, 240, 160))
    assert math.isinf(measure_motion(a, far).drift_px)


def test_nothing_to_track_is_no_motion() -> None:
    flat = view(np.full((160, 240, 3), 0.5, np.float32))
    motion = measure_motion(flat, flat)
    assert (motion.matched, motion.support) == (0, 0.0)
    np.testing.assert_array_equal(motion.matrix, np.eye(3))


def test_a_locked_camera_is_static_both_ways() -> None:
    motion = CameraMotion(np.diag([1.0, 1.0, 1.0]) + 1e-7, 0.0, 100, 1.0)
    assert not motion.static
    assert motion.locked().static
    assert motion.locked().inverse().static


# --- flow -------------------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(*[st.floats(-2, 2)] * 2, *[st.floats(-0.02, 0.02)] * 4)
def test_affine_motion_around_a_hole_is_continued_into_it(u: float, v: float, a: float, b: float, c: float, d: float):
    y, x = np.indices((120, 140), np.float32)
    truth = np.stack([u + a * (x - 70) + b * (y - 60), v + c * (x - 70) + d * (y - 60)], axis=2).astype(np.float32)
    hole = np.zeros((120, 140), bool)
    hole[45:75, 50:90] = True
    measured = truth.copy()
    measured[hole] = 9.0
    filled = complete(measured, hole, ~hole)
    assert filled is not None
    np.testing.assert_allclose(filled[hole], truth[hole], atol=0.1)


def test_a_passer_by_in_the_ring_does_not_pull_the_motion_inside() -> None:
    flow = np.zeros((120, 140, 2), np.float32)
    hole = np.zeros((120, 140), bool)
    hole[40:80, 50:90] = True
    flow[20:40, 60:80] = 6.0
    filled = complete(flow, hole, ~hole)
    assert filled is not None
    assert np.abs(filled[60, 70]).max() < 0.3


def test_too_thin_a_ring_gives_no_flow() -> None:
    hole = np.ones((60, 60), bool)
    hole[:2] = False
    assert complete(np.zeros((60, 60, 2), np.float32), hole, ~hole) is None


# --- chain ------------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_chain_carries_positions_and_frames(x_px: float, y_px: float) -> None:
    hidden = np.zeros((120, 160), bool)
    hidden[40:70, 50:90] = True
    clear = np.zeros_like(hidden)
    box, wanted = Box(50, 40, 90, 70), np.ones((30, 40), bool)
    sightings = follow(
        wanted,
        box,
        range(10, 20),
        lambda a, b: translation(x_px, y_px),
        lambda n: hidden if n < 13 else clear,
        DRIFTLESS,
    )
    last = next(s for s in sightings if s.frame == 13)
    y, x = np.divmod(last.index, 40)
    np.testing.assert_allclose(last.points[:, 0], x + 50 + 3 * x_px, atol=1e-3)
    np.testing.assert_allclose(last.points[:, 1], y + 40 + 3 * y_px, atol=1e-3)
    for sighting in sightings:
        assert (sighting.frame >= 13) or not hidden[tuple(np.rint(sighting.points).astype(int).T[::-1])].any()


def test_a_chain_ends_at_a_cut_and_has_its_fill_of_sightings() -> None:
    clear = np.zeros((120, 160), bool)
    box, wanted = Box(50, 40, 90, 70), np.ones((30, 40), bool)
    still = translation(0, 0)
    cut = follow(wanted, box, range(40), lambda a, b: None if b == 3 else still, lambda n: clear, DRIFTLESS)
    assert [s.frame for s in cut] == [1, 2]
    fed = follow(wanted, box, range(39, -1, -1), lambda a, b: still, lambda n: clear, DRIFTLESS)
    assert [s.frame for s in fed] == [38 - order for order in SIGHTING_ORDERS]
    assert all(s.static for s in fed)


def test_pixels_that_leave_the_picture_are_not_seen() -> None:
    clear = np.zeros((120, 160), bool)
    box, wanted = Box(140, 40, 160, 60), np.ones((20, 20), bool)
    sightings = follow(wanted, box, range(3), lambda a, b: translation(10, 0), lambda n: clear, DRIFTLESS)
    assert [len(s.index) for s in sightings] == [200]


class Registered:
    """A Correction that knows the motion per frame, but finds nothing that is more than 3 px away."""

    around, margin_px = np.zeros((0, 2), np.float32), 0

    def __init__(self, x_px: float, y_px: float) -> None:
        self._step = np.array([x_px, y_px])

    def correction(self, frame: int, nodes: Nodes) -> Shift:
        middle = np.array([[70.0, 55.0]], np.float32)
        off = (middle + frame * self._step - nodes.reached(middle)).astype(np.float32)
        return lambda points: np.repeat(off if np.abs(off).max() < 3 else np.zeros_like(off), len(points), axis=0)


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_drift_does_not_add_up_over_a_long_way(x_px: float, y_px: float, wrong_x: float, wrong_y: float) -> None:
    hidden, clear = np.ones((120, 160), bool), np.zeros((120, 160), bool)
    box, wanted = Box(50, 40, 90, 70), np.ones((30, 40), bool)
    step = translation(x_px + wrong_x, y_px + wrong_y)
    ways = range(101), lambda a, b: step, lambda n: hidden if n < 90 else clear
    (sighting,) = follow(wanted, box, *ways, Registered(x_px, y_px))[:1]
    row, column = np.divmod(sighting.index, 40)
    home = np.stack([column + 50, row + 40], axis=1)
    if not step.static:
        assert np.abs(sighting.points - home - sighting.frame * np.array([x_px, y_px])).max() < 0.01


# --- sampling ---------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3000))
def test_whole_positions_read_the_pixels_themselves(count: int) -> None:
    random = np.random.default_rng(count)
    image = random.random((40, 50, 3), np.float32)
    points = np.stack([random.integers(0, 50, count), random.integers(0, 40, count)], axis=1).astype(np.float32)
    exact = pick(image, points)
    assert exact.shape == (count, 3)
    np.testing.assert_allclose(sample_sharp(image, points), exact, atol=1e-6)
    np.testing.assert_allclose(sample_linear(image, points), exact, atol=1e-6)


# --- fusion -----------------------------------------------------------------------------------------------------


def evidence(colours: list[float], votes: list[float]) -> tuple[Evidence, NDArray[np.bool_]]:
    grid = np.ones((6, 7), bool)
    slots = len(colours)
    colour = np.broadcast_to(np.array(colours, np.float32)[:, None], (3, slots, 42)).copy()
    vote = np.broadcast_to(np.array(votes, np.float32)[:, None], (slots, 42)).copy()
    frame = np.broadcast_to(np.arange(slots, dtype=np.int32)[:, None], (slots, 42)).copy()
    return Evidence(colour, vote, np.zeros((2, *vote.shape), np.float32), frame, tuple(range(slots))), grid


def test_the_majority_outvotes_the_nearest() -> None:
    fused = fuse(*evidence([0.1, 0.5, 0.51, 0.49], [1.0, 0.6, 0.6, 0.6]), blend_px=2.0, weigh=equally, errors=exactly)
    np.testing.assert_allclose(fused.colour, 0.5, atol=0.01)
    assert fused.found.all()
    assert set(fused.frame.tolist()) <= {1, 2, 3}


@given(st.floats(-2, 20, width=32), st.floats(0, 8))
def test_equal_colours_come_back_exactly(value: float, blend_px: float) -> None:
    fused = fuse(*evidence([value] * 3, [1.0, 0.3, 0.01]), blend_px=blend_px, weigh=equally, errors=exactly)
    np.testing.assert_array_equal(fused.colour, np.float32(value))


def test_pixels_without_any_sighting_are_not_found() -> None:
    seen, grid = evidence([0.4, 0.4], [1.0, 1.0])
    seen.vote[:, 5] = 0.0
    fused = fuse(seen, grid, blend_px=2.0, weigh=equally, errors=exactly)
    assert not fused.found[5]
    assert fused.found.sum() == 41


# --- light and synthesis ----------------------------------------------------------------------------------------


def test_a_constant_error_in_the_band_is_carried_inside() -> None:
    band = np.ones((60, 80), bool)
    band[5:55, 5:75] = False
    offset = np.array([0.02, -0.01, 0.0], np.float32)
    error = np.where(band[..., None], offset, np.float32(0.0))
    np.testing.assert_allclose(membrane(error, band), np.zeros((60, 80, 1), np.float32) + offset, atol=1e-4)


def test_no_error_means_no_correction_and_misfits_are_not_light() -> None:
    band = np.ones((60, 80), bool)
    band[5:55, 5:75] = False
    assert not membrane(np.zeros((60, 80, 3), np.float32), band).any()
    assert not membrane(np.full((60, 80, 3), 0.5, np.float32), band).any()


def test_synthesis_touches_only_what_is_unknown_and_clips_nothing() -> None:
    image = (texture(60, 50) * np.float32(8.0) - np.float32(2.0)).astype(np.float32)
    unknown = np.zeros((50, 60), bool)
    unknown[20:28, 25:37] = True
    filled = fill_never_seen(image, unknown)
    np.testing.assert_array_equal(filled[~unknown], image[~unknown])
    around = image[14:34, 19:43]
    assert around.min() - 0.1 <= filled[unknown].min() <= filled[unknown].max() <= around.max() + 0.1
    assert np.abs(filled[unknown] - image[unknown]).mean() < np.abs(image[unknown] - 0.5).mean()


# --- registration -----------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_drift_is_measured_on_the_ring(x_px: float, y_px: float) -> None:
    target = view(shifted(PICTURE, 60, 60, 240, 160))
    other = view(shifted(PICTURE, 60 - x_px, 60 - y_px, 240, 160), HOLE.shifted(15, 0))
    ring = Ring(target)
    affine = ring.drift(other, ring.points)
    middle = np.array([[110.0, 85.0]], np.float32)
    found = np.zeros((1, 2), np.float32) if affine is None else ring.shift(affine, middle)
    np.testing.assert_allclose(found, [[x_px, y_px]], atol=0.12)


def test_a_chain_without_drift_is_left_alone_and_so_is_one_that_lost_the_picture() -> None:
    target = view(shifted(PICTURE, 60, 60, 240, 160))
    ring = Ring(target)
    assert ring.drift(target, ring.points) is None
    assert ring.drift(view(texture(240, 160, seed=5)), ring.points) is None
    assert ring.drift(target, ring.points + np.float32(500.0)) is None


def test_a_frame_hidden_as_a_whole_has_no_ring() -> None:
    covered = view(shifted(PICTURE, 0, 0, 240, 160), Box(0, 0, 240, 160))
    ring = Ring(covered)
    assert ring.points.shape == (0, 2)
    assert ring.drift(covered, ring.points) is None
