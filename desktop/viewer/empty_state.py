"""What the viewer shows before there is footage: how to begin."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from desktop.base import theme
from desktop.base.icons import pixmap
from desktop.base.language import tr
from desktop.panels.panel import dim_label

_STEPS = (
    ("1", "Open a clip", "Movies, image sequences, folders of frames"),
    ("2", "Draw a box", "Around what should go; move it along for keyframes"),
    ("3", "Render", "Cleaned frames appear while the rest still renders"),
)


class EmptyState(QWidget):
    """Two buttons and three steps; takes a hint of a drop."""

    open_media = Signal()
    open_project = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drop_hint = False
        title = QLabel(tr("Remove things from shots"))
        title.setObjectName("heading")
        lead = dim_label(tr("Drop footage or a project here, or choose one."))
        media = QPushButton(tr("Open Media …"))
        media.setObjectName("primary")
        project = QPushButton(tr("Open Project …"))
        media.clicked.connect(self.open_media)
        project.clicked.connect(self.open_project)
        self._film = QLabel()
        layout = QVBoxLayout(self)
        layout.addStretch(3)
        for widget in (self._film, title, lead):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(14)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch(1)
        for button in (media, project):
            button.setMinimumSize(140, 34)
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addSpacing(36)
        layout.addLayout(_steps())
        layout.addStretch(4)
        layout.setSpacing(8)

    def set_drop_hint(self, visible: bool) -> None:
        """Show that what is dragged over the window may be dropped."""
        self._drop_hint = visible
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.CANVAS))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = QColor(theme.ACCENT if self._drop_hint else theme.LINE)
        painter.setPen(QPen(color, 2 if self._drop_hint else 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(24, 24, -24, -24), 14, 14)
        if self._film.pixmap().isNull():
            self._film.setPixmap(pixmap("film", 56, theme.TEXT_OFF, self.devicePixelRatioF()))


def _steps() -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(44)
    row.addStretch(1)
    for number, title, text in _STEPS:
        column = QVBoxLayout()
        column.setSpacing(3)
        head = QLabel(f"<span style='color:{theme.ACCENT}'>{number}</span>&nbsp;&nbsp;<b>{tr(title)}</b>")
        column.addWidget(head)
        body = dim_label(tr(text), wraps=True)
        body.setFixedWidth(180)
        column.addWidget(body)
        column.addStretch(1)
        row.addLayout(column)
    row.addStretch(1)
    return row
