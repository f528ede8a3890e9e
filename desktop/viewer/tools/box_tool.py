"""Draws what a drag spans: the box of a new removal, or a rectangle or an ellipse of a roto."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPainter
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.viewer.box_handles import drawn
from desktop.viewer.overlays import BoxOverlay, draw_box, to_qrect
from desktop.viewer.roto_painter import draw_new_outline
from desktop.viewer.tools.base import CanvasTool
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.stage import Stage
from desktop.viewer.tools.under_mouse import UnderMouse
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import Kind, Shape
from roi_tools.roto.outlines import outline_at
from roi_tools.shapes import RectF


class SpanTool(CanvasTool):
    """A drag from corner to corner; a click without a drag selects."""

    def __init__(self, stage: Stage, under: UnderMouse) -> None:
        super().__init__(stage)
        self._under = under
        self._start: Pointer | None = None
        self._rect: RectF | None = None

    @property
    @override
    def is_busy(self) -> bool:
        return self._start is not None

    @override
    def press(self, at: Pointer) -> None:
        self._start, self._rect = at, None

    @override
    def move(self, at: Pointer) -> None:
        size = self._stage.image_size
        if self._start is None or size is None:
            return
        end = at.x, at.y
        if at.shift:
            end = _square_end((self._start.x, self._start.y), end)
        self._rect = drawn((self._start.x, self._start.y), end, size)

    @override
    def release(self, at: Pointer) -> None:
        rect = self._rect
        was_dragged = self._start is not None
        self.cancel()
        if rect is not None:
            self.finish(rect)
        elif was_dragged:
            self._stage.gestures.box_clicked.emit(self._under.removal_at(at.x, at.y))

    @override
    def wants_key(self, event: QKeyEvent) -> bool:
        return self.is_busy and event.key() == Qt.Key.Key_Escape

    @override
    def key(self, event: QKeyEvent) -> None:
        self.cancel()

    @override
    def cancel(self) -> None:
        self._start = self._rect = None

    def finish(self, rect: RectF) -> None:
        """The drag spans ``rect``."""


class BoxTool(SpanTool):
    """A box around what should go; the selected one can be changed with it too (see SelectTool)."""

    @override
    def finish(self, rect: RectF) -> None:
        self._stage.gestures.box_drawn.emit(rect)

    @override
    def paint(self, painter: QPainter) -> None:
        if self._rect is None:
            return
        color = theme.removal_color(len(self._stage.boxes) + len(self._stage.rotos))
        new = BoxOverlay("", tr("New removal"), self._rect, color, selected=True, keyed=True, enabled=True)
        draw_box(painter, new, to_qrect(self._stage.view.rect_to_widget(self._rect)), sizes=True)

    @override
    def hint(self, at: Pointer | None) -> str:
        return tr("Drag a box around what should go; Shift: a square, Esc: cancel")


class ParametricTool(SpanTool):
    """A rectangle or an ellipse of a roto: size, place and turn can be changed later."""

    def __init__(self, stage: Stage, under: UnderMouse, kind: Kind) -> None:
        super().__init__(stage, under)
        self._kind = kind

    def _shape(self, rect: RectF) -> Shape:
        value = (rect.x0 + rect.width_px / 2, rect.y0 + rect.height_px / 2, rect.width_px, rect.height_px, 0.0)
        label = tr("Ellipse") if self._kind == "ellipse" else tr("Rectangle")
        return Shape(label, self._kind, (Track((Keyframe(self._stage.frame_number, value),)),))

    @override
    def finish(self, rect: RectF) -> None:
        self._stage.gestures.shape_drawn.emit(self._shape(rect))

    @override
    def paint(self, painter: QPainter) -> None:
        if self._rect is not None:
            frame = self._stage.frame_number
            draw_new_outline(painter, self._stage.view, outline_at(self._shape(self._rect), frame), closed=True)

    @override
    def hint(self, at: Pointer | None) -> str:
        if self._kind == "ellipse":
            text = tr("Drag an ellipse {where}; Shift: a circle, Esc: cancel")
        else:
            text = tr("Drag a rectangle {where}; Shift: a square, Esc: cancel")
        return text.format(where=self.where_shapes_go())


def _square_end(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    side = max(abs(dx), abs(dy))
    return start[0] + (side if dx >= 0 else -side), start[1] + (side if dy >= 0 else -side)
