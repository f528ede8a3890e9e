"""A setting's name that is dragged left and right to change its value, as in other programs for moving pictures."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QLabel, QWidget
from typing_extensions import override

_STEP_PX = 4
"""So far the mouse goes for one step."""
_COARSE, _FINE = 10.0, 0.1


class ScrubLabel(QLabel):
    """``scrubbed`` says by how many steps from where the drag began; Shift: ten times as many, Ctrl: a tenth."""

    begun = Signal()
    scrubbed = Signal(float)
    ended = Signal()

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self._last_px: float | None = None
        self._steps = 0.0

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._last_px, self._steps = event.globalPosition().x(), 0.0
            self.begun.emit()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last_px is None:
            return
        here = event.globalPosition().x()
        self._steps += (here - self._last_px) / _STEP_PX * _pace(event.modifiers())
        self._last_px = here
        self.scrubbed.emit(self._steps)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._last_px is not None:
            self._last_px = None
            self.ended.emit()


def _pace(keys: Qt.KeyboardModifier) -> float:
    if keys & Qt.KeyboardModifier.ShiftModifier:
        return _COARSE
    return _FINE if keys & Qt.KeyboardModifier.ControlModifier else 1.0
