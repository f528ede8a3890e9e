"""Companions of what is selected: a shadow's or a reflection's shape that goes along with its object's. Without Qt.

A box leads boxes, removals of their own; a shape leads shapes of its layer, which turn and grow with it.
"""

from __future__ import annotations

from dataclasses import replace

from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.roto import commands as roto_commands
from desktop.roto.selection import RotoSelection
from roi_tools.keyframes import Track
from roi_tools.linking import companion_shape
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.shapes import RectF
from timeline import edits
from timeline.linking import companion_of, companions_of
from timeline.marking import RotoMarking
from timeline.removal import Removal, new_id
from timeline.shot import Shot


def add_companion(session: Session, selection: RotoSelection, rect: RectF, label: str) -> None:
    """A companion that is ``rect`` on the frame under the playhead, of the selected removal or shape; selected then."""
    place, removal = session.place, session.removal
    if place is None or removal is None:
        return
    marking = removal.shape
    leader = _leading_shape(marking.layer, selection.label) if isinstance(marking, RotoMarking) else None
    if leader is not None and isinstance(marking, RotoMarking):
        name = _free(label, marking.layer)
        added = _keyed_on(companion_shape(leader, rect, place.media_frame, name), place.media_frame)
        colors = roto_commands.COLORS
        added = replace(added, color=colors[len(marking.layer.shapes) % len(colors)])
        shapes = (*marking.layer.shapes, added)
        roto_commands.set_layer(session, removal.id, replace(marking.layer, shapes=shapes), label)
        selection.select(name)
        return
    first = _leading_removal(place.shot, removal)
    shape = companion_of(first.shape, rect, place.media_frame)
    companion = replace(first, id=new_id(), label=label, shape=shape, otio_json="", linked_to=first.id)
    session.apply(label, edits.add_removal(session.project, place.shot.id, companion))
    session.select_removal(companion.id)


def leader_label(session: Session, selection: RotoSelection) -> str | None:
    """What the selected shape, or else the selected removal, goes along with; None for nothing."""
    shot, removal, shape = session.shot, session.removal, selection.shape
    marking = roto_commands.roto_of(removal)
    if shape is not None and marking is not None and shape_leader(marking.layer, shape):
        return shape.linked_to
    leader = removal_leader(shot, removal) if shot and removal else None
    return leader.label if leader else None


def unlink(session: Session, selection: RotoSelection) -> None:
    """Let the selected shape, or else the selected removal, go along with nothing any more; it stays where it is."""
    shot, removal, shape = session.shot, session.removal, selection.shape
    marking = roto_commands.roto_of(removal)
    if shot is None or removal is None:
        return
    if shape is not None and marking is not None and shape_leader(marking.layer, shape):
        roto_commands.change_shape(session, removal.id, shape.label, _unlinked, tr("Unlink"))
    elif removal.linked_to:
        session.apply(tr("Unlink"), edits.unlink_removal(session.project, shot.id, removal.id))


def possible_leaders(session: Session, selection: RotoSelection) -> list[str]:
    """Names of what the selected shape, or else the selected removal, could go along with."""
    shapes = _possible_shapes(session, selection)
    return [shape.label for shape in shapes] or [removal.label for removal in _possible_removals(session)]


def link(session: Session, selection: RotoSelection, number: int) -> None:
    """Let the selected shape or removal go along with number ``number`` of :func:`possible_leaders`."""
    shot, removal, shapes = session.shot, session.removal, _possible_shapes(session, selection)
    if shot is None or removal is None:
        return
    if shapes and selection.label is not None:
        leader = shapes[number].label
        roto_commands.change_shape(
            session, removal.id, selection.label, lambda shape: replace(shape, linked_to=leader), tr("Link")
        )
    else:
        leader = _possible_removals(session)[number].id
        session.apply(tr("Link"), edits.link_removal(session.project, shot.id, removal.id, leader))


def shape_leader(layer: RotoLayer, shape: Shape) -> Shape | None:
    """The shape that ``shape`` goes along with."""
    return next((other for other in layer.shapes if other.label == shape.linked_to), None)


def removal_leader(shot: Shot, removal: Removal) -> Removal | None:
    """The removal that ``removal`` goes along with."""
    return next((other for other in shot.removals if removal.linked_to and other.id == removal.linked_to), None)


def _leading_shape(layer: RotoLayer, label: str | None) -> Shape | None:
    """The shape that a new companion of the selected one goes along with: itself, its own leader, or the lowest."""
    chosen = next((shape for shape in layer.shapes if shape.label == label), layer.shapes[0])
    return shape_leader(layer, chosen) or chosen


def _leading_removal(shot: Shot, removal: Removal) -> Removal:
    return removal_leader(shot, removal) or removal


def _possible_shapes(session: Session, selection: RotoSelection) -> list[Shape]:
    marking, shape = roto_commands.roto_of(session.removal), selection.shape
    if marking is None or shape is None or any(other.linked_to == shape.label for other in marking.layer.shapes):
        return []
    others = [other for other in marking.layer.shapes if other is not shape]
    return [other for other in others if shape_leader(marking.layer, other) is None]


def _possible_removals(session: Session) -> list[Removal]:
    shot, removal = session.shot, session.removal
    if shot is None or removal is None or companions_of(shot, removal.id):
        return []
    others = [other for other in shot.removals if other.id != removal.id]
    return [other for other in others if removal_leader(shot, other) is None]


def _keyed_on(shape: Shape, frame: int) -> Shape:
    """``shape``, which is keyed once, keyed where it was found: any other frame would look keyed by a person."""
    return replace(shape, tracks=tuple(Track((replace(track.keys[0], frame=frame),)) for track in shape.tracks))


def _unlinked(shape: Shape) -> Shape:
    return replace(shape, linked_to=None)


def _free(label: str, layer: RotoLayer) -> str:
    taken = any(shape.label == label for shape in layer.shapes)
    return roto_commands.free_label(label, layer.shapes) if taken else label
