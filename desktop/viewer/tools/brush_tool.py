"""Draws lines freely: what was painted becomes an open line with a width."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt
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
    """Press, paint, let go."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._places: list[tuple[float, float]] = []

    @property
    @override
    def is_busy(self) -> bool:
        return bool(self._places)

    @override
    def press(self, at: Pointer) -> None:
        self._places = [(at.x, at.y)]

    @override
    def move(self, at: Pointer) -> None:
        if not self.is_busy:
            return
        x, y = self._places[-1]
        if math.hypot(at.x - x, at.y - y) >= _STEP_PX * self.px():
            self._places.append((at.x, at.y))

    @override
    def release(self, at: Pointer) -> None:
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
        selection = self._stage.selection
        if event.key() == Qt.Key.Key_Escape:
            self.cancel()
        elif event.key() == Qt.Key.Key_BracketRight:
            selection.line_width_px = min(selection.line_width_px * WIDTH_STEP + 0.5, 500.0)
        else:
            selection.line_width_px = max(selection.line_width_px / WIDTH_STEP - 0.5, 1.0)

    @override
    def cancel(self) -> None:
        self._places = []

    def _shape(self, *, simplify: bool) -> Shape:
        width = self._stage.selection.line_width_px
        places = self._places if len(self._places) > 1 else [*self._places, _beside(self._places[0])]
        if simplify:
            places = simplified(places, max(_ERROR_SHARE * width, _MINIMUM_ERROR_PX))
        frame = self._stage.frame_number
        tracks = tuple(Track((Keyframe(frame, (x, y, *(0.0,) * 6)),)) for x, y in places)
        return Shape(tr("Brush"), "brush", tracks, width_px=constant(width))

    @override
    def paint(self, painter: QPainter) -> None:
        view = self._stage.view
        if self.is_busy:
            shape = self._shape(simplify=False)
            draw_new_outline(painter, view, outline_at(shape, self._stage.frame_number), closed=True)
        hover = self._stage.hover
        if hover is not None:
            radius = self._stage.selection.line_width_px / 2 * view.zoom
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(0, 0, 0, 170), 3))
            painter.drawEllipse(hover.at, radius, radius)
            painter.setPen(QPen(QColor("#ffffff"), 1.2))
            painter.drawEllipse(hover.at, radius, radius)

    @override
    def hint(self, at: Pointer | None) -> str:
        width = f"{self._stage.selection.line_width_px:.0f}"
        text = tr("Paint over it {where}; width {width} px: [ thinner, ] thicker")
        return text.format(where=self.where_shapes_go(), width=width)


def _beside(place: tuple[float, float]) -> tuple[float, float]:
    """A single click is a dot."""
    return place[0] + 0.01, place[1]
