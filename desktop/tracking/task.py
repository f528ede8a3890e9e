"""Tracking of one removal: what is followed over which frames, and what becomes of the shapes. Without Qt.

Keyframes that an artist set are anchors: they stay as they are, and errors don't go past them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from desktop.base.language import tr
from desktop.roto.points import Array, outline_points, points_at, with_points_at
from desktop.roto.transforms import transformed
from roi_tools.errors import TrackingError
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.roto.outlines import transform_at
from roi_tools.shapes import AnimatedRectangle, RectF
from timeline.marking import Marking, RotoMarking, key_frames_of, shape_bounds
from timeline.shot import Shot

if TYPE_CHECKING:
    from roi_tools.tracking.boxes import TrackedBox
    from roi_tools.tracking.region import MotionModel, Registration
    from roi_tools.tracking.surface import Followed
    from roi_tools.tracking.working import FrameSource

Direction: TypeAlias = Literal["forward", "backward", "both", "one_forward", "one_backward"]


class Cancelled(Exception):
    """A person stopped the tracking."""


@dataclass(frozen=True)
class TrackOptions:
    """What carries a shape, and how it may move. A box that follows its object needs no model."""

    follow: Followed = "object"
    model: MotionModel = "similarity"


@dataclass(frozen=True)
class Found:
    """What is there on one frame: ``rect`` of a box, ``matrix`` of shapes (keyframe to this frame, frame px)."""

    frame: int
    confidence: float
    rect: RectF | None = None
    matrix: Array | None = field(default=None, compare=False)
    start_frame: int = 0
    """The frame from which ``matrix`` leads here."""


@dataclass(frozen=True)
class TrackTask:
    """``span`` are media frames, half-open and rising; ``start`` is the frame whose shapes are followed."""

    marking: Marking
    labels: frozenset[str]
    """The shapes to carry; of no meaning for a box."""
    span: range
    start: int
    anchors: tuple[int, ...]
    """Frames of ``span`` that an artist keyed, rising; ``start`` is one of them."""
    options: TrackOptions

    @property
    def is_of_object_box(self) -> bool:
        """Whether a box follows its object."""
        return isinstance(self.marking, AnimatedRectangle) and self.options.follow == "object"


@dataclass(frozen=True)
class TrackOutcome:
    """What was found, by frame; frames of ``span`` that are missing were lost."""

    task: TrackTask
    found: Mapping[int, Found]

    @property
    def lost(self) -> tuple[int, ...]:
        """Frames where it was not found, rising."""
        return tuple(frame for frame in self.task.span if frame not in self.found)


Tell: TypeAlias = Callable[[float, Found | None], None]
"""Called after every frame with the share done and what is new. What it raises ends the tracking."""


def span_of_direction(shot: Shot, frame: int, direction: Direction) -> range:
    """The frames to track from ``frame`` on: to the shot's end, its start, both, or one frame."""
    first, last = shot.source_start, shot.source_end_exclusive - 1
    start = {"backward": first, "both": first, "one_backward": max(first, frame - 1)}.get(direction, frame)
    end = {"forward": last, "both": last, "one_forward": min(last, frame + 1)}.get(direction, frame)
    return range(start, end + 1)


def make_task(
    shot: Shot,
    marking: Marking,
    labels: frozenset[str],
    frame: int,
    direction: Direction,
    options: TrackOptions,
    tracked: Mapping[int, tuple[float, ...]],
) -> TrackTask:
    """The task of following a removal from ``frame``. ``tracked`` are keyframes of a box that an earlier track set.

    Raises TrackingError where there is nothing on the frame, or no frame to track to.
    """
    span = span_of_direction(shot, frame, direction)
    if len(span) < 2:
        raise TrackingError(tr("there is no further frame in this direction; go to another frame of the shot"))
    if marking.rect_at(frame) is None:
        raise TrackingError(
            tr("nothing is marked on frame {frame}; go to a frame where the box or shape is").format(frame=frame)
        )
    return TrackTask(marking, labels, span, frame, _anchors(marking, labels, span, frame, tracked), options)


def _anchors(
    marking: Marking, labels: frozenset[str], span: range, frame: int, tracked: Mapping[int, tuple[float, ...]]
) -> tuple[int, ...]:
    if isinstance(marking, RotoMarking):
        keyed = {key for shape in marking.layer.shapes if shape.label in labels for key in key_frames_of(shape)}
    else:
        keyed = {key.frame for key in marking.track.keys if tracked.get(key.frame) != key.value}
    return tuple(sorted({frame, *(key for key in keyed if key in span)}))


# --- tracking -----------------------------------------------------------------------------------------------------


def run_task(task: TrackTask, source: FrameSource, tell: Tell) -> TrackOutcome:
    """Follow it. A Cancelled raised by ``tell`` keeps what was found. Raises RoiError where it cannot be followed."""
    found: dict[int, Found] = {}

    def note(share: float, one: Found | None) -> None:
        if one is not None:
            found[one.frame] = one
        tell(share, one)

    try:
        if task.is_of_object_box:
            final = _run_box(task, source, note)
            found = {one.frame: one for one in final}
        else:
            _run_surface(task, source, note)
    except Cancelled:
        pass
    return TrackOutcome(task, found)


def _run_box(task: TrackTask, source: FrameSource, note: Tell) -> list[Found]:
    from roi_tools.tracking.boxes import track_box  # loads OpenCV; not before something is tracked

    anchors = {frame: rect for frame in task.anchors if (rect := task.marking.rect_at(frame)) is not None}

    def found_one(box: TrackedBox) -> None:
        note(0.0, Found(box.frame, box.confidence, box.rect))

    boxes = track_box(source, task.span, anchors, lambda share: note(share, None), found_one)
    return [Found(box.frame, box.confidence, box.rect) for box in boxes]


def _run_surface(task: TrackTask, source: FrameSource, note: Tell) -> None:
    """From each anchor away from the start, as far as the next one, so that errors don't go past what was drawn."""
    from roi_tools.tracking.surface import track_surface

    done, total = 0, max(len(task.span), 1)
    note(0.0, Found(task.start, 1.0, matrix=np.eye(3), start_frame=task.start))
    for key, stretch in _stretches(task):
        reached: dict[int, Found] = {}
        before = done

        def found_one(one: Registration, key: int = key, reached: dict[int, Found] = reached) -> None:
            reached[one.frame] = Found(one.frame, one.confidence, matrix=one.matrix, start_frame=key)
            note(0.0, reached[one.frame])

        def progress(share: float, before: int = before, length: int = len(stretch)) -> None:
            note(min(1.0, (before + share * length) / total), None)

        polygon = _polygon(task, key)
        track_surface(source, stretch, key, polygon, task.options.model, task.options.follow, progress, found_one)
        end = stretch[-1] if key == stretch[0] else stretch[0]
        if end in task.anchors and end not in reached:  # lost on the way, but drawn there: it goes on from there
            nearest = min(reached, key=lambda frame: abs(frame - end), default=None)
            matrix = reached[nearest].matrix if nearest is not None else np.eye(3)
            note(0.0, Found(end, 0.0, matrix=matrix, start_frame=key))
        done += len(stretch)


def _stretches(task: TrackTask) -> list[tuple[int, range]]:
    """(anchor, frames that are followed from it): away from the start, up to the next anchor or the span's end."""
    span, start = task.span, task.start
    later = [anchor for anchor in task.anchors if anchor >= start]
    earlier = [anchor for anchor in task.anchors if anchor <= start][::-1]
    forwards = [(key, range(key, end + 1)) for key, end in pairwise([*later, span[-1]])]
    backwards = [(key, range(end, key + 1)) for key, end in pairwise([*earlier, span[0]])]
    return [(key, stretch) for key, stretch in [*forwards, *backwards] if len(stretch) > 1]


def _polygon(task: TrackTask, frame: int) -> Array:
    """The outline to follow on an anchor's frame: around all shapes that are carried."""
    if isinstance(task.marking, AnimatedRectangle):
        rect = task.marking.rect_at(frame)
        if rect is None:
            raise TrackingError(
                tr("the box is not there on frame {frame}; track within its frames").format(frame=frame)
            )
        return np.array([[rect.x0, rect.y0], [rect.x1, rect.y0], [rect.x1, rect.y1], [rect.x0, rect.y1]])
    shapes = [shape for shape in task.marking.layer.shapes if shape.label in task.labels]
    if not shapes:
        raise TrackingError(tr("no shape is selected to track; select one, or unlock the shapes"))
    if len(shapes) == 1 and not shapes[0].is_open:
        return outline_points(shapes[0], frame)
    bounds = [rect for shape in shapes if (rect := shape_bounds(replace(shape, is_inverted=False), frame))]
    edges = np.array([rect.as_tuple() for rect in bounds])
    (x0, y0), (x1, y1) = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


# --- what becomes of the shapes -----------------------------------------------------------------------------------


def applied(marking: Marking, outcome: TrackOutcome) -> Marking:
    """``marking`` with what was found. Raises TrackingError where nothing was."""
    found = [outcome.found[frame] for frame in sorted(outcome.found)]
    if len(found) < 2 and not (set(outcome.found) - {outcome.task.start}):
        raise TrackingError(
            f"it was lost right after frame {outcome.task.start}; draw it closer around what can be seen, or try "
            "another motion model"
        )
    if isinstance(marking, AnimatedRectangle):
        return _applied_to_box(marking, outcome.task, found)
    layer = replace(
        marking.layer, shapes=tuple(_applied_to_shape(s, outcome.task, found) for s in marking.layer.shapes)
    )
    return marking.with_layer(layer)


def tracked_keys(
    before: Mapping[int, tuple[float, ...]], outcome: TrackOutcome, after: Marking
) -> dict[int, tuple[float, ...]]:
    """The keyframes of a box that tracks have set, ``before`` and with one more, which made ``after`` of it."""
    if not isinstance(after, AnimatedRectangle):
        return {}
    span, anchors = outcome.task.span, outcome.task.anchors
    keys = {frame: value for frame, value in before.items() if frame not in span}
    return keys | {key.frame: key.value for key in after.track.keys if key.frame in span and key.frame not in anchors}


def _applied_to_box(box: AnimatedRectangle, task: TrackTask, found: Sequence[Found]) -> AnimatedRectangle:
    first, last = found[0].frame, found[-1].frame
    tracked = _few_keys(box, task, found) if last - first > 1 else _exact_keys(box, task, found)
    kept = [key for key in box.track.keys if not first <= key.frame <= last]
    keys = {key.frame: key for key in (*kept, *tracked.keys)}
    # Before and behind what was tracked the box stays as it was, so its own value stands at the ends.
    for frame in (first, last):
        keys.setdefault(frame, Keyframe(frame, tracked.value_at(frame)))
    return replace(box, track=Track.of(keys.values()))


def _few_keys(box: AnimatedRectangle, task: TrackTask, found: Sequence[Found]) -> Track:
    """Few keyframes that cover every box with a little room."""
    from roi_tools.tracking.boxes import TrackedBox
    from roi_tools.tracking.results import tracked_rectangle

    boxes = [TrackedBox(one.frame, _rect(box, one, task), one.confidence, one.frame in task.anchors) for one in found]
    return tracked_rectangle(boxes).track


def _exact_keys(box: AnimatedRectangle, task: TrackTask, found: Sequence[Found]) -> Track:
    """Of single steps: room added to each would let the box grow from step to step."""
    return Track.of(Keyframe(one.frame, _rect(box, one, task).as_tuple()) for one in found)


def _rect(box: AnimatedRectangle, one: Found, task: TrackTask) -> RectF:
    drawn = box.rect_at(one.frame) if one.frame in task.anchors else None
    if drawn is not None:
        return drawn
    if one.rect is not None:
        return one.rect
    start = box.rect_at(one.start_frame)
    assert start is not None
    return mapped_rect(start, one.matrix)


def _applied_to_shape(shape: Shape, task: TrackTask, found: Sequence[Found]) -> Shape:
    if shape.label not in task.labels:
        return shape
    by_frame = _transforms(shape, task, found)
    keys = {} if len(shape.transform.keys) == 1 else {key.frame: key for key in shape.transform.keys}
    for frame, matrix in by_frame.items():
        keys[frame] = Keyframe(frame, tuple(map(float, (matrix / matrix[2, 2]).ravel())))
    carried = replace(shape, transform=Track.of(keys.values()))
    for frame in key_frames_of(shape):
        carried = _as_seen(shape, carried, frame)
    return carried


def _transforms(shape: Shape, task: TrackTask, found: Sequence[Found]) -> dict[int, Array]:
    """The shape's new transform by frame: away from the start, from anchor to anchor, each going on from the last."""
    result = {task.start: transform_at(shape, task.start)}
    for one in sorted(found, key=lambda one: abs(one.frame - task.start)):
        if one.frame != task.start:
            assert one.matrix is not None
            result[one.frame] = one.matrix @ result[one.start_frame]
    return result


def _as_seen(before: Shape, after: Shape, frame: int) -> Shape:
    """``after`` with the keyframe on ``frame`` where it is seen in ``before``."""
    if after.has_parameters:
        back = transform_at(before, frame) @ np.linalg.inv(transform_at(after, frame))
        back /= back[2, 2]
        return after if np.allclose(back, np.eye(3), atol=1e-9) else transformed(after, frame, None, back)
    seen = points_at(before, frame)
    if np.allclose(points_at(after, frame), seen, atol=1e-9):
        return after
    return with_points_at(after, frame, seen)


def without_track(marking: Marking, labels: frozenset[str]) -> Marking:
    """Roto whose shapes no longer follow anything; each stays where it is seen on its keyframes."""
    if not isinstance(marking, RotoMarking):
        return marking
    shapes = []
    for shape in marking.layer.shapes:
        if shape.label in labels and len(shape.transform.keys) > 1:
            still = replace(shape, transform=Track((Keyframe(0, (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)),)))
            for frame in key_frames_of(shape):
                still = _as_seen(shape, still, frame)
            shape = still
        shapes.append(shape)
    return marking.with_layer(RotoLayer(marking.layer.name, tuple(shapes), marking.layer.shutter_frames,
                                        marking.layer.shutter_samples))  # fmt: skip


def live_place(marking: Marking, one: Found, labels: frozenset[str]) -> tuple[RectF | None, RotoLayer | None]:
    """The box or the shapes on a frame as a running track has them."""
    if isinstance(marking, AnimatedRectangle):
        start = marking.rect_at(one.start_frame)
        return one.rect or (None if start is None else mapped_rect(start, one.matrix)), None
    if one.matrix is None:
        return None, None
    matrix = one.matrix
    shapes = []
    for shape in marking.layer.shapes:
        if shape.label in labels:
            own = matrix @ transform_at(shape, one.start_frame)
            key = Keyframe(one.frame, tuple(map(float, (own / own[2, 2]).ravel())))
            shape = replace(shape, transform=Track((key,)))
        shapes.append(shape)
    return None, replace(marking.layer, shapes=tuple(shapes))


def mapped_rect(rect: RectF, matrix: Array | None) -> RectF:
    """The bounds of a rectangle through a (3, 3) matrix; None: as it is."""
    if matrix is None:
        return rect
    corners = np.array([[rect.x0, rect.y0], [rect.x1, rect.y0], [rect.x1, rect.y1], [rect.x0, rect.y1]])
    moved = np.column_stack([corners, np.ones(4)]) @ matrix.T
    places = moved[:, :2] / moved[:, 2:]
    (x0, y0), (x1, y1) = places.min(axis=0), places.max(axis=0)
    return RectF(float(x0), float(y0), max(float(x1), float(x0) + 1), max(float(y1), float(y0) + 1))
