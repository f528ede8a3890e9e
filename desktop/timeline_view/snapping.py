"""What a drag on the strip snaps to. Without Qt."""

from __future__ import annotations

from collections.abc import Iterable

from desktop.editing.markers import marker_places
from desktop.editing.timeline_map import ShotSpan, spans
from timeline.project import Project
from timeline.shot import Shot

REACH_PX = 7.0


def snapped(frame: int, targets: Iterable[int], px_per_frame: float) -> int:
    """The nearest of ``targets`` within reach of ``frame``, else ``frame``."""
    nearest = min(targets, key=lambda target: abs(target - frame), default=frame)
    return nearest if abs(nearest - frame) * px_per_frame <= REACH_PX else frame


def media_targets(shot: Shot, *, without_key: tuple[str, int] | None = None) -> set[int]:
    """Media frames of a shot that its edges and keyframes snap to: markers and keyframes.

    ``without_key``: removal and frame of the keyframe that is dragged itself.
    """
    keys = {(removal.id, frame) for removal in shot.removals for frame in removal.shape.key_frames}
    return {marker.frame for marker in shot.markers} | {frame for _, frame in keys - {without_key}}


def timeline_targets(project: Project, current: ShotSpan | None) -> set[int]:
    """Timeline frames that the playhead snaps to: markers, cuts, keyframes of the current shot."""
    targets = {place.frame for place in marker_places(project)} | {span.start for span in spans(project)}
    if current:
        targets |= {current.timeline_frame(frame) for frame in media_targets(current.shot)}
    return targets
