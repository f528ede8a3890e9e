"""A small note with a title, a text and buttons that points at a widget of the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.panels.panel import dim_label

_WIDTH_PX = 400
_ARROW_PX = 10
_LARGE = 0.5
"""A target that takes more than this share of the window has the callout inside it."""


class Callout(QWidget):
    """Lies over its window and follows the widget that it points at."""

    acted = Signal()
    """The step's own button."""
    went_on = Signal()
    left = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.hide()
        self._window, self._target = window, window
        self._tip = QPoint()
        self.title, self.text = QLabel(), QLabel()
        self.title.setFont(theme.ui_font(14, bold=True))
        self.text.setWordWrap(True)
        self.skip_button = QPushButton(tr("End the Tour"))
        self.next_button, self.act_button = QPushButton(tr("Next")), QPushButton(tr("Finish"))
        self.act_button.setObjectName("primary")
        self.skip_button.clicked.connect(self.left)
        self.next_button.clicked.connect(self.went_on)
        self.act_button.clicked.connect(self.acted)
        self._lay_out()
        window.installEventFilter(self)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.skip_button)
        buttons.addStretch(1)
        buttons.addWidget(self.next_button)
        buttons.addWidget(self.act_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16 + _ARROW_PX, 14 + _ARROW_PX, 16 + _ARROW_PX, 14 + _ARROW_PX)
        layout.setSpacing(10)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addWidget(dim_label(tr("Escape ends the tour; Help > Take the Tour begins it again."), wraps=True))
        layout.addLayout(buttons)
        self.setFixedWidth(_WIDTH_PX + 2 * _ARROW_PX)

    @property
    def has_focus(self) -> bool:
        """Whether the keyboard is in the callout."""
        return any(button.hasFocus() for button in (self.skip_button, self.next_button, self.act_button))

    def point_at(self, target: QWidget, title: str, text: str, act_text: str, next_text: str) -> None:
        """Show this beside ``target``."""
        if self._target is not self._window:
            self._target.removeEventFilter(self)
        self._target = target
        target.installEventFilter(self)
        self.title.setText(title)
        self.text.setText(text)
        self.act_button.setText(act_text)
        self.next_button.setText(next_text)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self._place()
        self.show()
        self.raise_()

    def take_focus(self) -> None:
        """Let Return do what the step is about."""
        self.act_button.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- place --------------------------------------------------------------------------------------------------

    def _place(self) -> None:
        """Where there is room around the target, preferring its left; in the corner of a target that is large."""
        target, window = self._target, self._window
        self.adjustSize()
        area = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
        bounds = window.rect().adjusted(6, 6, -6, -6)
        self._tip = QPoint()
        if area.width() * area.height() > _LARGE * bounds.width() * bounds.height() / 2:
            # Right: pictures are looked at from the left. Below, where there is room: the picture itself stays free.
            is_room = area.bottom() + self.height() <= bounds.bottom()
            top = area.bottom() if is_room else area.bottom() - self.height() - 8
            self.move(area.right() - self.width() - 8, top)
            if is_room:
                self._tip = QPoint(self.width() // 2, 0)
        else:
            place, tip = _beside(area, QRect(QPoint(0, 0), self.size()), bounds)
            self.move(place)
            self._tip = tip - place
        self.update()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        moved = event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show)
        if moved and self.isVisible():
            self._place()
        return False

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.has_focus:
            focused = self.focusWidget()
            if isinstance(focused, QPushButton):
                focused.click()
        else:
            super().keyPressEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(_ARROW_PX, _ARROW_PX, -_ARROW_PX, -_ARROW_PX)
        path = QPainterPath()
        path.addRoundedRect(body, 8, 8)
        if not self._tip.isNull():
            path = path.united(_arrow(body, self._tip))
        painter.setPen(QPen(QColor(theme.ACCENT), 1.5))
        painter.setBrush(QColor(theme.RAISED))
        painter.drawPath(path)


def _beside(area: QRect, size: QRect, bounds: QRect) -> tuple[QPoint, QPoint]:
    """Place of the callout and the point that its arrow ends at: left, above, below or right of ``area``."""
    middle = area.center()
    width, height = size.width(), size.height()
    top = max(bounds.top(), min(middle.y() - height // 2, bounds.bottom() - height))
    left = max(bounds.left(), min(middle.x() - width // 2, bounds.right() - width))
    if area.left() - width >= bounds.left():
        return QPoint(area.left() - width, top), QPoint(area.left(), middle.y())
    if area.top() - height >= bounds.top():
        return QPoint(left, area.top() - height), QPoint(middle.x(), area.top())
    if area.bottom() + height <= bounds.bottom():
        return QPoint(left, area.bottom()), QPoint(middle.x(), area.bottom())
    return QPoint(min(area.right(), bounds.right() - width), top), QPoint(area.right(), middle.y())


def _arrow(body: QRectF, tip: QPoint) -> QPainterPath:
    """A triangle from the body's edge to the tip."""
    x = min(max(float(tip.x()), body.left() + 20), body.right() - 20)
    y = min(max(float(tip.y()), body.top() + 20), body.bottom() - 20)
    sideways = not body.left() < tip.x() < body.right()
    dx, dy = (0.0, 9.0) if sideways else (9.0, 0.0)
    edge_x = (body.right() if tip.x() > body.right() else body.left()) if sideways else x
    edge_y = y if sideways else (body.bottom() if tip.y() > body.bottom() else body.top())
    path = QPainterPath()
    path.moveTo(edge_x - dx, edge_y - dy)
    path.lineTo(tip.x(), tip.y())
    path.lineTo(edge_x + dx, edge_y + dy)
    path.closeSubpath()
    return path
