"""The line between a companion and what it goes along with."""

from __future__ import annotations

from typing import TypeAlias

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from desktop.base import theme
from desktop.base.icons import pixmap
from desktop.viewer.view_transform import ViewTransform
from roi_tools.shapes import RectF

Place: TypeAlias = tuple[float, float]
"""x, y in frame px."""
_ICON_PX = 14
_DISC_PX = 10.0
_SHORTEST_PX = 3 * _DISC_PX
"""Nearer ends leave no room for a line: the chain alone says it."""


def rect_middle(rect: RectF) -> Place:
    """Where a line to a box ends."""
    return (rect.x0 + rect.x1) / 2, (rect.y0 + rect.y1) / 2


def draw_link(painter: QPainter, view: ViewTransform, companion: Place, leader: Place, *, strong: bool) -> None:
    """A dotted line with a chain half way; ``strong`` where one of the two is selected."""
    start, end = QPointF(*view.to_widget(*companion)), QPointF(*view.to_widget(*leader))
    way = end - start
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setOpacity(1.0 if strong else 0.6)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if abs(way.x()) + abs(way.y()) > _SHORTEST_PX:
        for color, width, style in (
            (QColor(0, 0, 0, 170), 3.2, Qt.PenStyle.SolidLine),
            (QColor("#ffffff"), 1.4, Qt.PenStyle.DotLine),
        ):
            painter.setPen(QPen(color, width, style))
            painter.drawLine(start, end)
    middle = start + way / 2
    painter.setPen(QPen(QColor("#ffffff"), 1.0))
    painter.setBrush(QColor(theme.ACCENT_DEEP) if strong else QColor(20, 20, 20, 215))
    painter.drawEllipse(middle, _DISC_PX, _DISC_PX)
    icon = pixmap("link", _ICON_PX, "#ffffff", painter.device().devicePixelRatio())
    painter.drawPixmap(middle - QPointF(_ICON_PX / 2, _ICON_PX / 2), icon)
    painter.restore()
