"""Between native planes and R'G'B' floats, by the colour tags, so that an unchanged pixel comes back unchanged.

Y'CbCr is ITU-R BT.601/709/2020 from Kr and Kb: ``Y' = Kr R' + Kg G' + Kb B'``, ``Cb = (B' - Y') / 2(1 - Kb)``,
``Cr = (R' - Y') / 2(1 - Kr)``; video range puts Y' on 219 and Cb, Cr on 224 steps of 8 bits (BT.709-6, 4.6; BT.2020-2,
table 5), full range on all codes (BT.2100-2, table 9).

Subsampled chroma is repeated over the pixels that it covers, and the way back takes their mean. That pair is an exact
inverse: an untouched pixel keeps its chroma code. A smoother upsampling would look softer on saturated edges but
would change the chroma of pixels that nobody touched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box, Size, frame_box
from timeline.errors import MediaError
from timeline.media.frame import ColorTags, Frame, PixelFormat, Plane
from timeline.media.patch import FramePatch

Image = NDArray[np.float32]
"""(h, w, 3) R'G'B', nominal range [0, 1]; values outside (super-white, out-of-gamut chroma) are kept."""

# (Kr, Kb): BT.709-6 3.2, BT.601-7 2.5.1, SMPTE 240M, FCC 73.682, BT.2020-2 table 4 (non-constant luminance).
_LUMA_WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "fcc": (0.30, 0.11),
    "bt2020nc": (0.2627, 0.0593),
}


@dataclass(frozen=True)
class _CodeScale:
    """Code value = offset + span * signal, for luma (or RGB) and for chroma."""

    luma_offset: float
    luma_span: float
    chroma_offset: float
    chroma_span: float


def is_known_matrix(matrix: str | None) -> bool:
    """Whether :func:`frame_to_rgb` can undo this Y'CbCr matrix (None, untagged, counts as known)."""
    return matrix is None or matrix in _LUMA_WEIGHTS


def resolved_color(color: ColorTags, pixels: PixelFormat, size: Size) -> ColorTags:
    """``color`` with every gap filled by the rule for untagged media.

    Y'CbCr is BT.709 when the frame is at least 720 px high or 1280 px wide and BT.601 (``smpte170m``) below, in video
    range; gray is full range as FFmpeg has it; RGB is full range with BT.709 primaries.
    """
    is_hd = size.height_px >= 720 or size.width_px >= 1280 or pixels.family != "yuv"
    default = "bt709" if is_hd else "smpte170m"
    matrix = color.matrix or default if pixels.family == "yuv" else None
    return replace(
        color,
        primaries=color.primaries or default,
        transfer=color.transfer or ("linear" if pixels.is_float else default),
        matrix=matrix,
        full_range=color.full_range if color.full_range is not None else pixels.family != "yuv",
    )


def frame_to_rgb(frame: Frame, window: Box | None = None) -> Image:
    """The frame, or the part inside ``window``, as float32 (h, w, 3) R'G'B'.

    Primaries and transfer stay the frame's own; nominal [0, 1], not clipped. Untagged media follows
    :func:`resolved_color`. Float formats pass unchanged (scene-linear); gray is repeated three times.
    Raises MediaError when ``window`` leaves the frame or the matrix is not a known one.
    """
    box = _inside(window or frame_box(frame.size), frame)
    scale = _code_scale(frame.format, frame.color, frame.size)
    rgb = np.empty((box.height_px, box.width_px, 3), np.float32)
    if frame.format.family == "yuv":
        _fill_from_yuv(rgb, frame, box, scale)
    else:
        for channel in range(3):
            plane = frame.planes[channel if frame.format.family == "rgb" else 0]
            rgb[..., channel] = _decoded(plane[box.slices], scale.luma_offset, scale.luma_span)
    return rgb


def rgb_to_planes(rgb: Image, format: PixelFormat, color: ColorTags, window: Box, below: Frame) -> FramePatch:
    """R'G'B' (h, w, 3) for ``window`` back in native planes: the inverse of :func:`frame_to_rgb`.

    Code values are rounded and clipped to what the format's bit depth holds. A chroma sample is the mean of the
    pixels that it covers; those outside ``window`` come from ``below``, the frame that the patch will lie on.
    Raises MediaError when ``window`` leaves ``below`` or ``rgb`` does not have its size.
    """
    _inside(window, below)
    if rgb.shape != (window.height_px, window.width_px, 3):
        raise MediaError(f"pixels of shape {rgb.shape} do not fill region {window.as_tuple()}; give (h, w, 3)")
    box = format.aligned_box(window, below.size)
    pixels = rgb
    if box != window:
        pixels = frame_to_rgb(below, box)
        pixels[window.shifted(-box.x0, -box.y0).slices] = rgb
    return FramePatch(box, rgb_planes(pixels, format, color, below.size))


def rgb_planes(rgb: Image, pixels: PixelFormat, color: ColorTags, size: Size) -> tuple[Plane, ...]:
    """Colour planes of R'G'B' (h, w, 3) that starts on the chroma grid of a frame of ``size``."""
    scale = _code_scale(pixels, color, size)
    if pixels.family == "rgb":
        signals = [rgb[..., channel] for channel in range(3)]
        return tuple(_encoded(signal, scale.luma_offset, scale.luma_span, pixels) for signal in signals)
    luma, blue_difference, red_difference = _ycc_from_rgb(rgb, _weights(color, pixels, size))
    y = _encoded(luma, scale.luma_offset, scale.luma_span, pixels)
    if pixels.family == "gray":
        return (y,)
    chroma = (block_mean(plane, *pixels.plane_shifts(1)) for plane in (blue_difference, red_difference))
    return (y, *(_encoded(plane, scale.chroma_offset, scale.chroma_span, pixels) for plane in chroma))


def rgb_to_display8(rgb: Image, is_scene_linear: bool) -> NDArray[np.uint8]:
    """R'G'B' (h, w, 3) clipped to [0, 1] as 8-bit for viewing; scene-linear values get the sRGB curve first."""
    shown = np.clip(rgb, 0.0, 1.0)
    if is_scene_linear:
        shown = linear_to_srgb(shown)
    return (shown * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def linear_to_srgb(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """The encoding curve of IEC 61966-2-1 for values in [0, 1]."""
    curved = np.float32(1.055) * np.power(linear, np.float32(1 / 2.4)) - np.float32(0.055)
    return np.where(linear <= 0.0031308, linear * np.float32(12.92), curved)


def block_mean(plane: NDArray[np.float32], shift_x: int, shift_y: int) -> NDArray[np.float32]:
    """The mean over blocks of ``2**shift`` pixels; blocks at the right and lower edge may hold fewer."""
    for axis, shift in ((0, shift_y), (1, shift_x)):
        if shift:
            length, step = plane.shape[axis], 1 << shift
            starts = np.arange(0, length, step)
            counts = np.minimum(step, length - starts).astype(np.float32)
            shape = (-1, 1) if axis == 0 else (1, -1)
            plane = np.add.reduceat(plane, starts, axis=axis, dtype=np.float32) / counts.reshape(shape)
    return plane


def _fill_from_yuv(rgb: Image, frame: Frame, box: Box, scale: _CodeScale) -> None:
    kr, kb = _weights(frame.color, frame.format, frame.size)
    kg = 1 - kr - kb
    chroma_box = frame.format.plane_box(1, box)
    cb, cr = (_decoded(p[chroma_box.slices], scale.chroma_offset, scale.chroma_span) for p in frame.planes[1:3])
    red, blue = np.float32(2 * (1 - kr)) * cr, np.float32(2 * (1 - kb)) * cb
    green = np.float32(-kr / kg) * red + np.float32(-kb / kg) * blue
    luma = _decoded(frame.planes[0][box.slices], scale.luma_offset, scale.luma_span)
    for channel, difference in enumerate((red, green, blue)):
        np.add(luma, _repeated(difference, frame.format, box), out=rgb[..., channel])


def _repeated(plane: NDArray[np.float32], pixels: PixelFormat, box: Box) -> NDArray[np.float32]:
    """Chroma samples of ``box`` repeated to its full resolution."""
    shift_x, shift_y = pixels.plane_shifts(1)
    top, left = box.y0 % (1 << shift_y), box.x0 % (1 << shift_x)
    full = plane.repeat(1 << shift_y, axis=0).repeat(1 << shift_x, axis=1)
    return full[top : top + box.height_px, left : left + box.width_px]


def _ycc_from_rgb(rgb: Image, weights: tuple[float, float]) -> tuple[NDArray[np.float32], ...]:
    kr, kb = weights
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    luma = green + np.float32(kr) * (red - green) + np.float32(kb) * (blue - green)  # exact where all three are equal
    return luma, (blue - luma) * np.float32(0.5 / (1 - kb)), (red - luma) * np.float32(0.5 / (1 - kr))


def _decoded(plane: Plane, offset: float, span: float) -> NDArray[np.float32]:
    signal = plane.astype(np.float32)
    if offset:
        signal -= np.float32(offset)
    if span != 1:
        signal *= np.float32(1 / span)
    return signal


def _encoded(signal: NDArray[np.float32], offset: float, span: float, pixels: PixelFormat) -> NDArray[Any]:
    if pixels.is_float:
        return signal.astype(pixels.dtype)
    return np.clip(np.rint(signal * np.float32(span) + np.float32(offset)), 0, pixels.max_code).astype(pixels.dtype)


def _weights(color: ColorTags, pixels: PixelFormat, size: Size) -> tuple[float, float]:
    if pixels.family != "yuv":
        return _LUMA_WEIGHTS["bt709"]
    matrix = resolved_color(color, pixels, size).matrix or "bt709"
    if matrix not in _LUMA_WEIGHTS:
        raise MediaError(f"colour matrix {matrix!r} is not supported; convert the media to BT.709 or BT.2020 first")
    return _LUMA_WEIGHTS[matrix]


def _code_scale(pixels: PixelFormat, color: ColorTags, size: Size) -> _CodeScale:
    if pixels.is_float:
        return _CodeScale(0.0, 1.0, 0.0, 1.0)
    if resolved_color(color, pixels, size).full_range:
        return _CodeScale(0.0, pixels.max_code, float(1 << pixels.bit_depth - 1), pixels.max_code)
    step = float(1 << pixels.bit_depth - 8)
    return _CodeScale(16 * step, 219 * step, 128 * step, 224 * step)


def _inside(box: Box, frame: Frame) -> Box:
    if not frame_box(frame.size).contains(box):
        raise MediaError(f"region {box.as_tuple()} leaves the {frame.size} frame; clip it first")
    return box
