"""Between PyAV's frames and ours: line strides, byte order, packed layouts, plane order."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import av
import numpy as np

from timeline.errors import MediaError
from timeline.media.color_tags import read_tags, write_tags
from timeline.media.frame import ColorTags, Frame, PixelFormat, Plane, pixel_format

_CHROMA_NAMES = {(0, 0): "444", (1, 0): "422", (1, 1): "420", (0, 1): "440", (2, 0): "411", (2, 2): "410"}
_DEPTHS = (8, 9, 10, 12, 14, 16)
SWSCALE_THREADS = 1
"""With more, swscale of FFmpeg 8.1 now and then gives wrong rows where its slices meet (y210le, p010le, xv30le)."""

_GBR = (2, 0, 1)
"""FFmpeg stores planar RGB as G, B, R: where R, G and B are."""


@lru_cache(maxsize=256)
def planar_equivalent(stored_format: str) -> PixelFormat:
    """The planar format that holds the same samples as FFmpeg's ``stored_format`` (``nv12`` -> ``yuv420p``).

    Raises MediaError for formats that have none (XYZ, Bayer, 32-bit integers, hardware surfaces).
    """
    stored = av.VideoFormat(stored_format)
    largest = max((component.bits for component in stored.components), default=0)
    is_float = stored_format.removesuffix("le").removesuffix("be")[-3:] in ("f16", "f32")
    is_wide = largest > _DEPTHS[-1] and not is_float
    if stored.is_bayer or stored_format.startswith("xyz") or largest == 0 or is_wide:
        raise MediaError(
            f"pixel format {stored_format!r} has no planar YUV, RGB or gray equivalent; transcode it first"
        )
    bits = largest if is_float else next(depth for depth in _DEPTHS if depth >= largest)
    suffix = f"f{bits}le" if is_float else "" if bits == 8 else f"{bits}le"
    alpha = any(component.is_alpha for component in stored.components) or stored.has_palette
    if stored.is_rgb or stored.has_palette:
        return pixel_format(f"gbr{'a' * alpha}p{suffix}")
    if len(stored.components) <= 2:
        return pixel_format(f"ya{suffix or '8'}" if alpha else f"gray{suffix}")
    shifts = (64 // stored.chroma_width(64)).bit_length() - 1, (64 // stored.chroma_height(64)).bit_length() - 1
    return pixel_format(f"yuv{'a' * alpha}{_CHROMA_NAMES[shifts]}p{suffix}")


def from_av(picture: av.VideoFrame) -> Frame:
    """Our frame of a decoded picture. Planes are views of the decoder's buffer where the layouts agree."""
    stored = picture.format
    pixels = planar_equivalent(stored.name)
    color = read_tags(picture)
    if stored.name.startswith("yuvj"):
        color = ColorTags(color.primaries, color.transfer, color.matrix, True)
    if pixels.name.startswith("ya"):
        pair = _samples(picture, 0, pixels.dtype, stored.is_big_endian, samples_per_pixel=2)
        return Frame((pair[..., 0], pair[..., 1]), pixels, color)
    if not _is_planar(stored):
        picture = picture.reformat(
            format=pixels.name, src_color_range="JPEG", dst_color_range="JPEG", threads=SWSCALE_THREADS
        )
        stored = picture.format
    planes = [_samples(picture, i, pixels.dtype, stored.is_big_endian) for i in range(len(pixels.plane_names))]
    if pixels.family == "rgb":
        planes[:3] = [planes[i] for i in _GBR]
    return Frame(tuple(planes), pixels, color)


def to_av(frame: Frame, stored_format: str) -> av.VideoFrame:
    """A picture for an encoder in ``stored_format``: the frame's own planar format, or ``bgr0`` / ``bgra`` for RGB."""
    picture = av.VideoFrame(frame.size.width_px, frame.size.height_px, stored_format)
    write_tags(picture, frame.color, frame.format.family == "rgb")
    if stored_format in ("bgr0", "bgra"):
        target = _samples(picture, 0, frame.format.dtype, False, samples_per_pixel=4)
        for position, plane in zip((2, 1, 0, 3), frame.planes, strict=False):
            target[..., position] = plane
    elif stored_format.startswith("ya"):
        np.stack(frame.planes, axis=-1, out=_samples(picture, 0, frame.format.dtype, False, samples_per_pixel=2))
    else:
        for index, plane in enumerate(frame.planes):
            position = _GBR[index] if frame.format.family == "rgb" and index < 3 else index
            np.copyto(_samples(picture, position, frame.format.dtype, False), plane)
    return picture


def _is_planar(stored: av.VideoFormat) -> bool:
    """Whether every component has a plane of its own, in whole bytes."""
    planes = [component.plane for component in stored.components]
    is_plain = not stored.has_palette and not stored.is_bit_stream and "msb" not in stored.name
    return is_plain and sorted(planes) == list(range(len(planes)))


def _samples(
    picture: av.VideoFrame, index: int, dtype: np.dtype[Any], is_big_endian: bool, samples_per_pixel: int = 1
) -> Plane:
    """Plane ``index`` as (h, w) or, when it interleaves components, (h, w, samples_per_pixel); no copy if it can."""
    plane = cast(Any, picture.planes[index])  # a buffer, which its type stub does not say
    rows = np.frombuffer(plane, dtype.newbyteorder(">" if is_big_endian else "<"))
    rows = rows.reshape(plane.height, abs(plane.line_size) // dtype.itemsize)
    if plane.line_size < 0:
        rows = rows[::-1]
    samples = rows[:, : plane.width * samples_per_pixel]
    if samples_per_pixel > 1:
        samples = samples.reshape(plane.height, plane.width, samples_per_pixel)
    return samples.astype(dtype, copy=False)
