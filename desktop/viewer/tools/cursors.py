"""The mouse cursor over boxes and shapes."""

from __future__ import annotations

from PySide6.QtCore import Qt

from desktop.viewer.box_handles import Handle
from desktop.viewer.roto_hits import CurveHit, GripHit, PointHit
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.under_mouse import RotoHit

BOX_CURSORS = {
    Handle.TOP_LEFT: Qt.CursorShape.SizeFDiagCursor,
    Handle.BOTTOM_RIGHT: Qt.CursorShape.SizeFDiagCursor,
    Handle.TOP_RIGHT: Qt.CursorShape.SizeBDiagCursor,
    Handle.BOTTOM_LEFT: Qt.CursorShape.SizeBDiagCursor,
    Handle.TOP: Qt.CursorShape.SizeVerCursor,
    Handle.BOTTOM: Qt.CursorShape.SizeVerCursor,
    Handle.LEFT: Qt.CursorShape.SizeHorCursor,
    Handle.RIGHT: Qt.CursorShape.SizeHorCursor,
    Handle.INSIDE: Qt.CursorShape.SizeAllCursor,
}


def roto_cursor(roto: RotoHit, at: Pointer) -> Qt.CursorShape:
    """Over what of a shape was hit, with the keys that are held."""
    if isinstance(roto.hit, GripHit):
        return Qt.CursorShape.OpenHandCursor if roto.hit.handle is None else BOX_CURSORS[roto.hit.handle]
    if isinstance(roto.hit, CurveHit) and (at.control or at.alt) and roto.hit.segment >= 0:
        return Qt.CursorShape.CrossCursor
    if isinstance(roto.hit, PointHit):
        return Qt.CursorShape.PointingHandCursor
    return Qt.CursorShape.SizeAllCursor
