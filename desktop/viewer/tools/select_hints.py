"""What a click or a drag will do, in one line for the status bar. Without Qt."""

from __future__ import annotations

from desktop.base.language import tr
from desktop.viewer.box_handles import Handle
from desktop.viewer.roto_hits import CurveHit, GripHit, Hit, PointHit
from roi_tools.roto.model import Shape


def roto_hint(shape: Shape, hit: Hit, *, is_active: bool) -> str:
    """Over a roto shape."""
    if not is_active:
        return tr("Click to edit '{name}', drag to move it").format(name=shape.label)
    if isinstance(hit, GripHit):
        if hit.handle is None:
            return tr("Drag to rotate; Shift: in steps of 15°")
        return tr("Drag to scale; Shift: evenly")
    if isinstance(hit, PointHit):
        return _point_hint(shape, hit)
    if isinstance(hit, CurveHit) and hit.segment >= 0:
        return tr("Drag to move the shape; Ctrl- or Alt-click: add a point")
    return tr("Click: select all points, drag: move the shape, Shift-drag: select points")


def _point_hint(shape: Shape, hit: PointHit) -> str:
    if hit.part in ("in", "out"):
        return tr("Drag to bend the curve; Alt: this side alone")
    if hit.part == "feather":
        return tr("Drag the end of the point's feather")
    if shape.is_open:
        return tr("Drag to move; Shift-click: add to the selection, Alt-drag: handles, Del: delete")
    return tr("Drag to move; Shift-click: add to the selection, Ctrl-drag: feather, Alt-drag: handles, Del: delete")


def box_hint(label: str, handle: Handle, *, selected: bool) -> str:
    """Over a box."""
    if not selected:
        return tr("Click to select '{name}', drag to move it").format(name=label)
    if handle is Handle.INSIDE:
        return tr("Drag to move the box; Alt and arrows: by pixels")
    return tr("Drag to resize the box")
