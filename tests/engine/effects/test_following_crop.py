"""The vace effect with a crop that goes with the thing: what the model sees, and where its pixels come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.effects.vace import Vace
from engine.ofx.effect import Clips, RenderedImage
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterValue, PassPreflight
from engine.vace.shot import crops
from roi_tools.geometry import Box, Size, frame_box
from tests.engine.effects.conftest import Given
from tests.engine.effects.test_vace import Boxes, Footage, Recorder
from tests.support.tiny_wan import build_tiny_wan

pytest.importorskip("torch")

SIZE = Size(200, 80)
FRAMES = range(4, 15)
KINDS = ("static", "following", "gliding")
MOVING = KINDS[1:]


def crossing(frame: int) -> Box:
    """Crosses the picture, with a track that trembles."""
    x = 12 * (frame - FRAMES.start) + (7 * frame) % 3
    return Box(x + 3, 28 + frame % 2, x + 27, 56 + frame % 2)


class Waves(Footage):
    """Smooth pictures that move: resampled, they hardly change."""

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        rows, columns = np.mgrid[: self.size.height_px, : self.size.width_px]
        waves = [0.5 + 0.4 * np.sin(columns / 17 + frame / 5 + n) * np.cos(rows / 13 - n) for n in range(3)]
        return np.stack(waves, axis=2).astype(np.float32)[(window or frame_box(self.size)).slices]


@pytest.fixture(autouse=True)
def no_least_side(monkeypatch: pytest.MonkeyPatch) -> None:
    # Real frames are larger than the least crop.
    monkeypatch.setattr(crops, "MINIMUM_SIDE_PX", 32)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_wan(tmp_path_factory.mktemp("tiny-wan"))


@pytest.fixture
def make(tiny: Path) -> Callable[..., Vace]:
    def effect(crop: str, source: Footage, host: Recorder | None = None, **given: ParameterValue) -> Vace:
        base: dict[str, ParameterValue] = {
            "model": str(tiny), "steps": 1, "context_margin_px": 8, "preview": False, "crop": crop,
        }  # fmt: skip
        clips = Clips(source, Boxes(FRAMES, crossing, SIZE))
        return Vace(ParameterSet(Vace.describe(), base | given), clips, host or Recorder())

    return effect


def render(effect: Vace) -> dict[int, RenderedImage]:
    effect.begin_sequence_render(FRAMES)
    try:
        return {frame: effect.render(frame) for frame in FRAMES}
    finally:
        effect.end_sequence_render()


def test_a_crop_that_follows_is_smaller(make: Callable[..., Vace], echo: list[Given]) -> None:
    for crop in KINDS:
        render(make(crop, Footage(FRAMES, SIZE)))
    still, following, gliding = (given.video.shape[1:3] for given in echo)
    assert still == (48, 160) and following == gliding == (48, 48)


def test_by_whole_pixels_the_model_sees_the_source_itself(make: Callable[..., Vace], echo: list[Given]) -> None:
    effect = make("following", Footage(FRAMES, SIZE))
    render(effect)
    (given,) = echo
    for index, frame in enumerate(FRAMES):
        window = effect.get_regions_of_interest(frame)
        assert window.contains(crossing(frame).grown(4).clipped(SIZE) or window)
        source = effect.clips.source.image(frame, window) * 2 - 1
        np.testing.assert_allclose(given.video[index][~given.mask[index]], source[~given.mask[index]], atol=1e-6)
        assert given.mask[index].sum() == crossing(frame).area_px
        assert (given.video[index][given.mask[index]] == 0).all()


@pytest.mark.parametrize("crop", MOVING)
@pytest.mark.parametrize("budget_px", [480 * 832, 40 * 40])
def test_none_of_what_is_marked_reaches_the_model(
    make: Callable[..., Vace], echo: list[Given], crop: str, budget_px: int
) -> None:
    class Marked(Waves):
        """With a thing of this brightness."""

        brightness = 0.0

        def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
            picture = super().image(frame)
            picture[crossing(frame).slices] = self.brightness
            return picture[(window or frame_box(self.size)).slices]

    for brightness in (0.0, 1.0):
        source = Marked(FRAMES, SIZE)
        source.brightness = brightness
        render(make(crop, source, pixel_budget_px=budget_px))
    dark, bright = echo
    np.testing.assert_allclose(dark.video, bright.video, atol=1e-6)
    assert dark.mask.any(axis=(1, 2)).all()


@pytest.mark.parametrize(("crop", "budget_px", "error"), [
    ("following", 480 * 832, 1e-6), ("gliding", 480 * 832, 2e-3),
    ("following", 40 * 40, 0.02), ("gliding", 40 * 40, 0.02),
])  # fmt: skip
def test_what_the_model_paints_comes_back_where_it_belongs(
    make: Callable[..., Vace], echo: list[Given], crop: str, budget_px: int, error: float
) -> None:
    # A model that is shown the source under the mask and gives it back.
    effect = make(crop, Waves(FRAMES, SIZE), fill="source", pixel_budget_px=budget_px)
    for frame, image in render(effect).items():
        assert image.window == crossing(frame)
        np.testing.assert_allclose(image.rgb, effect.clips.source.image(frame, image.window), atol=error)
    height, width = echo[0].video.shape[1:3]
    assert height % 16 == 0 and width % 16 == 0 and height * width <= budget_px


@pytest.mark.parametrize("crop", MOVING)
def test_the_real_model_renders_in_windows_with_previews_in_place(make: Callable[..., Vace], crop: str) -> None:
    host = Recorder()
    values: dict[str, ParameterValue] = {"preview": True, "context_frames": 9, "context_overlap": 4}
    images = render(make(crop, Waves(FRAMES, SIZE), host, **values))
    assert len(host.told_windows[-1]) == 2
    assert all(image.window == crossing(frame) for frame, image in host.previews.items()) and host.previews
    assert all(image.rgb.shape == (28, 24, 3) and np.isfinite(image.rgb).all() for image in images.values())


def test_the_forecast_counts_the_smaller_crop(make: Callable[..., Vace]) -> None:
    def work(crop: str) -> float:
        told = make(crop, Waves(FRAMES, SIZE)).preflight(FRAMES)
        assert told.forecast is not None
        return told.forecast.flop

    assert work("following") == work("gliding") < 0.5 * work("static")


def test_where_a_crop_that_follows_keeps_far_more_detail_a_check_names_it(make: Callable[..., Vace]) -> None:
    def scaled(crop: str, budget_px: int) -> list[str]:
        told: PassPreflight = make(crop, Waves(FRAMES, SIZE), pixel_budget_px=budget_px).preflight(FRAMES)
        assert all(set(advice.remedy.parameters) != {"crop"} for advice in told.warnings if advice.remedy)
        return [advice.message for advice in told.warnings if "is scaled down" in advice.message]

    (named,) = scaled("static", 32 * 32)
    assert named.endswith("if the memory allows, or try one of 48x48 that follows the thing (crop following)")
    assert scaled("following", 64 * 64) == []
    (scaled_too,) = scaled("following", 32 * 32)
    assert scaled_too.startswith("the crop of 48x48 is scaled down to 32x32")
    assert scaled_too.endswith("; work at full size, if the memory allows")
