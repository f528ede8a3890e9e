"""Things that walk by behind a hole, under a locked camera: kept whole where the still background would cut them off.

What differs from the still background outside the holes is a mover (scene.py). Each is followed as a rigid patch
through the frames around (ways.py). A frame lends it where it foretells what shows of the mover around the hole,
or lies between places that were measured; what goes along with the hole is the object's own shadow and is left away
(lenders.py). The lenders agree on where it is (layer.py), and it is bent to meet what the frame itself
shows of it (fit.py). Where any of this is not sure the still background stays.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import box_around
from engine.plate.footage import Footage
from engine.plate.inventions import Painted
from engine.plate.model import Mask
from engine.plate.movers.fit import Layer
from engine.plate.movers.layer import Stage
from engine.plate.movers.lenders import SPAN_FRAMES, Lenders
from engine.plate.movers.scene import Scene
from engine.plate.movers.ways import Followed
from engine.plate.once import Once
from roi_tools.geometry import Box, Size

BLOCK_FRAMES = 24
SCENE_REACH_FRAMES = 80
LEAST_REACH_FRAMES = 40
"""The still background is measured for so many frames at once, on frames up to so far away; with a shorter reach than
the last there are too few."""

KEPT_FRAMES = 3 * SPAN_FRAMES + 8
"""What was measured of a scene is kept for so many frames: those that are painted at the same time, and all from which
what they lend was followed."""

STIR_CELL_PX = 4
STIR_FRAMES = 3
STIR_CODES, STIR_GRAINS = 6.0, 6.0
STIR_CELLS = 4
STIR_NEAR_PX = 60
"""Nothing moves where fewer cells of so many analysis pixels, so near the hole, change by more than that, in codes and
times the grain, over so many frames."""


class Movers:
    """Those of one footage."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._cells: Once[int, tuple[NDArray[np.uint8], Mask]] = Once(self._shrunk)
        self._stirred: Once[int, Mask] = Once(self._stir)
        self._scenes: Once[tuple[int, range], tuple[Scene, Followed]] = Once(lambda key: _followed(footage, key[1]))

    def forget_before(self, frame: int) -> None:
        """Frees what no later frame asks for."""
        oldest = frame - 3 * SPAN_FRAMES
        self._cells.forget(lambda key: key < oldest)
        self._stirred.forget(lambda key: key < oldest)
        self._scenes.forget(lambda key: key[0] + BLOCK_FRAMES <= frame)

    def behind(self, painted: Painted) -> Layer | None:
        """What walks by behind the hole of a frame; None where nothing does, or nothing is sure."""
        frame = painted.frame
        if self._footage.settings.reach_frames < LEAST_REACH_FRAMES or not self._stirs(painted):
            return None
        scene, followed = self._scene(frame)
        scene.forget_before(frame - KEPT_FRAMES)
        followed.forget_before(frame - KEPT_FRAMES)
        lent = Lenders(scene, followed, frame).found()
        return Stage(self._footage, scene, painted).layer(lent) if lent else None

    def _locked(self, frame: int, first: int, last: int) -> range:
        """The frames around one, no further than those two, between which the camera is locked."""
        start = stop = frame
        while start > max(first, self._footage.available.start) and self._is_static(start - 1):
            start -= 1
        while stop < min(last, self._footage.available.stop - 1) and self._is_static(stop):
            stop += 1
        return range(start, stop + 1)

    def _is_static(self, first: int) -> bool:
        step = self._footage.step(first, first + 1)
        return step is not None and step.static

    def _scene(self, frame: int) -> tuple[Scene, Followed]:
        begin = frame - frame % BLOCK_FRAMES
        reach = min(SCENE_REACH_FRAMES, self._footage.settings.reach_frames)
        return self._scenes[begin, self._locked(frame, begin + BLOCK_FRAMES - reach, begin + reach)]

    def _shrunk(self, frame: int) -> tuple[NDArray[np.uint8], Mask]:
        view = self._footage.view(frame)
        size = tuple(max(n // STIR_CELL_PX, 1) for n in view.gray.shape[::-1])
        gray = np.asarray(cv2.resize(view.gray, size, interpolation=cv2.INTER_AREA), np.uint8)
        hidden = cv2.resize(view.guarded_small.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return gray, hidden <= 0.0

    def _stir(self, frame: int) -> Mask:
        """(h, w) the cells that change from a frame to one shortly after it."""
        (before, shown), (after, still_shown) = self._cells[frame], self._cells[frame + STIR_FRAMES]
        both = shown & still_shown
        change = after.astype(np.int16) - before
        some = change[both]
        if not some.size:
            return both
        change = np.abs(change - np.int16(np.median(some)))
        grain = 1.4826 * float(np.median(change[both]))
        return both & (change > max(STIR_CODES, STIR_GRAINS * grain))

    def _stirs(self, painted: Painted) -> bool:
        """Whether anything moves near the hole of a frame, in the frames around."""
        near = self._locked(painted.frame, painted.frame - SPAN_FRAMES, painted.frame + SPAN_FRAMES)
        view = self._footage.view(painted.frame)
        around = box_around(view.guarded_small)
        if around is None:
            return False
        cells = Size(*(max(n // STIR_CELL_PX, 1) for n in view.gray.shape[::-1]))
        grown = around.grown(STIR_NEAR_PX)
        window = Box(*(n // STIR_CELL_PX for n in grown.as_tuple())).grown(1).clipped(cells)
        if window is None:
            return False
        return any(
            np.count_nonzero(self._stirred[n][window.slices]) >= STIR_CELLS
            for n in range(near.start, near.stop - STIR_FRAMES)
        )


def _followed(footage: Footage, frames: range) -> tuple[Scene, Followed]:
    scene = Scene(footage, frames)
    return scene, Followed(scene)
