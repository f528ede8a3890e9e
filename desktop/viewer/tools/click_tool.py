"""Click to matte: clicks on the object and beside it, or a box around it; the engine finds its outline."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPen, QPolygonF
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.viewer.overlays import to_qrect
from desktop.viewer.tools.base import CanvasTool, is_undo, plain_key
from desktop.viewer.tools.pointer import Pointer
from roi_tools.shapes import RectF

Outline: TypeAlias = NDArray[np.float64]
"""(n, 2): x, y in frame px; closed."""

_DRAG_PX = 6.0
_ACCEPT = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_BACK = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


@dataclass(frozen=True)
class Click:
    """A click on the object, or (not positive) beside it."""

    x: float
    y: float
    positive: bool


@dataclass(frozen=True)
class Prompts:
    """What was marked on one frame."""

    frame: int
    clicks: tuple[Click, ...] = ()
    box: RectF | None = None

    @property
    def shows_object(self) -> bool:
        """Whether there is enough to look for it."""
        return self.box is not None or any(click.positive for click in self.clicks)


class ClickTool(CanvasTool):
    """Every click is a request for a new outline; Enter accepts it for the whole shot."""

    _prompts: Prompts | None = None
    _start: Pointer | None = None
    _rect: RectF | None = None
    _outlines: tuple[Outline, ...] = ()
    _said = ""

    @property
    @override
    def is_busy(self) -> bool:
        return self._prompts is not None

    @property
    def prompts(self) -> Prompts | None:
        """What was marked so far."""
        return self._prompts

    def show(self, outlines: tuple[Outline, ...], said: str) -> None:
        """Show what was found on the frame of the prompts, and how far it is in words."""
        self._outlines, self._said = outlines, said

    # --- mouse --------------------------------------------------------------------------------------------------

    @override
    def press(self, at: Pointer) -> None:
        self._start, self._rect = at, None

    @override
    def move(self, at: Pointer) -> None:
        if self._start is None:
            return
        moved = at.at - self._start.at
        if math.hypot(moved.x(), moved.y()) >= _DRAG_PX:
            (x0, x1), (y0, y1) = sorted((self._start.x, at.x)), sorted((self._start.y, at.y))
            self._rect = RectF(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))

    @override
    def release(self, at: Pointer) -> None:
        if self._start is None:
            return
        start, rect, self._start, self._rect = self._start, self._rect, None, None
        frame = self._stage.frame_number
        prompts = self._prompts if self._prompts and self._prompts.frame == frame else Prompts(frame)
        if rect is not None:
            prompts = replace(prompts, box=rect)
        else:
            prompts = replace(prompts, clicks=(*prompts.clicks, Click(start.x, start.y, not start.alt)))
        self._set(prompts)

    def _set(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._stage.gestures.prompted.emit(prompts)

    # --- keys ---------------------------------------------------------------------------------------------------

    @override
    def wants_key(self, event: QKeyEvent) -> bool:
        known = plain_key(event) and event.key() in (*_ACCEPT, *_BACK, Qt.Key.Key_Escape)
        return self.is_busy and (known or is_undo(event))

    @override
    def key(self, event: QKeyEvent) -> None:
        prompts = self._prompts
        if prompts is None:
            return
        if event.key() in _ACCEPT:
            self._stage.gestures.prompts_accepted.emit(prompts)
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()
        elif prompts.clicks:
            self._set(replace(prompts, clicks=prompts.clicks[:-1]))
        else:
            self.cancel()

    @override
    def cancel(self) -> None:
        was_busy = self.is_busy
        self._prompts = self._start = self._rect = None
        self._outlines, self._said = (), ""
        if was_busy:
            self._stage.gestures.prompted.emit(None)

    # --- looks --------------------------------------------------------------------------------------------------

    @override
    def paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._prompts is not None and self._prompts.frame == self._stage.frame_number:
            self._paint_outlines(painter)
            for click in self._prompts.clicks:
                self._paint_click(painter, click)
        rect = self._rect or (self._prompts.box if self._prompts else None)
        if rect is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.ACCENT), 1.5, Qt.PenStyle.DashLine))
            painter.drawRect(to_qrect(self._stage.view.rect_to_widget(rect)))

    def _paint_outlines(self, painter: QPainter) -> None:
        view, path = self._stage.view, QPainterPath()
        for outline in self._outlines:
            path.addPolygon(QPolygonF([QPointF(*view.to_widget(float(x), float(y))) for x, y in outline]))
            path.closeSubpath()
        fill = QColor(theme.FAILED)
        fill.setAlpha(95)
        painter.setPen(QPen(QColor("#ffffff"), 1.5))
        painter.setBrush(fill)
        painter.drawPath(path)

    def _paint_click(self, painter: QPainter, click: Click) -> None:
        place = QPointF(*self._stage.view.to_widget(click.x, click.y))
        painter.setPen(QPen(QColor("#ffffff"), 1.5))
        painter.setBrush(QColor(theme.READY if click.positive else theme.FAILED))
        painter.drawEllipse(place, 8, 8)
        painter.drawLine(place - QPointF(4, 0), place + QPointF(4, 0))
        if click.positive:
            painter.drawLine(place - QPointF(0, 4), place + QPointF(0, 4))

    @override
    def hint(self, at: Pointer | None) -> str:
        if self._said:
            return self._said
        if self._prompts is None:
            return tr("Click on what should go, or drag a box around it; Alt-click: not this")
        return tr("Click: more of it, Alt-click: not this, Enter: accept for the whole shot, Esc: cancel")
