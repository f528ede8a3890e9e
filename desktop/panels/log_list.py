"""A list of messages that can be copied: Ctrl+C puts the selected ones on the clipboard, in order."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QListWidget, QWidget
from typing_extensions import override


class LogList(QListWidget):
    """Several messages can be selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)

    def copy(self) -> None:
        """Put what is selected on the clipboard, one message per line."""
        rows = sorted(self.row(item) for item in self.selectedItems())
        if rows:
            QGuiApplication.clipboard().setText("\n".join(self.item(row).text() for row in rows))

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
