"""A frame in another pixel format, for deliveries that cannot hold the source's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from timeline.errors import MediaWriteError
from timeline.media.color import frame_to_rgb, linear_to_srgb, rgb_planes
from timeline.media.frame import ColorTags, Frame, PixelFormat, Plane

_DISPLAY_TRANSFERS = frozenset({"iec61966-2-1", "bt709", "smpte170m", "bt470bg", "bt2020-10", "bt2020-12"})
"""Pictures made to be shown as they are. They become scene-linear by the sRGB curve, with which a viewer shows linear
files: the delivered EXR looks like its source (the inverse of the camera curve of BT.709 would lift its shadows)."""


def convert_frame(frame: Frame, pixels: PixelFormat, color: ColorTags) -> Frame:
    """``frame`` in format ``pixels``, encoded as ``color`` says; both colours must have no gaps.

    Chroma is repeated upward and averaged downward, so 4:2:0 -> 4:4:4 -> 4:2:0 is exact. Alpha is rescaled, opaque
    where the source has none, and left out where ``pixels`` has none. Scene-linear and display-referred values are
    converted into each other by the sRGB curve; see :func:`check_transfer`. Primaries are never changed.
    """
    if frame.format == pixels and frame.color == color:
        return frame
    rgb = frame_to_rgb(frame)
    if frame.color.is_scene_linear and not color.is_scene_linear:
        rgb = linear_to_srgb(np.clip(rgb, 0.0, 1.0))
    elif color.is_scene_linear and not frame.color.is_scene_linear:
        rgb = _srgb_to_linear(rgb)
    planes = rgb_planes(rgb, pixels, color, frame.size)
    return Frame((*planes, _alpha(frame, pixels)) if pixels.has_alpha else planes, pixels, color)


def check_transfer(color: ColorTags, target: ColorTags, path: str) -> None:
    """Raise MediaWriteError when ``color`` must become scene-linear but is no picture for a display (PQ, HLG)."""
    if target.is_scene_linear and not color.is_scene_linear and color.transfer not in _DISPLAY_TRANSFERS:
        raise MediaWriteError(
            f"cannot write {path}: footage tagged {color.transfer} has no conversion to scene-linear here; "
            "write .mkv, .mov or a png sequence"
        )


def converted_color(color: ColorTags, pixels: PixelFormat, source: PixelFormat) -> ColorTags:
    """The tags that a frame of ``source`` and ``color`` gets in format ``pixels`` (``color`` without gaps).

    RGB becomes Y'CbCr by BT.709 in video range; Y'CbCr keeps its matrix and range; RGB and gray are full range.
    Float is scene-linear; scene-linear becomes sRGB in integers.
    """
    transfer = color.transfer
    if pixels.is_float:
        transfer = "linear"
    elif color.is_scene_linear and source.is_float:
        transfer = "iec61966-2-1"
    if pixels.family != "yuv":
        return replace(color, transfer=transfer, matrix=None, full_range=True)
    if source.family != "yuv":
        return replace(color, transfer=transfer, matrix="bt709", full_range=False)
    return replace(color, transfer=transfer)


def _alpha(frame: Frame, pixels: PixelFormat) -> Plane:
    if not frame.format.has_alpha:
        return np.full(frame.planes[0].shape, pixels.max_code, pixels.dtype)
    alpha = frame.planes[-1]
    if frame.format.dtype == pixels.dtype and frame.format.bit_depth == pixels.bit_depth:
        return alpha
    signal = alpha.astype(np.float32) / np.float32(frame.format.max_code)
    if pixels.is_float:
        return signal.astype(pixels.dtype)
    return np.rint(np.clip(signal, 0, 1) * np.float32(pixels.max_code)).astype(pixels.dtype)


def _srgb_to_linear(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """The decoding curve of IEC 61966-2-1, mirrored for negative values."""
    magnitude = np.abs(signal)
    curved = np.power((magnitude + np.float32(0.055)) / np.float32(1.055), np.float32(2.4))
    return np.copysign(np.where(magnitude <= 0.04045, magnitude / np.float32(12.92), curved), signal)
