"""What drags on the timeline strip do to the document. Without Qt; each drag is one undo step."""

from __future__ import annotations

from dataclasses import replace

from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.editing.timeline_map import span_of
from timeline import edits
from timeline.marking import Marking, with_moved_key
from timeline.shot import Shot


def trim_start(session: Session, shot_id: str, frame: int) -> None:
    """Let a shot begin with media frame ``frame``, as far as its media has it; the playhead goes there."""
    shot = session.project.shot(shot_id)
    start = min(max(frame, 0), shot.source_end_exclusive - 1)
    _trim(session, shot, start, shot.source_end_exclusive)
    session.go_to_media_frame(shot_id, start)


def trim_end(session: Session, shot_id: str, end_exclusive: int) -> None:
    """Let a shot end before media frame ``end_exclusive``, as far as its media has it; the playhead goes there."""
    shot = session.project.shot(shot_id)
    known = shot.media_frame_count if shot.media_frame_count is not None else shot.source_end_exclusive
    end = min(max(end_exclusive, shot.source_start + 1), known)
    _trim(session, shot, shot.source_start, end)
    session.go_to_media_frame(shot_id, end - 1)


def trim_start_here(session: Session) -> None:
    """The shot under the playhead begins with this frame."""
    place = session.place
    if place:
        trim_start(session, place.shot.id, place.media_frame)
        session.end_gesture()


def trim_end_here(session: Session) -> None:
    """The shot under the playhead ends with this frame."""
    place = session.place
    if place:
        trim_end(session, place.shot.id, place.media_frame + 1)
        session.end_gesture()


def _trim(session: Session, shot: Shot, start: int, end_exclusive: int) -> None:
    trimmed = edits.trim_shot(session.project, shot.id, start, end_exclusive)
    session.apply(tr("Trim Shot"), trimmed, f"trim {shot.id}")


def key_limits(shot: Shot, shape: Marking, frame: int) -> range:
    """Where the keyframe on media frame ``frame`` can go: between its neighbours, on frames that the shot shows."""
    before = [key for key in shape.key_frames if key < frame]
    after = [key for key in shape.key_frames if key > frame]
    first = max(before[-1] + 1 if before else shot.source_start, shot.source_start)
    end = min(after[0] if after else shot.source_end_exclusive, shot.source_end_exclusive)
    return range(first, end)


def move_keyframe(session: Session, removal_id: str, frame: int, to: int) -> int:
    """Move a keyframe of a removal of the shot under the playhead, no further than it can go; returns where it is."""
    span = session.span
    if span is None:
        return frame
    removal = span.shot.removal(removal_id)
    limits = key_limits(span.shot, removal.shape, frame)
    if frame not in removal.shape.key_frames or not limits:
        return frame
    to = min(max(to, limits.start), limits.stop - 1)
    shape = with_moved_key(removal.shape, frame, to) if to != frame else removal.shape
    moved = edits.update_removal(session.project, span.shot.id, replace(removal, shape=shape))
    session.apply(tr("Move Keyframe"), moved, f"move key {removal_id}")
    now = span_of(session.project, span.shot.id)
    if now:
        session.go_to(now.timeline_frame(to))
    return to
