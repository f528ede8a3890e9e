"""What the model sees: the source with all that was recovered, and a matte of what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.hybrid.rest import Rest
from engine.ofx.clips import MatteClip, SourceClip
from engine.ofx.effect import RenderedImage
from roi_tools.geometry import Box, Size, frame_box


class RecoveredSource:
    """A SourceClip: the source with its plate in it. ``plate_of(frame)``: None where nothing is marked or known."""

    def __init__(self, source: SourceClip, plate_of: Callable[[int], RenderedImage | None]) -> None:
        self._source, self._plate_of = source, plate_of

    @property
    def frames(self) -> range:
        """The source's."""
        return self._source.frames

    @property
    def size(self) -> Size:
        """The source's."""
        return self._source.size

    @property
    def is_scene_linear(self) -> bool:
        """The source's."""
        return self._source.is_scene_linear

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See SourceClip."""
        window = window or frame_box(self.size)
        image, plate = self._source.image(frame, window), self._plate_of(frame)
        common = plate.window.intersected(window) if plate else None
        if plate is None or common is None:
            return image
        image = image.copy()
        image[common.shifted(-window.x0, -window.y0).slices] = plate.rgb[
            common.shifted(-plate.window.x0, -plate.window.y0).slices
        ]
        image.flags.writeable = False
        return image


class SceneMatte:
    """A MatteClip: ``matte``, of which only ``known_frames`` count. Beyond a cut nothing is measured nor recovered."""

    def __init__(self, matte: MatteClip, known_frames: range) -> None:
        self._matte, self._known_frames = matte, known_frames

    @property
    def frames(self) -> range:
        """See MatteClip."""
        return self._matte.frames

    @property
    def known_frames(self) -> range:
        """Those of one scene."""
        return self._known_frames

    @property
    def size(self) -> Size:
        """See MatteClip."""
        return self._matte.size

    def bounds(self, frame: int) -> Box | None:
        """See MatteClip."""
        return self._matte.bounds(frame)

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See MatteClip."""
        return self._matte.image(frame, window)


class RestMatte:
    """A MatteClip: what is left, by frame; nothing on all others of ``frames``, which are recovered or clean."""

    def __init__(self, frames: range, size: Size, rests: Mapping[int, Rest]) -> None:
        self._frames, self._size, self._rests = frames, size, rests

    @property
    def frames(self) -> range:
        """Those that the model may see."""
        return self._frames

    @property
    def known_frames(self) -> range:
        """The same."""
        return self._frames

    @property
    def size(self) -> Size:
        """The source's."""
        return self._size

    def bounds(self, frame: int) -> Box | None:
        """See MatteClip."""
        rest = self._rests.get(frame)
        return None if rest is None else rest.box

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See MatteClip: all that the model paints is marked in full."""
        window = window or frame_box(self._size)
        matte = np.zeros((window.height_px, window.width_px), np.float32)
        rest = self._rests.get(frame)
        common = rest.box.intersected(window) if rest else None
        if rest is not None and common is not None:
            painted = rest.weight[common.shifted(-rest.box.x0, -rest.box.y0).slices] > 0
            matte[common.shifted(-window.x0, -window.y0).slices] = painted
        matte.flags.writeable = False
        return matte
