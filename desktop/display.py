"""Decoded frame -> QImage. Runs on the decode thread; makes no widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from roi_tools.geometry import Box

if TYPE_CHECKING:
    from timeline.media.frame import Frame


@dataclass(frozen=True)
class FrameRequest:
    """One frame to show: of which media, and with which patches of the engine over it."""

    path: str
    rate: Fraction | None
    frame: int
    patches: tuple[str, ...] = ()


@dataclass(frozen=True)
class DisplayFrame:
    """One frame ready to paint. ``result`` is None where there are no patches."""

    request: FrameRequest
    native: Frame = field(repr=False)
    source: QImage = field(repr=False)
    native_result: Frame | None = field(default=None, repr=False)
    result: QImage | None = field(default=None, repr=False)

    @property
    def byte_count(self) -> int:
        """Memory that this frame holds."""
        frames = [self.native] + ([self.native_result] if self.native_result else [])
        images = [self.source] + ([self.result] if self.result else [])
        planes = sum(plane.nbytes for frame in frames for plane in frame.planes)
        return planes + sum(image.sizeInBytes() for image in images)


def frame_image(frame: Frame) -> QImage:
    """The whole frame, Format_RGB32."""
    image = QImage(frame.size.width_px, frame.size.height_px, QImage.Format.Format_RGB32)
    _pixels(image)[...] = _bgrx(frame, None)
    return image


def repainted(image: QImage, frame: Frame, box: Box) -> QImage:
    """A copy of ``image`` with ``box`` drawn anew from ``frame``."""
    result = image.copy()
    rows, columns = box.slices
    _pixels(result)[rows, columns] = _bgrx(frame, box)
    return result


def _pixels(image: QImage) -> NDArray[np.uint8]:
    """The image's own memory, (h, w, 4) as B, G, R, unused."""
    array = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return array[:, : image.width()]


def _bgrx(frame: Frame, window: Box | None) -> NDArray[np.uint8]:
    from timeline.media.color import frame_to_rgb, rgb_to_display8  # heavy; only where frames are decoded

    rgb = rgb_to_display8(frame_to_rgb(frame, window), frame.format.is_float)
    filler = np.full((*rgb.shape[:2], 1), 255, np.uint8)
    return np.concatenate((rgb[..., ::-1], filler), axis=2)
