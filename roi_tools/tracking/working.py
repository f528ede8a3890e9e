"""The frames that tracking looks at: 8-bit, scaled down, only a few of them kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import TrackingError
from roi_tools.geometry import Size

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) display R'G'B' or (H, W) gray, 8-bit."""
FrameSource: TypeAlias = Callable[[int], Image]
"""Gives the picture of a frame. Pictures of one shot have one size."""
Progress: TypeAlias = Callable[[float], None]
"""Called with the share done, 0 to 1. What it raises ends the tracking: that is how a caller cancels."""

LONG_SIDE_PX = 432
"""Longest side of the pictures that outlines are followed on: enough for boxes, and fast."""
_KEPT_FRAMES = 56


class WorkingFrames:
    """Frames of a source at a working scale; the last few stay in memory."""

    def __init__(self, source: FrameSource, long_side_px: int | None = LONG_SIDE_PX) -> None:
        self._source = source
        self._long_side_px = long_side_px
        self._rgb: OrderedDict[int, Image] = OrderedDict()
        self._gray: OrderedDict[int, Image] = OrderedDict()
        self._size: Size | None = None

    @property
    def scale(self) -> float:
        """Working pixels per source pixel; known once a frame was read."""
        if self._size is None or self._long_side_px is None:
            return 1.0
        return min(1.0, self._long_side_px / max(self._size.width_px, self._size.height_px))

    def rgb(self, frame: int) -> Image:
        """The picture of ``frame``, (h, w, 3). Raises TrackingError where its size is not that of the others."""
        if frame not in self._rgb:
            _remember(self._rgb, frame, self._loaded(frame))
        self._rgb.move_to_end(frame)
        return self._rgb[frame]

    def gray(self, frame: int) -> Image:
        """The luma of ``frame``, (h, w)."""
        if frame not in self._gray:
            _remember(self._gray, frame, np.asarray(cv2.cvtColor(self.rgb(frame), cv2.COLOR_RGB2GRAY), np.uint8))
        return self._gray[frame]

    def _loaded(self, frame: int) -> Image:
        image = self._source(frame)
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
            raise TrackingError(
                f"frame {frame} is {image.dtype} of shape {image.shape}; give 8-bit (H, W, 3) or (H, W) pictures"
            )
        size = Size(image.shape[1], image.shape[0])
        if self._size not in (None, size):
            raise TrackingError(f"frame {frame} is {size}, the frames before it {self._size}; track within one clip")
        self._size = size
        rgb = np.dstack([image] * 3) if image.ndim == 2 else image
        if self.scale == 1.0:
            return rgb
        target = round(size.width_px * self.scale), round(size.height_px * self.scale)
        return np.asarray(cv2.resize(rgb, target, interpolation=cv2.INTER_AREA), np.uint8)


def _remember(cache: OrderedDict[int, Image], frame: int, image: Image) -> None:
    cache[frame] = image
    while len(cache) > _KEPT_FRAMES:
        cache.popitem(last=False)
