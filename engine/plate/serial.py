"""Footage that several threads may ask for."""

from __future__ import annotations

from threading import Lock

from engine.plate.model import FloatImage, Mask, PlateSource
from roi_tools.geometry import Box


class SerialSource:
    """A source that is asked by one thread at a time: decoders bear no more. A PlateSource."""

    def __init__(self, source: PlateSource) -> None:
        self._source = source
        self._lock = Lock()

    def rgb(self, frame: int, window: Box | None = None) -> FloatImage:
        """See PlateSource."""
        with self._lock:
            return self._source.rgb(frame, window)

    def hole(self, frame: int) -> Mask:
        """See PlateSource."""
        with self._lock:
            return self._source.hole(frame)
