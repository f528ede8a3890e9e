"""Draws what is known of results: the bar of what is rendered, context windows, the graph of how far to trust it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from desktop.base import theme
from desktop.base.language import tr
from desktop.editing.timeline_map import ShotSpan
from desktop.rendering.results import ResultState
from desktop.timeline_view.rows import GRAPH_PX, LEGEND_PX, PADDING_PX, RESULT_PX
from desktop.timeline_view.shot_pictures import Floats, ShotPicture, Trace
from desktop.timeline_view.timeline_layout import TimelineLayout

INVENTED = "#c792ea"
_TICK_PX = 4.0
_SAMPLE_PX = 14.0


def draw_results(painter: QPainter, layout: TimelineLayout, shot: ShotPicture, top: float) -> None:
    """The bar below a shot: full where rendered, dotted for previews, striped where stale, crossed where it failed."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    left, right = layout.x_of(shot.span.start), layout.x_of(shot.span.end_exclusive)
    painter.fillRect(QRectF(left + 1, top, max(right - left - 2, 1.0), RESULT_PX), QColor(theme.FIELD))
    for start, end, state in shot.states:
        rect = QRectF(layout.x_of(start), top, max(layout.x_of(end) - layout.x_of(start), 1.0), RESULT_PX)
        if state is ResultState.MISSING:
            painter.fillRect(rect, QBrush(QColor("#6a6a6a"), Qt.BrushStyle.Dense5Pattern))
        elif state is ResultState.READY:
            painter.fillRect(rect, QColor(theme.READY))
        elif state is ResultState.PROVISIONAL:
            painter.fillRect(rect, QBrush(QColor(theme.READY), Qt.BrushStyle.Dense4Pattern))
        elif state is ResultState.STALE:
            painter.fillRect(rect, QColor("#4a3a1c"))
            painter.fillRect(rect, QBrush(QColor(theme.STALE), Qt.BrushStyle.BDiagPattern))
        elif state is ResultState.FAILED:
            painter.fillRect(rect, QColor("#4a2020"))
            painter.fillRect(rect, QBrush(QColor(theme.FAILED), Qt.BrushStyle.DiagCrossPattern))
    _draw_windows(painter, layout, shot, top)


def _draw_windows(painter: QPainter, layout: TimelineLayout, shot: ShotPicture, top: float) -> None:
    """Brackets, by turns along the upper and the lower edge, so that windows that overlap are told apart."""
    painter.setPen(QPen(QColor("#f2f2f2"), 1))
    for number, (start, end) in enumerate(shot.windows):
        start, end = max(start, shot.span.start), min(end, shot.span.end_exclusive)
        if start >= end:
            continue
        left, right = round(layout.x_of(start)) + 1.5, round(layout.x_of(end)) - 1.5
        edge, tick = (top + 0.5, _TICK_PX) if number % 2 == 0 else (top + RESULT_PX - 0.5, -_TICK_PX)
        painter.drawLine(QPointF(left, edge), QPointF(right, edge))
        for x in (left, right):
            painter.drawLine(QPointF(x, edge), QPointF(x, edge + tick))


def draw_graph(painter: QPainter, layout: TimelineLayout, span: ShotSpan, trace: Trace, top: float) -> None:
    """Confidence as a line over a tint, what was invented hatched from below; 0 at the bottom, 1 at the top."""
    left, right = layout.x_of(span.start), layout.x_of(span.end_exclusive)
    area = QRectF(left + 1, top, max(right - left - 2, 1.0), GRAPH_PX)
    painter.save()
    painter.setClipRect(area)
    painter.fillRect(area, QColor(theme.FIELD))
    painter.setPen(QPen(QColor("#3a3a3a"), 1, Qt.PenStyle.DotLine))
    painter.drawLine(QPointF(area.left(), area.center().y()), QPointF(area.right(), area.center().y()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    sure, invented = QColor(theme.READY), QColor(INVENTED)
    _draw_curve(painter, layout, span, _reduced(trace.confidence, layout, np.fmin), area, QPen(sure, 1.5), _tint(sure))
    hatch = QBrush(invented, Qt.BrushStyle.BDiagPattern)
    pen = QPen(invented, 1.2, Qt.PenStyle.DashLine)
    _draw_curve(painter, layout, span, _reduced(trace.share_synthesised, layout, np.fmax), area, pen, hatch)
    painter.restore()


def _tint(color: QColor) -> QBrush:
    tint = QColor(color)
    tint.setAlpha(45)
    return QBrush(tint)


def _reduced(values: Floats, layout: TimelineLayout, worst: np.ufunc) -> tuple[int, Floats]:
    """Frames in a step, and the worst value of each step: at least a pixel wide."""
    step = max(round(1 / layout.px_per_frame), 1)
    return step, worst.reduceat(values, np.arange(0, len(values), step))


def _draw_curve(
    painter: QPainter,
    layout: TimelineLayout,
    span: ShotSpan,
    stepped: tuple[int, Floats],
    area: QRectF,
    pen: QPen,
    fill: QBrush,
) -> None:
    step, values = stepped
    first = max((layout.frame_at(0) - span.start) // step, 0)
    line, tint = QPainterPath(), QPainterPath()
    is_open = False
    for index in range(first, len(values)):
        x = layout.x_of(span.start + index * step)
        if x > painter.device().width():
            break
        if np.isnan(values[index]):
            is_open = False
            continue
        end = layout.x_of(min(span.start + (index + 1) * step, span.end_exclusive))
        y = area.bottom() - 1 - values[index] * (area.height() - 2)
        (line.lineTo if is_open else line.moveTo)(x, y)
        line.lineTo(end, y)
        tint.addRect(QRectF(x, y, end - x, area.bottom() - y))
        is_open = True
    painter.fillPath(tint, fill)
    painter.strokePath(line, pen)


def draw_legend(painter: QPainter, top: float) -> None:
    """Which line of the graph is which, above it."""
    painter.setFont(theme.ui_font(10))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    metrics = QFontMetricsF(painter.font())
    x = PADDING_PX + 2
    for text, color, is_dashed in ((tr("confidence"), theme.READY, False), (tr("invented"), INVENTED, True)):
        y = top + LEGEND_PX / 2
        painter.setPen(QPen(QColor(color), 1.5, Qt.PenStyle.DashLine if is_dashed else Qt.PenStyle.SolidLine))
        painter.drawLine(QPointF(x, y), QPointF(x + _SAMPLE_PX, y))
        painter.setPen(QColor(theme.TEXT_DIM))
        painter.drawText(QPointF(x + _SAMPLE_PX + 4, y + 4), text)
        x += metrics.horizontalAdvance(text) + _SAMPLE_PX + 18
