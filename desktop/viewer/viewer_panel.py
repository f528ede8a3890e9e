"""The middle of the window: the picture (or how to begin) between the look bar and the transport bar."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from desktop.roto.selection import RotoSelection
from desktop.viewer.canvas import Canvas
from desktop.viewer.empty_state import EmptyState
from desktop.viewer.look_bar import LookBar
from desktop.viewer.transport_bar import TransportBar


class ViewerPanel(QWidget):
    """Holds them and the bars; it decides nothing but which one is seen."""

    def __init__(self, actions: Mapping[str, QAction], selection: RotoSelection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = Canvas(selection)
        self.empty = EmptyState()
        self.look = LookBar()
        self.transport = TransportBar(actions)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.canvas)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.look)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.transport)
        self.canvas.zoomed.connect(self.transport.show_zoom)
        self.show_content(False)

    def show_content(self, has_shots: bool) -> None:
        """The picture if there are shots, else how to begin."""
        # Only what is seen says how high the window has to be; said first, since of hidden ones no layout takes notice.
        policy = QSizePolicy.Policy.Ignored if has_shots else QSizePolicy.Policy.Preferred
        self.empty.setSizePolicy(policy, policy)
        self._stack.setCurrentWidget(self.canvas if has_shots else self.empty)
        self.look.setVisible(has_shots)
        self.transport.setVisible(has_shots)
