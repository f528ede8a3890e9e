"""Draws curves point by point: Bezier shapes, B-splines, and open strokes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPainter
from typing_extensions import override

from desktop.base.language import tr
from desktop.viewer.roto_hits import REACH_PX
from desktop.viewer.roto_painter import draw_new_outline, draw_new_points
from desktop.viewer.tools.base import CanvasTool, is_undo, plain_key
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.stage import Stage
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import FEWEST_POINTS, Kind, Shape, constant
from roi_tools.roto.outlines import outline_at

_DRAG_PX = 4.0
"""A shorter drag, in widget px, is a click: the point is a corner."""
_END_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_BACK_KEYS = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


@dataclass(frozen=True)
class PenPoint:
    """A point and its leaving handle, relative to it; the arriving one is opposite."""

    x: float
    y: float
    dx: float = 0.0
    dy: float = 0.0

    def value(self) -> tuple[float, ...]:
        """The numbers of a roto point."""
        return self.x, self.y, -self.dx, -self.dy, self.dx, self.dy, 0.0, 0.0


def pen_shape(label: str, kind: Kind, points: list[PenPoint], frame: int, width_px: float) -> Shape:
    """The shape of points, keyed on ``frame``. Raises ShapeError for too few."""
    tracks = tuple(Track((Keyframe(frame, point.value()),)) for point in points)
    return Shape(label, kind, tracks, width_px=constant(width_px))


class PenTool(CanvasTool):
    """A click is a corner, a drag a smooth point; the first point or Enter closes, or ends a stroke."""

    def __init__(self, stage: Stage, kind: Kind) -> None:
        super().__init__(stage)
        self._kind = kind
        self._points: list[PenPoint] = []
        self._pressed: Pointer | None = None
        self._closing = False
        self._hover: Pointer | None = None

    @property
    @override
    def is_busy(self) -> bool:
        return bool(self._points)

    @property
    def points(self) -> tuple[PenPoint, ...]:
        """What was clicked so far."""
        return tuple(self._points)

    @property
    def _is_open(self) -> bool:
        return self._kind == "stroke"

    # --- mouse --------------------------------------------------------------------------------------------------

    @override
    def press(self, at: Pointer) -> None:
        self._pressed, self._closing = at, self._closes(at)
        if not self._closing:
            self._points.append(PenPoint(at.x, at.y))

    @override
    def move(self, at: Pointer) -> None:
        self._hover = at
        if self._pressed is None or self._kind == "bspline" or not self._is_dragged(at):
            return
        number = 0 if self._closing else -1
        held = self._points[number]
        dx, dy = at.x - held.x, at.y - held.y
        self._points[number] = replace(held, dx=dx, dy=dy)

    @override
    def release(self, at: Pointer) -> None:
        closing, self._pressed, self._closing = self._closing, None, False
        if closing:
            self._finish()

    @override
    def double_click(self, at: Pointer) -> None:
        """The first click of a double click has set the last point already."""
        self._finish()

    def _is_dragged(self, at: Pointer) -> bool:
        assert self._pressed is not None
        moved = at.at - self._pressed.at
        return math.hypot(moved.x(), moved.y()) >= _DRAG_PX

    def _closes(self, at: Pointer) -> bool:
        if self._is_open or len(self._points) < 3:
            return False
        first = self._points[0]
        return math.hypot(at.x - first.x, at.y - first.y) <= REACH_PX * 1.3 * self.px()

    # --- keys ---------------------------------------------------------------------------------------------------

    @override
    def wants_key(self, event: QKeyEvent) -> bool:
        known = event.key() in (*_END_KEYS, *_BACK_KEYS, Qt.Key.Key_Escape)
        return self.is_busy and (is_undo(event) or (known and plain_key(event)))

    @override
    def key(self, event: QKeyEvent) -> None:
        if event.key() in _END_KEYS:
            self._finish()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()
        else:
            self._points.pop()

    @override
    def cancel(self) -> None:
        self._points.clear()
        self._pressed, self._closing = None, False

    def _finish(self) -> None:
        points = list(self._points)
        fewest = 2 if self._is_open else 3
        if len(points) < max(FEWEST_POINTS[self._kind], fewest):
            return
        self.cancel()
        self._stage.gestures.shape_drawn.emit(self._shape(points))

    def _shape(self, points: list[PenPoint]) -> Shape:
        labels: dict[Kind, str] = {"bezier": tr("Bezier"), "bspline": tr("B-Spline"), "stroke": tr("Stroke")}
        width = self._stage.selection.line_width_px
        return pen_shape(labels[self._kind], self._kind, points, self._stage.frame_number, width)

    # --- looks --------------------------------------------------------------------------------------------------

    @override
    def paint(self, painter: QPainter) -> None:
        if not self._points:
            return
        points = list(self._points)
        if self._hover is not None and self._pressed is None and not self._closes(self._hover):
            points.append(PenPoint(self._hover.x, self._hover.y))
        view = self._stage.view
        if len(points) >= (2 if self._is_open else 3 if self._kind == "bspline" else 2):
            shape = self._shape(points)
            draw_new_outline(painter, view, outline_at(shape, self._stage.frame_number), closed=True)
        handles = self._kind != "bspline"
        draw_new_points(
            painter,
            view,
            [(point.x, point.y, point.dx if handles else 0.0, point.dy if handles else 0.0) for point in self._points],
            closes=self._hover is not None and self._closes(self._hover),
        )

    @override
    def cursor(self, at: Pointer | None) -> Qt.CursorShape:
        closes = at is not None and self._closes(at)
        return Qt.CursorShape.PointingHandCursor if closes else Qt.CursorShape.CrossCursor

    @override
    def hint(self, at: Pointer | None) -> str:
        if not self._points:
            return self._first_hint()
        if at is not None and self._closes(at):
            return tr("Click to close the shape; drag to bend it here")
        if self._is_open:
            return tr("Click for the next point; Enter or double click: done, Backspace: back, Esc: cancel")
        if len(self._points) < 3:
            return tr("Click for the next point, drag for a curve; Backspace: back, Esc: cancel")
        return tr("Click for the next point; the first point or Enter closes, Backspace: back, Esc: cancel")

    def _first_hint(self) -> str:
        if self._kind == "bspline":
            text = tr("Click around it: a smooth curve follows the points, {where}")
        elif self._is_open:
            text = tr("Click along the wire, drag for curves: a line with a width, {where}")
        else:
            text = tr("Click for corners, drag for curves, around what should go, {where}")
        return text.format(where=self.where_shapes_go())
