"""Source and result in one picture: A/B, wipe, side by side, difference, onion skin."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from desktop.base import theme
from desktop.base.language import tr
from desktop.media.display import DisplayFrame

ONION_OPACITY = 0.5


class Compare(Enum):
    """Which picture is shown."""

    RESULT = "result"
    SOURCE = "source"
    WIPE = "wipe"
    SIDE_BY_SIDE = "side by side"
    DIFFERENCE = "difference"
    ONION = "onion skin"


def draw_frame(painter: QPainter, frame: DisplayFrame, compare: Compare, target: QRectF) -> None:
    """The picture in ``target``; of a side-by-side view the result (the other pane draws SOURCE)."""
    result = frame.result or frame.source
    if compare is Compare.SOURCE:
        painter.drawImage(target, frame.source)
    elif compare is Compare.DIFFERENCE:
        if frame.difference is None:  # nothing was changed here
            painter.fillRect(target, QColor(0, 0, 0))
        else:
            painter.drawImage(target, frame.difference)
    else:
        painter.drawImage(target, result)
    if compare is Compare.ONION:
        _draw_onion(painter, frame.source, target)


def _draw_onion(painter: QPainter, source: QImage, target: QRectF) -> None:
    painter.setOpacity(ONION_OPACITY)
    painter.drawImage(target, source)
    painter.setOpacity(1.0)


def draw_wipe(painter: QPainter, source: QImage, target: QRectF, x: float, source_name: str) -> None:
    """The source (or what stands in for it) left of widget ``x``, with the line that is dragged."""
    painter.save()
    painter.setClipRect(QRectF(target.left(), target.top(), x - target.left(), target.height()))
    painter.drawImage(target, source)
    painter.restore()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#ffffff"), 1.5))
    painter.drawLine(QPointF(x, target.top()), QPointF(x, target.bottom()))
    painter.setBrush(QColor("#ffffff"))
    painter.drawEllipse(QPointF(x, target.center().y()), 6, 6)
    painter.setFont(theme.ui_font(11, bold=True))
    width = painter.fontMetrics().horizontalAdvance(source_name)
    _draw_side_name(painter, source_name, QPointF(x - 12 - width, target.bottom() - 12))
    _draw_side_name(painter, tr("Result"), QPointF(x + 12, target.bottom() - 12))


def _draw_side_name(painter: QPainter, name: str, at: QPointF) -> None:
    """On a plate, since the picture under it may be as light as the letters."""
    metrics = painter.fontMetrics()
    text = QRectF(at.x(), at.y() - metrics.ascent(), metrics.horizontalAdvance(name), metrics.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(18, 18, 18, 205))
    painter.drawRoundedRect(text.adjusted(-6, -3, 6, 3), 4, 4)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(at, name)
