"""Keys that move the selection by pixels."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

_STEP_PX, _FAST_STEP_PX = 1.0, 10.0
_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}
_KEYPAD = {
    Qt.Key.Key_4: Qt.Key.Key_Left,
    Qt.Key.Key_6: Qt.Key.Key_Right,
    Qt.Key.Key_8: Qt.Key.Key_Up,
    Qt.Key.Key_2: Qt.Key.Key_Down,
}


def nudge_of(event: QKeyEvent) -> tuple[float, float] | None:
    """How far a key moves the selection, px: Alt and arrows, or the keypad; Shift: ten times as far."""
    held = event.modifiers()
    direction = None
    if held & Qt.KeyboardModifier.KeypadModifier and Qt.Key(event.key()) in _KEYPAD:
        direction = _ARROWS[_KEYPAD[Qt.Key(event.key())]]
    elif held & Qt.KeyboardModifier.AltModifier and not held & Qt.KeyboardModifier.ControlModifier:
        direction = _ARROWS.get(Qt.Key(event.key()))
    if direction is None:
        return None
    step = _FAST_STEP_PX if held & Qt.KeyboardModifier.ShiftModifier else _STEP_PX
    return direction[0] * step, direction[1] * step
