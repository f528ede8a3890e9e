"""What is left to the model: hysteresis, size, soft edges in space and time; and how it is put back."""

from __future__ import annotations

import os

import numpy as np
import pytest

from engine.errors import OutputError
from engine.hybrid.blend import blended
from engine.hybrid.clips import RecoveredSource, RestMatte
from engine.hybrid.rest import SEAM_FRAMES, SEAM_PX, Rest, uncertain, weighed
from engine.hybrid.scratch import Scratch
from engine.ofx.effect import GENERATED, SYNTHESISED, UNTOUCHED, RenderedImage
from engine.plate.coding import decode_scene_linear
from roi_tools.geometry import Box, Size, frame_box

SIZE = Size(100, 80)
WINDOW = Box(20, 10, 80, 60)
HOLE = Box(5, 5, 25, 25)
"""In the window's own pixels."""


def plate(
    confidence: float = 0.9, *, invented: Box | None = None, unsure: tuple[Box, float] | None = None
) -> RenderedImage:
    """Gray of 0.5, all of it recovered from frame 3; ``invented`` and ``unsure`` in the window's own pixels."""
    shape = WINDOW.height_px, WINDOW.width_px
    provenance, sure = np.full(shape, 3, np.int32), np.full(shape, confidence, np.float32)
    if unsure is not None:
        sure[unsure[0].slices] = unsure[1]
    if invented is not None:
        provenance[invented.slices], sure[invented.slices] = SYNTHESISED, 0.0
    return RenderedImage(WINDOW, np.full((*shape, 3), 0.5, np.float32), provenance, sure, provenance == SYNTHESISED)


def in_frame(rest: Rest | None) -> np.ndarray:
    full = np.zeros((SIZE.height_px, SIZE.width_px), np.float32)
    if rest is not None:
        full[rest.box.slices] = rest.weight
    return full


class TestUncertain:
    def test_nothing_is_left_of_what_other_frames_show(self) -> None:
        assert uncertain(plate(0.26), 0.25, 8, SIZE) is None
        assert uncertain(plate(0.0), 0.0, 8, SIZE) is None

    def test_what_no_frame_shows_is_left_with_a_seam_around_it(self) -> None:
        weight = in_frame(uncertain(plate(invented=HOLE), 0.0, 8, SIZE))
        core = HOLE.shifted(WINDOW.x0, WINDOW.y0)
        assert (weight[core.slices] == 1).all() and weight.max() == 1
        assert weight[core.y0 - 1, core.x0 + 5] == pytest.approx(1 - 1 / SEAM_PX)
        assert weight[core.y0 - SEAM_PX, core.x0 + 5] == 0 < weight[core.y0 - SEAM_PX + 1, core.x0 + 5]
        weight[core.grown(SEAM_PX - 1).slices] = 0
        assert not weight.any()

    def test_the_seam_ends_at_the_frame(self) -> None:
        corner = RenderedImage(
            Box(0, 0, 9, 9),
            np.zeros((9, 9, 3), np.float32),
            np.full((9, 9), SYNTHESISED, np.int32),
            np.zeros((9, 9), np.float32),
        )
        rest = uncertain(corner, 0.25, 1, SIZE)
        assert rest is not None and rest.box == Box(0, 0, 8 + SEAM_PX, 8 + SEAM_PX)

    def test_a_weak_pixel_is_left_only_beside_a_strong_one(self) -> None:
        weak = (Box(0, 0, 60, 30), 0.3)
        assert uncertain(plate(unsure=weak), 0.25, 8, SIZE) is None
        rest = uncertain(plate(unsure=weak, invented=HOLE), 0.25, 8, SIZE)
        assert (in_frame(rest) == 1).sum() == 60 * 30

    def test_small_parts_and_what_an_artist_painted_stay_as_they_are(self) -> None:
        small = plate(invented=Box(5, 5, 12, 12))
        assert uncertain(small, 0.25, 8, SIZE) is None and uncertain(small, 0.25, 7, SIZE) is not None
        assert uncertain(plate(invented=HOLE), 0.25, 8, SIZE, fills_invented=False) is None
        both = plate(invented=HOLE, unsure=(Box(30, 5, 50, 25), 0.1))
        assert (in_frame(uncertain(both, 0.25, 8, SIZE, fills_invented=False)) == 1).sum() == 400

    def test_what_lies_outside_the_matte_is_never_left(self) -> None:
        image = plate(0.0)
        assert image.provenance is not None
        image.provenance[:] = UNTOUCHED
        assert uncertain(image, 0.5, 1, SIZE) is None


def test_the_model_is_faded_in_and_out_over_the_frames_around() -> None:
    core = uncertain(plate(invented=HOLE), 0.25, 8, SIZE)
    middle = HOLE.y0 + WINDOW.y0 + 5, HOLE.x0 + WINDOW.x0 + 5
    weights = [in_frame(weighed({10: core}, frame))[middle] for frame in range(4, 17)]
    rising = [step / (SEAM_FRAMES + 1) for step in range(1, SEAM_FRAMES + 1)]
    assert weights == pytest.approx([0, 0, *rising, 1, *rising[::-1], 0, 0])
    assert weighed({10: None}, 10) is None


def test_parts_of_neighbouring_frames_are_joined() -> None:
    left, right = (uncertain(plate(invented=HOLE.shifted(x, 0)), 0.25, 8, SIZE) for x in (0, 30))
    joined = in_frame(weighed({10: left, 11: right}, 10))
    np.testing.assert_allclose(joined, np.maximum(in_frame(left), 0.8 * in_frame(right)), atol=1e-6)


class Still:
    """A source of one grey."""

    frames, size, is_scene_linear = range(5), SIZE, False

    def image(self, frame: int, window: Box | None = None) -> np.ndarray:
        window = window or frame_box(SIZE)
        return np.full((window.height_px, window.width_px, 3), 0.25, np.float32)


def test_the_model_sees_the_plate_in_the_source_and_a_matte_of_what_is_left() -> None:
    image = plate(invented=HOLE)
    source = RecoveredSource(Still(), lambda frame: image if frame == 2 else None)
    assert (source.frames, source.size, source.is_scene_linear) == (range(5), SIZE, False)
    assert (source.image(1) == 0.25).all()
    seen = source.image(2, Box(10, 0, 90, 70))
    assert (seen[10:60, 10:70] == 0.5).all() and (seen == 0.25).sum() == 3 * (80 * 70 - 60 * 50)
    assert (source.image(2, Box(0, 0, 20, 10)) == 0.25).all()
    rest = uncertain(image, 0.25, 8, SIZE)
    assert rest is not None
    matte = RestMatte(range(1, 4), SIZE, {2: rest})
    assert (matte.bounds(2), matte.bounds(1), matte.frames, matte.size) == (rest.box, None, range(1, 4), SIZE)
    np.testing.assert_array_equal(matte.image(2), in_frame(rest) > 0)
    assert not matte.image(1).any()


@pytest.mark.parametrize("is_scene_linear", [False, True])
def test_another_colour_of_the_model_is_matched_along_the_seam(is_scene_linear: bool) -> None:
    image = plate(invented=HOLE)
    rest = uncertain(image, 0.25, 8, SIZE)
    assert rest is not None and image.provenance is not None
    shape = rest.box.height_px, rest.box.width_px, 3
    known, painted = np.full(shape, 0.5, np.float32), np.full(shape, 0.57, np.float32)
    if is_scene_linear:
        image, known, painted = (
            RenderedImage(WINDOW, decode_scene_linear(image.rgb), image.provenance, image.confidence),
            decode_scene_linear(known),
            decode_scene_linear(painted),
        )
    done = blended(image, known, RenderedImage(rest.box, painted), rest, is_scene_linear=is_scene_linear)
    np.testing.assert_allclose(done.rgb, image.rgb, atol=2e-3)
    assert done.provenance is not None and done.confidence is not None and image.confidence is not None
    assert (done.provenance[HOLE.slices] == GENERATED).all() and (done.confidence[HOLE.slices] == 0).all()
    away = np.ones(done.provenance.shape, bool)
    away[HOLE.grown(SEAM_PX).slices if HOLE.x0 >= SEAM_PX else np.s_[:33, :33]] = False
    assert (done.provenance[away] == 3).all()
    np.testing.assert_array_equal(done.rgb[away], image.rgb[away])
    np.testing.assert_array_equal(done.confidence[away], image.confidence[away])


def test_another_thing_on_the_seam_is_no_colour_to_match() -> None:
    image = plate(invented=HOLE)
    rest = uncertain(image, 0.25, 8, SIZE)
    assert rest is not None
    known = np.full((rest.box.height_px, rest.box.width_px, 3), 0.5, np.float32)
    done = blended(image, known, RenderedImage(rest.box, known + 0.4), rest, is_scene_linear=False)
    np.testing.assert_allclose(done.rgb[HOLE.slices], 0.9, atol=1e-6)


def test_a_plate_that_is_not_sure_says_little_of_the_colour() -> None:
    image = plate(invented=HOLE)
    rest = uncertain(image, 0.15, 8, SIZE)
    assert rest is not None and image.confidence is not None
    # Above the hole the plate is sure and right; below its middle it is neither.
    middle = (HOLE.y0 + HOLE.y1) // 2
    unsure = np.s_[middle:, :]
    image.confidence[unsure] = 0.2
    image.rgb[unsure] += 0.1
    below = rest.box.shifted(-WINDOW.x0, -WINDOW.y0)
    known = np.full((rest.box.height_px, rest.box.width_px, 3), 0.5, np.float32)
    known[middle - below.y0 :] += 0.1
    painted = np.full_like(known, 0.5)
    done = blended(image, known, RenderedImage(rest.box, painted), rest, is_scene_linear=False)
    assert np.abs(done.rgb[HOLE.y0 : middle, HOLE.x0 : HOLE.x1] - 0.5).max() < 0.02


class TestScratch:
    def test_images_come_back_as_they_were(self, tmp_path) -> None:
        scratch = Scratch(tmp_path)
        image = plate(invented=HOLE)
        scratch.save(7, image)
        scratch.save(8, RenderedImage(WINDOW, image.rgb))
        read = scratch.load(7)
        assert 7 in scratch and 6 not in scratch and read.window == WINDOW
        for name in ("rgb", "provenance", "confidence", "never_visible"):
            np.testing.assert_array_equal(getattr(read, name), getattr(image, name))
        assert scratch.load(8).provenance is None
        scratch.clear()
        with pytest.raises(KeyError):
            scratch.load(7)
        scratch.close()
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_process_left_is_removed_a_day_later(self, tmp_path) -> None:
        old, new = tmp_path / "hybrid-old", tmp_path / "hybrid-new"
        for folder in (old, new):
            folder.mkdir()
        os.utime(old, (0, 0))
        scratch = Scratch(tmp_path)
        scratch.save(1, plate())
        assert not old.exists() and new.exists()
        scratch.close()

    def test_a_disk_that_refuses_is_told_with_the_remedy(self, tmp_path) -> None:
        with pytest.raises(OutputError, match=r"a recovered frame cannot be kept in .*gone: .*GRAYPLATE_CACHE"):
            Scratch(tmp_path / "gone").save(1, plate())
