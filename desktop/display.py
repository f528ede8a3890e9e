"""Decoded frame -> QImage. Runs on the decode thread; makes no widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

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
    """The whole frame as a viewer shows it, Format_RGB32 (what QPainter draws fastest)."""
    from timeline.media.display import frame_to_display8  # loads FFmpeg; only where frames are decoded

    rgb = np.ascontiguousarray(frame_to_display8(frame))
    height, width, _ = rgb.shape
    # The conversion copies, so the image does not point into the array.
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).convertToFormat(
        QImage.Format.Format_RGB32
    )
