"""What has been measured of the footage so far: views, motions, cuts and steps, each made once and kept while near."""

from __future__ import annotations

import math

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
from engine.plate.far_frames import FarFrames
from engine.plate.flow import Step, make_step
from engine.plate.model import Mask, PlateSettings, PlateSource
from engine.plate.once import Once
from roi_tools.geometry import Size

MARGIN_FRAMES = max(FLASH_FRAMES + NEIGHBOUR_PAIRS, STATIC_SPAN_FRAMES) + 1
"""Views kept beyond the reach: verdicts on cuts and locked cameras look at neighbours."""


class Footage:
    """Measurements of neighbouring frames, made when first asked for; safe to ask from several threads.

    Every measurement depends on the frames it names alone, so it is the same whoever asks first.
    """

    def __init__(self, source: PlateSource, available: range, settings: PlateSettings) -> None:
        self.source = source
        self.available = available
        self.settings = settings
        self._abandoned = False
        self._views: Once[int, FrameView] = Once(lambda frame: view_frame(source, frame, settings))
        self._motions = Once(self._measure_motion)
        self._span_drifts = Once(self._measure_span)
        self._cuts: Once[int, bool] = Once(lambda frame: is_cut(frame, self._motions.__getitem__, self.view, available))
        self._steps = Once(self._make_step)
        self.far = FarFrames(lambda frame: view_frame(source, frame, settings), self._cuts.known, available)

    @property
    def size(self) -> Size:
        """Size of every frame."""
        return self.view(self.available.start).size

    def view(self, frame: int) -> FrameView:
        """The analysis view of a frame."""
        return self._views[frame]

    def hidden(self, frame: int) -> Mask:
        """(H, W) what of a frame lends no pixels."""
        return self.view(frame).hidden()

    def step(self, a: int, b: int) -> Step | None:
        """The background's motion from frame a to its neighbour b; None over a cut, or once abandoned."""
        return None if self._abandoned else self._steps[a, b]

    def measure(self, first: int) -> None:
        """Measures the steps between a frame and the next, both ways, ahead of their use."""
        if first in self.available and first + 1 in self.available:
            self.step(first, first + 1)
            self.step(first + 1, first)

    def is_cut_after(self, frame: int) -> bool:
        """Whether the next frame belongs to another shot."""
        return self._cuts[frame]

    def abandon(self) -> None:
        """Ends every chain at its next step: nobody wants the result any more."""
        self._abandoned = True
        self.far.abandon()

    def forget_before(self, frame: int) -> None:
        """Frees what no later frame can ask for."""
        oldest = frame - MARGIN_FRAMES
        # Verdicts on cuts are small, and asked for when the whole shot is searched.
        for once in (self._views, self._motions, self._span_drifts):
            once.forget(lambda key: key < oldest)
        self._steps.forget(lambda pair: min(pair) < oldest)
        self.far.forget_views()

    def _make_step(self, pair: tuple[int, int]) -> Step | None:
        a, b = pair
        first = min(pair)
        if self.is_cut_after(first):
            return None
        motion = self._motions[first]
        return make_step(self.view(a), self.view(b), motion if a < b else motion.inverse(), self.settings.follow_flow)

    def _measure_motion(self, first: int) -> CameraMotion:
        """Camera motion from `first` to the frame after it, settled whether the camera is locked."""
        motion = measure_motion(self.view(first), self.view(first + 1))
        locked = motion.drift_px < STATIC_DRIFT_PX or (motion.drift_px < NOISY_DRIFT_PX and self._stays(first))
        return motion.locked() if locked else motion

    def _stays(self, first: int) -> bool:
        """Whether the picture stays where it is over the dozen frames around; counted from frame 0, so that the
        answer does not depend on where a render starts."""
        return self._span_drifts[first - first % STATIC_SPAN_FRAMES] < STATIC_SPAN_DRIFT_PX

    def _measure_span(self, first: int) -> float:
        begin = max(first, self.available.start)
        end = min(first + STATIC_SPAN_FRAMES, self.available.stop - 1)
        if end - begin < STATIC_SPAN_FRAMES // 2:
            return math.inf
        return measure_motion(self.view(begin), self.view(end)).drift_px
