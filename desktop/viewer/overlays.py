"""What the viewer draws over the picture: boxes with handles, the matte's tint, labels and badges."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from desktop.base import theme
from desktop.base.language import tr
from desktop.viewer.box_handles import handle_points
from roi_tools.shapes import RectF

HANDLE_PX = 8.0


@dataclass(frozen=True)
class BoxOverlay:
    """One removal's box on the frame shown; ``rect`` in image px, ``grow_px`` what the effect adds around it."""

    removal_id: str
    label: str
    rect: RectF
    color: QColor
    selected: bool
    keyed: bool
    enabled: bool
    grow_px: float = 0.0
    linked_to: str = ""
    """The removal that it goes along with, if any."""


def to_qrect(rect: RectF) -> QRectF:
    """The same rectangle for Qt."""
    return QRectF(rect.x0, rect.y0, rect.width_px, rect.height_px)


def draw_matte(painter: QPainter, rect: QRectF, color: QColor) -> None:
    """A tint with diagonal lines: visible on any picture, and without seeing colour."""
    tint = QColor(color)
    tint.setAlpha(95)
    painter.fillRect(rect, tint)
    lines = QColor(color).lighter(140)
    lines.setAlpha(110)
    painter.fillRect(rect, QBrush(lines, Qt.BrushStyle.BDiagPattern))


def draw_box(painter: QPainter, overlay: BoxOverlay, rect: QRectF, *, sizes: bool) -> None:
    """Outline, name and (if selected) handles; ``rect`` in widget px, ``sizes`` adds width and height in image px."""
    color = overlay.color if overlay.enabled else QColor(theme.TEXT_DIM)
    _draw_outline(painter, QRectF(rect.toRect()), color, dashed=not overlay.enabled, thick=overlay.selected)
    _draw_name(painter, overlay, rect, color)
    if overlay.selected:
        _draw_handles(painter, rect, color)
    if sizes:
        draw_tag(
            painter,
            f"{overlay.rect.width_px:.0f} × {overlay.rect.height_px:.0f}",
            QPointF(rect.left(), rect.bottom() + 6),
            QColor(theme.EDGE),
            QColor(theme.TEXT),
        )


def draw_safe_areas(painter: QPainter, picture: QRectF) -> None:
    """Action safe (93 %) and title safe (90 %) of SMPTE ST 2046-1, and the middle."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for share, name in ((0.93, tr("Action")), (0.90, tr("Title"))):
        dx, dy = picture.width() * (1 - share) / 2, picture.height() * (1 - share) / 2
        rect = picture.adjusted(dx, dy, -dx, -dy)
        for color, style in ((QColor(0, 0, 0, 150), Qt.PenStyle.SolidLine), (QColor("#ffffff"), Qt.PenStyle.DotLine)):
            painter.setPen(QPen(color, 1, style))
            painter.drawRect(rect)
        painter.setFont(theme.ui_font(10))
        painter.drawText(rect.topLeft() + QPointF(4, 12 if share < 0.92 else -2), name)
    centre = picture.center()
    painter.drawLine(centre - QPointF(9, 0), centre + QPointF(9, 0))
    painter.drawLine(centre - QPointF(0, 9), centre + QPointF(0, 9))


def draw_badge(painter: QPainter, text: str, right_top: QPointF, color: QColor) -> None:
    """What the picture is (source, result, ...), in the viewer's corner."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.ui_font(11, bold=True))
    width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 30
    rect = QRectF(right_top.x() - width, right_top.y(), width, 22)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 20, 20, 215))
    painter.drawRoundedRect(rect, 11, 11)
    painter.setBrush(color)
    painter.drawEllipse(QPointF(rect.left() + 12, rect.center().y()), 3.5, 3.5)
    painter.setPen(QColor(theme.TEXT))
    painter.drawText(rect.adjusted(21, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def _draw_outline(painter: QPainter, rect: QRectF, color: QColor, *, dashed: bool, thick: bool) -> None:
    """A line of one or two whole pixels between two dark ones: even on all sides, visible on any picture."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 140), 1))
    inner = 2 if thick else 1
    painter.drawRect(rect.adjusted(-1, -1, 1, 1))
    painter.drawRect(rect.adjusted(inner, inner, -inner, -inner))
    painter.setPen(QPen(color, 1, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
    painter.drawRect(rect)
    if thick:
        painter.drawRect(rect.adjusted(1, 1, -1, -1))


def _draw_handles(painter: QPainter, rect: QRectF, color: QColor) -> None:
    painter.setPen(QPen(QColor(theme.EDGE), 1))
    painter.setBrush(QColor("#ffffff"))
    half = HANDLE_PX / 2
    small = min(rect.width(), rect.height()) < 3 * HANDLE_PX
    outline = RectF(rect.left(), rect.top(), rect.right(), rect.bottom())
    for handle, (x, y) in handle_points(outline).items():
        is_corner = sum(handle.value) == 2
        if is_corner or not small:
            painter.drawRect(QRectF(x - half, y - half, HANDLE_PX, HANDLE_PX))
    painter.setBrush(color)


def _draw_name(painter: QPainter, overlay: BoxOverlay, rect: QRectF, color: QColor) -> None:
    top = rect.top() - 25 if rect.top() > 26 else rect.top() + 6
    origin = QPointF(rect.left() - 1 if rect.top() > 26 else rect.left() + 6, top)
    background = QColor(color)
    background.setAlpha(255 if overlay.selected else 190)
    draw_tag(painter, overlay.label, origin, background, QColor("#101010"), keyed=overlay.keyed)


def draw_tag(
    painter: QPainter, text: str, left_top: QPointF, background: QColor, color: QColor, *, keyed: bool = False
) -> None:
    """A name on a rounded ground; a diamond before it on a keyframe."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.ui_font(11, bold=True))
    indent = 16 if keyed else 7
    width = QFontMetricsF(painter.font()).horizontalAdvance(text) + indent + 7
    rect = QRectF(left_top.x(), left_top.y(), width, 19)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(background)
    painter.drawRoundedRect(rect, 4, 4)
    if keyed:
        painter.setBrush(color)
        painter.drawPolygon(diamond(QPointF(rect.left() + 9, rect.center().y()), 3.6))
    painter.setPen(color)
    painter.drawText(rect.adjusted(indent, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def diamond(centre: QPointF, radius: float) -> QPolygonF:
    """A keyframe's mark."""
    x, y = centre.x(), centre.y()
    return QPolygonF([QPointF(x, y - radius), QPointF(x + radius, y), QPointF(x, y + radius), QPointF(x - radius, y)])
