"""Something walks by behind the hole, under a locked camera."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.plate.inventions import Painted
from engine.plate.model import PlateSettings, RecoveredFrame
from engine.plate.movers import CONFIDENCE, Movers
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

WIDTH, HEIGHT, FRAMES = 240, 160, 40
DISC_RADIUS_PX = 16
STILL = shifted(texture(480, 320), 60, 60, WIDTH, HEIGHT) * np.float32(0.5)
DISC = texture(64, 64, seed=5)[:33, :33] * np.float32(0.4) + np.float32(0.6)


def box_to_the_left(frame: int) -> Box:
    return Box(190 - 4 * frame, 40, 230 - 4 * frame, 110)


def with_disc(frame: int) -> NDArray[np.float32]:
    """The disc goes to the right, and is behind the middle of the box at frame 21."""
    picture, middle = STILL.copy(), (20 + 5 * frame, 75)
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(inside, middle, DISC_RADIUS_PX, 1, -1)
    row, column = np.nonzero(inside)
    picture[row, column] = DISC[row - middle[1] + DISC_RADIUS_PX, column - middle[0] + DISC_RADIUS_PX]
    return picture


def rendered(clip: Clip, frames: Sequence[int]) -> list[RecoveredFrame]:
    return list(recover(clip, frames, range(FRAMES), PlateSettings(), lambda share: None))


def psnr_db(result: RecoveredFrame, truth: NDArray[np.float32]) -> float:
    assert result.box is not None
    error = float(np.square(result.rgb - truth[result.box.slices]).mean())
    return -10.0 * math.log10(max(error, 1e-12))


def without_movers(self: Movers, painted: Painted) -> Painted:
    return painted


def test_a_passer_by_is_whole_and_was_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip([with_disc(n) for n in range(FRAMES)], box_to_the_left)
    now = [psnr_db(result, clip.truth[result.frame]) for result in rendered(clip, (18, 19, 21, 24))]
    monkeypatch.setattr(Movers, "paint", without_movers)
    before = [psnr_db(result, clip.truth[result.frame]) for result in rendered(clip, (18, 19, 21, 24))]
    assert max(before) < 25
    assert min(now) > 30


@pytest.mark.slow
def test_a_frame_alone_is_as_with_others_and_its_mover_is_doubted() -> None:
    clip = Clip([with_disc(n) for n in range(FRAMES)], box_to_the_left)
    (alone,) = rendered(clip, range(21, 22))
    among = rendered(clip, range(20, 23))[1]
    np.testing.assert_array_equal(alone.rgb, among.rgb)
    np.testing.assert_array_equal(alone.provenance, among.provenance)
    assert alone.box is not None
    place = 75 - alone.box.y0, 20 + 5 * 21 - alone.box.x0
    assert alone.confidence[place] <= CONFIDENCE
    lender = int(alone.provenance[place])
    assert lender != 21
    assert not clip.hole(lender)[75, 20 + 5 * lender]


def test_a_shadow_that_goes_with_the_box_is_not_brought_back() -> None:
    def box(frame: int) -> Box:
        """Every fifth covers the shadow too."""
        return Box(190 - 4 * frame, 40, 230 - 4 * frame, 100 + (24 if frame % 5 == 0 else 0))

    shaded = []
    for n in range(FRAMES):
        picture = STILL.copy()
        picture[104:118, 192 - 4 * n : 228 - 4 * n] *= np.float32(0.5)
        shaded.append(picture)
    for result in rendered(Clip(shaded, box), (15, 25)):
        assert psnr_db(result, STILL) > 30
