"""A second look at a shot: the object's own outline, which a first recovery has found, is the hole in place of the box.

What of the boxes proved to be background lends too. It is nearer in time, where grain and compression are most alike,
and nearer in place, where light and motion are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np

from engine.plate.agreement import Marked, mark, replaced
from engine.plate.footage import Footage
from engine.plate.model import OUTSIDE_HOLE, FloatImage, Mask, PlateSource, ProvenanceMap, RecoveredFrame
from roi_tools.geometry import Box

BLOCK_FRAMES = 12
"""So many frames are recovered at once: what lends to them is read once."""

Plates = Callable[[Sequence[int], Callable[[], None]], Iterator[RecoveredFrame]]
"""Recovers frames, in their order, and invents nothing; the function is called often, and ends the work by raising."""


class _AbandonedError(Exception):
    """Nobody wants the result any more."""


class Outlines:
    """Footage whose holes are what differs from a first recovery of them. A PlateSource.

    A hole depends on the footage alone, whoever asks for it first.
    """

    def __init__(self, source: PlateSource, available: range, plates: Plates) -> None:
        self._source = source
        self._available = available
        self._plates = plates
        self._lock = Lock()
        self._marked: dict[int, Marked] = {}
        self._abandoned = False

    def rgb(self, frame: int, window: Box | None = None) -> FloatImage:
        """See PlateSource."""
        return self._source.rgb(frame, window)

    def hole(self, frame: int) -> Mask:
        """See PlateSource."""
        whole = self._source.hole(frame)
        if not whole.any():
            return whole
        with self._lock:
            around = [n for n in (frame - 1, frame, frame + 1) if n in self._available]
            if any(n not in self._marked for n in around):
                self._mark_block(frame)
            now = self._marked[frame]
            mask = replaced(now, [self._marked[n] for n in around if n != frame])
        tight = np.zeros_like(whole)
        if now.box is not None:
            tight[now.box.slices] = mask
        return tight & whole

    def forget_before(self, frame: int) -> None:
        """Frees what is found again if it should be asked for."""
        with self._lock:
            self._marked = {n: marked for n, marked in self._marked.items() if n >= frame}

    def abandon(self) -> None:
        """Ends whatever is being recovered: nobody wants the result any more."""
        self._abandoned = True

    def _still_wanted(self) -> None:
        if self._abandoned:
            raise _AbandonedError

    def _mark_block(self, frame: int) -> None:
        """Marks the frames around, which will be asked for next, and their neighbours."""
        start = frame - (frame - self._available.start) % BLOCK_FRAMES
        block = range(max(start - 1, self._available.start), min(start + BLOCK_FRAMES + 1, self._available.stop))
        missing = [n for n in block if n not in self._marked]
        for result in self._plates(missing, self._still_wanted):
            self._marked[result.frame] = mark(result, self._source)


class TightFootage(Footage):
    """The footage of outlines: what was measured of the camera and of cuts, with the larger holes, holds for it too."""

    def __init__(self, outlines: Outlines, first: Footage) -> None:
        super().__init__(outlines, first.available, first.settings)
        self._outlines, self._first = outlines, first
        self._motions, self._cuts, self.far = first._motions, first._cuts, first.far

    def abandon(self) -> None:
        """See Footage."""
        super().abandon()
        self._outlines.abandon()

    def forget_before(self, frame: int) -> None:
        """See Footage."""
        super().forget_before(frame)
        self._first.forget_before(frame)
        # Those that invent look back twice as far.
        self._outlines.forget_before(frame - self.settings.reach_frames)


def widened(result: RecoveredFrame, source: PlateSource) -> RecoveredFrame:
    """The frame over the whole of its hole: what lies outside the outline is the frame's own."""
    hole = source.hole(result.frame)
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    if not rows.size:
        return result
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    rgb = np.array(source.rgb(result.frame, box), np.float32)
    provenance: ProvenanceMap = np.where(hole[box.slices], result.frame, OUTSIDE_HOLE).astype(np.int32)
    confidence = np.ones(provenance.shape, np.float32)
    if result.box is not None:
        inside = result.box.shifted(-box.x0, -box.y0).slices
        ours = result.provenance != OUTSIDE_HOLE
        rgb[inside][ours], provenance[inside][ours] = result.rgb[ours], result.provenance[ours]
        confidence[inside][ours] = result.confidence[ours]
    return replace(result, box=box, rgb=rgb, provenance=provenance, confidence=confidence)
