"""Under the picture: where the playhead is, the transport, zoom and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from desktop.base import theme
from desktop.base.language import tr
from desktop.editing.frame_entry import clock_text, parse_frame
from desktop.panels.panel import dim_label


class TransportBar(QWidget):
    """Buttons come from the window's actions, so that text, state and shortcut have one place."""

    frame_entered = Signal(int)
    """A timeline frame that a person typed."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(42)
        self._shown, self._rate = 0, Fraction(24)
        self.frame_field = QLineEdit()
        self.frame_field.setFixedWidth(84)
        self.frame_field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.frame_field.setAccessibleName(tr("Frame"))
        self.frame_field.setToolTip(tr("Frame on the timeline; type 40, +20, -5 or 1:02 (seconds:frames) to go there"))
        self.frame_field.returnPressed.connect(self._on_entered)
        self.frame_field.editingFinished.connect(self._show_number)
        self._length, self._timecode = dim_label(), QLabel()
        self._timecode.setFont(theme.mono_font(12))
        self._zoom = dim_label()
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 0, 10, 0)
        left = _row(self.frame_field, self._length, self._timecode)
        left.addStretch(1)
        grid.addLayout(left, 0, 0)
        transport = ("to_start", "previous_key", "step_back", "play", "step_forward", "next_key", "to_end")
        grid.addLayout(_row(*(_button(actions[name]) for name in transport), spacing=2), 0, 1)
        view = ("compare", "wipe", "side_by_side", "matte", "overlays", "fit", "actual_size")
        buttons = [_button(actions[name]) for name in view]
        right = _row(self._zoom, *buttons, spacing=2)
        right.insertStretch(0, 1)
        right.insertSpacing(2, 8)
        grid.addLayout(right, 0, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)

    def show_frame(self, frame: int, length_frames: int, rate: Fraction | None) -> None:
        """Where the playhead is."""
        moved = frame != self._shown
        self._shown, self._rate = frame, rate or self._rate
        if moved or not self.frame_field.hasFocus():
            self._show_number()
        self._length.setText(f"/ {length_frames - 1}" if length_frames else "")
        self._length.setToolTip(tr("The last frame; there are {count}, the first is 0").format(count=length_frames))
        self._timecode.setText(clock_text(frame, self._rate) if length_frames else "")

    def edit_frame(self) -> None:
        """Let a person type where to go."""
        self.frame_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.frame_field.selectAll()

    def show_zoom(self, zoom: float) -> None:
        """Device pixels per image pixel."""
        self._zoom.setText(f"{zoom:.0%}")

    def _show_number(self) -> None:
        self.frame_field.setText(str(self._shown))

    def _on_entered(self) -> None:
        frame = parse_frame(self.frame_field.text(), self._shown, self._rate)
        self.frame_entered.emit(self._shown if frame is None else frame)


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


def _row(*widgets: QWidget, spacing: int = 10) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget)
    return row
