"""One frame on its way to being recovered: who shows its pixels, and what they show, sorted into slots."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from engine.plate.chain import SIGHTING_ORDERS, Sighting
from engine.plate.clearance import Clearance
from engine.plate.fusion import STARTS, VOTE_MEMORY_MOVING_FRAMES, VOTE_MEMORY_STATIC_FRAMES, Evidence
from engine.plate.model import SYNTHESISED, FloatImage, Points
from engine.plate.sampling import sample_nearest, sample_sharp
from engine.plate.surround import Surround
from roi_tools.geometry import Box

WAYS = len(SIGHTING_ORDERS)
SLOTS = 2 * WAYS
"""Those before the target, near to far, then those after it."""

PIXEL_BYTES = SLOTS * (3 * 4 + 4 + 4 + 8 + 1)
"""What a pixel takes that is seen as often as it may: a colour and its trust; in its sighting, an index, a position and
a slot."""


@dataclass
class Target:
    """How many pixels a frame wants, where they were seen, before and after it, and the colours read there.

    `around`: (K, 2) points around the hole; `surround`: what the frame and its lenders show there. `layers`: the same
    pixels, each time followed as if they belonged to one layer of the scene.
    """

    frame: int
    box: Box | None
    pixels: int
    around: Points = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    sightings: tuple[list[Sighting], list[Sighting]] = field(default_factory=lambda: ([], []))
    surround: Surround = field(default_factory=lambda: Surround(0, np.zeros((0, 3), np.float32)))
    layers: list[Target] = field(default_factory=list)
    _colour: FloatImage | None = None
    _trust: FloatImage | None = None

    @property
    def hypotheses(self) -> list[Target]:
        """The target itself, and its layers."""
        return [self, *self.layers]

    @property
    def size_bytes(self) -> int:
        """What all of it takes when its colours are read."""
        return PIXEL_BYTES * self.pixels * (1 + len(self.layers))

    def read(self, direction: int, sighting: Sighting, rgb: FloatImage, origin: Points, clear: Clearance) -> None:
        """Reads what a sighting shows in a (h, w, 3) window of its frame, contiguous, whose corner x, y is `origin`.

        `clear`: how far from its hole the frame shows it.
        """
        from engine.plate.lending_loops import lend, lend_still

        if self._colour is None or self._trust is None:
            self._colour = np.zeros((3, SLOTS, self.pixels), np.float32)
            self._trust = np.ones((SLOTS, self.pixels), np.float32)
        seen = sighting.around_seen
        around = np.zeros((len(seen), 3), np.float32)
        around[seen] = (sample_nearest if sighting.static else sample_sharp)(rgb, sighting.around[seen] - origin)
        light = self.surround.light(sighting.frame, around, seen, sighting.around, sighting.colour_offset)
        slot, how = sighting.slot + np.int8(direction * WAYS), (light.gain, light.offset)
        if sighting.static:
            lend_still(self._colour, sighting.index, slot, rgb, sighting.points, origin, *how)
            # Under a moving camera the frames near in time are worth more: chains drift.
            clear.enter(self._trust, sighting.points, sighting.index, slot)
        else:
            lend(self._colour, sighting.index, slot, sample_sharp(rgb, sighting.points - origin), *how)

    def evidence(self) -> Evidence:
        """All that was read; it is handed over, not kept."""
        from engine.plate.lending_loops import enter, enter_phase

        colour = self._colour if self._colour is not None else np.zeros((3, SLOTS, self.pixels), np.float32)
        vote, phase = np.zeros((SLOTS, self.pixels), np.float32), np.zeros((2, SLOTS, self.pixels), np.float32)
        frame = np.full((SLOTS, self.pixels), SYNTHESISED, np.int32)
        for direction, way in enumerate(self.sightings):
            for sighting in way:
                age = abs(sighting.frame - self.frame) - 1
                memory = VOTE_MEMORY_STATIC_FRAMES if sighting.static else VOTE_MEMORY_MOVING_FRAMES
                worth = sighting.worth or np.float32(math.exp(-age / memory))
                slot = sighting.slot + np.int8(direction * WAYS)
                enter(vote, worth, sighting.index, slot)
                enter(frame, np.int32(sighting.frame), sighting.index, slot)
                if not sighting.static:
                    enter_phase(phase, sighting.points, sighting.index, slot)
        if self._trust is not None:
            vote *= self._trust
        starts = tuple(n + direction * WAYS for direction in range(2) for n in STARTS)
        voting = tuple(n for n in starts if vote[n].any())
        self._colour, self._trust, self.sightings = None, None, ([], [])
        return Evidence(colour, vote, phase, frame, voting, self.surround.interpolation_loss)
