"""What a screen reader says: every control that takes the keyboard has a name."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
)

from desktop import commands
from desktop.main_window import MainWindow
from roi_tools.shapes import RectF

_CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)


def test_every_control_has_a_name(editor: MainWindow) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    nameless, named = [], 0
    for kind in _CONTROLS:
        for widget in editor.findChildren(kind):
            inner = widget.objectName().startswith("qt_") or isinstance(widget.parent(), (QAbstractSpinBox, QComboBox))
            if inner or widget.window() is not editor or widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
                continue
            interface = QAccessible.queryAccessibleInterface(widget)
            if interface.text(QAccessible.Text.Name):
                named += 1
            else:
                nameless.append(f"{type(widget).__name__} {widget.toolTip()}")
    assert nameless == []
    assert named > 15
