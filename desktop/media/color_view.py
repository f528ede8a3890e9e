"""The viewer through OpenColorIO: from a medium's colour space to a display and a view of a config. Without Qt.

A view like ACES takes seconds for a frame of 1080p on the CPU, so its processor is sampled once into a 3D LUT behind a
logarithmic shaper where light is linear; OpenColorIO then applies that in some 20 ms. OpenColorIO is loaded only when
a view is asked for.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from desktop.base.errors import ColorConfigError
from desktop.base.language import tr

if TYPE_CHECKING:
    from timeline.media.frame import ColorTags, Frame

BUILTIN_CONFIG = "ocio://studio-config-latest"
CONFIG_VARIABLE = "OCIO"
LUT_SIZE = 48
"""Within about one 8-bit code of the exact transform on display-referred footage."""
_SHAPER_STOPS = (-12.0, 8.0)
"""Light that the shaper spans, in stops around 1.0; below it there is black, above it the view has clipped."""
_SHAPER_OFFSET = 2.0 ** _SHAPER_STOPS[0]
_KEPT = 24

_AUTO: Mapping[str, tuple[str, ...]] = {
    "linear": ("lin_rec709_scene", "lin_rec709", "Linear Rec.709 (sRGB)", "scene_linear"),
    "linear bt2020": ("lin_rec2020_scene", "lin_rec2020", "Linear Rec.2020", "scene_linear"),
    "srgb": ("srgb_rec709_scene", "srgb_tx", "sRGB Encoded Rec.709 (sRGB)", "sRGB - Texture", "sRGB", "color_picking"),
    "video": (
        *("g24_rec709_scene", "g24_rec709_tx", "Gamma 2.4 Encoded Rec.709", "Gamma 2.4 Rec.709 - Texture"),
        *("Rec.709", "rec709", "Output - Rec.709", "matte_paint", "color_picking"),
    ),
}
"""Names, aliases and roles of the common configs for what colour tags say, the most fitting first."""

Image8 = NDArray[np.uint8]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ColorView:
    """How pixels become light on a screen. ``input_space`` "" is chosen by the medium's tags."""

    config: str
    display: str
    view: str
    input_space: str = ""


def config_name(chosen: str) -> str:
    """``chosen`` in the preferences, else $OCIO, else the config that comes with OpenColorIO."""
    return chosen or os.environ.get(CONFIG_VARIABLE) or BUILTIN_CONFIG


def _ocio() -> Any:
    return importlib.import_module("PyOpenColorIO")


@lru_cache(maxsize=2)
def open_config(name: str) -> Any:
    """An OpenColorIO config by file or built-in name. Raises ColorConfigError."""
    try:
        ocio = _ocio()
    except ImportError as error:
        raise ColorConfigError(tr("OpenColorIO is not installed; install it with: pip install opencolorio")) from error
    try:
        return ocio.Config.CreateFromFile(name)
    except (ocio.Exception, ocio.ExceptionMissingFile) as error:
        line = " ".join(str(error).split())
        raise ColorConfigError(
            tr("the color config {name} cannot be read: {error}; choose another in the preferences").format(
                name=name, error=line
            )
        ) from error


def displays(name: str) -> dict[str, tuple[str, ...]]:
    """The active displays of a config, each with its views. Raises ColorConfigError."""
    config = open_config(name)
    return {display: tuple(config.getViews(display)) for display in config.getDisplays()}


def input_spaces(name: str) -> tuple[str, ...]:
    """The colour spaces that footage may be in. Raises ColorConfigError."""
    config = open_config(name)
    return tuple(space for space in config.getColorSpaceNames() if not space.endswith(" - Display"))


def auto_space(name: str, color: ColorTags) -> str | None:
    """The colour space that tags (without gaps) stand for; None where the config has nothing like it."""
    if color.is_scene_linear:
        kind = "linear bt2020" if color.primaries == "bt2020" else "linear"
    else:
        kind = "srgb" if color.transfer == "iec61966-2-1" else "video"
    return _first_known(name, _AUTO[kind])


def _first_known(name: str, candidates: Iterable[str]) -> str | None:
    config = open_config(name)
    for candidate in candidates:
        space = config.getColorSpace(candidate)
        if space is not None:
            return str(space.getName())
    return None


def viewed8(frame: Frame, view: ColorView, exposure_stops: float, gamma: float) -> Image8 | None:
    """The frame as 8-bit display code values (h, w, 3).

    ``exposure_stops`` acts on scene-linear light, ``gamma`` on what is displayed. None where the config has no fitting
    input space or cannot make the transform: then the frame is shown without it.
    """
    from timeline.media.color import frame_to_rgb, resolved_color
    from timeline.media.display import frame_to_display8

    color = resolved_color(frame.color, frame.format, frame.size)
    try:
        space = view.input_space or auto_space(view.config, color)
        if space is None:
            return None
        bake = _baked(view.config, space, view.display, view.view, exposure_stops, gamma)
    except ColorConfigError as error:
        _log.warning("%s", error)
        return None
    is_plain = frame.format.bit_depth <= 8 and not color.is_scene_linear and not bake.is_linear
    pixels = frame_to_display8(frame) if is_plain else frame_to_rgb(frame)
    return bake.apply(pixels)


@dataclass(frozen=True)
class _Baked:
    """A sampled transform. ``is_linear``: it takes light, through the shaper, which 8 bits would be too coarse for."""

    from_8: Any
    from_float: Any
    is_linear: bool

    def apply(self, pixels: Image8 | NDArray[np.float32]) -> Image8:
        """8-bit or float pixels (h, w, 3) to 8-bit display code values."""
        source = np.ascontiguousarray(pixels)
        shown = np.empty(source.shape, np.uint8)
        processor = self.from_8 if source.dtype == np.uint8 else self.from_float
        processor.apply(_described(source), _described(shown))
        return shown


def _described(pixels: NDArray[Any]) -> Any:
    ocio = _ocio()
    depth = ocio.BIT_DEPTH_UINT8 if pixels.dtype == np.uint8 else ocio.BIT_DEPTH_F32
    height, width, channels = pixels.shape
    step = pixels.itemsize
    return ocio.PackedImageDesc(pixels, width, height, channels, depth, step, channels * step, width * channels * step)


@lru_cache(maxsize=_KEPT)
def _baked(config: str, space: str, display: str, view: str, exposure_stops: float, gamma: float) -> _Baked:
    ocio = _ocio()
    opened = open_config(config)
    try:
        known = opened.getColorSpace(space)
        is_linear = known is not None and known.getEncoding() == "scene-linear"
        exact = opened.getProcessor(_pipeline(opened, space, display, view, exposure_stops, gamma))
        group = ocio.GroupTransform([*([_shaper()] if is_linear else []), _sampled(exact, is_linear)])
        # A config of its own: OpenColorIO caches processors by a text of the transform that a LUT's values are not in.
        processor = ocio.Config.CreateRaw().getProcessor(group)
        byte, real, quality = ocio.BIT_DEPTH_UINT8, ocio.BIT_DEPTH_F32, ocio.OPTIMIZATION_VERY_GOOD
        return _Baked(
            processor.getOptimizedCPUProcessor(byte, byte, quality),
            processor.getOptimizedCPUProcessor(real, byte, quality),
            is_linear,
        )
    except (ocio.Exception, ocio.ExceptionMissingFile) as error:
        line = " ".join(str(error).split())
        raise ColorConfigError(
            tr("'{space}' cannot be shown as '{view}' on '{display}': {error}").format(
                space=space, view=view, display=display, error=line
            )
        ) from error


def _pipeline(config: Any, space: str, display: str, view: str, exposure_stops: float, gamma: float) -> Any:
    """Input -> scene-linear, exposure, view, gamma of what is displayed."""
    ocio = _ocio()
    linear = config.getColorSpace("scene_linear")
    steps: list[Any] = []
    source = space
    if exposure_stops and linear is not None:
        source = linear.getName()
        gain = 2.0**exposure_stops
        steps = [ocio.ColorSpaceTransform(space, source), ocio.MatrixTransform.Scale([gain, gain, gain, 1.0])]
    steps.append(ocio.DisplayViewTransform(source, display, view))
    if gamma != 1.0:
        power = 1.0 / gamma
        steps.append(ocio.ExponentTransform([power, power, power, 1.0], ocio.NEGATIVE_CLAMP))
    return ocio.GroupTransform(steps)


def _shaper() -> Any:
    """Light to [0, 1]: ``(log2(light + offset) - low) / (high - low)``."""
    ocio = _ocio()
    return ocio.AllocationTransform(ocio.ALLOCATION_LG2, [*_SHAPER_STOPS, _SHAPER_OFFSET])


def _sampled(exact: Any, is_linear: bool) -> Any:
    """A 3D LUT of the transform, over [0, 1] or over what the shaper spans."""
    ocio = _ocio()
    axis = np.linspace(0.0, 1.0, LUT_SIZE, dtype=np.float32)
    if is_linear:
        low, high = _SHAPER_STOPS
        axis = (2.0 ** (low + (high - low) * axis) - _SHAPER_OFFSET).astype(np.float32)
    lattice = np.ascontiguousarray(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1))
    exact.getOptimizedCPUProcessor(ocio.BIT_DEPTH_F32, ocio.BIT_DEPTH_F32, ocio.OPTIMIZATION_VERY_GOOD).applyRGB(
        lattice
    )
    lut = ocio.Lut3DTransform()
    lut.setGridSize(LUT_SIZE)
    lut.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    lut.setData(lattice)
    return lut
