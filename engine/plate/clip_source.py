"""An effect's clips as the recovery reads them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.ofx.clips import MatteClip, SourceClip
from engine.plate.coding import encode_scene_linear
from roi_tools.geometry import Box


class ClipSource:
    """The Source and Matte clips of an effect. A PlateSource."""

    def __init__(self, source: SourceClip, matte: MatteClip) -> None:
        self._source, self._matte = source, matte

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See PlateSource; scene-linear media are coded for display first."""
        image = self._source.image(frame, window)
        return encode_scene_linear(image) if self._source.is_scene_linear else image

    def hole(self, frame: int) -> NDArray[np.bool_]:
        """See PlateSource: all that the matte touches."""
        return self._matte.image(frame) > 0
