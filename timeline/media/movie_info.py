"""What a movie's container and streams say about it."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from timeline.media.frame import Frame
from timeline.media.frame_index import FrameIndex
from timeline.media.info import MediaInfo
from timeline.media.rates import nominal_rate

_DEFAULT_RATE = Fraction(24)
_LAST_FRAMES = 2
_DURATION = re.compile(r"(\d+):(\d+):(\d+\.?\d*)")


def movie_info(
    path: Path,
    container: InputContainer,
    stream: VideoStream,
    index: FrameIndex,
    first: Frame,
    rate: Fraction | None,
) -> MediaInfo:
    """The description of an indexed movie whose first frame is ``first``; ``rate`` overrides the file's own."""
    context = stream.codec_context
    return MediaInfo(
        path=str(path),
        kind="movie",
        frame_count=max(len(index.pts), _promised_frames(container, stream, index)),
        size=first.size,
        rate=rate or _rate(stream, index),
        format=first.format,
        stored_format=context.pix_fmt or first.format.name,
        color=first.color,
        timecode=_timecode(container),
        codec=context.name,
        container=container.format.name,
        has_audio=bool(container.streams.audio),
        first_file_number=None,
        is_variable_rate=not index.is_constant_rate(),
        pixel_aspect=stream.sample_aspect_ratio or Fraction(1),
    )


def _promised_frames(container: InputContainer, stream: VideoStream, index: FrameIndex) -> int:
    """How many frames the file itself announces: more than it holds when it is cut short, 0 where it says nothing.

    MOV and MP4 list every frame. Matroska states a duration, and only a gap of two frames counts there, because the
    last frame may be shown for longer.
    """
    kinds = container.format.name.split(",")
    if "mov" in kinds:
        return stream.frames - index.hidden_packets
    rate = index.average_rate(stream.time_base or Fraction(1, 1000))
    duration = _DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if "matroska" in kinds and rate and index.is_constant_rate() and duration:
        hours, minutes, seconds = (Fraction(part) for part in duration.groups())
        announced = round((hours * 3600 + minutes * 60 + seconds) * rate)
        return announced if announced >= len(index.pts) + _LAST_FRAMES else 0
    return 0


def _rate(stream: VideoStream, index: FrameIndex) -> Fraction:
    """The nominal rate where it agrees with the frame times, else their average."""
    time_base = stream.time_base or Fraction(1, 1000)
    rates = stream.guessed_rate, stream.average_rate, stream.base_rate
    stated = [nominal_rate(rate) for rate in rates if rate]
    measured = index.average_rate(time_base) if index.is_from_packets else None
    if measured is None:
        return stated[0] if stated else _DEFAULT_RATE
    if index.is_constant_rate():
        tolerance = 2 / Fraction(index.pts[-1] - index.pts[0])
        for rate in stated:
            if abs(rate / measured - 1) <= tolerance:
                return rate
    return nominal_rate(measured)


def _timecode(container: InputContainer) -> str | None:
    """The start timecode: a ``tmcd`` track's, a stream's or the container's tag."""
    sources = [*(stream.metadata for stream in container.streams), container.metadata]
    for metadata in sources:
        for key, value in metadata.items():
            if key.lower() == "timecode":
                return value
    return None
