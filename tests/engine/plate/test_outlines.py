"""The second pass: only the object's outline is recovered, also from what is clean of the holes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.plate.model import OUTSIDE_HOLE, SYNTHESISED, PlateSettings, RecoveredFrame
from engine.plate.outlines import BLOCK_FRAMES
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

PICTURE = texture(480, 320)
FRAMES = BLOCK_FRAMES + 4
TWICE = PlateSettings(second_pass=True)


class SmallObject(Clip):
    """A bright square inside a much larger box, with grain."""

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        grain = np.random.default_rng(frame).normal(0.0, 0.004, self.truth[frame].shape)
        image = self.truth[frame] + grain.astype(np.float32)
        x = 40 + 7 * frame
        image[70:90, x : x + 20] = (1.0, 1.0, 0.2)
        return image if window is None else image[window.slices]


def box_of(frame: int) -> Box:
    return Box(15 + 7 * frame, 50, 85 + 7 * frame, 110)


def shot(speed_px: float = 0.0) -> SmallObject:
    return SmallObject([shifted(PICTURE, 60 + speed_px * n, 60, 240, 160) for n in range(FRAMES)], box_of)


def run(clip: Clip, core: Sequence[int], settings: PlateSettings = TWICE) -> list[RecoveredFrame]:
    return list(recover(clip, core, range(FRAMES), settings, lambda share: None))


@pytest.mark.parametrize("speed_px", [0.0, 1.3])
def test_it_stays_near_the_truth_and_leaves_nothing_of_the_object(speed_px: float) -> None:
    clip = shot(speed_px)
    errors = []
    for settings in (TWICE, PlateSettings()):
        (result,) = run(clip, [6], settings)
        assert result.box == box_of(6)
        error = np.abs(result.rgb - clip.truth[6][result.box.slices]).mean(axis=2)
        assert error[18:42, 65:].max() < 0.1
        errors.append(float(error[18:42, 23:47].mean()))
    # The grain is new in each frame here: near frames know no more of it than far ones.
    assert errors[0] < 1.15 * errors[1]


def test_frames_inside_the_box_lend() -> None:
    """The box hides the object's place for several frames on both sides; the outline for less."""
    lent_from = []
    for settings in (TWICE, PlateSettings()):
        (result,) = run(shot(), [6], settings)
        replaced = (result.provenance != OUTSIDE_HOLE) & (result.provenance != 6)
        assert not (result.provenance == SYNTHESISED).any()
        lent_from.append(float(np.abs(result.provenance[replaced] - 6).mean()))
    assert lent_from[0] < 0.8 * lent_from[1]


def test_what_lies_outside_the_outline_is_the_frames_own() -> None:
    clip = shot()
    (result,) = run(clip, [6])
    far = np.ones(result.provenance.shape, bool)
    far[5:55, 10:60] = False
    assert (result.provenance[far] == 6).all()
    assert (result.confidence[far] == 1.0).all()
    np.testing.assert_array_equal(result.rgb[far], clip.rgb(6, result.box)[far])


def test_repeats_exactly_and_does_not_depend_on_the_chunks() -> None:
    clip, near = shot(1.3), PlateSettings(second_pass=True, reach_frames=5)
    whole = run(clip, range(FRAMES), near)
    parts = run(clip, range(9), near) + run(clip, range(9, FRAMES), near)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)
        np.testing.assert_array_equal(a.provenance, b.provenance)
        np.testing.assert_array_equal(a.confidence, b.confidence)


@pytest.mark.parametrize("keep", [False, True])
def test_an_object_that_never_moves_is_invented_all_the_same(keep: bool) -> None:
    clip = Clip([shifted(PICTURE, 60, 60, 240, 160)] * FRAMES, lambda n: Box(80, 60, 120, 100))
    (result,) = run(clip, [3], PlateSettings(second_pass=True, keep_agreeing=keep))
    assert (result.provenance == SYNTHESISED).all()
    assert not result.confidence.any()


def test_a_box_without_an_object_is_left_as_it_is() -> None:
    class Empty(SmallObject):
        def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
            return self.truth[frame] if window is None else self.truth[frame][window.slices]

    clip = Empty(shot().truth, box_of)
    (result,) = run(clip, [6])
    assert result.box == box_of(6)
    assert (result.provenance == 6).all()
    np.testing.assert_array_equal(result.rgb, clip.truth[6][result.box.slices])


def test_it_can_be_cancelled() -> None:
    class CancelledError(Exception):
        pass

    calls = 0

    def cancel(share: float) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise CancelledError

    with pytest.raises(CancelledError):
        list(recover(shot(1.0), range(FRAMES), range(FRAMES), TWICE, cancel))
