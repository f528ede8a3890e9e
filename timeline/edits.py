"""Edits: pure functions from a project to a new project.

An edit that does not apply raises EditError and changes nothing. Frames are media frames, ranges are half-open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import count

from timeline.errors import EditError
from timeline.linking import companions_of, gone_along, with_companions
from timeline.project import Project
from timeline.removal import ParameterValue, Removal, new_id
from timeline.shot import Shot


def add_shot(project: Project, shot: Shot, index: int | None = None) -> Project:
    """The project with ``shot`` before the shot at ``index``, on the track of the one before it.

    Without an index it stands at the end of the lowest track.
    """
    position = sum(other.track == 0 for other in project.shots) if index is None else index
    if not 0 <= position <= len(project.shots):
        raise EditError(
            f"there is no place {position} among {len(project.shots)} shots; give 0 to {len(project.shots)}"
        )
    track = project.shots[max(position - 1, 0)].track if index is not None and project.shots else 0
    placed = replace(shot, track=track, gap_before_frames=0)
    return replace(project, shots=(*project.shots[:position], placed, *project.shots[position:]))


def remove_shot(project: Project, shot_id: str) -> Project:
    """The project without a shot; those behind it on its track move up."""
    removed = project.shot(shot_id)
    position = project.shots.index(removed)
    behind = next((shot for shot in project.shots[position + 1 :] if shot.track == removed.track), None)
    project = _with_shots(project, shot_id, lambda shot: ())
    if behind is None or not removed.gap_before_frames:
        return project
    gap_frames = behind.gap_before_frames + removed.gap_before_frames
    return _with_shots(project, behind.id, lambda shot: (replace(shot, gap_before_frames=gap_frames),))


def rename_shot(project: Project, shot_id: str, name: str) -> Project:
    """The project with a shot under another name."""
    return _with_shots(project, shot_id, lambda shot: (replace(shot, name=name),))


def distinct_name(project: Project, name: str) -> str:
    """``name``, or where a shot has it already ``name 2``, ``name 3`` ...; a number at its end is counted on."""
    taken = {shot.name for shot in project.shots}
    if not name or name not in taken:
        return name
    stem = re.sub(r" \d+$", "", name)
    return next(numbered for number in count(2) if (numbered := f"{stem} {number}") not in taken)


def trim_shot(project: Project, shot_id: str, source_start: int, source_end_exclusive: int) -> Project:
    """The project with a shot that shows another range of its media. Removals keep their media frames."""
    shot = project.shot(shot_id)
    last = shot.media_frame_count
    if source_start < 0 or (last is not None and source_end_exclusive > last):
        known = f"0 to {last - 1}" if last is not None else "from 0"
        raise EditError(
            f"shot '{shot.name}' cannot show media frames {source_start} to {source_end_exclusive - 1}; "
            f"its media has frames {known}"
        )
    trimmed = replace(shot, source_start=source_start, source_end_exclusive=source_end_exclusive)
    return _with_shots(project, shot_id, lambda shot: (trimmed,))


def split_shot(project: Project, shot_id: str, frame: int) -> Project:
    """The project with a shot cut in two; the second part starts at the media frame ``frame``.

    The first part keeps name and identifiers; the second is a new shot with copies of the removals.
    """

    def halves(shot: Shot) -> tuple[Shot, Shot]:
        first, second = _halves(shot, frame)
        return first, replace(second, name=distinct_name(project, shot.name))

    return _with_shots(project, shot_id, halves)


def split_shot_at_cuts(project: Project, shot_id: str, frames: Iterable[int]) -> Project:
    """The project with a shot cut at each of the media frames that lie inside it (see timeline.shot_detection)."""
    shot = project.shot(shot_id)
    inside = {frame for frame in frames if shot.source_start < frame < shot.source_end_exclusive}
    rest_id = shot_id
    for frame in sorted(inside):
        project = split_shot(project, rest_id, frame)
        rest_id = project.shots[project.shots.index(project.shot(rest_id)) + 1].id
    return project


def relink_shot(project: Project, shot_id: str, media: Shot) -> Project:
    """The project with a shot that shows the media of ``media`` (see ``Shot.from_media``).

    Where both have timecode, and where the shot comes from an edit list that knows timecode only, it goes on showing
    the same timecode as far as the media has it; else the same media frames.
    """
    shot = project.shot(shot_id)
    start, end = _relinked_range(shot, media)
    if media.media_frame_count is not None and end > media.media_frame_count:
        raise EditError(
            f"shot '{shot.name}' shows media frames {start} to {end - 1}, '{media.media_path}' has only "
            f"{media.media_frame_count}; trim the shot first or choose longer media"
        )
    linked = replace(
        shot,
        media_path=media.media_path,
        media_rate=media.media_rate,
        media_start=media.media_start,
        media_frame_count=media.media_frame_count,
        source_start=start,
        source_end_exclusive=end,
    )
    return _with_shots(project, shot_id, lambda shot: (linked,))


def add_removal(project: Project, shot_id: str, removal: Removal) -> Project:
    """The project with one more removal on a shot; it runs after the others."""
    return _with_removals(project, shot_id, lambda removals: (*removals, removal))


def update_removal(project: Project, shot_id: str, removal: Removal) -> Project:
    """The project with the removal of the same identifier replaced by ``removal``.

    Where its shape was moved, companions (timeline.linking) go along: of its own layer, and of the shot.
    """
    before = project.shot(shot_id).removal(removal.id)
    after = replace(removal, shape=with_companions(removal.shape, before.shape))

    def changed(old: Removal) -> Removal:
        if old.id == removal.id:
            return after
        if old.linked_to != removal.id:
            return old
        return replace(old, shape=gone_along(old.shape, before.shape, after.shape))

    return _with_removals(project, shot_id, lambda removals: tuple(map(changed, removals)))


def link_removal(project: Project, shot_id: str, removal_id: str, leader_id: str) -> Project:
    """The project with a removal whose shape goes along with that of another one of the shot from now on.

    A companion leads nobody: a link to one leads to its leader, and a removal that leads others cannot be linked.
    """
    shot = project.shot(shot_id)
    removal, leader = shot.removal(removal_id), shot.removal(leader_id)
    if any(leader.linked_to == other.id for other in shot.removals):
        leader = shot.removal(leader.linked_to)
    if removal.id == leader.id:
        raise EditError(f"removal '{removal.label}' cannot go along with itself; choose another one")
    if companions_of(shot, removal.id):
        raise EditError(f"removal '{removal.label}' leads others; unlink these first")
    return _with_link(project, shot_id, removal, leader.id)


def unlink_removal(project: Project, shot_id: str, removal_id: str) -> Project:
    """The project with a removal that goes along with no other one any more; its shape stays as it is."""
    return _with_link(project, shot_id, project.shot(shot_id).removal(removal_id), "")


def _with_link(project: Project, shot_id: str, removal: Removal, leader_id: str) -> Project:
    linked = replace(removal, linked_to=leader_id)
    return _with_removals(
        project, shot_id, lambda removals: tuple(linked if old.id == removal.id else old for old in removals)
    )


def remove_removal(project: Project, shot_id: str, removal_id: str) -> Project:
    """The project without a removal; its companions are linked to none any more."""
    project.shot(shot_id).removal(removal_id)
    kept = (
        replace(old, linked_to="") if old.linked_to == removal_id else old
        for old in project.shot(shot_id).removals
        if old.id != removal_id
    )
    return _with_removals(project, shot_id, lambda removals: tuple(kept))


def rename_removal(project: Project, shot_id: str, removal_id: str, label: str) -> Project:
    """The project with a removal under another label."""
    return update_removal(project, shot_id, replace(project.shot(shot_id).removal(removal_id), label=label))


def set_parameter(project: Project, shot_id: str, removal_id: str, name: str, value: ParameterValue) -> Project:
    """The project with one parameter of a removal's effect set; the effect's host checks its range."""
    removal = project.shot(shot_id).removal(removal_id)
    return update_removal(project, shot_id, replace(removal, parameters={**removal.parameters, name: value}))


def set_effect(project: Project, shot_id: str, removal_id: str, effect: str) -> Project:
    """The project with a removal done by another effect, at that effect's defaults."""
    removal = project.shot(shot_id).removal(removal_id)
    return update_removal(project, shot_id, replace(removal, effect=effect, parameters={}, parameter_tracks={}))


def _relinked_range(shot: Shot, media: Shot) -> tuple[int, int]:
    knows_timecode_only = shot.media_frame_count is None
    shift_frames = media.media_start - shot.media_start
    start, end = shot.source_start, shot.source_end_exclusive
    if knows_timecode_only:
        start, end = (_recounted(frame, shot.media_rate, media.media_rate) for frame in (start, end))
        if media.media_start == 0 and media.media_frame_count is not None and start >= media.media_frame_count:
            # Media without timecode begin at a full hour, as editors have it.
            hour_frames = 3600 * round(media.media_rate)
            shift_frames = start // hour_frames * hour_frames
    start, end = start - shift_frames, end - shift_frames
    knows_timecode = knows_timecode_only or (shot.media_start > 0 and media.media_start > 0)
    fits = 0 <= start < end and (media.media_frame_count is None or end <= media.media_frame_count)
    if knows_timecode and (
        fits or (knows_timecode_only and start >= 0)
    ):  # what does not fit is told in the media's frames
        return start, end
    return shot.source_start, shot.source_end_exclusive


def _recounted(frame: int, counted_at: Fraction, rate: Fraction) -> int:
    """A timecode that was counted at one rate as a count at another: its seconds stay, and its frames."""
    before, now = round(counted_at), round(rate)
    seconds, rest = divmod(frame, before)
    return frame if before == now else seconds * now + rest


def _halves(shot: Shot, frame: int) -> tuple[Shot, Shot]:
    if not shot.source_start < frame < shot.source_end_exclusive:
        raise EditError(
            f"shot '{shot.name}' cannot be split at media frame {frame}; "
            f"give one of {shot.source_start + 1} to {shot.source_end_exclusive - 1}"
        )
    ids = {removal.id: new_id() for removal in shot.removals}
    copies = tuple(
        replace(removal, id=ids[removal.id], linked_to=ids.get(removal.linked_to, "")) for removal in shot.removals
    )
    before = tuple(marker for marker in shot.markers if marker.frame < frame)
    behind = tuple(marker for marker in shot.markers if marker.frame >= frame)
    second = replace(shot, id=new_id(), source_start=frame, removals=copies, markers=behind, gap_before_frames=0)
    return replace(shot, source_end_exclusive=frame, markers=before), second


def _with_shots(project: Project, shot_id: str, change: Callable[[Shot], tuple[Shot, ...]]) -> Project:
    position = project.shots.index(project.shot(shot_id))
    changed = change(project.shots[position])
    return replace(project, shots=(*project.shots[:position], *changed, *project.shots[position + 1 :]))


def _with_removals(
    project: Project, shot_id: str, change: Callable[[tuple[Removal, ...]], tuple[Removal, ...]]
) -> Project:
    return _with_shots(project, shot_id, lambda shot: (replace(shot, removals=change(shot.removals)),))
