"""The common frame of the docked panels: a quiet title bar and even margins."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDockWidget,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
)
from typing_extensions import override

from desktop.base.icons import icon

LIST_PX = 44
"""The least height of a list in a panel: two lines."""
TITLE_PX = 30

AnySpinBox = TypeVar("AnySpinBox", QSpinBox, QDoubleSpinBox)


class Panel(QDockWidget):
    """A dock with a title in small capitals; its title bar takes tool buttons at the right."""

    def __init__(self, name: str, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetMovable)
        bar = _TitleBar()
        self._bar_layout = QHBoxLayout(bar)
        self._bar_layout.setContentsMargins(14, 0, 8, 0)
        self._bar_layout.setSpacing(2)
        label = QLabel(title.upper())
        label.setObjectName("panelTitle")
        self._bar_layout.addWidget(label)
        self._bar_layout.addStretch(1)
        self.setTitleBarWidget(bar)
        content.setObjectName("panel")
        content.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWidget(content)

    def add_title_action(self, action: QAction) -> None:
        """Put an action's button at the right of the title bar."""
        button = QToolButton()
        button.setDefaultAction(action)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setIconSize(QSize(16, 16))
        self._bar_layout.addWidget(button)


class _TitleBar(QWidget):
    """A dock gives its title bar the height of its size hint, whatever is in it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panelTitleBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)

    @override
    def sizeHint(self) -> QSize:
        return QSize(120, TITLE_PX)

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def tool_button(icon_name: str, tip: str, *, checkable: bool = False) -> QToolButton:
    """A small flat button without a shortcut of its own."""
    button = QToolButton()
    button.setIcon(icon(icon_name))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard where one is at work
    return button


def dim_label(text: str = "", *, wraps: bool = False) -> QLabel:
    """Secondary text."""
    label = QLabel(text)
    label.setObjectName("dim")
    label.setWordWrap(wraps)
    if wraps:
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def takes_what_is_left(items: QAbstractItemView) -> None:
    """A list that asks for no height: beside text that wraps, its wish would make the whole panel scroll."""
    items.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
    items.setMinimumHeight(LIST_PX)


class ElidedLabel(QLabel):
    """Secondary text on one line that never widens its panel: what does not fit is in its tool tip."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setObjectName("dim")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._whole = ""
        self.setText(text)

    @override
    def text(self) -> str:
        return self._whole

    @override
    def setText(self, text: str) -> None:
        self._whole = text
        self._show()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show()

    def _show(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        super().setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")


def inset_text(box: AnySpinBox) -> AnySpinBox:
    """The same spin box with its text a little off the edge, which a style sheet cannot do."""
    box.lineEdit().setTextMargins(5, 0, 0, 0)
    return box


def divider() -> QFrame:
    """A thin horizontal line."""
    line = QFrame()
    line.setObjectName("divider")
    line.setFixedHeight(1)
    return line
