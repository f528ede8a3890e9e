"""Small pictures of a movie's frames in memory: something to look at at once while a frame is decoded. Without Qt.

A picture is at most 480 px wide, in the media's own kind of planes, each a JPEG: 15 to 30 KiB. Beyond the store's
bound every second frame goes, then every fourth: what is left lies evenly over the media.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from roi_tools.geometry import Size

if TYPE_CHECKING:
    from timeline.media.frame import ColorTags, Frame, PixelFormat, Plane
    from timeline.media.info import MediaInfo

WIDTH_PX = 480
_JPEG_QUALITY = 70
_OVERHEAD_BYTES = 600
"""What Python itself takes for a picture."""

Media: TypeAlias = tuple[str, Fraction | None]
"""Path, rate that it is read at."""


@dataclass(frozen=True)
class SmallPicture:
    """``planes`` are JPEG files of 8-bit samples; ``format`` and ``color`` are the media's, nothing left open."""

    planes: tuple[bytes, ...]
    format: PixelFormat
    color: ColorTags

    @classmethod
    def of(cls, frame: Frame) -> SmallPicture:
        """A frame of whole numbers, made small."""
        import cv2  # not before the first picture: the start is to be quick

        from timeline.media.color import resolved_color  # loads FFmpeg

        size, form = _small_size(frame.size), frame.format
        lost_bits = max(form.bit_depth - 8, 0)
        planes = []
        for index, plane in enumerate(frame.planes):
            wanted = form.plane_size(index, size)
            small = cv2.resize(plane, (wanted.width_px, wanted.height_px), interpolation=cv2.INTER_AREA)
            _, jpeg = cv2.imencode(".jpg", _bytes(small, lost_bits), (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
            planes.append(jpeg.tobytes())
        # Untagged colour is told by the size of the whole frame.
        return cls(tuple(planes), form, resolved_color(frame.color, form, frame.size))

    @property
    def byte_count(self) -> int:
        """Memory that it takes."""
        return sum(len(plane) for plane in self.planes) + _OVERHEAD_BYTES

    def frame(self) -> Frame:
        """The small frame."""
        from timeline.media.frame import Frame

        lost_bits = max(self.format.bit_depth - 8, 0)
        return Frame(tuple(_plane(jpeg, self.format, lost_bits) for jpeg in self.planes), self.format, self.color)

    def enlarged(self, info: MediaInfo) -> Frame:
        """A frame of the media's size, to lay a result over."""
        import cv2

        small, size = self.frame(), info.size
        planes = []
        for index, plane in enumerate(small.planes):
            wanted = info.format.plane_size(index, size)
            planes.append(cv2.resize(plane, (wanted.width_px, wanted.height_px), interpolation=cv2.INTER_LINEAR))
        return replace(small, planes=tuple(planes))


class SmallPictures:
    """The store; from any thread."""

    def __init__(self, limit_bytes: int) -> None:
        self._lock = threading.Lock()
        self._limit_bytes = limit_bytes
        self._pictures: dict[Media, dict[int, SmallPicture]] = {}
        self._bytes = 0
        self._step = 1

    @property
    def byte_count(self) -> int:
        """Memory that all pictures take."""
        return self._bytes

    @property
    def step_frames(self) -> int:
        """Every how manieth frame is kept: 1, 2, 4 ..."""
        return self._step

    @property
    def is_open(self) -> bool:
        """Whether anything may be kept at all."""
        return self._limit_bytes > 0

    def get(self, media: Media, frame: int) -> SmallPicture | None:
        """The picture of this very frame."""
        with self._lock:
            return self._pictures.get(media, {}).get(frame)

    def nearest(self, media: Media, frame: int, within_frames: int) -> tuple[int, SmallPicture] | None:
        """The number and picture of the frame that is nearest, at most so many frames away; the earlier of two."""
        with self._lock:
            known = self._pictures.get(media, {})
            for distance in range(within_frames + 1 if known else 0):
                for number in (frame - distance, frame + distance):
                    if number in known:
                        return number, known[number]
        return None

    def missing(self, media: Media, frames: range, count: int) -> list[int]:
        """The first ``count`` of those frames that would be kept and are not there."""
        with self._lock:
            known = self._pictures.get(media, {})
            first = -(-frames.start // self._step) * self._step
            wanted = (frame for frame in range(first, frames.stop, self._step) if frame not in known)
            return list(islice(wanted, count))

    def put(self, media: Media, frame: int, picture: SmallPicture) -> None:
        """Keep a picture, and fewer of all where they become too many."""
        with self._lock:
            if frame % self._step or not self.is_open:
                return
            pictures = self._pictures.setdefault(media, {})
            before = pictures.get(frame)
            pictures[frame] = picture
            self._bytes += picture.byte_count - (before.byte_count if before else 0)
            self._thin()

    def forget(self, path: str) -> None:
        """Drop the pictures of a file, at whatever rate it is read."""
        with self._lock:
            self._pictures = {media: found for media, found in self._pictures.items() if media[0] != path}
            self._count()

    def keep_only(self, wanted: Iterable[Media]) -> None:
        """Drop the pictures of other media; all frames may be kept again."""
        with self._lock:
            kept = set(wanted)
            self._pictures = {media: found for media, found in self._pictures.items() if media in kept}
            self._step = 1
            self._count()

    def set_limit(self, limit_bytes: int) -> None:
        """Another bound, from now on."""
        with self._lock:
            if limit_bytes > self._limit_bytes:
                self._step = 1
            self._limit_bytes = limit_bytes
            if not self.is_open:
                self._pictures.clear()
            self._count()
            self._thin()

    def _thin(self) -> None:
        while self._bytes > self._limit_bytes and any(len(found) > 1 for found in self._pictures.values()):
            self._step *= 2
            for media, found in self._pictures.items():
                self._pictures[media] = {frame: kept for frame, kept in found.items() if frame % self._step == 0}
            self._count()

    def _count(self) -> None:
        self._bytes = sum(picture.byte_count for found in self._pictures.values() for picture in found.values())


def _small_size(size: Size) -> Size:
    if size.width_px <= WIDTH_PX:
        return size
    return Size(WIDTH_PX, max(round(size.height_px * WIDTH_PX / size.width_px), 1))


def _bytes(plane: Plane, lost_bits: int) -> Plane:
    return (plane >> lost_bits).astype(np.uint8) if lost_bits else plane


def _plane(jpeg: bytes, pixels: PixelFormat, lost_bits: int) -> Plane:
    import cv2

    plane = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert plane is not None, "a picture that was made here can be read"
    return plane.astype(pixels.dtype) << lost_bits if lost_bits else plane
