"""What has been measured of the footage so far: views, motions, cuts and steps, each made once and kept while near."""

from __future__ import annotations

from threading import RLock

from engine.plate.alignment import CameraMotion, measure_motion
from engine.plate.analysis import FrameView, view_frame
from engine.plate.cuts import FLASH_FRAMES, NEIGHBOUR_PAIRS, is_cut
from engine.plate.flow import Step, make_step
from engine.plate.model import PlateSettings, PlateSource

MARGIN_FRAMES = FLASH_FRAMES + NEIGHBOUR_PAIRS + 1
"""Views kept beyond the reach: the verdict on a cut looks at its neighbours."""


class Footage:
    """Measurements of neighbouring frames, made when first asked for; safe to ask from two threads.

    Every measurement depends on the frames it names alone, so it is the same whoever asks first.
    """

    def __init__(self, source: PlateSource, available: range, settings: PlateSettings) -> None:
        self.source = source
        self.available = available
        self.settings = settings
        self._lock = RLock()
        self._views: dict[int, FrameView] = {}
        self._motions: dict[int, CameraMotion] = {}
        self._cuts: dict[int, bool] = {}
        self._steps: dict[tuple[int, int], Step | None] = {}

    def view(self, frame: int) -> FrameView:
        """The analysis view of a frame."""
        with self._lock:
            if frame not in self._views:
                self._views[frame] = view_frame(self.source, frame, self.settings)
            return self._views[frame]

    def step(self, a: int, b: int) -> Step | None:
        """The background's motion from frame a to its neighbour b; None over a cut."""
        if (a, b) not in self._steps:
            self._steps[a, b] = self._make_step(a, b)
        return self._steps[a, b]

    def forget_before(self, frame: int) -> None:
        """Frees what no later frame can ask for."""
        with self._lock:
            oldest = frame - MARGIN_FRAMES
            self._views = {n: v for n, v in self._views.items() if n >= oldest}
            self._motions = {n: v for n, v in self._motions.items() if n >= oldest}
            self._cuts = {n: v for n, v in self._cuts.items() if n >= oldest}
            self._steps = {n: v for n, v in self._steps.items() if min(n) >= oldest}

    def _make_step(self, a: int, b: int) -> Step | None:
        first = min(a, b)
        with self._lock:
            if first not in self._cuts:
                self._cuts[first] = is_cut(first, self._motion, self.view, self.available)
            if self._cuts[first]:
                return None
            motion = self._motion(first)
            view_a, view_b = self.view(a), self.view(b)
        return make_step(view_a, view_b, motion if a < b else motion.inverse(), self.settings.follow_flow)

    def _motion(self, first: int) -> CameraMotion:
        """Camera motion from `first` to the frame after it."""
        if first not in self._motions:
            self._motions[first] = measure_motion(self.view(first), self.view(first + 1))
        return self._motions[first]
