"""What a person can do to roto, as functions on a Session. Without Qt; each is one undo step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from desktop.base.language import tr
from desktop.editing import commands
from desktop.editing.session import Session
from desktop.roto.convert import shape_of_rectangle
from roi_tools.errors import ShapeError
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.shapes import AnimatedRectangle
from timeline import edits
from timeline.marking import RotoMarking
from timeline.removal import Removal, new_id

COLORS: tuple[tuple[float, float, float], ...] = (
    (0.35, 0.66, 1.0),
    (1.0, 0.56, 0.69),
    (0.71, 0.55, 1.0),
    (0.44, 0.84, 0.76),
    (1.0, 0.69, 0.36),
    (0.65, 0.84, 0.36),
)
"""Outlines of shapes that are drawn one after the other, R'G'B'."""


def roto_of(removal: Removal | None) -> RotoMarking | None:
    """The roto of a removal; None for a box."""
    return removal.shape if removal is not None and isinstance(removal.shape, RotoMarking) else None


def set_layer(session: Session, removal_id: str, layer: RotoLayer, label: str, merge_key: str = "") -> None:
    """Give a removal of the shot under the playhead other shapes; without any left the removal goes."""
    shot = session.shot
    removal = shot.removal(removal_id) if shot else None
    marking = roto_of(removal)
    if shot is None or removal is None or marking is None:
        return
    if not layer.shapes:
        session.apply(label, edits.remove_removal(session.project, shot.id, removal_id))
        return
    changed = replace(removal, shape=marking.with_layer(layer))
    session.apply(label, edits.update_removal(session.project, shot.id, changed), merge_key)


def add_shape(session: Session, shape: Shape, effect: str = "clean-plate") -> str | None:
    """A new shape, on top of the selected removal's if that is roto, else in a new removal. Returns its label."""
    place, removal = session.place, session.removal
    if place is None:
        return None
    marking = roto_of(removal)
    shapes = marking.layer.shapes if marking else ()
    named = replace(shape, label=free_label(shape.label, shapes), color=COLORS[len(shapes) % len(COLORS)])
    if removal is not None and marking is not None:
        set_layer(session, removal.id, replace(marking.layer, shapes=(*shapes, named)), tr("Draw Shape"))
    else:
        add_roto(session, RotoLayer("roto", (named,)), effect)
    return named.label


def add_roto(session: Session, layer: RotoLayer, effect: str = "clean-plate", label: str = "") -> None:
    """A new removal of these shapes on the shot under the playhead, selected."""
    shot = session.shot
    if shot is None:
        return
    removal = Removal(new_id(), label or commands.free_label(shot), RotoMarking(layer), effect)
    session.apply(tr("Draw Roto"), edits.add_removal(session.project, shot.id, removal))
    session.select_removal(removal.id)


def convert_to_roto(session: Session) -> None:
    """Turn the selected removal's box into a shape of four points that marks the same."""
    shot, removal = session.shot, session.removal
    if shot and removal and isinstance(removal.shape, AnimatedRectangle):
        box = removal.shape
        shape = replace(shape_of_rectangle(box, tr("Box")), first_frame=None, last_frame=None, color=COLORS[0])
        marking = RotoMarking(RotoLayer("roto", (shape,)), box.first_frame, box.last_frame)
        changed = edits.update_removal(session.project, shot.id, replace(removal, shape=marking))
        session.apply(tr("Convert to Roto"), changed)


def change_shape(
    session: Session, removal_id: str, label: str, change: Callable[[Shape], Shape], step: str, merge_key: str = ""
) -> None:
    """Replace one shape of a removal by what ``change`` makes of it; ``step`` names it in the Edit menu."""
    shot = session.shot
    marking = roto_of(shot.removal(removal_id)) if shot else None
    if marking is not None:
        shapes = tuple(change(shape) if shape.label == label else shape for shape in marking.layer.shapes)
        set_layer(session, removal_id, replace(marking.layer, shapes=shapes), step, merge_key)


def rename_shape(session: Session, removal_id: str, label: str, wanted: str) -> str:
    """Give a shape another name; returns the one it has then. Raises ShapeError for one that is taken."""
    marking = roto_of(session.shot.removal(removal_id)) if session.shot else None
    wanted = wanted.strip()
    if marking is None or not wanted or wanted == label:
        return label
    if any(shape.label == wanted for shape in marking.layer.shapes):
        raise ShapeError(tr("there is a shape '{name}' already; choose another name").format(name=wanted))
    change_shape(session, removal_id, label, lambda shape: replace(shape, label=wanted), tr("Rename Shape"))
    return wanted


def delete_shapes(session: Session, removal_id: str, labels: Iterable[str]) -> None:
    """Delete shapes of a removal; with the last one the removal goes."""
    marking = roto_of(session.shot.removal(removal_id)) if session.shot else None
    if marking is not None:
        gone = set(labels)
        kept = tuple(shape for shape in marking.layer.shapes if shape.label not in gone)
        set_layer(session, removal_id, replace(marking.layer, shapes=kept), tr("Delete Shape"))


def move_shape(session: Session, removal_id: str, label: str, position: int) -> None:
    """Put a shape at another place of the order, 0 = bottom."""
    marking = roto_of(session.shot.removal(removal_id)) if session.shot else None
    if marking is not None:
        position = min(max(position, 0), len(marking.layer.shapes) - 1)
        set_layer(session, removal_id, marking.layer.moved(label, position), tr("Order Shapes"))


def duplicate_shape(session: Session, removal_id: str, label: str) -> str:
    """A copy of a shape right above it; returns the copy's name."""
    marking = roto_of(session.shot.removal(removal_id)) if session.shot else None
    if marking is None:
        return label
    shapes = list(marking.layer.shapes)
    index = next(number for number, shape in enumerate(shapes) if shape.label == label)
    copy = replace(shapes[index], label=free_label(label, shapes))
    shapes.insert(index + 1, copy)
    set_layer(session, removal_id, replace(marking.layer, shapes=tuple(shapes)), tr("Duplicate Shape"))
    return copy.label


def free_label(wanted: str, shapes: Iterable[Shape]) -> str:
    """``wanted``, with a number behind it where it is taken."""
    taken = {shape.label for shape in shapes}
    base = wanted.rstrip("0123456789 ") or wanted
    numbers = (f"{base} {number}" for number in range(1, len(taken) + 2))
    return next(label for label in numbers if label not in taken)
