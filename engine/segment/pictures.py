"""A shot's frames as the segmentation model sees them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from timeline.media.display import frame_to_display8
from timeline.media.reader import MediaReader

BLOCK_FRAMES = 16
"""Read at once when the shot is walked backwards: decoders only go forwards."""


class SquarePictures:
    """8-bit R'G'B' frames of ``reader`` squeezed into squares of ``side_px``; keeps at most BLOCK_FRAMES."""

    def __init__(self, reader: MediaReader, side_px: int) -> None:
        self._reader, self._side_px = reader, side_px
        self._held: dict[int, NDArray[np.uint8]] = {}
        self._last = -1

    def __call__(self, frame: int) -> NDArray[np.uint8]:
        """The frame, (side, side, 3). Raises MediaError."""
        if frame not in self._held:
            first = max(0, frame - BLOCK_FRAMES + 1) if frame == self._last - 1 else frame
            self._held = {number: self._read(number) for number in range(first, frame + 1)}
        self._last = frame
        return self._held[frame]

    def _read(self, frame: int) -> NDArray[np.uint8]:
        shown = frame_to_display8(self._reader.read(frame))
        side = (self._side_px, self._side_px)
        shrinks = min(shown.shape[:2]) >= self._side_px
        resized = cv2.resize(shown, side, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        return np.asarray(resized, np.uint8)
