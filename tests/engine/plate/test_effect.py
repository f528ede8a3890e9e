"""The clean-plate effect: descriptor, actions, progress, and what it makes of scene-linear media."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.effects.clean_plate import CleanPlate
from engine.errors import RenderFailedError
from engine.ofx.effect import SYNTHESISED, UNTOUCHED, Clips, RenderedImage
from engine.ofx.parameters import ParameterSet
from engine.plate import model
from engine.plate.coding import decode_scene_linear, encode_scene_linear
from engine.protocol import ParameterValue, Remedy, Stage
from roi_tools.geometry import Box, Size, frame_box
from tests.engine.plate.synthetic import Clip, Shadowed, shifted, texture

SIZE = Size(200, 140)
PICTURE = texture(300, 240)


class Source:
    """A SourceClip of a synthetic clip; scene-linear values are six times the picture's."""

    def __init__(self, clip: Clip, is_scene_linear: bool = False) -> None:
        self._clip = clip
        self.is_scene_linear = is_scene_linear
        self.frames = range(len(clip.truth))
        self.size = SIZE

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        image = self._clip.rgb(frame, window)
        return image * np.float32(6.0) if self.is_scene_linear else image


class Matte:
    """A MatteClip: the clip's box on the frames of the range."""

    def __init__(self, clip: Clip, frames: range) -> None:
        self._clip = clip
        self.frames = self.known_frames = frames
        self.size = SIZE

    def bounds(self, frame: int) -> Box | None:
        return self._clip.box_of(frame) if frame in self.frames else None

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        hole = self._clip.hole(frame) if frame in self.frames else np.zeros((SIZE.height_px, SIZE.width_px), bool)
        return hole[(window or frame_box(SIZE)).slices].astype(np.float32)


class Listener:
    """A Host that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[Stage, float, float]] = []
        self.warned: list[tuple[str, Remedy | None]] = []

    def progress(self, stage: Stage, done: float, total: float, message: str = "") -> None:
        self.heard.append((stage, done, total))

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        self.warned.append((message, remedy))

    def windows(self, windows: Sequence[range]) -> None:
        raise AssertionError(windows)

    def preview(self, frame: int, image: RenderedImage) -> None:
        raise AssertionError(frame)


def box_of(frame: int) -> Box | None:
    return None if frame == 4 else Box(20 + 9 * frame, 40, 60 + 9 * frame, 100)


def make(
    frames: range = range(12), is_scene_linear: bool = False, **given: ParameterValue
) -> tuple[CleanPlate, Clip, Listener]:
    truth = [shifted(PICTURE, 30 + n, 40, SIZE.width_px, SIZE.height_px) for n in range(12)]
    clip, host = Clip(truth, box_of), Listener()
    parameters = ParameterSet(CleanPlate.describe(), given)
    return CleanPlate(parameters, Clips(Source(clip, is_scene_linear), Matte(clip, frames)), host), clip, host


def render_all(effect: CleanPlate, frames: range) -> dict[int, RenderedImage]:
    effect.begin_sequence_render(frames)
    done = {n: effect.render(n) for n in frames if not effect.is_identity(n)}
    effect.end_sequence_render()
    return done


def test_the_descriptor_names_the_effect_and_its_defaults() -> None:
    descriptor = CleanPlate.describe()
    assert descriptor.identifier == CleanPlate.identifier == "clean-plate"
    assert not descriptor.needs_model
    defaults = {p.name: p.default for p in descriptor.parameters}
    assert {"reach_frames", "follow_flow", "grow_px", "feather_px"} <= set(defaults)
    assert defaults["reach_frames"] == model.PlateSettings().reach_frames


def test_the_models_agree_on_provenance() -> None:
    assert (model.SYNTHESISED, model.OUTSIDE_HOLE) == (SYNTHESISED, UNTOUCHED)


def test_it_recovers_the_marked_frames_only() -> None:
    effect, clip, host = make()
    done = render_all(effect, range(12))
    assert sorted(done) == [n for n in range(12) if n != 4]
    for frame, image in done.items():
        assert image.window == box_of(frame)
        assert image.provenance is not None
        assert (image.provenance >= 0).all()
        assert image.confidence is not None
        assert image.confidence.shape == image.provenance.shape
        assert np.abs(image.rgb - clip.truth[frame][image.window.slices]).mean() < 0.01
    assert {stage for stage, _, _ in host.heard} == {"render"}
    assert [done for _, done, _ in host.heard] == sorted(done for _, done, _ in host.heard)
    assert host.heard[-1][1:] == (11, 11)
    assert not host.warned


def test_a_resume_gives_the_same_pictures() -> None:
    effect, _, _ = make()
    whole = render_all(effect, range(12))
    resumed = render_all(effect, range(7, 12))
    for frame, image in resumed.items():
        np.testing.assert_array_equal(image.rgb, whole[frame].rgb)


def test_frames_may_be_skipped_and_asked_again() -> None:
    effect, _, _ = make()
    whole = render_all(effect, range(12))
    effect.begin_sequence_render(range(12))
    for frame in (2, 6, 3):
        np.testing.assert_array_equal(effect.render(frame).rgb, whole[frame].rgb)


def test_frames_beyond_the_matte_lend_nothing() -> None:
    effect, clip, _ = make(range(3, 9))
    clip.asked.clear()
    render_all(effect, range(3, 9))
    assert set(clip.asked) <= set(range(3, 9))
    assert effect.get_frames_needed(5) == range(3, 9)


def test_scene_linear_light_is_kept() -> None:
    effect, clip, _ = make(is_scene_linear=True)
    image = render_all(effect, range(12))[8]
    truth = clip.truth[8][image.window.slices] * np.float32(6.0)
    assert image.rgb.max() > 2.0
    assert np.abs(image.rgb - truth).mean() < 0.05


def test_coding_comes_back() -> None:
    values = np.array([-3.0, -0.01, 0.0, 1e-5, 0.18, 1.0, 40.0], np.float32)
    np.testing.assert_allclose(decode_scene_linear(encode_scene_linear(values)), values, rtol=2e-6, atol=1e-9)
    assert np.isfinite(encode_scene_linear(np.array([np.inf, -np.inf, np.nan], np.float32))).all()


@pytest.mark.parametrize("name", ["reach_frames", "guard_px", "blend_px"])
def test_limits_of_the_parameters_are_those_of_the_recovery(name: str) -> None:
    parameter = next(p for p in CleanPlate.describe().parameters if p.name == name)
    assert parameter.minimum is not None
    settings: dict[str, Any] = {name: parameter.minimum}
    replace(model.PlateSettings(), **settings)
    settings[name] -= 1
    with pytest.raises(ValueError, match=name):
        replace(model.PlateSettings(), **settings)


def test_a_painted_plate_fills_what_no_frame_shows(tmp_path: Path) -> None:
    path = tmp_path / "painted.png"
    cv2.imwrite(str(path), np.full((SIZE.height_px, SIZE.width_px, 3), (0, 0, 255), np.uint8))
    effect, _, _ = make(range(5, 6), painted_plate=str(path), painted_frame=5)
    image = render_all(effect, range(5, 6))[5]
    np.testing.assert_allclose(image.rgb[8:-8, 8:-8], np.array([1.0, 0.0, 0.0]) * np.ones((44, 24, 1)), atol=0.1)
    assert image.provenance is not None
    assert (image.provenance == SYNTHESISED).all()


def test_a_painted_plate_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "painted.png"
    cv2.imwrite(str(path), np.zeros((20, 30, 3), np.uint8))
    effect, _, _ = make(range(5, 6), painted_plate=str(path))
    with pytest.raises(RenderFailedError, match=r"painted\.png is 30x20, the shot"):
        render_all(effect, range(5, 6))


def test_a_shadow_that_leaves_the_box_is_said_with_its_remedy() -> None:
    truth = [shifted(PICTURE, 30, 40, SIZE.width_px, SIZE.height_px)] * 12
    clip, host = Shadowed(truth, box_of), Listener()
    parameters = ParameterSet(CleanPlate.describe(), {"grow_px": 2})
    render_all(CleanPlate(parameters, Clips(Source(clip), Matte(clip, range(12))), host), range(12))
    ((message, remedy),) = host.warned
    assert "at the bottom" in message
    assert remedy is not None
    assert remedy.parameters["grow_px"] in range(14, 30)


def test_nothing_of_an_object_that_fills_its_box_is_mixed_back_in() -> None:
    """The host's feather would mix the source in along the box's edge."""
    assert {p.name: p.default for p in CleanPlate.describe().parameters}["feather_px"] == 0.0
