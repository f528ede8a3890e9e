"""What has been measured of the footage so far: views, motions, cuts and steps, each made once and kept while near."""

from __future__ import annotations

import math
from threading import RLock

from engine.plate.alignment import (
    NOISY_DRIFT_PX,
    STATIC_DRIFT_PX,
    STATIC_SPAN_DRIFT_PX,
    STATIC_SPAN_FRAMES,
    CameraMotion,
    measure_motion,
)
from engine.plate.analysis import FrameView, view_frame
from engine.plate.cuts import FLASH_FRAMES, NEIGHBOUR_PAIRS, is_cut
from engine.plate.flow import Step, make_step
from engine.plate.model import Mask, PlateSettings, PlateSource
from roi_tools.geometry import Size

MARGIN_FRAMES = max(FLASH_FRAMES + NEIGHBOUR_PAIRS, STATIC_SPAN_FRAMES) + 1
"""Views kept beyond the reach: verdicts on cuts and locked cameras look at neighbours."""


class Footage:
    """Measurements of neighbouring frames, made when first asked for; safe to ask from two threads.

    Every measurement depends on the frames it names alone, so it is the same whoever asks first.
    """

    def __init__(self, source: PlateSource, available: range, settings: PlateSettings) -> None:
        self.source = source
        self.available = available
        self.settings = settings
        self._lock = RLock()
        self._size: Size | None = None
        self._abandoned = False
        self._views: dict[int, FrameView] = {}
        self._motions: dict[int, CameraMotion] = {}
        self._span_drifts: dict[int, float] = {}
        self._cuts: dict[int, bool] = {}
        self._steps: dict[tuple[int, int], Step | None] = {}

    @property
    def size(self) -> Size:
        """Size of every frame."""
        if self._size is None:
            self._size = self.view(self.available.start).size
        return self._size

    def view(self, frame: int) -> FrameView:
        """The analysis view of a frame."""
        with self._lock:
            if frame not in self._views:
                self._views[frame] = view_frame(self.source, frame, self.settings)
            return self._views[frame]

    def hidden(self, frame: int) -> Mask:
        """(H, W) what of a frame lends no pixels."""
        return self.view(frame).hidden()

    def step(self, a: int, b: int) -> Step | None:
        """The background's motion from frame a to its neighbour b; None over a cut, or once abandoned."""
        if self._abandoned:
            return None
        if (a, b) not in self._steps:
            self._steps[a, b] = self._make_step(a, b)
        return self._steps[a, b]

    def is_cut_after(self, frame: int) -> bool:
        """Whether the next frame belongs to another shot."""
        with self._lock:
            if frame not in self._cuts:
                self._cuts[frame] = is_cut(frame, self._motion, self.view, self.available)
            return self._cuts[frame]

    def abandon(self) -> None:
        """Ends every chain at its next step: nobody wants the result any more."""
        self._abandoned = True

    def forget_before(self, frame: int) -> None:
        """Frees what no later frame can ask for."""
        with self._lock:
            oldest = frame - MARGIN_FRAMES
            self._views = {n: v for n, v in self._views.items() if n >= oldest}
            self._motions = {n: v for n, v in self._motions.items() if n >= oldest}
            self._span_drifts = {n: v for n, v in self._span_drifts.items() if n >= oldest}
            self._cuts = {n: v for n, v in self._cuts.items() if n >= oldest}
            self._steps = {n: v for n, v in self._steps.items() if min(n) >= oldest}

    def _make_step(self, a: int, b: int) -> Step | None:
        first = min(a, b)
        with self._lock:
            if self.is_cut_after(first):
                return None
            motion = self._motion(first)
            view_a, view_b = self.view(a), self.view(b)
        return make_step(view_a, view_b, motion if a < b else motion.inverse(), self.settings.follow_flow)

    def _motion(self, first: int) -> CameraMotion:
        """Camera motion from `first` to the frame after it, settled whether the camera is locked."""
        if first not in self._motions:
            motion = measure_motion(self.view(first), self.view(first + 1))
            locked = motion.drift_px < STATIC_DRIFT_PX or (motion.drift_px < NOISY_DRIFT_PX and self._stays(first))
            self._motions[first] = motion.locked() if locked else motion
        return self._motions[first]

    def _stays(self, first: int) -> bool:
        """Whether the picture stays where it is over the dozen frames around; counted from frame 0, so that the
        answer does not depend on where a render starts."""
        begin = max(first - first % STATIC_SPAN_FRAMES, self.available.start)
        end = min(first - first % STATIC_SPAN_FRAMES + STATIC_SPAN_FRAMES, self.available.stop - 1)
        if begin not in self._span_drifts:
            long_enough = end - begin >= STATIC_SPAN_FRAMES // 2
            drift_px = measure_motion(self.view(begin), self.view(end)).drift_px if long_enough else math.inf
            self._span_drifts[begin] = drift_px
        return self._span_drifts[begin] < STATIC_SPAN_DRIFT_PX
