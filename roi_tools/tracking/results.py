"""From a tracked box to a rectangle with few keyframes that an artist can edit."""

from __future__ import annotations

from collections.abc import Sequence

from roi_tools.errors import TrackingError
from roi_tools.geometry import Box
from roi_tools.shapes import AnimatedRectangle
from roi_tools.simplify import boxes_to_rectangle
from roi_tools.tracking.boxes import TrackedBox


def tracked_rectangle(tracked: Sequence[TrackedBox], slack_px: float = 4.0) -> AnimatedRectangle:
    """The rectangle with few keyframes that covers the tracked boxes, and what was drawn exactly as drawn.

    Away from the drawn frames no edge is further than ``slack_px`` and rounding outside its box. It lasts from the
    first tracked frame to the last; it goes on where frames are missing in between. Raises TrackingError for no box.
    """
    if not tracked:
        raise TrackingError("nothing was tracked, so there is nothing to make a rectangle of")
    first = tracked[0].frame
    boxes: list[Box | None] = [None] * (tracked[-1].frame - first + 1)
    for entry in tracked:
        boxes[entry.frame - first] = entry.rect.outer_box()
    rectangle = boxes_to_rectangle(boxes, slack_px, first)
    for entry in tracked:
        if entry.is_anchor:
            rectangle = _with_anchor(rectangle, entry)
    return rectangle


def _with_anchor(rectangle: AnimatedRectangle, anchor: TrackedBox) -> AnimatedRectangle:
    """``rectangle`` as drawn on the anchor's frame and unchanged on the frames beside it."""
    beside = {frame: rectangle.rect_at(frame) for frame in (anchor.frame - 1, anchor.frame + 1)}
    for frame, rect in beside.items():
        if rect is not None:
            rectangle = rectangle.with_rect(frame, rect)
    return rectangle.with_rect(anchor.frame, anchor.rect)
