"""Decoded frame -> QImage. Runs on the decode thread; makes no widget."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from PySide6.QtGui import QImage

from desktop.media.look import Image8, Look, difference8, looked8

if TYPE_CHECKING:
    from timeline.media.frame import Frame
    from timeline.media.info import MediaInfo


NEUTRAL = Look()
ProxyUse: TypeAlias = Literal["no", "first", "only"]


@dataclass(frozen=True)
class FrameRequest:
    """One frame to show: of which media, with which patches of the engine over it, and how it is looked at."""

    path: str
    rate: Fraction | None
    frame: int
    patches: tuple[str, ...] = ()
    look: Look = NEUTRAL
    versus: tuple[str, ...] = ()
    """Patches of another take, which then stands in for the source."""
    proxy: ProxyUse = "no"
    """``first``: one may be shown until the frame itself is there; ``only``: it is good enough, as one of many."""


@dataclass(frozen=True)
class DisplayFrame:
    """One frame ready to paint. ``result`` is None where there are no patches."""

    request: FrameRequest
    native: Frame = field(repr=False)
    source: QImage = field(repr=False)
    native_result: Frame | None = field(default=None, repr=False)
    result: QImage | None = field(default=None, repr=False)
    difference: QImage | None = field(default=None, repr=False)
    """Only where the look asks for it."""
    is_proxy: bool = False
    """The pictures come from a proxy or a small picture; ``native`` has the media's size and format, not its values."""
    off_by_frames: int = 0
    """The picture shows a frame so many later than the one that was asked for; below 0: earlier."""

    @property
    def byte_count(self) -> int:
        """Memory that this frame holds."""
        frames = [self.native] + ([self.native_result] if self.native_result else [])
        images = [image for image in (self.source, self.result, self.difference) if image]
        planes = sum(plane.nbytes for frame in frames for plane in frame.planes)
        return planes + sum(image.sizeInBytes() for image in images)


def frame_image(frame: Frame, look: Look = NEUTRAL) -> QImage:
    """The whole frame as a viewer shows it, Format_RGB32 (what QPainter draws fastest)."""
    return _image(looked8(frame, look))


def proxy_frame(request: FrameRequest, small: Frame, info: MediaInfo) -> DisplayFrame:
    """A proxy's frame for the frame that it stands for."""
    from desktop.media.proxy_store import shrink_factor

    factor = shrink_factor(info.size)
    image = frame_image(small, replace(request.look, proxy_step=1))
    cropped = image.copy(0, 0, -(-info.size.width_px // factor), -(-info.size.height_px // factor))
    return DisplayFrame(request, _blank(info), cropped, is_proxy=True)


def small_frame(request: FrameRequest, small: Frame, info: MediaInfo, off_by_frames: int = 0) -> DisplayFrame:
    """A small picture of the whole frame, or of one so many frames away, for the frame that it stands for."""
    image = frame_image(small, replace(request.look, proxy_step=1))
    return DisplayFrame(request, _blank(info), image, is_proxy=True, off_by_frames=off_by_frames)


def _blank(info: MediaInfo) -> Frame:
    """A frame like the media's that takes no memory."""
    from timeline.media.frame import Frame

    sizes = [info.format.plane_size(index, info.size) for index in range(len(info.format.plane_names))]
    zero = np.zeros((), info.format.dtype)
    planes = tuple(np.broadcast_to(zero, (size.height_px, size.width_px)) for size in sizes)
    return Frame(planes, info.format, info.color)


def difference_image(source: Frame, result: Frame, look: Look) -> QImage:
    """What the result changed, amplified."""
    return _image(difference8(source, result, look))


def _image(pixels: Image8) -> QImage:
    rgb = np.ascontiguousarray(pixels)
    height, width, _ = rgb.shape
    # The conversion copies, so the image does not point into the array.
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).convertToFormat(
        QImage.Format.Format_RGB32
    )
