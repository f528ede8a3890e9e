"""Small media for tests: frames of noise in any pixel format, and movies and sequences made of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from roi_tools.geometry import Size
from timeline.media.frame import ColorTags, Frame, pixel_format
from timeline.media.info import MediaInfo
from timeline.media.writer import open_writer

BT709 = ColorTags("bt709", "bt709", "bt709", False)
RGB = ColorTags("bt709", "iec61966-2-1", None, True)
LINEAR = ColorTags("bt709", "linear", None, True)


def noise_frame(format_name: str, size: Size, seed: int = 0) -> Frame:
    """Random code values in every plane; floats are in [0, 1)."""
    form = pixel_format(format_name)
    random = np.random.default_rng(seed)
    planes = []
    for number in range(len(form.plane_names)):
        plane_size = form.plane_size(number, size)
        shape = (plane_size.height_px, plane_size.width_px)
        if form.is_float:
            planes.append(random.random(shape, np.float32).astype(form.dtype))
        else:
            planes.append(random.integers(0, form.max_code, shape, form.dtype, endpoint=True))
    color = LINEAR if form.is_float else RGB if form.family == "rgb" else BT709
    return Frame(tuple(planes), form, color)


def info_of(frame: Frame, frame_count: int, path: Path | str = "") -> MediaInfo:
    """The MediaInfo of a clip of frames like ``frame``, at 24 frames/s."""
    return MediaInfo(
        path=str(path),
        kind="movie",
        frame_count=frame_count,
        size=frame.size,
        rate=Fraction(24),
        format=frame.format,
        stored_format=frame.format.name,
        color=frame.color,
        timecode=None,
        codec="",
        container="",
        has_audio=False,
        first_file_number=None,
    )


def write_clip(path: Path, frames: Sequence[Frame]) -> Path:
    """Writes a clip by the ending of its name (``.mkv`` keeps every integer format as it is)."""
    with open_writer(path, info_of(frames[0], len(frames), path)) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def noise_clip(path: Path, count: int, size: Size | None = None, format_name: str = "yuv420p") -> Path:
    """A lossless clip of noise; frame n has seed n."""
    size = size or Size(64, 48)
    return write_clip(path, [noise_frame(format_name, size, seed) for seed in range(count)])
