"""What goes into a clean-plate recovery and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.ofx.effect import SYNTHESISED as SYNTHESISED
from engine.ofx.effect import UNTOUCHED
from roi_tools.geometry import Box

FloatImage = NDArray[np.float32]
Points = NDArray[np.float32]
Mask = NDArray[np.bool_]
ProvenanceMap = NDArray[np.int32]

OUTSIDE_HOLE = UNTOUCHED
"""Provenance of a pixel that was never hidden: nothing was recovered there."""


class PlateSource(Protocol):
    """The footage a plate is recovered from; frames are 0-based indices into the media."""

    def rgb(self, frame: int, window: Box | None = None) -> FloatImage:
        """(h, w, 3) display-coded R'G'B' of the window, which lies inside the frame; None is the whole frame.

        Nominally [0, 1]; values beyond it are kept. Read-only is fine.
        """
        ...

    def hole(self, frame: int) -> Mask:
        """What is to be removed from the frame, (H, W), True where hidden."""
        ...


@dataclass(frozen=True)
class PlateSettings:
    """How far and how carefully to look for the background.

    `reach_frames`: how many frames before and after a frame may lend it pixels.
    `guard_px`: a guard band around every hole that lends no pixels, since the object's soft edge and its
    motion blur reach beyond its outline; the band also measures how well the recovery fits. At least 3.
    `blend_px`: how softly neighbouring pixels from different frames are blended into each other.
    `follow_flow`: follow local motion (parallax, people behind the object), not the camera's alone.
    `keep_agreeing`: keep the frame's own pixels in the hole where the plate says the same.
    `search_far`: look for what nothing within reach shows in the rest of the shot.
    `second_pass`: find the object's outline first, and recover only that, also from what is clean of the holes.
    """

    reach_frames: int = 120
    guard_px: int = 4
    blend_px: float = 2.0
    follow_flow: bool = True
    keep_agreeing: bool = True
    search_far: bool = True
    second_pass: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a setting outside its range."""
        if self.reach_frames < 1:
            raise ValueError(f"reach_frames is {self.reach_frames}; it must be at least 1")
        if self.guard_px < 3:
            raise ValueError(f"guard_px is {self.guard_px}; it must be at least 3, the reach of the resampling filter")
        if not 0.0 <= self.blend_px <= 64.0:
            raise ValueError(f"blend_px is {self.blend_px}; it must lie in [0, 64]")


@dataclass(frozen=True)
class PaintedPlate:
    """A whole frame without the object, painted by an artist: what no frame shows is taken from it.

    `rgb`: (H, W, 3) of the frame's size, coded like the source.
    """

    frame: int
    rgb: FloatImage


@dataclass(frozen=True)
class RecoveredFrame:
    """One frame's recovered pixels.

    `box`: the bounding box of the hole; None where the frame has no hole, and then both arrays are empty.
    `rgb`: (h, w, 3) of the box, coded like the source; outside the hole the source's own pixels.
    `provenance`: (h, w), the frame a pixel came from (this one where it was kept), SYNTHESISED, or OUTSIDE_HOLE.
    `confidence`: (h, w) in [0, 1], the higher the smaller the error that must be expected; 0 where invented, 1 where
    the pixel is the frame's own.
    `overhang_px`: how far a shadow or an edge of the object reaches out of the box: left, top, right, bottom.
    """

    frame: int
    box: Box | None
    rgb: FloatImage
    provenance: ProvenanceMap
    confidence: FloatImage
    overhang_px: tuple[int, int, int, int] = (0, 0, 0, 0)
