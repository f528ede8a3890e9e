"""Draws the markers' row of the strip: a flag and a name for each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from desktop.base import theme
from desktop.editing.markers import MarkerPlace
from desktop.timeline_view.rows import MARKERS_PX, RULER_PX
from desktop.timeline_view.timeline_layout import TimelineLayout

_HALF_PX = 5.0
COLORS = {
    "RED": "#e2635c",
    "PINK": "#ff8fb1",
    "ORANGE": "#ffb15c",
    "YELLOW": "#f4c65a",
    "GREEN": "#5cc27e",
    "CYAN": "#6fd6d6",
    "BLUE": "#5aa9ff",
    "PURPLE": "#b58cff",
    "MAGENTA": "#e07be0",
    "WHITE": "#f0f0f0",
    "BLACK": "#5a5a5a",
}


def marker_color(name: str) -> QColor:
    """OpenTimelineIO's colour in the theme's tone; white for a name that it does not know."""
    return QColor(COLORS.get(name.upper(), COLORS["WHITE"]))


def draw_markers(
    painter: QPainter, layout: TimelineLayout, places: Sequence[MarkerPlace], width: float, bottom: float
) -> None:
    """Flags with their names as far as there is room before the next one; a dotted line down to ``bottom``."""
    painter.fillRect(QRectF(0, RULER_PX, width, MARKERS_PX), QColor("#222222"))
    painter.setFont(theme.ui_font(10))
    metrics = QFontMetricsF(painter.font())
    xs = [layout.x_of(place.frame + 0.5) for place in places]
    for place, x, following in zip(places, xs, [*xs[1:], width], strict=True):
        if x < -200 or x > width:
            continue
        color = marker_color(place.marker.color)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(color, 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(x, RULER_PX + MARKERS_PX), QPointF(x, bottom))
        _draw_flag(painter, x, color)
        room = following - x - 3 * _HALF_PX
        shown = metrics.elidedText(place.marker.name, Qt.TextElideMode.ElideRight, max(room, 0))
        if len(shown) > 1 or shown == place.marker.name:
            painter.setPen(QColor(theme.TEXT))
            painter.drawText(QPointF(x + _HALF_PX + 3, RULER_PX + MARKERS_PX - 5), shown)


def _draw_flag(painter: QPainter, x: float, color: QColor) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.EDGE), 1))
    painter.setBrush(color)
    top = RULER_PX + 3
    left, right = x - _HALF_PX, x + _HALF_PX
    corners = ((left, top), (right, top), (right, top + 7), (x, top + 13), (left, top + 7))
    painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))


def marker_under(layout: TimelineLayout, places: Sequence[MarkerPlace], x: float) -> list[MarkerPlace]:
    """The markers whose flag is under a widget x."""
    return [place for place in places if abs(layout.x_of(place.frame + 0.5) - x) <= _HALF_PX + 1]
