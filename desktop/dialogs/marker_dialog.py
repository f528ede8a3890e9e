"""Name, colour and note of a marker."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from desktop.base.language import tr
from desktop.timeline_view.marker_painter import COLORS, marker_color
from timeline.marker import Marker

_NAMES = {
    "RED": "Red",
    "PINK": "Pink",
    "ORANGE": "Orange",
    "YELLOW": "Yellow",
    "GREEN": "Green",
    "CYAN": "Cyan",
    "BLUE": "Blue",
    "PURPLE": "Purple",
    "MAGENTA": "Magenta",
    "WHITE": "White",
    "BLACK": "Black",
}
_SWATCH_PX = 14


class MarkerDialog(QDialog):
    """What it is given is in its fields; :attr:`accepted` says that they count."""

    def __init__(self, marker: Marker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Marker"))
        self.name, self.color, self.note = QLineEdit(marker.name), QComboBox(), QPlainTextEdit(marker.note)
        self.color.setIconSize(QSize(_SWATCH_PX, _SWATCH_PX))
        for color in COLORS:
            self.color.addItem(_swatch(color), tr(_NAMES[color]), color)
        if self.color.findData(marker.color) < 0:  # another program's own colour stays, unless one is chosen
            self.color.addItem(_swatch(marker.color), marker.color.capitalize(), marker.color)
        self.color.setCurrentIndex(self.color.findData(marker.color))
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(80)
        form = QFormLayout()
        for label, field in ((tr("Name"), self.name), (tr("Colour"), self.color), (tr("Note"), self.note)):
            field.setAccessibleName(label)
            form.addRow(label, field)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(buttons)
        self.setMinimumWidth(380)
        self.name.selectAll()


def _swatch(color: str) -> QIcon:
    pixmap = QPixmap(_SWATCH_PX, _SWATCH_PX)
    pixmap.fill(marker_color(color))
    return QIcon(pixmap)
