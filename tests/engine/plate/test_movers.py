"""Something walks by behind the hole, under a locked camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.plate.inventions import Painted
from engine.plate.model import PlateSettings, RecoveredFrame
from engine.plate.movers import loops as movers_loops
from engine.plate.movers.fit import Layer
from engine.plate.movers.movers import Movers
from engine.plate.recover import recover
from roi_tools.geometry import Box
from tests.engine.plate.synthetic import Clip, shifted, texture

WIDTH, HEIGHT, FRAMES = 120, 80, 28
RADIUS_PX = 10
MIDDLE = 14
"""In this frame the disc is wholly behind the box."""

HALF_BEHIND = MIDDLE - 3, MIDDLE

STILL = shifted(texture(240, 160), 30, 30, WIDTH, HEIGHT) * np.float32(0.5)
DISC = texture(40, 40, seed=5)[: 2 * RADIUS_PX + 1, : 2 * RADIUS_PX + 1] * np.float32(0.4) + np.float32(0.6)
SETTINGS = PlateSettings(keep_agreeing=False)


def box_to_the_left(frame: int) -> Box:
    return Box(76 - 2 * frame, 20, 104 - 2 * frame, 56)


def disc_at(frame: int) -> tuple[int, int]:
    return 62 + 4 * (frame - MIDDLE), 38


def with_disc(frame: int) -> NDArray[np.float32]:
    picture, (x, y) = STILL.copy(), disc_at(frame)
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.circle(inside, (x, y), RADIUS_PX, 1, -1)
    row, column = np.nonzero(inside)
    picture[row, column] = DISC[row - y + RADIUS_PX, column - x + RADIUS_PX]
    return picture


PASSING = Clip([with_disc(n) for n in range(FRAMES)], box_to_the_left)


def rendered(clip: Clip, frames: Sequence[int]) -> list[RecoveredFrame]:
    return list(recover(clip, frames, range(FRAMES), SETTINGS, lambda share: None))


@cache
def whole() -> list[RecoveredFrame]:
    """The disc half behind the box, and wholly behind it."""
    return rendered(PASSING, HALF_BEHIND)


def psnr_db(result: RecoveredFrame, truth: NDArray[np.float32]) -> float:
    assert result.box is not None
    error = float(np.square(result.rgb - truth[result.box.slices]).mean())
    return -10.0 * math.log10(max(error, 1e-12))


def nothing(self: Movers, painted: Painted) -> Layer | None:
    return None


def test_a_passer_by_is_whole_and_was_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [psnr_db(result, PASSING.truth[result.frame]) for result in whole()]
    monkeypatch.setattr(Movers, "behind", nothing)
    before = [psnr_db(result, PASSING.truth[result.frame]) for result in rendered(PASSING, HALF_BEHIND)]
    assert max(before) < 20
    assert min(now) > max(before) + 6


def test_it_is_doubted_and_its_frame_named_and_alone_as_with_others() -> None:
    (alone,) = rendered(PASSING, [MIDDLE])
    _, among = whole()
    np.testing.assert_array_equal(alone.rgb, among.rgb)
    np.testing.assert_array_equal(alone.provenance, among.provenance)
    np.testing.assert_array_equal(alone.confidence, among.confidence)
    assert alone.box is not None
    x, y = disc_at(MIDDLE)
    place = y - alone.box.y0, x - alone.box.x0
    assert 0.0 < alone.confidence[place] < 0.9
    lender = int(alone.provenance[place])
    assert lender != MIDDLE
    there = disc_at(lender)
    assert not PASSING.hole(lender)[there[1], there[0]]


def test_the_still_background_is_what_most_frames_show() -> None:
    random = np.random.default_rng(1)
    seen = np.full((4, 5, 12), 90, np.uint8) + random.integers(0, 3, (4, 5, 12), np.uint8)
    seen[:, :, 5:] = random.integers(0, 256, (4, 5, 7), np.uint8)
    background = movers_loops.mode(random.permuted(seen, axis=2), np.full((4, 5), 12, np.int32))
    assert (np.abs(background.astype(int) - 91) <= 2).mean() > 0.8


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_a_patch_is_found_where_it_has_gone(x: int, y: int) -> None:
    still = np.random.default_rng(2).integers(0, 256, (40, 40, 3), np.uint8)
    there = still.copy()
    patch = np.random.default_rng(3).integers(1, 256, (8, 8, 3), np.uint8)
    there[16 + y : 24 + y, 16 + x : 24 + x] = patch
    row, column = np.indices((8, 8)).reshape(2, -1).astype(np.int32)
    spots, values = np.stack([column + 16, row + 16], axis=1), patch.reshape(-1, 3)
    all_shown = np.ones((40, 40), bool)
    best, *place = movers_loops.search(spots, values, there, still, all_shown, all_shown, (0, 0), 6, 1, 1)
    assert place == [x, y]
    assert best > 0


def unchanged(clip: Clip, frame: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asserts that the frame is as it is without movers."""
    (now,) = rendered(clip, [frame])
    monkeypatch.setattr(Movers, "behind", nothing)
    (without,) = rendered(clip, [frame])
    np.testing.assert_array_equal(now.rgb, without.rgb)
    np.testing.assert_array_equal(now.provenance, without.provenance)
    np.testing.assert_array_equal(now.confidence, without.confidence)


def test_where_nothing_passes_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    unchanged(Clip([STILL] * FRAMES, box_to_the_left), MIDDLE, monkeypatch)


def test_a_shadow_that_goes_with_the_box_is_not_brought_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def box(frame: int) -> Box:
        """Every fifth covers the shadow too."""
        left = box_to_the_left(frame)
        return Box(left.x0, left.y0, left.x1, left.y1 + (12 if frame % 5 == 0 else 0))

    shaded = []
    for n in range(FRAMES):
        picture, left = STILL.copy(), box_to_the_left(n)
        picture[left.y1 + 2 : left.y1 + 10, left.x0 + 2 : left.x1 - 2] *= np.float32(0.5)
        shaded.append(picture)
    unchanged(Clip(shaded, box), 15, monkeypatch)
