"""One image file through OpenImageIO: EXR, DPX, TIFF, PNG, JPEG, in the depth that they were written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813 (the name its own documentation uses)

from roi_tools.geometry import Box, Size
from timeline.errors import MediaUnreadableError, MediaWriteError
from timeline.media.frame import ColorTags, Frame, PixelFormat, pixel_format
from timeline.media.rates import nominal_rate

_SUFFIXES = {"uint8": "", "uint16": "16le", "half": "f16le", "float": "f32le"}
_OIIO_NAMES = {"uint8": "uint8", "uint16": "uint16", "float16": "half", "float32": "float"}
_LOG_FORMATS = ("dpx", "cineon")
"""OpenImageIO widens their 10 and 12 bits to 16; the original code is in the high bits."""


@dataclass(frozen=True)
class ImageHeader:
    """What an image file says before its pixels are read; ``rate`` and ``timecode`` only where it says them."""

    size: Size
    format: PixelFormat
    stored_format: str
    color: ColorTags
    codec: str
    rate: Fraction | None
    timecode: str | None
    pixel_aspect: Fraction


def read_header(path: Path) -> ImageHeader:
    """The header of ``path``; MediaUnreadableError when it is no image that can be worked on."""
    source = _open(path)
    try:
        return _header(path, source)
    finally:
        source.close()


def read_image(path: Path) -> Frame:
    """The pixels of ``path`` inside its display window, black where its data window ends earlier.

    Raises MediaUnreadableError when the file is damaged or cut short.
    """
    source = _open(path)
    try:
        header = _header(path, source)
        spec = source.spec()
        pixels = source.read_image(0, 0, 0, spec.nchannels, spec.format)
        if pixels is None or source.has_error:
            raise MediaUnreadableError(
                f"{path} cannot be read: {_one_line(source.geterror())}; render or copy it again"
            )
    finally:
        source.close()
    shift = 16 - header.format.bit_depth if pixels.dtype == np.uint16 else 0
    window = _in_display_window(pixels, spec)
    planes = tuple(
        np.ascontiguousarray(window[..., channel]) >> shift if shift else np.ascontiguousarray(window[..., channel])
        for channel in _channels(path, spec.channelnames)
    )
    return Frame(planes, header.format, header.color)


def write_image(path: Path, frame: Frame, rate: Fraction, pixel_aspect: Fraction) -> None:
    """Write RGB or gray planes as they are; the ending of ``path`` names the format.

    Raises MediaWriteError with OpenImageIO's own text.
    """
    channels = np.stack(frame.planes, axis=-1)
    names = list(frame.format.plane_names)
    spec = oiio.ImageSpec(frame.size.width_px, frame.size.height_px, len(names), _OIIO_NAMES[channels.dtype.name])
    spec.channelnames = tuple(names)
    if frame.format.has_alpha:
        spec.alpha_channel = len(names) - 1
    if 8 < frame.format.bit_depth < 16:
        depth = frame.format.bit_depth
        channels = channels << (16 - depth) | channels >> (2 * depth - 16)
        spec.attribute("oiio:BitsPerSample", depth)
    _set_metadata(spec, path.suffix.lower(), frame, rate, pixel_aspect)
    target = oiio.ImageOutput.create(str(path))
    if target is None:
        raise MediaWriteError(f"cannot write {path}: {_one_line(oiio.geterror())}; choose png, tif, exr, dpx or jpg")
    is_written = target.open(str(path), spec) and target.write_image(channels)
    if not (target.close() and is_written):
        raise MediaWriteError(
            f"cannot write {path}: {_one_line(target.geterror())}; free space or choose another folder"
        )


def _set_metadata(spec: Any, ending: str, frame: Frame, rate: Fraction, pixel_aspect: Fraction) -> None:
    spec.attribute("oiio:UnassociatedAlpha", 1)
    spec.attribute("Software", "Grayplate")
    if pixel_aspect != 1:
        spec.attribute("PixelAspectRatio", float(pixel_aspect))
    if frame.color.is_scene_linear:
        spec.attribute("oiio:ColorSpace", "lin_rec709_scene")
    elif frame.color.transfer == "iec61966-2-1":
        spec.attribute("oiio:ColorSpace", "srgb_rec709_scene")
    if ending == ".exr":
        spec.attribute("compression", "zip")
        spec.attribute("framesPerSecond", oiio.TypeRational, (rate.numerator, rate.denominator))
    elif ending == ".dpx":
        spec.attribute("dpx:FrameRate", float(rate))
    elif ending in (".jpg", ".jpeg"):
        spec.attribute("compression", "jpeg:98")
        spec.attribute("jpeg:subsampling", "4:4:4")


def _open(path: Path) -> Any:
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise MediaUnreadableError(
            f"{path} is no readable image: {_one_line(oiio.geterror())}; render or copy it again"
        )
    return source


def _header(path: Path, source: Any) -> ImageHeader:
    spec = source.spec()
    codec = source.format_name()
    channels = _channels(path, spec.channelnames)
    stored = str(spec.format)
    if stored not in _SUFFIXES:
        raise MediaUnreadableError(f"{path} has {stored} samples; convert it to 8 or 16 bits, half or float")
    suffix = _SUFFIXES[stored]
    bits = spec.get_int_attribute("oiio:BitsPerSample", 16)
    if codec in _LOG_FORMATS and stored == "uint16" and bits in (10, 12):
        suffix = f"{bits}le"
    pixels = pixel_format(_format_name(len(channels), suffix))
    return ImageHeader(
        size=Size(spec.full_width, spec.full_height),
        format=pixels,
        stored_format=f"{codec} {','.join(spec.channelnames)} {bits if suffix[:2] in ('10', '12') else stored}",
        color=_color(spec, pixels, codec),
        codec=codec,
        rate=_rate(spec),
        timecode=spec.get_string_attribute("smpte:TimeCode") or None,
        pixel_aspect=Fraction(spec.get_float_attribute("PixelAspectRatio", 1.0)).limit_denominator(1000) or Fraction(1),
    )


def _format_name(channel_count: int, suffix: str) -> str:
    names = {1: f"gray{suffix}", 2: f"ya{suffix or '8'}", 3: f"gbrp{suffix}", 4: f"gbrap{suffix}"}
    return names[channel_count]


def _channels(path: Path, names: Sequence[str]) -> list[int]:
    """Where R, G, B (and A), or Y (and A), are among the channels; those of the first layer that has them."""
    layers: dict[str, dict[str, int]] = {}
    for position, name in enumerate(names):
        layer, _, channel = name.rpartition(".")
        layers.setdefault(layer, {})[channel.upper()] = position
    for wanted in (("R", "G", "B"), ("RED", "GREEN", "BLUE"), ("Y",), ("I",), ("CHANNEL1",)):
        for layer in sorted(layers, key=lambda name: (name != "", list(layers).index(name))):
            found = layers[layer]
            is_luma_of_chroma = wanted == ("Y",) and ("RY" in found or "BY" in found)
            if all(name in found for name in wanted) and not is_luma_of_chroma:
                alpha = [found[name] for name in ("A", "ALPHA") if name in found]
                return [*(found[name] for name in wanted), *alpha[:1]]
    raise MediaUnreadableError(f"{path} has channels {', '.join(names)}; write R, G, B (and A) or Y")


def _color(spec: Any, pixels: PixelFormat, codec: str) -> ColorTags:
    space = spec.get_string_attribute("oiio:ColorSpace").lower()
    if pixels.is_float or space.startswith("lin"):
        transfer = "linear"
    elif codec in _LOG_FORMATS:
        return ColorTags(full_range=True)
    else:
        transfer = "iec61966-2-1"
    return ColorTags("bt709", transfer, None, True)


def _rate(spec: Any) -> Fraction | None:
    value = spec.getattribute("framesPerSecond") or spec.getattribute("dpx:FrameRate")
    if isinstance(value, (tuple, list)) and len(value) == 2 and value[1]:
        return Fraction(int(value[0]), int(value[1]))
    if isinstance(value, float) and 0 < value < 1000:
        return nominal_rate(value)
    return None


def _in_display_window(pixels: np.ndarray[Any, Any], spec: Any) -> np.ndarray[Any, Any]:
    display = Box(spec.full_x, spec.full_y, spec.full_x + spec.full_width, spec.full_y + spec.full_height)
    data = Box(spec.x, spec.y, spec.x + spec.width, spec.y + spec.height)
    if data == display:
        return pixels
    result = np.zeros((display.height_px, display.width_px, pixels.shape[2]), pixels.dtype)
    shared = data.intersected(display)
    if shared is not None:
        result[shared.shifted(-display.x0, -display.y0).slices] = pixels[shared.shifted(-data.x0, -data.y0).slices]
    return result


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "unknown error"
