"""A list of messages that can be copied: Ctrl+C puts the selected ones on the clipboard, in order.

The newest is in sight unless one has scrolled away from it.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QListWidget, QWidget
from typing_extensions import override

from desktop.base import theme


class LogList(QListWidget):
    """Several messages can be selected. ``hint`` is shown while there is none."""

    def __init__(self, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hint = hint
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)

    def copy(self) -> None:
        """Put what is selected on the clipboard, one message per line."""
        rows = sorted(self.row(item) for item in self.selectedItems())
        if rows:
            QGuiApplication.clipboard().setText("\n".join(self.item(row).text() for row in rows))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        bar = self.verticalScrollBar()
        was_at_end = bar.value() == bar.maximum()
        super().resizeEvent(event)
        if was_at_end:
            self.scrollToBottom()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.count() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(QColor(theme.TEXT_DIM))
            area = self.viewport().rect().adjusted(12, 0, -12, 0)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint)
            painter.end()

    @override
    def event(self, event: QEvent) -> bool:
        # The window has an action on these keys; this says that they are meant for the list.
        is_question = event.type() == QEvent.Type.ShortcutOverride
        if is_question and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Copy):
            event.accept()
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)
