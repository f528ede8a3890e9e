"""The inspector's preset: choose one, keep the values as one's own, delete one's own."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.base.language import tr
from desktop.panels.panel import tool_button
from desktop.panels.parameter_editors import QuietComboBox
from engine.protocol import Preset


class PresetRow(QWidget):
    """A drop-down list and two buttons. Only shows; whoever owns it does what is asked for."""

    chosen = Signal(object)
    """The Preset to apply."""
    keep_asked = Signal()
    """The values are to be kept under a name."""
    delete_asked = Signal(object)
    """The Preset to forget."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QuietComboBox()
        self.list.setAccessibleName(tr("Preset"))
        self.list.setPlaceholderText(tr("Own values"))
        self.list.activated.connect(lambda index: self.chosen.emit(self.list.itemData(index)))
        self.keep = tool_button("add", tr("Keep these values as a preset …"))
        self.delete = tool_button("delete", tr("Delete this preset"))
        for button in (self.keep, self.delete):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.keep.clicked.connect(self.keep_asked)
        self.delete.clicked.connect(lambda: self.delete_asked.emit(self.list.currentData()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.list, 1)
        row.addWidget(self.keep)
        row.addWidget(self.delete)

    def show_presets(self, presets: tuple[Preset, ...], current: Preset | None) -> None:
        """List these, ``current`` chosen; None shows that the values are no preset's."""
        with QSignalBlocker(self.list):
            self.list.clear()
            for index, preset in enumerate(presets):
                if index and preset.is_own and not presets[index - 1].is_own:
                    self.list.insertSeparator(self.list.count())
                name = preset.name if preset.is_own else tr(preset.name)
                self.list.addItem(name, preset)
                hint = preset.hint if preset.is_own else tr(preset.hint)
                self.list.setItemData(self.list.count() - 1, hint, Qt.ItemDataRole.ToolTipRole)
            listed = [self.list.itemData(index) for index in range(self.list.count())]
            self.list.setCurrentIndex(-1 if current is None else listed.index(current))
        self.list.setEnabled(bool(presets))
        self.list.setToolTip(current.hint if current else tr("Sets several parameters at once"))
        self.delete.setEnabled(current is not None and current.is_own)
