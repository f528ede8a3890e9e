"""What of a hole is kept: only what the plate confirms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.agreement import CLOSE_PX, FEATHER_PX, MARGIN_PX, differing, keep_agreeing
from engine.plate.model import OUTSIDE_HOLE, SYNTHESISED, PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

SHAPE = (80, 100)
NOTHING = np.zeros(SHAPE, bool)
PLATE = texture(SHAPE[1], SHAPE[0])
OBJECT = Box(40, 30, 60, 50)


def with_object(change: float, box: Box = OBJECT) -> NDArray[np.float32]:
    own = PLATE.copy()
    own[box.slices] += np.float32(change)
    return own


def clip_with(objects: list[Box | None]) -> Clip:
    """Frames of 100x80, each with the whole frame as the hole and an object in some."""

    class Shot(Clip):
        def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
            box = objects[frame]
            image = PLATE.copy() if box is None else with_object(0.4, box)
            return image if window is None else image[window.slices]

    return Shot([PLATE] * len(objects), lambda n: Box(0, 0, SHAPE[1], SHAPE[0]))


def recovered(frame: int, provenance: int = 99) -> RecoveredFrame:
    return RecoveredFrame(
        frame,
        Box(0, 0, SHAPE[1], SHAPE[0]),
        PLATE.copy(),
        np.full(SHAPE, provenance, np.int32),
        np.full(SHAPE, 0.5, np.float32),
    )


@pytest.mark.parametrize("change", [0.1, -0.3])
def test_the_object_differs_and_the_rest_does_not(change: float) -> None:
    differs = differing(PLATE, with_object(change), NOTHING)
    assert differs[OBJECT.slices].all()
    far = np.ones(SHAPE, bool)
    far[OBJECT.grown(4 * CLOSE_PX).slices] = False
    assert not differs[far].any()


def test_a_faint_broad_shadow_differs() -> None:
    assert differing(PLATE, with_object(-0.04, Box(20, 20, 80, 60)), NOTHING)[25:55, 25:75].all()


def test_grain_alone_does_not_differ() -> None:
    grain = np.random.default_rng(5).normal(0.0, 2.0 / 255.0, PLATE.shape).astype(np.float32)
    assert not differing(PLATE, PLATE + grain, NOTHING).any()


def test_a_gap_in_the_object_is_filled() -> None:
    own = with_object(0.3)
    own[36:44, 46:54] = PLATE[36:44, 46:54]
    assert differing(PLATE, own, NOTHING)[OBJECT.slices].all()


def test_what_was_invented_is_never_kept() -> None:
    invented = NOTHING.copy()
    invented[OBJECT.slices] = True
    assert differing(PLATE, PLATE, invented)[OBJECT.slices].all()


def test_values_that_are_no_numbers_are_never_kept() -> None:
    own = PLATE.copy()
    own[40, 50] = np.nan
    assert differing(PLATE, own, NOTHING)[40, 50]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 80), st.integers(0, 60), st.floats(0.15, 0.6))
def test_nothing_of_the_object_stays(x: int, y: int, change: float) -> None:
    box = Box(x, y, x + 20, y + 20)
    (result,) = keep_agreeing([recovered(0)], clip_with([box]))
    np.testing.assert_array_equal(result.rgb[box.slices], PLATE[box.slices])
    assert (result.provenance[box.slices] == 99).all()


def test_kept_pixels_are_the_frames_own() -> None:
    clip = clip_with([OBJECT])
    (result,) = keep_agreeing([recovered(0)], clip)
    far = np.ones(SHAPE, bool)
    far[OBJECT.grown(4 * CLOSE_PX + MARGIN_PX + int(FEATHER_PX) + 8).slices] = False
    np.testing.assert_array_equal(result.rgb[far], clip.rgb(0)[far])
    assert (result.provenance[far] == 0).all()


def test_what_neighbours_replace_is_replaced() -> None:
    clip = clip_with([Box(10, 10, 30, 30), None, Box(60, 40, 80, 60), None])
    _, second, third, fourth = keep_agreeing([recovered(n) for n in range(4)], clip)
    assert (second.provenance[10:30, 10:30] == 99).all()
    assert (second.provenance[40:60, 60:80] == 99).all()
    assert (third.provenance[10:30, 10:30] == 2).all()
    assert (fourth.provenance[40:60, 60:80] == 99).all()


def test_frames_that_are_no_neighbours_have_no_say() -> None:
    clip = clip_with([Box(10, 10, 30, 30), None, None, None])
    last = list(keep_agreeing([recovered(0), recovered(3)], clip))[-1]
    assert (last.provenance == 3).all()


def test_outside_the_hole_stays_outside() -> None:
    result = recovered(0)
    result.provenance[:20] = OUTSIDE_HOLE
    (kept,) = keep_agreeing([result], clip_with([None]))
    assert (kept.provenance[:20] == OUTSIDE_HOLE).all()
    assert (kept.provenance[20:] == 0).all()


def test_frames_without_a_hole_pass() -> None:
    empty = RecoveredFrame(
        1, None, np.zeros((0, 0, 3), np.float32), np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32)
    )
    frames = [recovered(0), empty, recovered(2)]
    assert [r.frame for r in keep_agreeing(frames, clip_with([None] * 3))] == [0, 1, 2]


# --- in a shot --------------------------------------------------------------------------------------------------


class SmallObject(Clip):
    """A bright square that moves inside a much larger hole."""

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        image = self.truth[frame].copy()
        image[70:90, 40 + 9 * frame : 60 + 9 * frame] = (1.0, 1.0, 0.2)
        return image if window is None else image[window.slices]


def small_object() -> SmallObject:
    picture = texture(480, 320)
    truth = [shifted(picture, 60 + 1.3 * n, 60, 240, 160) for n in range(14)]
    return SmallObject(truth, lambda n: Box(20 + 9 * n, 50, 80 + 9 * n, 110))


def errors(keep: bool) -> tuple[float, float]:
    """Mean error in the hole, and on the object."""
    clip = small_object()
    chosen = PlateSettings(keep_agreeing=keep)
    (result,) = recover(clip, [6], range(14), chosen, lambda share: None)
    assert result.box is not None
    error = np.abs(result.rgb - clip.truth[6][result.box.slices])
    return float(error.mean()), float(error[20:40, 20:40].mean())


def test_keeping_is_nearer_to_the_truth_and_leaves_nothing() -> None:
    kept, replaced = errors(True), errors(False)
    assert kept[0] < 0.7 * replaced[0]
    assert kept[1] == pytest.approx(replaced[1], rel=1e-5)


def test_invented_pixels_stay_marked() -> None:
    clip = Clip([texture(240, 160)] * 4, lambda n: Box(80, 60, 120, 100))
    (result,) = recover(clip, [2], range(4), PlateSettings(), lambda share: None)
    assert (result.provenance == SYNTHESISED).all()
