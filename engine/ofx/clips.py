"""What an effect sees of a shot: clips that answer for any frame, cropped to any window."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box, Size


class SourceClip(Protocol):
    """The plate. Frames are source indices; all of the media may be asked for, not only what is rendered."""

    @property
    def frames(self) -> range:
        """Every frame that exists."""

    @property
    def size(self) -> Size:
        """Raster size of every frame."""

    @property
    def is_scene_linear(self) -> bool:
        """True for float media (EXR) unless tagged otherwise: values are scene-linear and may leave [0, 1]."""

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """R'G'B' as displayed (or scene-linear, see above), float32 (h, w, 3), nominal [0, 1]; read-only.

        ``window`` must lie inside the frame; None is the whole frame. Raises timeline.media errors.
        """


class MatteClip(Protocol):
    """What to remove: 1 inside, 0 outside, after growing; frames outside the rendered range are empty or as marked."""

    @property
    def frames(self) -> range:
        """Frames that the matte speaks of: the rendered range."""

    @property
    def known_frames(self) -> range:
        """Frames of which it is known what to remove, the rendered range among them; only these can lend pixels."""

    @property
    def size(self) -> Size:
        """Same as the source's."""

    def bounds(self, frame: int) -> Box | None:
        """Bounding box of everything above 0, clipped to the frame; None where nothing is marked."""

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """Coverage, float32 (h, w) in [0, 1]; read-only."""
