"""Random frames and small movies to test with."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream

from roi_tools.geometry import Size
from timeline.media.av_frames import to_av
from timeline.media.frame import ColorTags, Frame, Plane, pixel_format
from timeline.media.info import MediaInfo

UNTAGGED = ColorTags()
FFV1_FORMATS = [
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuv440p",
    "yuv411p",
    "yuv410p",
    "yuv420p10le",
    "yuv422p10le",
    "yuv444p10le",
    "yuv422p12le",
    "yuv420p16le",
    "yuva420p",
    "yuva444p10le",
    "yuva422p12le",
    "gray",
    "gray10le",
    "gray16le",
    "ya8",
    "gbrp",
    "gbrap",
    "gbrp10le",
    "gbrp16le",
    "gbrap12le",
]


def random_frame(name: str, size: Size, seed: int = 0, color: ColorTags = UNTAGGED) -> Frame:
    """Noise over all code values (floats: 0 to 1) of a pixel format."""
    random = np.random.default_rng(seed)
    pixels = pixel_format(name)
    planes: list[Plane] = []
    for index in range(len(pixels.plane_names)):
        plane = pixels.plane_size(index, size)
        shape = plane.height_px, plane.width_px
        noise = random.random(shape) if pixels.is_float else random.integers(0, pixels.max_code + 1, shape)
        planes.append(noise.astype(pixels.dtype))
    return Frame(tuple(planes), pixels, color)


def info_like(frame: Frame, frame_count: int = 3, rate: Fraction = Fraction(24)) -> MediaInfo:
    """What media of such frames would report."""
    return MediaInfo(
        path="plate.mkv",
        kind="movie",
        frame_count=frame_count,
        size=frame.size,
        rate=rate,
        format=frame.format,
        stored_format=frame.format.name,
        color=frame.color,
        timecode=None,
        codec="rawvideo",
        container="matroska",
        has_audio=False,
        first_file_number=None,
    )


def numbered_picture(number: int) -> Frame:
    """A moving 64x48 gradient whose every frame differs, as the camera of a test would deliver it."""
    rows, columns = np.mgrid[:48, :64]
    luma = ((columns * 3 + rows + number * 7) % 220 + 16).astype(np.uint8)
    chroma = np.full((24, 32), 128, np.uint8)
    return Frame((luma, chroma, chroma), pixel_format("yuv420p"), UNTAGGED)


def encode_movie(
    path: Path,
    times: Sequence[int],
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    time_base: Fraction = Fraction(1, 24),
    stored_format: str = "yuv420p",
    index_first: bool = False,
) -> Path:
    """A movie whose frame n is ``numbered_picture(n)``, shown at ``times[n]`` in units of ``time_base``."""
    movflags = {"movflags": "+faststart"} if index_first and path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", container_options=movflags) as container:
        stream = cast(VideoStream, container.add_stream(codec, 1 / time_base, options or {}))
        stream.width, stream.height, stream.pix_fmt = 64, 48, stored_format
        stream.time_base = time_base
        stream.codec_context.time_base = time_base
        for number, time in enumerate(times):
            picture = to_av(numbered_picture(number), "yuv420p").reformat(format=stored_format, threads=1)
            picture.pts, picture.time_base = time, time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def same_planes(one: Frame, other: Frame) -> bool:
    """Whether two frames agree in format and in every sample."""
    pairs = zip(one.planes, other.planes, strict=True)
    return one.format == other.format and all(np.array_equal(a, b) for a, b in pairs)
