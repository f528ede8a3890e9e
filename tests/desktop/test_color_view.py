"""The viewer through OpenColorIO: which space footage is in, and that the fast way is the exact one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PyOpenColorIO
import pytest
from numpy.typing import NDArray

from desktop.base.errors import ColorConfigError
from desktop.media.color_view import (
    BUILTIN_CONFIG,
    ColorView,
    auto_space,
    config_name,
    displays,
    input_spaces,
    open_config,
    viewed8,
)
from desktop.media.look import Channel, Look, looked8
from timeline.media.frame import ColorTags, Frame, pixel_format

ACES = ColorView(BUILTIN_CONFIG, "sRGB - Display", "ACES 2.0 - SDR 100 nits (Rec.709)")
PLAIN = replace(ACES, view="Un-tone-mapped")
SRGB, LINEAR = ColorTags("bt709", "iec61966-2-1"), ColorTags("bt709", "linear")


def rgb_frame(pixels: NDArray[np.generic], color: ColorTags) -> Frame:
    name = {"uint8": "gbrp", "float32": "gbrpf32le"}[pixels.dtype.name]
    planes = tuple(np.ascontiguousarray(pixels[..., channel]) for channel in range(3))
    return Frame(planes, pixel_format(name), color)


def noise8() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def light() -> NDArray[np.float32]:
    """From black over nine stops below white to five above it."""
    stops = np.random.default_rng(6).uniform(-9, 5, (48, 64, 3))
    pixels: NDArray[np.float32] = (2.0**stops).astype(np.float32)
    pixels[:4] = 0.0
    return pixels


def exact8(
    pixels: NDArray[np.float32], space: str, view: ColorView, stops: float = 0.0, gamma: float = 1.0
) -> NDArray[np.float32]:
    config = open_config(view.config)
    gained = pixels.astype(np.float32).copy()
    if stops:
        linear = PyOpenColorIO.ColorSpaceTransform(space, "ACEScg")
        config.getProcessor(linear).getDefaultCPUProcessor().applyRGB(gained)
        gained *= np.float32(2.0**stops)
        space = "ACEScg"
    shown = PyOpenColorIO.DisplayViewTransform(space, view.display, view.view)
    config.getProcessor(shown).getDefaultCPUProcessor().applyRGB(gained)
    codes: NDArray[np.float32] = np.clip(gained, 0, 1) ** np.float32(1 / gamma) * np.float32(255)
    return codes


@pytest.mark.parametrize("view", [ACES, PLAIN])
@pytest.mark.parametrize(("stops", "gamma"), [(0.0, 1.0), (1.0, 1.0), (-1.5, 1.4)])
def test_the_fast_way_is_the_exact_one_on_display_referred_footage(view: ColorView, stops: float, gamma: float) -> None:
    pixels = noise8()
    shown = viewed8(rgb_frame(pixels, SRGB), view, stops, gamma)
    wanted = exact8(pixels.astype(np.float32) / np.float32(255), "sRGB Encoded Rec.709 (sRGB)", view, stops, gamma)
    assert shown is not None
    off = np.abs(shown - wanted)
    assert off.mean() < 0.6  # half a code is the rounding
    assert np.percentile(off, 99) < 3


@pytest.mark.parametrize("view", [ACES, PLAIN])
def test_the_fast_way_is_the_exact_one_on_light(view: ColorView) -> None:
    pixels = light()
    shown = viewed8(rgb_frame(pixels, LINEAR), view, 0.0, 1.0)
    wanted = exact8(pixels, "Linear Rec.709 (sRGB)", view)
    assert shown is not None
    off = np.abs(shown - wanted)
    assert off.mean() < 1.0
    assert np.percentile(off, 99) < 5


@pytest.mark.parametrize(
    ("color", "space"),
    [
        (SRGB, "sRGB Encoded Rec.709 (sRGB)"),
        (ColorTags("bt709", "bt709", "bt709"), "Gamma 2.4 Encoded Rec.709"),
        (ColorTags("smpte170m", "smpte170m"), "Gamma 2.4 Encoded Rec.709"),
        (LINEAR, "Linear Rec.709 (sRGB)"),
        (ColorTags("bt2020", "linear"), "Linear Rec.2020"),
    ],
)
def test_tags_choose_the_space(color: ColorTags, space: str) -> None:
    assert auto_space(BUILTIN_CONFIG, color) == space
    assert auto_space("ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1", color) is not None


def test_the_config_has_displays_and_spaces_for_cameras() -> None:
    assert "Un-tone-mapped" in displays(BUILTIN_CONFIG)["sRGB - Display"]
    spaces = input_spaces(BUILTIN_CONFIG)
    assert {"ARRI LogC3 (EI800)", "ACEScg", "S-Log3 S-Gamut3.Cine"} <= set(spaces)
    assert not any(space.endswith("Display") for space in spaces)


def test_an_input_space_of_the_medium_goes_before_its_tags() -> None:
    frame = rgb_frame(noise8(), SRGB)
    log = viewed8(frame, replace(PLAIN, input_space="ARRI LogC3 (EI800)"), 0.0, 1.0)
    auto = viewed8(frame, PLAIN, 0.0, 1.0)
    assert log is not None and auto is not None
    assert np.abs(log.astype(int) - auto).max() > 20


def test_untone_mapped_srgb_on_srgb_is_the_footage() -> None:
    pixels = noise8()
    shown = viewed8(rgb_frame(pixels, SRGB), PLAIN, 0.0, 1.0)
    assert shown is not None
    assert np.abs(shown.astype(int) - pixels).max() <= 2


def test_the_look_shows_channels_and_exposure_through_the_view() -> None:
    frame = rgb_frame(noise8(), SRGB)
    whole = looked8(frame, Look(color=ACES))
    red = looked8(frame, Look(color=ACES, channel=Channel.RED))
    assert np.array_equal(red[..., 0], whole[..., 0])
    assert np.array_equal(red[..., 2], whole[..., 0])
    assert looked8(frame, Look(color=ACES, exposure_stops=1.0)).mean() > whole.mean()
    assert looked8(frame, Look(color=ACES, proxy_step=2)).shape == (24, 32, 3)


def test_a_view_that_the_config_lacks_falls_back_to_the_plain_picture(tmp_path: Path) -> None:
    frame = rgb_frame(noise8(), SRGB)
    plain = looked8(frame, Look())
    assert np.array_equal(looked8(frame, Look(color=replace(ACES, view="Nothing"))), plain)
    assert np.array_equal(looked8(frame, Look(color=replace(ACES, config=str(tmp_path / "no.ocio")))), plain)


def test_a_config_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ocio"
    broken.write_text("nonsense: [", encoding="utf-8")
    with pytest.raises(ColorConfigError, match=r"broken\.ocio cannot be read"):
        displays(str(broken))


def test_preferences_go_before_the_environment_and_that_before_the_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    seen = [config_name("")]
    monkeypatch.setenv("OCIO", "/studio/config.ocio")
    seen += [config_name(""), config_name("/mine.ocio")]
    assert seen == [BUILTIN_CONFIG, "/studio/config.ocio", "/mine.ocio"]
