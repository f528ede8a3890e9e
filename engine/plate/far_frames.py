"""Frames all over a shot, few and far between, and how each lies to the others.

What nothing within reach shows is sought here. Such frames are related to each other directly, by landmarks, and not
over the frames between: what is seen of those is only if there is a cut among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from engine.plate.alignment import CameraMotion, Matrix, measure_motion
from engine.plate.analysis import FrameView
from engine.plate.cuts import is_cut
from engine.plate.landmarks import Landmarks, find_landmarks, match_landmarks
from engine.plate.once import Once

SPACING_FRAMES = 12
"""What shows for less is missed; at a larger spacing more is, at a smaller one more frames must be looked at."""

MAX_FRAMES = 64
"""Of a shot, however long it is: then they lie further apart."""

KEPT_FRAMES = 8
"""A verdict on a cut looks back so far."""


class FarFrames:
    """The far frames of some footage; what is kept of them is bounded, and the same whoever asks first.

    `view_of` makes the analysis view of a frame; `is_cut_after` says, where it is known, if there is a cut between a
    frame and the next. Safe to ask from several threads.
    """

    def __init__(
        self, view_of: Callable[[int], FrameView], is_cut_after: Callable[[int], bool | None], available: range
    ) -> None:
        self.frames = far_frames(available)
        self._available = available
        self._abandoned = False
        self._view_of, self._is_cut_after = view_of, is_cut_after
        self._views = Once(view_of)
        self._landmarks: Once[int, Landmarks] = Once(lambda frame: find_landmarks(view_of(frame)))
        self._links = Once(self._link)
        self._scene_ends = Once(self._ends_scene)

    def view(self, frame: int) -> FrameView:
        """The analysis view of one of the frames, or of one between them."""
        return self._views[frame]

    @property
    def between(self) -> tuple[int, int]:
        """How far before or after one of the frames two lie that show about the same. Not evenly spaced: in an even pan
        all would be read equally far between pixels."""
        half = _spacing(self._available) // 2
        return half - 1, half + 1

    def landmarks(self, frame: int) -> Landmarks:
        """The landmarks of one of the frames."""
        return self._landmarks[frame]

    def link(self, a: int, b: int) -> Matrix | None:
        """The homography from one of the frames to another, analysis pixels; None where it cannot be measured."""
        if a == b:
            return np.eye(3)
        found = None if self._abandoned else self._links[min(a, b), max(a, b)]
        return found if found is None or a < b else np.asarray(np.linalg.inv(found))

    def outwards(self, frame: int) -> Iterator[int]:
        """The frames of the same scene as `frame`, one of them, those nearest to it first; the later one of two."""
        place = self.frames.index(frame)
        ways = {1: place, -1: place}
        while ways:
            way = min(ways, key=lambda way: (abs(self._next(ways[way], way) - frame), -way))
            if self._is_last(ways[way], way):
                del ways[way]
                continue
            ways[way] += way
            yield self.frames[ways[way]]

    def abandon(self) -> None:
        """Ends every search soon: nobody wants the result any more."""
        self._abandoned = True

    def forget_views(self) -> None:
        """Frees what is made again if it should be asked for."""
        self._views.forget(lambda frame: True)

    def _next(self, place: int, way: int) -> int:
        """The frame after the one at a place; far away where there is none."""
        place += way
        return self.frames[place] if 0 <= place < len(self.frames) else self._available.start - 2**40

    def _is_last(self, place: int, way: int) -> bool:
        """Whether the scene ends between a place and the next."""
        if self._abandoned or not 0 <= place + way < len(self.frames):
            return True
        return self._scene_ends[min(place, place + way)]

    def _link(self, pair: tuple[int, int]) -> Matrix | None:
        return match_landmarks(self._landmarks[pair[0]], self._landmarks[pair[1]])

    def _ends_scene(self, place: int) -> bool:
        """Whether there is a cut between the frames at this place and the next; read in order, and not kept."""
        views: dict[int, FrameView] = {}

        def view(frame: int) -> FrameView:
            if frame not in views:
                views[frame] = self._view_of(frame)
            return views[frame]

        def motion(first: int) -> CameraMotion:
            return measure_motion(view(first), view(first + 1))

        for first in range(self.frames[place], self.frames[place + 1]):
            known = self._is_cut_after(first)
            if self._abandoned or (is_cut(first, motion, view, self._available) if known is None else known):
                return True
            for old in [frame for frame in views if frame < first - KEPT_FRAMES]:
                del views[old]
        return False


def far_frames(available: range) -> list[int]:
    """Equally spaced, counted from frame 0, so that most stay the same when the range changes; and both its ends."""
    spacing = _spacing(available)
    first = -(-available.start // spacing) * spacing
    return sorted({available.start, *range(first, available.stop, spacing), available.stop - 1})


def _spacing(available: range) -> int:
    return max(SPACING_FRAMES, -(-len(available) // MAX_FRAMES))
