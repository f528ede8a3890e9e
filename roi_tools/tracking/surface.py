"""A shape that follows what it lies on: one matrix per frame, from the keyframe's pixels to that frame's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import TrackingError
from roi_tools.tracking.appearance import colour_cells, colour_shares, sureness
from roi_tools.tracking.region import Matrix, MotionModel, RegionTracker, Registration
from roi_tools.tracking.working import FrameSource, Progress, WorkingFrames

Followed: TypeAlias = Literal["object", "background"]
"""What carries the shape: what lies inside it, or what lies around it."""

_LONG_SIDE_PX = 1280
"""Longest side of the pictures that surfaces are followed on: sub-pixel fits need no more."""
_AROUND_SHARE = 0.75
_LOST, _PATIENCE_FRAMES = 0.15, 5
"""Confidence below which a shape lies on something else, and for how many frames that may be a mistake."""


def track_surface(
    source: FrameSource,
    span: range,
    key_frame: int,
    polygon: NDArray[np.floating],
    model: MotionModel = "similarity",
    follow: Followed = "object",
    progress: Progress = lambda share: None,
    found_one: Callable[[Registration], None] = lambda registration: None,
) -> tuple[Registration, ...]:
    """Follow the region inside ``polygon`` (n, 2; source px, pixel (x, y) covers [x, x + 1)) from ``key_frame``.

    Both directions, rising by frame; each ends where the region is lost, or looks like something else for long. Every
    frame is registered to the keyframe itself where that can be seen, so errors don't add up. The matrices map source
    px of the keyframe to the frame's. The confidence of an object's is also that of its colours. ``progress`` is called
    after every frame and cancels by raising; ``found_one`` gets each frame's as soon as it is there. Raises
    TrackingError where the keyframe is outside ``span`` or the region holds nothing to follow.
    """
    if span.step != 1 or key_frame not in span:
        raise TrackingError(f"frame {key_frame} is not in the frames {span.start} to {span.stop - 1} to track")
    frames = WorkingFrames(source, _LONG_SIDE_PX)
    mask = _mask(frames, key_frame, polygon, follow)
    found = [Registration(key_frame, np.eye(3), 1.0, True)]
    done = 0
    looks = _Looks(frames, key_frame, mask) if follow == "object" else None
    for way in (range(key_frame + 1, span.stop), range(key_frame - 1, span.start - 1, -1)):
        tracker = RegionTracker(frames.gray, key_frame, mask, model)
        if not tracker.can_start:
            raise TrackingError(f"frame {key_frame}: the region shows too little detail to follow; draw it larger")
        for registration in _until_lost(tracker, way, looks):
            found.append(_in_source_px(registration, frames.scale))
            found_one(found[-1])
            done += 1
            progress(min(1.0, done / max(len(span) - 1, 1)))
    progress(1.0)
    return tuple(sorted(found, key=lambda registration: registration.frame))


class _Looks:
    """The colours of the region on its keyframe, and whether they are there on other frames."""

    def __init__(self, frames: WorkingFrames, key_frame: int, mask: NDArray[np.uint8]) -> None:
        self._frames = frames
        self._mask = mask
        self._key = self._colours(key_frame, np.eye(3))

    def weighed(self, registration: Registration) -> Registration:
        """With the confidence that the colours leave: features may agree on a part that a bent thing has kept."""
        sure = sureness(self._key, self._colours(registration.frame, registration.matrix))
        return replace(registration, confidence=sure * math.sqrt(registration.confidence))

    def _colours(self, frame: int, matrix: Matrix) -> NDArray[np.float32]:
        height, width = self._mask.shape
        moved = cv2.warpPerspective(self._mask, matrix, (width, height), flags=cv2.INTER_NEAREST)
        x0, y0, columns, rows = cv2.boundingRect(moved)
        part = np.s_[y0 : y0 + rows, x0 : x0 + columns]
        return colour_shares(colour_cells(self._frames.rgb(frame)[part]), (moved[part] > 0).astype(np.float32))


def _until_lost(tracker: RegionTracker, way: range, looks: _Looks | None) -> Iterable[Registration]:
    """Each frame's, up to the last one before it looks like something else for longer than _PATIENCE_FRAMES."""
    waiting: list[Registration] = []
    for frame in way:
        registration = tracker.follow(frame)
        if registration is None:
            return
        waiting.append(looks.weighed(registration) if looks else registration)
        if looks is None or waiting[-1].confidence > _LOST:
            yield from waiting
            waiting = []
        elif len(waiting) > _PATIENCE_FRAMES:
            return


def _mask(frames: WorkingFrames, frame: int, polygon: NDArray[np.floating], follow: Followed) -> NDArray[np.uint8]:
    mask = np.zeros(frames.gray(frame).shape, np.uint8)
    inside = np.rint(np.asarray(polygon, np.float64) * frames.scale - 0.5).astype(np.int32)
    cv2.fillPoly(mask, [inside], 255)
    if follow == "object":
        return mask
    reach = max(8, round(_AROUND_SHARE * float(np.ptp(inside, axis=0).max())))
    around = cv2.dilate(mask, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return np.asarray(cv2.subtract(around, cv2.dilate(mask, np.ones((9, 9), np.uint8))), np.uint8)


def _in_source_px(registration: Registration, scale: float) -> Registration:
    # OpenCV puts (0, 0) at the centre of the first pixel, shapes put it at its corner.
    out: Matrix = np.array([[1 / scale, 0, 0.5 / scale], [0, 1 / scale, 0.5 / scale], [0, 0, 1]])
    matrix = out @ registration.matrix @ np.linalg.inv(out)
    return Registration(registration.frame, matrix / matrix[2, 2], registration.confidence, registration.is_anchored)
