"""What can be written, by the ending of its name, and in which pixel format."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import av

from timeline.errors import MediaWriteError
from timeline.media.color import resolved_color
from timeline.media.convert import check_transfer, converted_color
from timeline.media.frame import ColorTags, PixelFormat, pixel_format
from timeline.media.info import MediaInfo
from timeline.media.sequence_files import is_pattern

DeliveryKind = Literal["ffv1", "prores", "h264", "png", "tif", "exr", "dpx", "jpg"]

_MOVIES: dict[str, DeliveryKind] = {".mkv": "ffv1", ".mov": "prores", ".mp4": "h264"}
_IMAGES: dict[str, DeliveryKind] = {
    ".png": "png",
    ".tif": "tif",
    ".tiff": "tif",
    ".exr": "exr",
    ".dpx": "dpx",
    ".jpg": "jpg",
    ".jpeg": "jpg",
}
_POSSIBLE = (
    "write .mkv (FFV1, lossless), .mov (ProRes 4444), .mp4 (H.264), "
    "or an image sequence such as plate.####.png (png, tif, exr, dpx, jpg)"
)
_PACKED_RGB = {"gbrp": "bgr0", "gbrap": "bgra"}
"""FFV1 knows 8-bit RGB in this layout only; the samples are the same."""


@dataclass(frozen=True)
class Delivery:
    """One way to write frames: ``path`` is a movie file or a sequence's pattern."""

    path: str
    kind: DeliveryKind

    @property
    def is_sequence(self) -> bool:
        """Whether every frame becomes a file of its own."""
        return self.kind in _IMAGES.values()

    def format_for(self, info: MediaInfo) -> PixelFormat:
        """The planes that are written for media like ``info``; MediaWriteError where this delivery cannot hold it."""
        source = info.format
        if self.kind == "ffv1":
            self.encoder_format(source)
            return source
        if self.kind == "prores":
            return pixel_format("yuva444p10le" if source.has_alpha else "yuv444p10le")
        if self.kind == "h264":
            is_odd = info.size.width_px % 2 or info.size.height_px % 2
            return pixel_format("yuv444p" if is_odd else "yuv420p")
        return pixel_format(_image_format(self.kind, source))

    def color_for(self, info: MediaInfo) -> ColorTags:
        """The tags that are written: the source's, gaps filled (HD is BT.709), adapted to the delivered format."""
        pixels = self.format_for(info)
        source = resolved_color(info.color, info.format, info.size)
        if pixels == info.format and not self.is_sequence:
            return source
        color = converted_color(source, pixels, info.format)
        if self.kind == "prores":
            color = replace(color, full_range=False)
        check_transfer(source, color, self.path)
        return color

    def encoder_format(self, pixels: PixelFormat) -> str:
        """FFmpeg's name of the layout that the encoder is given."""
        if self.kind != "ffv1":
            return pixels.name
        name = _PACKED_RGB.get(pixels.name, pixels.name)
        if pixels.is_float or name not in _ffv1_formats():
            raise MediaWriteError(
                f"cannot write {self.path}: FFV1 cannot hold {pixels.name}; "
                "write an image sequence (exr for float, png or tif for integers) or .mov"
            )
        return name

    def is_lossless(self, info: MediaInfo) -> bool:
        """Whether decoding the delivery gives the very planes that were written, alpha included."""
        if self.kind in ("prores", "h264", "jpg"):
            return False
        if self.kind == "ffv1":
            return True
        return self.format_for(info) == info.format and info.color.full_range is not False


def delivery_for(path: str | os.PathLike[str]) -> Delivery:
    """The delivery that the ending of ``path`` asks for; MediaWriteError that lists what is possible for others."""
    target = Path(path)
    ending = target.suffix.lower()
    if ending in _IMAGES and is_pattern(target.name):
        return Delivery(os.fspath(path), _IMAGES[ending])
    if ending in _IMAGES:
        raise MediaWriteError(
            f"cannot write {target}: an image sequence needs a number in its name; "
            f"write {target.stem}.####{target.suffix}"
        )
    if ending in _MOVIES and not is_pattern(target.name):
        return Delivery(os.fspath(path), _MOVIES[ending])
    raise MediaWriteError(f"cannot write {target}: no format is known for that name; {_POSSIBLE}")


def _image_format(kind: DeliveryKind, source: PixelFormat) -> str:
    is_gray = source.family == "gray" and kind != "dpx"
    has_alpha = source.has_alpha and kind not in ("dpx", "jpg")
    if kind in ("dpx", "jpg"):
        suffix = "10le" if kind == "dpx" else ""
    elif kind == "exr":
        suffix = "f32le" if source.is_float and source.bit_depth == 32 else "f16le"
    elif kind == "tif" and source.is_float:
        suffix = "f32le"
    else:
        suffix = "" if source.bit_depth == 8 else "16le"
    if is_gray:
        return f"ya{suffix or '8'}" if has_alpha else f"gray{suffix}"
    return f"gbr{'a' * has_alpha}p{suffix}"


def _ffv1_formats() -> set[str]:
    return {known.name for known in av.Codec("ffv1", "w").video_formats or ()}
