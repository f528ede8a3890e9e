"""A box that follows its object: drawn on one frame or several, found on the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import TrackingError
from roi_tools.geometry import Box, Size
from roi_tools.shapes import RectF
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.outline import Outline, OutlineFollower, start_outline
from roi_tools.tracking.picture import PictureFollower
from roi_tools.tracking.working import FrameSource, Progress, WorkingFrames

PATIENCE_FRAMES = 12
"""How long a hidden object is waited for before it counts as lost."""
_SAME_PICTURE = 0.7
"""Correlation above which an object looks as on its keyframe (a new picture of the same thing: about 0.8)."""
_FIRST_LOOK_FRAMES, _UNLIKE_SHARE = 16, 0.6
"""After so many frames, most of which don't look like the keyframe, the others will not either."""
_MOVES = 0.8
"""Share of an object that departs from the background from which on it is something other than that."""
_SMALLEST_PX = 4


@dataclass(frozen=True)
class TrackedBox:
    """The box on one frame; ``confidence`` 0 (a guess while hidden) to 1 (as drawn)."""

    frame: int
    rect: RectF
    confidence: float
    is_anchor: bool = False


def track_box(
    source: FrameSource,
    span: range,
    anchors: Mapping[int, RectF],
    progress: Progress = lambda share: None,
    found_one: Callable[[TrackedBox], None] = lambda box: None,
) -> tuple[TrackedBox, ...]:
    """Follow an object through ``span`` from the boxes that were drawn, rising by frame.

    ``anchors``: frame -> box in source px; they come back as drawn. Forwards from the last one and backwards from the
    first one the track ends where the object is lost for more than PATIENCE_FRAMES; between two anchors the tracks
    from both sides fade into each other. ``progress`` is called after every frame and cancels by raising; ``found_one``
    gets each box as soon as there is one, and again where a later look at the frame changes it. Raises TrackingError
    for a span without frames in order, no anchor, or one outside the span or the picture.
    """
    if span.step != 1 or not anchors or any(frame not in span for frame in anchors):
        raise TrackingError(
            f"a box is tracked from boxes on frames {span.start} to {span.stop - 1}; drawn are {sorted(anchors)}"
        )
    tracker = _BoxTracker(source, span, progress, found_one)
    keys = sorted(anchors)
    tracked = {frame: TrackedBox(frame, anchors[frame], 1.0, True) for frame in keys}
    tracker.expect(keys)
    for start, end in pairwise(keys):
        there = tracker.follow(start, anchors[start], range(start + 1, end))
        back = tracker.follow(end, anchors[end], range(end - 1, start, -1))
        tracked |= {frame: _faded(there.get(frame), back.get(frame), start, end) for frame in {*there, *back}}
    tracked |= tracker.follow(keys[0], anchors[keys[0]], range(keys[0] - 1, span.start - 1, -1))
    tracked |= tracker.follow(keys[-1], anchors[keys[-1]], range(keys[-1] + 1, span.stop))
    return tuple(tracked[frame] for frame in sorted(tracked))


def follow_near(source: FrameSource, span: range, frame: int, rect: RectF, reach_frames: int) -> dict[int, TrackedBox]:
    """The object in ``rect`` (px of the pictures) on up to ``reach_frames`` frames before and after ``frame``.

    The background is known from all of ``span``. Raises TrackingError where the box holds nothing.
    """
    tracker = _BoxTracker(source, span, lambda share: None, lambda box: None)
    after = range(frame + 1, min(frame + reach_frames + 1, span.stop))
    before = range(frame - 1, max(frame - reach_frames, span.start) - 1, -1)
    return tracker.follow(frame, rect, after) | tracker.follow(frame, rect, before)


class _BoxTracker:
    def __init__(
        self, source: FrameSource, span: range, progress: Progress, found: Callable[[TrackedBox], None]
    ) -> None:
        self._found = found
        self._frames = WorkingFrames(source)
        self._camera = Camera(self._frames, span)
        self._span = span
        self._progress = progress
        self._total = self._done = 0

    def expect(self, keys: list[int]) -> None:
        """Count the work: between two keyframes every frame is visited twice, every visit has two passes."""
        outside = keys[0] - self._span.start + self._span.stop - 1 - keys[-1]
        self._total = 2 * (outside + sum(2 * (end - start - 1) for start, end in pairwise(keys)))

    def follow(self, frame: int, rect: RectF, way: range) -> dict[int, TrackedBox]:
        """The object of ``frame`` on the frames of ``way``, up to where it is lost."""
        if not len(way):
            return {}
        key, box = self._start(frame, rect)
        by_picture = self._by_picture(key, box, rect, way)
        if by_picture:
            self._step(len(way))
            return {tracked.frame: tracked for tracked in _until_lost(by_picture)}
        return {tracked.frame: tracked for tracked in _until_lost(self._by_outline(key, rect, way))}

    def _start(self, frame: int, rect: RectF) -> tuple[Outline, Box]:
        image = self._frames.rgb(frame)
        scale = self._frames.scale
        size = Size(image.shape[1], image.shape[0])
        edges = [round(edge * scale) for edge in rect.as_tuple()]
        box = Box(edges[0], edges[1], max(edges[2], edges[0] + 1), max(edges[3], edges[1] + 1)).clipped(size)
        if box is None or min(box.width_px, box.height_px) < _SMALLEST_PX:
            raise TrackingError(
                f"the box {rect.as_tuple()} on frame {frame} is too small or outside the picture; draw it larger"
            )
        return start_outline(self._frames, self._camera, frame, box), box

    def _by_picture(self, key: Outline, box: Box, rect: RectF, way: range) -> list[TrackedBox]:
        """Where the keyframe's picture of it is; none for an object that does not look like it most of the time."""
        follower = PictureFollower(self._frames, self._camera, key.frame, box, key.mask)
        if key.moving > _MOVES and not follower.is_telling():
            return []
        tracked: list[TrackedBox] = []
        unlike = 0
        for frame in way:
            x0, y0, score = follower.follow(frame)
            unlike += score <= _SAME_PICTURE
            if 2 * unlike > len(way) or (len(tracked) > _FIRST_LOOK_FRAMES and unlike > _UNLIKE_SHARE * len(tracked)):
                self._step(len(way) - len(tracked))
                return []
            moved = rect.shifted((x0 - box.x0) / self._frames.scale, (y0 - box.y0) / self._frames.scale)
            tracked.append(TrackedBox(frame, moved, max(score, 0.0)))
            self._found(tracked[-1])
            self._step()
        return tracked

    def _by_outline(self, key: Outline, rect: RectF, way: range) -> list[TrackedBox]:
        """The box on each frame, up to where the object stays hidden; what was doubtful is mended once it is found."""
        follower = OutlineFollower(self._frames, self._camera, key)
        margin = np.zeros(4)
        if key.box is not None:
            margin = np.array(rect.as_tuple()) - np.array(key.box.as_tuple()) / self._frames.scale
        outline, tracked = key, [TrackedBox(key.frame, rect, 1.0)]
        doubtful = hidden = 0
        for frame in way:
            before, outline = outline, follower.follow(outline, frame)
            tracked.append(self._boxed(outline, margin, tracked[-1].rect))
            self._found(tracked[-1])
            self._step()
            if doubtful and outline.has_parted(before):
                self._bridge(outline.within_itself(), margin, tracked, doubtful)
            doubtful = doubtful + 1 if outline.is_doubtful else 0
            hidden = hidden + 1 if tracked[-1].confidence == 0 else 0
            if hidden > PATIENCE_FRAMES:
                break
        return tracked[1:]

    def _boxed(self, outline: Outline, margin: NDArray[np.float64], last: RectF) -> TrackedBox:
        """The artist's margin around what was found; ``last`` where nothing was."""
        found = outline.box if outline.confidence > 0 else None
        if found is None:
            return TrackedBox(outline.frame, last, 0.0)
        x0, y0, x1, y1 = map(float, np.array(found.as_tuple()) / self._frames.scale + margin)
        rect = RectF(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
        return TrackedBox(outline.frame, rect, outline.confidence * outline.plausibility)

    def _bridge(self, outline: Outline, margin: NDArray[np.float64], tracked: list[TrackedBox], count: int) -> None:
        """The ``count`` boxes before the last one are doubtful, ``outline`` is not: it is followed back from there.

        Where that ends, too, the box goes straight from one to the other.
        """
        follower = OutlineFollower(self._frames, self._camera, outline)
        end = len(tracked) - 1
        first = start = end - count
        while end > start:
            outline = follower.follow(outline, tracked[end - 1].frame)
            self._progress(self._share)  # raises where it was cancelled
            if outline.is_doubtful:
                break
            end -= 1
            tracked[end] = self._boxed(outline, margin, tracked[end].rect)
        tracked[start - 1 : end + 1] = _straight(tracked[start - 1 : end + 1])
        for box in tracked[first : first + count]:
            self._found(box)

    def _step(self, count: int = 1) -> None:
        self._done += count
        self._progress(self._share)

    @property
    def _share(self) -> float:
        return min(1.0, self._done / max(self._total, 1))


def _until_lost(boxes: Iterable[TrackedBox]) -> list[TrackedBox]:
    """Up to the last frame before the object stays away for longer than PATIENCE_FRAMES, or for good."""
    kept: list[TrackedBox] = []
    missing = 0
    for box in boxes:
        missing = missing + 1 if box.confidence == 0 else 0
        if missing > PATIENCE_FRAMES:
            break
        kept.append(box)
    while kept and kept[-1].confidence == 0:
        kept.pop()
    return kept


def _straight(boxes: Sequence[TrackedBox]) -> list[TrackedBox]:
    """Those between the first and the last one on the straight way from one to the other."""
    first, last = (np.array(boxes[index].rect.as_tuple()) for index in (0, -1))
    shares = np.linspace(0, 1, len(boxes))[1:-1]
    edges = ((1 - share) * first + share * last for share in shares)
    between = (replace(box, rect=RectF(*map(float, edge))) for box, edge in zip(boxes[1:-1], edges, strict=True))
    return [boxes[0], *between, boxes[-1]]


def _faded(there: TrackedBox | None, back: TrackedBox | None, start: int, end: int) -> TrackedBox:
    """Between two anchors: the nearer and surer track counts more."""
    if there is None or back is None:
        only = there or back
        assert only is not None
        return only
    forward = (there.confidence + 0.01) * (end - there.frame)
    backward = (back.confidence + 0.01) * (there.frame - start)
    share = backward / (forward + backward)
    edges = (1 - share) * np.array(there.rect.as_tuple()) + share * np.array(back.rect.as_tuple())
    confidence = (1 - share) * there.confidence + share * back.confidence
    return replace(there, rect=RectF(*map(float, edges)), confidence=float(confidence))
