"""What a drag on the timeline strip takes hold of: a shot's edge or a keyframe. Without Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from desktop.editing.timeline_map import ShotSpan
from desktop.timeline_view.snapping import snapped
from desktop.timeline_view.timeline_layout import TimelineLayout

EDGE_REACH_PX = 5.0


class Edge(Enum):
    """A shot's first or last frame."""

    START = "start"
    END = "end"


@dataclass(frozen=True)
class TrimDrag:
    """``frame`` is the edge's media frame (the end's is exclusive) when the drag began, at widget ``x``."""

    shot_id: str
    edge: Edge
    frame: int
    x: float
    layout: TimelineLayout
    targets: frozenset[int] = frozenset()
    """Media frames that it snaps to: the shot's first or last one."""

    def frame_at(self, x: float) -> int:
        """Where the edge is with the cursor at ``x``."""
        last = 1 if self.edge is Edge.END else 0
        frame = self.frame - last + round((x - self.x) / self.layout.px_per_frame)
        return snapped(frame, self.targets, self.layout.px_per_frame) + last


@dataclass
class KeyDrag:
    """A keyframe on media frame ``frame`` is held; it follows the cursor."""

    removal_id: str
    frame: int
    shift_frames: int
    """Media frame minus timeline frame."""
    layout: TimelineLayout
    targets: frozenset[int] = field(default_factory=frozenset)
    """Media frames that it snaps to."""

    def frame_at(self, x: float) -> int:
        """The media frame under the cursor."""
        return snapped(self.layout.frame_at(x) + self.shift_frames, self.targets, self.layout.px_per_frame)


def edge_at(spans: Sequence[ShotSpan], layout: TimelineLayout, x: float) -> tuple[ShotSpan, Edge] | None:
    """The shot edge within reach of ``x``, approached from inside its shot where two shots meet."""
    for span in spans:
        left, right = layout.x_of(span.start), layout.x_of(span.end_exclusive)
        if right - left < 4 * EDGE_REACH_PX:
            continue
        if left - (EDGE_REACH_PX if span.start == 0 else 0) <= x <= left + EDGE_REACH_PX:
            return span, Edge.START
        if right - EDGE_REACH_PX <= x < right:
            return span, Edge.END
    if spans and 0 <= x - layout.x_of(spans[-1].end_exclusive) <= EDGE_REACH_PX:
        return spans[-1], Edge.END
    return None
