"""Under the picture: where the playhead is, the transport, zoom and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSpinBox, QToolButton, QWidget

from desktop import theme
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
        self._frame = QSpinBox()
        self._frame.setFont(theme.mono_font(13))
        self._frame.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self._frame.setKeyboardTracking(False)
        self._frame.setFixedWidth(76)
        self._frame.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._frame.setAccessibleName("Frame")
        self._frame.setToolTip("Frame on the timeline; type a number to go there")
        self._frame.editingFinished.connect(lambda: self.frame_entered.emit(self._frame.value()))
        self._length, self._timecode = dim_label(), QLabel()
        self._timecode.setFont(theme.mono_font(12))
        self._zoom = dim_label()
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 0, 10, 0)
        grid.addLayout(_row(self._frame, self._length, self._timecode), 0, 0, Qt.AlignmentFlag.AlignLeft)
        transport = ("to_start", "previous_key", "step_back", "play", "step_forward", "next_key", "to_end")
        grid.addLayout(_row(*(_button(actions[name]) for name in transport), spacing=2), 0, 1)
        view = ("compare", "wipe", "matte", "overlays", "fit", "actual_size")
        buttons = [_button(actions[name]) for name in view]
        grid.addLayout(_row(self._zoom, *buttons, spacing=2), 0, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)

    def show_frame(self, frame: int, length_frames: int, rate: Fraction | None) -> None:
        """Where the playhead is."""
        self._frame.setRange(0, max(length_frames - 1, 0))
        if not self._frame.hasFocus() or self._frame.value() != frame:
            self._frame.setValue(frame)
        self._length.setText(f"of {length_frames}" if length_frames else "")
        self._timecode.setText(_clock(frame, rate) if rate else "")
        self._frame.setEnabled(length_frames > 0)

    def show_zoom(self, zoom: float) -> None:
        """Device pixels per image pixel."""
        self._zoom.setText(f"{zoom:.0%}")


def _clock(frame: int, rate: Fraction) -> str:
    """Non-drop timecode from the timeline's start, for reading along; the media's own is in its info."""
    per_second = max(round(rate), 1)
    seconds, frames = divmod(frame, per_second)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"


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
