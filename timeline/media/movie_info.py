"""What a movie's container and streams say about it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from timeline.media.frame import Frame
from timeline.media.frame_index import FrameIndex
from timeline.media.info import MediaInfo

_DEFAULT_RATE = Fraction(24)


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
        frame_count=max(len(index.pts), _promised_frames(container, stream) - index.hidden_packets),
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


def _promised_frames(container: InputContainer, stream: VideoStream) -> int:
    """How many frames the file's own table lists: more than it holds when it is cut short. Only MOV and MP4 say."""
    return stream.frames if "mov" in container.format.name.split(",") else 0


def _rate(stream: VideoStream, index: FrameIndex) -> Fraction:
    """The nominal rate where it agrees with the frame times, else their average."""
    time_base = stream.time_base or Fraction(1, 1000)
    stated = [rate for rate in (stream.guessed_rate, stream.average_rate, stream.base_rate) if rate]
    measured = index.average_rate(time_base) if index.is_from_packets else None
    if measured is None:
        return stated[0] if stated else _DEFAULT_RATE
    if index.is_constant_rate():
        tolerance = 2 / Fraction(index.pts[-1] - index.pts[0])
        for rate in stated:
            if abs(rate / measured - 1) <= tolerance:
                return rate
    return measured.limit_denominator(1001)


def _timecode(container: InputContainer) -> str | None:
    """The start timecode: a ``tmcd`` track's, a stream's or the container's tag."""
    sources = [*(stream.metadata for stream in container.streams), container.metadata]
    for metadata in sources:
        for key, value in metadata.items():
            if key.lower() == "timecode":
                return value
    return None
