"""Movies through FFmpeg: a frame index from the packets, exact seeks, a small cache of recent frames."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream
from typing_extensions import override

from timeline.errors import MediaError, MediaUnreadableError, ReadGivenUpError
from timeline.media.av_errors import AV_ERRORS, explain
from timeline.media.av_frames import from_av, planar_equivalent
from timeline.media.color import is_known_matrix
from timeline.media.frame import Frame
from timeline.media.frame_index import FrameIndex, index_decoded, index_packets
from timeline.media.info import MediaInfo
from timeline.media.media_reader import MediaReader
from timeline.media.movie_info import movie_info
from timeline.media.orientation import can_turn, turned

_CACHE_BYTES = 96 << 20
_CACHE_FRAMES = 24
_DECODER_THREADS = min(max(os.cpu_count() or 2, 2), 8)
_SKIP_FRAMES = 8
"""Decoding on over so many frames costs less than a seek."""


class MovieReader(MediaReader):
    """One movie's picture stream, in its own pixel format.

    Raises MediaUnreadableError when nothing in ``path`` can be decoded, or it has sound only.
    """

    def __init__(self, path: Path, rate: Fraction | None = None) -> None:
        self._path = path
        self._container, self._stream = _open(path)
        self._pictures: Iterator[av.VideoFrame] | None = None
        self._last: int | None = None
        self._wanted = 0
        self._skips = False
        self._left_out = -1
        """The last frame on the way that the decoder may have left out: it, and all before, want another seek."""
        self._number_at_pts: Mapping[int, int] = {}
        self._cache: OrderedDict[int, av.VideoFrame] = OrderedDict()
        self._quarter_turns = 0
        try:
            self._index = self._build_index()
            if self._index.is_from_packets:
                self._number_at_pts = self._index.frame_at_pts
            self._quarter_turns = _quarter_turns(self._fetch(0))
            first = self._decoded(0)
            info = movie_info(path, self._container, self._stream, self._index, first, rate)
            is_on_its_side = self._quarter_turns % 2 == 1
            super().__init__(replace(info, pixel_aspect=1 / info.pixel_aspect) if is_on_its_side else info)
            _check_matrix(self.info)
        except BaseException:
            self._container.close()
            raise

    def close(self) -> None:
        """Close the file and drop the cache."""
        self._pictures = None
        self._cache.clear()
        self._container.close()

    @override
    def group_start(self, frame: int) -> int:
        return self._index.keyframes[self._index.keyframe_position(frame)]

    @override
    def pictures_to(self, frame: int) -> int:
        if frame in self._cache:
            return 0
        position = self._index.keyframe_position(frame)
        if self._last is not None and self._is_near(frame, position):
            return frame - self._last
        return frame - self._index.keyframes[position] + 1

    def _read(self, frame: int) -> Frame:
        result = self._decoded(frame)
        if result.size != self.info.size or result.format != self.info.format:
            raise MediaUnreadableError(
                f"frame {frame} of {self._path} is {result.size} {result.format.name} where the movie starts as "
                f"{self.info.size} {self.info.format.name}; split the movie there"
            )
        return result

    def _decoded(self, frame: int) -> Frame:
        picture = self._cache.get(frame)
        if picture is None:
            picture = self._fetch(frame)
        try:
            return turned(from_av(picture), self._quarter_turns)
        except MediaError as error:
            raise MediaUnreadableError(f"{self._path}: {error}") from error
        except AV_ERRORS as error:
            raise self._damaged(frame, explain(error)) from error

    def _fetch(self, frame: int) -> av.VideoFrame:
        if frame >= len(self._index.pts):
            raise self._damaged(frame, f"the file ends after frame {len(self._index.pts) - 1}")
        position = self._index.keyframe_position(frame)
        self._wanted = frame
        try:
            if not self._is_near(frame, position):
                self._seek(position)
            while (picture := self._advance(frame)) is None:
                if self._last is None or self._last <= self._index.keyframes[position] or position == 0:
                    raise self._damaged(frame, "the decoder gives no picture for it")
                position -= 1
                self._seek(position)
        except AV_ERRORS as error:
            raise self._damaged(frame, explain(error)) from error
        return picture

    def _is_near(self, frame: int, position: int) -> bool:
        """Whether decoding on reaches ``frame`` sooner than a seek to its keyframe."""
        if self._pictures is None or self._last is None or self._last >= frame or frame <= self._left_out:
            return False
        return self._index.keyframes[position] <= self._last + 1 or frame - self._last <= _SKIP_FRAMES

    def _seek(self, position: int) -> None:
        """Start decoding at a keyframe, or at the very start where the container cannot seek."""
        self._last = None
        self._left_out = -1
        if self._index.is_from_packets:
            self._container.seek(self._index.seek_times[position], stream=self._stream, backward=True)
        else:
            self._reopen()
        self._pictures = self._decode()

    def _advance(self, frame: int) -> av.VideoFrame | None:
        """Decode on up to ``frame``; None when the next picture lies beyond it or there is none."""
        for picture in self._pictures or ():
            number = self._number(picture)
            if number is None:
                continue
            self._last = number
            self._remember(number, picture)
            if number == frame:
                return picture
            if number > frame:
                return None
            if not self._is_wanted():
                raise ReadGivenUpError(f"frame {frame} of {self._path} is not wanted any more")
        self._last = None
        return None

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(self._stream):
            if not packet.is_corrupt:
                self._skip_if_unneeded(packet)
                yield from packet.decode()

    def _skip_if_unneeded(self, packet: av.Packet) -> None:
        """Leave out pictures that none is decoded from, on the long way from a keyframe: about half of H.264's."""
        number = self._number_at_pts.get(packet.pts) if packet.pts is not None else None
        is_far = number is not None and number < self._wanted - _CACHE_FRAMES
        if number is not None and is_far:
            self._left_out = max(self._left_out, number)
        if is_far != self._skips:
            self._skips = is_far
            self._stream.codec_context.skip_frame = "NONREF" if is_far else "DEFAULT"

    def _number(self, picture: av.VideoFrame) -> int | None:
        if not self._index.is_from_packets:
            return 0 if self._last is None else self._last + 1
        return None if picture.pts is None else self._index.frame_at_pts.get(picture.pts)

    def _remember(self, number: int, picture: av.VideoFrame) -> None:
        frame_bytes = sum(plane.buffer_size for plane in picture.planes)
        limit = min(_CACHE_FRAMES, max(2, _CACHE_BYTES // max(frame_bytes, 1)))
        self._cache[number] = picture
        self._cache.move_to_end(number)
        while len(self._cache) > limit:
            self._cache.popitem(last=False)

    def _build_index(self) -> FrameIndex:
        try:
            index = index_packets(self._container.demux(self._stream))
            if index is None:
                self._reopen()
                index = index_decoded([picture.pts for picture in self._decode()])
                self._reopen()
        except AV_ERRORS as error:
            raise MediaUnreadableError(f"cannot read {self._path}: {explain(error)}; export it again") from error
        if not index.pts:
            raise MediaUnreadableError(f"{self._path} holds no complete frame; it may be cut short: copy it again")
        return index

    def _reopen(self) -> None:
        self._skips = False
        self._container.close()
        self._container, self._stream = _open(self._path)

    def _damaged(self, frame: int, reason: str) -> MediaUnreadableError:
        self._pictures = None
        self._last = None
        return MediaUnreadableError(
            f"frame {frame} of {self._path} cannot be read: {reason}; copy or export the movie again, "
            "or leave that frame out of the range"
        )


def _open(path: Path) -> tuple[InputContainer, VideoStream]:
    try:
        container = av.open(str(path), metadata_errors="replace")
    except AV_ERRORS as error:
        raise MediaUnreadableError(
            f"cannot open {path} as media: {explain(error)}; it may be damaged, cut short or no movie: export it again"
        ) from error
    streams = [
        stream for stream in container.streams.video if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    if not streams:
        has_audio = bool(container.streams.audio)
        container.close()
        holds = "has sound but no picture" if has_audio else "has no picture stream"
        raise MediaUnreadableError(f"{path} {holds}; choose a movie or an image sequence")
    streams[0].thread_type = "AUTO"
    streams[0].codec_context.thread_count = _DECODER_THREADS
    return container, streams[0]


def _quarter_turns(picture: av.VideoFrame) -> int:
    """How often the file asks to turn its pictures by 90 degrees, counter-clockwise; other angles are left alone."""
    turns, rest = divmod(picture.rotation, 90)
    return turns % 4 if rest == 0 and can_turn(planar_equivalent(picture.format.name)) else 0


def _check_matrix(info: MediaInfo) -> None:
    if info.format.family == "yuv" and not is_known_matrix(info.color.matrix):
        raise MediaUnreadableError(
            f"{info.path} has the colour matrix {info.color.matrix}, which is not supported; convert it to BT.709 first"
        )
