"""Paints and erases freely. A stroke is an open line with a width; strokes of one go are joined by who listens."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from typing_extensions import override

from desktop.base.language import tr
from desktop.viewer.roto_painter import draw_new_outline
from desktop.viewer.tools.base import CanvasTool, plain_key
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.stage import Stage
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import Shape, constant
from roi_tools.roto.outlines import outline_at

_STEP_PX = 1.5
"""Distance between recorded places, in widget px."""
_ERROR_SHARE = 0.08
"""How far the line may leave what was painted, in brush widths."""
_MINIMUM_ERROR_PX = 0.4
WIDTH_STEP = 1.15
"""Width of the brush per step of its keys."""
NARROWEST_PX, WIDEST_PX = 1.0, 500.0
_SIGN_PX = 4.0


def simplified(places: list[tuple[float, float]], error_px: float) -> list[tuple[float, float]]:
    """The line through fewer of the places that leaves none further than ``error_px`` (Ramer, Douglas, Peucker)."""
    line = np.array(places, np.float64)
    keep = {0, len(line) - 1}
    spans = [(0, len(line) - 1)]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        along = line[end] - line[start]
        length = float(np.hypot(*along))
        offsets = line[start + 1 : end] - line[start]
        if length < 1e-9:
            distances = np.hypot(*offsets.T)
        else:
            distances = np.abs(offsets[:, 0] * along[1] - offsets[:, 1] * along[0]) / length
        farthest = int(distances.argmax()) + start + 1
        if distances[farthest - start - 1] > error_px:
            keep.add(farthest)
            spans += [(start, farthest), (farthest, end)]
    return [places[index] for index in sorted(keep)]


class BrushTool(CanvasTool):
    """Press, paint, let go. Shift or Alt erases; Ctrl and a drag to the side changes the width."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._places: list[tuple[float, float]] = []
        self._erases = False
        self._sizing: tuple[Pointer, float] | None = None
        """Where a drag that changes the width began, and the width then."""

    @property
    @override
    def is_busy(self) -> bool:
        return bool(self._places)

    @override
    def press(self, at: Pointer) -> None:
        if at.control:
            self._sizing = at, self._stage.selection.line_width_px
        else:
            self._places, self._erases = [(at.x, at.y)], _is_eraser(at)

    @override
    def move(self, at: Pointer) -> None:
        if self._sizing is not None:
            start, width = self._sizing
            self._set_width(width + 2 * (at.x - start.x))
        if not self.is_busy:
            return
        x, y = self._places[-1]
        if math.hypot(at.x - x, at.y - y) >= _STEP_PX * self.px():
            self._places.append((at.x, at.y))

    @override
    def release(self, at: Pointer) -> None:
        self._sizing = None
        if not self.is_busy:
            return
        shape = self._shape(simplify=True)
        self.cancel()
        self._stage.gestures.shape_drawn.emit(shape)

    @override
    def wants_key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight):
            return plain_key(event)
        return self.is_busy and event.key() == Qt.Key.Key_Escape

    @override
    def key(self, event: QKeyEvent) -> None:
        width = self._stage.selection.line_width_px
        if event.key() == Qt.Key.Key_Escape:
            self.cancel()
        elif event.key() == Qt.Key.Key_BracketRight:
            self._set_width(width * WIDTH_STEP + 0.5)
        else:
            self._set_width(width / WIDTH_STEP - 0.5)

    def _set_width(self, width_px: float) -> None:
        self._stage.selection.line_width_px = min(max(width_px, NARROWEST_PX), WIDEST_PX)

    @override
    def cancel(self) -> None:
        self._places, self._sizing = [], None

    def _shape(self, *, simplify: bool) -> Shape:
        width = self._stage.selection.line_width_px
        places = self._places if len(self._places) > 1 else [*self._places, _beside(self._places[0])]
        if simplify:
            places = simplified(places, max(_ERROR_SHARE * width, _MINIMUM_ERROR_PX))
        frame = self._stage.frame_number
        tracks = tuple(Track((Keyframe(frame, (x, y, *(0.0,) * 6)),)) for x, y in places)
        label = tr("Eraser") if self._erases else tr("Brush")
        return Shape(label, "brush", tracks, mode="subtract" if self._erases else "add", width_px=constant(width))

    @override
    def paint(self, painter: QPainter) -> None:
        view = self._stage.view
        if self.is_busy:
            shape = self._shape(simplify=False)
            outline = outline_at(shape, self._stage.frame_number)
            draw_new_outline(painter, view, outline, closed=True, erases=self._erases)
        hover = self._stage.hover
        if hover is not None:
            place = self._sizing[0].at if self._sizing else hover.at
            erases = self._erases if self.is_busy else _is_eraser(hover)
            _draw_brush(painter, place, self._stage.selection.line_width_px / 2 * view.zoom, erases=erases)

    @override
    def hint(self, at: Pointer | None) -> str:
        width = f"{self._stage.selection.line_width_px:.0f}"
        if self._sizing is not None:
            return tr("Width of the brush: {width} px").format(width=width)
        if at is not None and _is_eraser(at):
            return tr("Erase from the selected removal; width {width} px").format(width=width)
        text = tr("Paint over it {where}; Shift: erase; width {width} px: [ and ], or Ctrl-drag")
        return text.format(where=self.where_shapes_go(), width=width)


def _is_eraser(at: Pointer) -> bool:
    return at.shift or at.alt


def _draw_brush(painter: QPainter, place: QPointF, radius: float, *, erases: bool) -> None:
    """A circle as wide as the brush, seen on any picture; a minus in it where it erases."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in ((QColor(0, 0, 0, 170), 3.0), (QColor("#ffffff"), 1.2)):
        painter.setPen(QPen(color, width))
        painter.drawEllipse(place, radius, radius)
        if erases:
            # Beside the cross of the cursor, which hides what is in its middle.
            sign = place + QPointF(max(radius, 8.0) + 3 * _SIGN_PX, 0)
            painter.setPen(QPen(color, width + 1))
            painter.drawLine(sign - QPointF(_SIGN_PX, 0), sign + QPointF(_SIGN_PX, 0))


def _beside(place: tuple[float, float]) -> tuple[float, float]:
    """A single click is a dot."""
    return place[0] + 0.01, place[1]
