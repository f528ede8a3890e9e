"""What a person can do to the document, as functions on a Session. Without Qt; each is one undo step."""

from __future__ import annotations

from dataclasses import replace

from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.editing.timeline_map import span_of
from engine.protocol import ParameterDescriptor, ParameterValue
from roi_tools.geometry import Size
from roi_tools.keyframes import Interpolation
from roi_tools.shapes import AnimatedRectangle, RectF
from timeline import edits
from timeline.marking import interpolation_at, with_interpolation, with_key_here
from timeline.removal import Removal, new_id
from timeline.shot import Shot


def add_shots(session: Session, shots: list[Shot]) -> None:
    """Append shots and go to the first of them."""
    if not shots:
        return
    project, named = session.project, []
    for shot in shots:
        # Footage is often called the same in every folder.
        named.append(replace(shot, name=edits.distinct_name(project, shot.name)))
        project = edits.add_shot(project, named[-1])
    shots = named
    one, several = tr("Add '{name}'"), tr("Add {count} Shots")
    label = one.format(name=shots[0].name) if len(shots) == 1 else several.format(count=len(shots))
    session.apply(label, project)
    session.go_to_media_frame(shots[0].id, shots[0].source_start)


def remove_shot(session: Session) -> None:
    """Take the shot under the playhead off the timeline."""
    shot = session.shot
    if shot:
        session.apply(tr("Remove '{name}'").format(name=shot.name), edits.remove_shot(session.project, shot.id))


def rename_shot(session: Session, name: str) -> None:
    """Give the shot under the playhead another name."""
    shot = session.shot
    if shot and name.strip():
        session.apply(tr("Rename Shot"), edits.rename_shot(session.project, shot.id, name.strip()))


def split_shot(session: Session) -> None:
    """Cut the shot under the playhead in two, the second part starting at the playhead."""
    place = session.place
    if place and place.media_frame > place.shot.source_start:
        session.apply(tr("Split Shot"), edits.split_shot(session.project, place.shot.id, place.media_frame))


def split_at_cuts(session: Session, shot_id: str, cuts: list[int]) -> int:
    """Cut a shot at each of these media frames; returns how many cuts lie inside it."""
    span = span_of(session.project, shot_id)
    if span is None:
        return 0
    inside = [cut for cut in cuts if span.shot.source_start < cut < span.shot.source_end_exclusive]
    session.apply(tr("Detect Cuts"), edits.split_shot_at_cuts(session.project, shot_id, inside))
    return len(inside)


# --- removals -----------------------------------------------------------------------------------------------------


def add_removal(session: Session, rect: RectF, effect: str = "clean-plate") -> None:
    """A new removal on the shot under the playhead, with one keyframe there, selected."""
    place = session.place
    if place is None:
        return
    shape = AnimatedRectangle.still(rect, place.media_frame)
    removal = Removal(new_id(), free_label(place.shot), shape, effect)
    session.apply(tr("Add Removal"), edits.add_removal(session.project, place.shot.id, removal))
    session.select_removal(removal.id)


def default_rect(size: Size) -> RectF:
    """A box in the middle of the frame, for a removal that is added without drawing."""
    width, height = size.width_px, size.height_px
    return RectF(round(width * 0.4), round(height * 0.35), round(width * 0.6), round(height * 0.65))


def duplicate_removal(session: Session) -> None:
    """A copy of the selected removal, selected."""
    shot, removal = session.shot, session.removal
    if shot and removal:
        copy = replace(removal, id=new_id(), label=tr("{name} copy").format(name=removal.label), otio_json="")
        session.apply(tr("Duplicate Removal"), edits.add_removal(session.project, shot.id, copy))
        session.select_removal(copy.id)


def delete_removal(session: Session) -> None:
    """Delete the selected removal; its neighbour is selected."""
    shot, removal = session.shot, session.removal
    if not (shot and removal):
        return
    index = shot.removals.index(removal)
    session.apply(
        tr("Delete '{name}'").format(name=removal.label), edits.remove_removal(session.project, shot.id, removal.id)
    )
    left = session.shot.removals if session.shot else ()
    session.select_removal(left[min(index, len(left) - 1)].id if left else None)


def rename_removal(session: Session, removal_id: str, label: str) -> None:
    """Give a removal of the shot under the playhead another name."""
    shot = session.shot
    if shot and label.strip():
        renamed = edits.rename_removal(session.project, shot.id, removal_id, label.strip())
        session.apply(tr("Rename Removal"), renamed)


def set_enabled(session: Session, removal_id: str, enabled: bool) -> None:
    """Switch a removal on or off."""
    shot = session.shot
    if shot:
        label = tr("Enable Removal") if enabled else tr("Disable Removal")
        _update(session, label, replace(shot.removal(removal_id), enabled=enabled))


def set_effect(session: Session, effect: str) -> None:
    """Let another effect do the selected removal; its parameters start at their defaults."""
    shot, removal = session.shot, session.removal
    if shot and removal and removal.effect != effect:
        session.apply(tr("Change Effect"), edits.set_effect(session.project, shot.id, removal.id, effect))


def set_parameter(session: Session, descriptor: ParameterDescriptor, value: ParameterValue) -> None:
    """Set a parameter of the selected removal; a default is not kept, so that a better one later takes effect."""
    removal = session.removal
    if removal is None:
        return
    parameters = {name: kept for name, kept in removal.parameters.items() if name != descriptor.name}
    if value != descriptor.default:
        parameters[descriptor.name] = value
    merge_key = f"parameter {removal.id} {descriptor.name}"
    _update(
        session,
        tr("Change {name}").format(name=tr(descriptor.label)),
        replace(removal, parameters=parameters),
        merge_key,
    )


# --- shape and keyframes --------------------------------------------------------------------------------------------


def set_rect(session: Session, removal_id: str, rect: RectF) -> None:
    """Put a removal's box at ``rect`` on the frame under the playhead: a keyframe, new or changed."""
    place = session.place
    if place:
        removal = place.shot.removal(removal_id)
        if isinstance(removal.shape, AnimatedRectangle):
            shape = removal.shape.with_rect(place.media_frame, rect)
            _update(session, tr("Move Box"), replace(removal, shape=shape))


def toggle_keyframe(session: Session) -> None:
    """Set a keyframe of the selected removal as it is now, or delete the one that is there."""
    place, removal = session.place, session.removal
    if not (place and removal):
        return
    if place.media_frame in removal.shape.key_frames:
        delete_keyframe(session)
    elif removal.shape.is_present(place.media_frame):
        shape = with_key_here(removal.shape, place.media_frame)
        _update(session, tr("Add Keyframe"), replace(removal, shape=shape))


def can_delete_keyframe(session: Session) -> bool:
    """Whether there is a keyframe here, and another one to go on from."""
    place, removal = session.place, session.removal
    keys = removal.shape.key_frames if removal else ()
    return place is not None and place.media_frame in keys and len(keys) > 1


def delete_keyframe(session: Session) -> None:
    """Delete the selected removal's keyframe on this frame, unless it is the only one."""
    place, removal = session.place, session.removal
    if place and removal and can_delete_keyframe(session):
        shape = removal.shape.without_key(place.media_frame)
        _update(session, tr("Delete Keyframe"), replace(removal, shape=shape))


def interpolation(session: Session) -> Interpolation | None:
    """How the selected removal goes on from its keyframe on this frame; None where there is none."""
    place, removal = session.place, session.removal
    return interpolation_at(removal.shape, place.media_frame) if place and removal else None


def holds(session: Session) -> bool:
    """Whether the selected removal's keyframe on this frame holds it until the next one."""
    return interpolation(session) == "hold"


def set_interpolation(session: Session, wanted: Interpolation) -> None:
    """Let the selected removal go on from its keyframe on this frame in another way."""
    place, removal = session.place, session.removal
    if place and removal and interpolation(session) not in (None, wanted):
        shape = with_interpolation(removal.shape, place.media_frame, wanted)
        label = tr("Hold Keyframe") if wanted == "hold" else tr("Interpolate Keyframe")
        _update(session, label, replace(removal, shape=shape))


def toggle_hold(session: Session) -> None:
    """Let the removal stay where this keyframe has it until the next one, or glide there again."""
    set_interpolation(session, "linear" if holds(session) else "hold")


def set_active_range(session: Session, first_frame: int | None, last_frame: int | None) -> None:
    """Say on which media frames (inclusive; None = open) the selected removal is there."""
    removal = session.removal
    if removal is None:
        return
    if first_frame is not None and last_frame is not None and last_frame < first_frame:
        return
    shape = removal.shape.with_range(first_frame, last_frame)
    _update(session, tr("Change Active Frames"), replace(removal, shape=shape), f"range {removal.id}")


def start_here(session: Session) -> None:
    """The selected removal begins on the frame under the playhead."""
    place, removal = session.place, session.removal
    if place and removal:
        last = removal.shape.last_frame
        set_active_range(session, place.media_frame, None if last is not None and last < place.media_frame else last)


def end_here(session: Session) -> None:
    """The selected removal ends after the frame under the playhead."""
    place, removal = session.place, session.removal
    if place and removal:
        first = removal.shape.first_frame
        set_active_range(session, None if first is not None and first > place.media_frame else first, place.media_frame)


# --- moving about ---------------------------------------------------------------------------------------------------


def go_to_neighbour_key(session: Session, direction: int) -> None:
    """Go to the selected removal's next (1) or previous (-1) keyframe."""
    span, removal = session.span, session.removal
    if not (span and removal):
        return
    frames = [span.timeline_frame(frame) for frame in removal.shape.key_frames]
    beyond = [frame for frame in frames if (frame - session.playhead) * direction > 0]
    inside = [frame for frame in beyond if span.start <= frame < span.end_exclusive]
    if inside:
        session.go_to(min(inside) if direction > 0 else max(inside))


def go_to_neighbour_shot(session: Session, direction: int) -> None:
    """Go to the first frame of the next shot (1), or of this and then the previous one (-1)."""
    starts = [session.project.start_of(shot.id) for shot in session.project.shots]
    beyond = [start for start in starts if (start - session.playhead) * direction > 0]
    if beyond:
        session.go_to(min(beyond) if direction > 0 else max(beyond))


def _update(session: Session, label: str, removal: Removal, merge_key: str = "") -> None:
    shot = session.shot
    if shot:
        session.apply(label, edits.update_removal(session.project, shot.id, removal), merge_key)


def free_label(shot: Shot) -> str:
    """A name for a new removal that no other one of the shot has."""
    taken = {removal.label for removal in shot.removals}
    labels = (tr("Removal {number}").format(number=number) for number in range(1, len(taken) + 2))
    return next(label for label in labels if label not in taken)
