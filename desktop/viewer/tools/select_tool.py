"""Selects and edits what is there: boxes and roto shapes, their points, handles and feather."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPainter
from typing_extensions import override

from desktop.base.language import tr
from desktop.roto.picking import points_in
from desktop.roto.transforms import transformed, translation
from desktop.viewer.box_handles import Handle, dragged
from desktop.viewer.overlays import BoxOverlay
from desktop.viewer.roto_hits import CurveHit, GripHit, InsideHit, PointHit
from desktop.viewer.roto_painter import draw_marquee, draw_points, draw_transform_box
from desktop.viewer.tools import roto_drags
from desktop.viewer.tools.base import CanvasTool
from desktop.viewer.tools.cursors import BOX_CURSORS, roto_cursor
from desktop.viewer.tools.nudge import nudge_of
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.roto_drags import ShapeDrag
from desktop.viewer.tools.select_hints import box_hint, roto_hint
from desktop.viewer.tools.stage import Stage
from desktop.viewer.tools.under_mouse import RotoHit, UnderMouse
from desktop.viewer.transform_box import box_around
from roi_tools.linking import with_companions
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.shapes import RectF

_DRAG_PX = 3.0
"""A shorter drag of a roto shape, in widget px, is a click."""


@dataclass(frozen=True)
class _BoxDrag:
    overlay: BoxOverlay
    handle: Handle
    start: Pointer


@dataclass(frozen=True)
class _Marquee:
    start: Pointer
    adds: bool


_Drag: TypeAlias = _BoxDrag | _Marquee | ShapeDrag


class SelectTool(CanvasTool):
    """Presses choose what is dragged; a press on nothing deselects, or spans a frame around points."""

    _drag: _Drag | None = None
    _now: Pointer | None = None
    _on_click: tuple[str | None, frozenset[int]] | None = None
    """What a press that turns out to be a click selects."""
    _hint = ""
    """What was said where the drag began."""
    _preview: tuple[Pointer, RotoLayer] | None = None
    """The shapes as the drag has them, and where the mouse was then."""

    def __init__(self, stage: Stage, under: UnderMouse) -> None:
        super().__init__(stage)
        self._under = under

    @property
    @override
    def is_busy(self) -> bool:
        return self._drag is not None

    # --- mouse --------------------------------------------------------------------------------------------------

    @override
    def press(self, at: Pointer) -> None:
        self._hint = self.hint(at)
        self._now, self._on_click = at, None
        roto = self._under.roto_at(at)
        overlay, handle = self._under.box_at(at)
        grips_box = overlay is not None and overlay.selected and handle is not Handle.INSIDE
        if roto is not None and not grips_box:
            self._press_roto(roto, at)
        elif overlay and handle:
            if not overlay.selected:
                self._stage.gestures.box_clicked.emit(overlay.removal_id)
            self._drag = _BoxDrag(replace(overlay, selected=True), handle, at)
        else:
            self._drag = _Marquee(at, adds=at.shift)

    def select_at(self, at: Pointer) -> None:
        """Select what is under the mouse, as a click would; what is selected already stays as it is."""
        roto = self._under.roto_at(at)
        if roto is None:
            box, _ = self._under.box_at(at)
            self._stage.gestures.box_clicked.emit(box.removal_id if box else None)
            return
        if not roto.overlay.selected:
            self._stage.gestures.box_clicked.emit(roto.overlay.removal_id)
        selection = self._stage.selection
        if isinstance(roto.hit, PointHit) and roto.hit.index not in selection.points:
            selection.select(roto.shape.label, {roto.hit.index})
        elif not roto.is_active:
            selection.select(roto.shape.label)

    def _press_roto(self, roto: RotoHit, at: Pointer) -> None:
        stage, shape = self._stage, roto.shape
        if not roto.is_active:
            if not roto.overlay.selected:
                stage.gestures.box_clicked.emit(roto.overlay.removal_id)
            stage.selection.select(shape.label)
            roto = replace(roto, hit=self._under.hit_of(shape, at) or InsideHit())
        self._drag = self._drag_of(roto, at)

    def _drag_of(self, roto: RotoHit, at: Pointer) -> _Drag:
        owner, shape, frame = roto.overlay.removal_id, roto.shape, self._stage.frame_number
        hit, selection = roto.hit, self._stage.selection
        if isinstance(hit, PointHit):
            return self._point_drag(owner, shape, hit, at)
        if isinstance(hit, GripHit):
            box = box_around(shape, frame, selection.points)
            assert box is not None  # it was hit
            return roto_drags.grip_drag(owner, shape, frame, selection.points, box, hit.handle, at)
        if isinstance(hit, CurveHit) and hit.segment >= 0 and (at.control or at.alt):
            return roto_drags.insert_drag(owner, shape, frame, hit.segment, hit.t, at)
        if at.shift:
            return _Marquee(at, adds=True)
        self._on_click = shape.label, frozenset(range(len(shape.tracks)))
        return roto_drags.move_drag(owner, shape, frame, None, at)

    def _point_drag(self, owner: str, shape: Shape, hit: PointHit, at: Pointer) -> _Drag:
        frame, selection, index = self._stage.frame_number, self._stage.selection, hit.index
        if hit.part in ("in", "out"):
            return roto_drags.handle_drag(owner, shape, frame, index, hit.part, at)
        if hit.part == "feather" or (at.control and not shape.is_open):
            return roto_drags.feather_drag(owner, shape, frame, index, at)
        if at.shift:
            selection.select(shape.label, selection.points ^ {index})
        elif index not in selection.points:
            selection.select(shape.label, {index})
        else:
            self._on_click = shape.label, frozenset({index})
        if at.alt and roto_drags.can_pull_handles(shape):
            return roto_drags.pull_handles_drag(owner, shape, frame, index, at)
        return roto_drags.move_drag(owner, shape, frame, selection.points or frozenset({index}), at)

    @override
    def move(self, at: Pointer) -> None:
        if self._drag is not None:
            self._now = at

    @override
    def release(self, at: Pointer) -> None:
        drag, was_drag = self._drag, self._was_dragged()
        self._now = at if drag else None
        if isinstance(drag, _BoxDrag):
            rect = self._dragged_rect(drag)
            if rect != drag.overlay.rect:
                self._stage.gestures.box_changed.emit(drag.overlay.removal_id, rect)
        elif isinstance(drag, _Marquee):
            self._finish_marquee(drag, at, was_drag)
        elif isinstance(drag, ShapeDrag):
            self._finish_shape(drag, at, was_drag)
        self._drag = self._now = self._preview = None

    def _was_dragged(self) -> bool:
        if self._drag is None or self._now is None:
            return False
        moved = self._now.at - self._drag.start.at
        return math.hypot(moved.x(), moved.y()) >= _DRAG_PX

    def _finish_shape(self, drag: ShapeDrag, at: Pointer, was_drag: bool) -> None:
        selection = self._stage.selection
        if was_drag or drag.inserted is not None:
            self._emit(drag.removal_id, drag.result(at if was_drag else drag.start), drag.step)
            if drag.inserted is not None:
                selection.select(drag.shape.label, {drag.inserted})
        elif self._on_click is not None:
            selection.select(*self._on_click)

    def _finish_marquee(self, drag: _Marquee, at: Pointer, was_drag: bool) -> None:
        selection, active = self._stage.selection, self._under.active()
        if was_drag and active is not None:
            shape = active[1]
            start = drag.start
            found = points_in(shape, self._stage.frame_number, start.x, start.y, at.x, at.y)
            selection.select(shape.label, found | selection.points if drag.adds else found)
        elif not was_drag and selection.points:
            selection.select(selection.label)
        elif not was_drag:
            self._stage.gestures.box_clicked.emit(None)

    def _emit(self, removal_id: str, shape: Shape, step: str, merge_key: str = "") -> None:
        overlay = next(roto for roto in self._stage.rotos if roto.removal_id == removal_id)
        self._stage.gestures.layer_changed.emit(removal_id, overlay.layer.with_shape(shape), step, merge_key)

    # --- keys ---------------------------------------------------------------------------------------------------

    @override
    def wants_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            return self.is_busy or bool(self._stage.selection.points)
        if nudge_of(event) is not None:
            return self._under.active() is not None or any(box.selected for box in self._stage.boxes)
        if self._under.active() is None:
            return False
        if event.key() == Qt.Key.Key_A:
            return event.modifiers() == Qt.KeyboardModifier.ControlModifier
        return event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.modifiers()

    @override
    def key(self, event: QKeyEvent) -> None:
        selection, active = self._stage.selection, self._under.active()
        nudge = nudge_of(event)
        if event.key() == Qt.Key.Key_Escape:
            if self.is_busy:
                self.cancel()
            else:
                selection.select(selection.label)
        elif nudge is not None:
            self._nudge(*nudge)
        elif active and event.key() == Qt.Key.Key_A:
            selection.select(active[1].label, range(len(active[1].tracks)))
        elif active:
            self._stage.gestures.points_deleted.emit()

    def _nudge(self, dx: float, dy: float) -> None:
        active, points = self._under.active(), self._stage.selection.points
        if active is not None:
            overlay, shape = active
            chosen = None if shape.has_parameters or not points else points
            moved = transformed(shape, self._stage.frame_number, chosen, translation(dx, dy))
            self._emit(overlay.removal_id, moved, tr("Nudge"), f"nudge {overlay.removal_id} {shape.label}")
            return
        for box in self._stage.boxes:
            if box.selected:
                self._stage.gestures.box_changed.emit(box.removal_id, box.rect.shifted(dx, dy))

    @override
    def cancel(self) -> None:
        self._drag = self._now = self._preview = None

    # --- looks --------------------------------------------------------------------------------------------------

    @override
    def shown_rect(self, removal_id: str) -> RectF | None:
        drag = self._drag
        if isinstance(drag, _BoxDrag) and drag.overlay.removal_id == removal_id:
            return self._dragged_rect(drag)
        return None

    def _dragged_rect(self, drag: _BoxDrag) -> RectF:
        assert self._now is not None
        return dragged(drag.overlay.rect, drag.handle, self._now.x - drag.start.x, self._now.y - drag.start.y)

    @override
    def shown_layer(self, removal_id: str) -> RotoLayer | None:
        drag = self._drag
        if not isinstance(drag, ShapeDrag) or drag.removal_id != removal_id or self._now is None:
            return None
        overlay = next((roto for roto in self._stage.rotos if roto.removal_id == removal_id), None)
        if overlay is None or not (self._was_dragged() or drag.inserted is not None):
            return None
        # A repaint asks for the outlines, the matte and the points.
        if self._preview is None or self._preview[0] is not self._now:
            self._preview = self._now, with_companions(overlay.layer, overlay.layer.with_shape(drag.result(self._now)))
        return self._preview[1]

    @override
    def paint(self, painter: QPainter) -> None:
        stage, active = self._stage, self._under.active()
        if isinstance(self._drag, _Marquee) and self._now is not None and self._was_dragged():
            draw_marquee(painter, self._drag.start.at, self._now.at)
        if active is None or not stage.shows_overlays or stage.is_tracked(active[0].removal_id):
            return
        overlay, shape = active
        layer = self.shown_layer(overlay.removal_id)
        shape = layer.shape(shape.label) if layer else shape
        points = stage.selection.points
        if isinstance(self._drag, ShapeDrag) and self._drag.inserted is not None:
            points = frozenset({self._drag.inserted})
        box = None if self._drag is not None else box_around(shape, stage.frame_number, points)
        if box is not None:
            draw_transform_box(painter, stage.view, box)
        draw_points(painter, stage.view, shape, stage.frame_number, points, self._hot(shape))

    def _hot(self, shape: Shape) -> int | None:
        """The point under the mouse."""
        hover = self._stage.hover
        roto = self._under.roto_at(hover) if hover is not None and self._drag is None else None
        return roto.hit.index if roto and roto.shape is shape and isinstance(roto.hit, PointHit) else None

    @override
    def cursor(self, at: Pointer | None) -> Qt.CursorShape:
        if at is None:
            return Qt.CursorShape.ArrowCursor
        roto = self._under.roto_at(at)
        overlay, handle = self._under.box_at(at)
        grips_box = overlay is not None and overlay.selected and handle is not Handle.INSIDE
        if roto is not None and not grips_box:
            return roto_cursor(roto, at)
        return BOX_CURSORS[handle] if overlay and handle else Qt.CursorShape.ArrowCursor

    @override
    def hint(self, at: Pointer | None) -> str:
        if at is None:
            return ""
        if self._drag is not None:
            return self._hint
        roto = self._under.roto_at(at)
        if roto is not None:
            return roto_hint(roto.shape, roto.hit, is_active=roto.is_active)
        overlay, handle = self._under.box_at(at)
        if overlay and handle:
            return box_hint(overlay.label, handle, selected=overlay.selected)
        if self._under.active():
            return tr("Drag a frame around points to select them")
        return self._locked_hint()

    def _locked_hint(self) -> str:
        """Why the selected shape cannot be taken hold of."""
        selected = self._stage.selection.shape
        if selected is None or not selected.is_locked:
            return ""
        return tr("'{name}' is locked: unlock it in the list of shapes to edit it").format(name=selected.label)
