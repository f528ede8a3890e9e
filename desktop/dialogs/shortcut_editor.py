"""A table of all actions with their keys: choose a set, record others, see conflicts."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.actions import ACTIONS, ActionSpec, menu_path, plain_text
from desktop.base import theme
from desktop.base.language import tr
from desktop.dialogs.shortcuts import PRESETS, Keys, conflicts, differing, keys_of, normal
from desktop.panels.panel import dim_label

_CUSTOM = "Own set"


class ShortcutEditor(QWidget):
    """:attr:`overrides` is what was chosen; it may be used while :attr:`is_valid`."""

    changed = Signal()
    """Other keys, or another selection."""

    def __init__(self, overrides: Mapping[str, Keys], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.overrides = dict(overrides)
        self.preset = QComboBox()
        self.preset.setAccessibleName(tr("Set of shortcuts"))
        for name in (*PRESETS, _CUSTOM):
            self.preset.addItem(tr(name), name)
        self.filter = QLineEdit()
        self.filter.setAccessibleName(tr("Search actions or keys"))
        self.filter.setPlaceholderText(tr("Search actions or keys"))
        self.filter.setClearButtonEnabled(True)
        self.table = QTreeWidget()
        self.table.setHeaderLabels([tr("Action"), tr("Keys")])
        self.table.setRootIsDecorated(False)
        self.table.setAccessibleName(tr("Actions and their keys"))
        self.table.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.keys = QKeySequenceEdit()
        self.keys.setMaximumSequenceLength(1)
        self.keys.setAccessibleName(tr("New key of the selected action"))
        self.set_button, self.none_button = QPushButton(tr("Set")), QPushButton(tr("No Key"))
        self.reset_button = QPushButton(tr("Default"))
        self.note = QLabel()
        self.note.setWordWrap(True)
        self._items = {spec.name: _item(spec) for spec in ACTIONS}
        self.table.addTopLevelItems(list(self._items.values()))
        self._lay_out()
        self._connect()
        self._refresh()

    def _lay_out(self) -> None:
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.preset)
        top.addWidget(self.filter, 1)
        bottom.addWidget(dim_label(tr("New key")))
        bottom.addWidget(self.keys, 1)
        for button in (self.set_button, self.none_button, self.reset_button):
            button.setAutoDefault(False)
            bottom.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addLayout(bottom)
        layout.addWidget(self.note)

    def _connect(self) -> None:
        self.preset.activated.connect(self._on_preset)
        self.filter.textChanged.connect(self._filter)
        self.table.currentItemChanged.connect(lambda *_: self._refresh())
        self.set_button.clicked.connect(lambda: self._set((normal(self.keys.keySequence().toString()),)))
        self.none_button.clicked.connect(lambda: self._set(()))
        self.reset_button.clicked.connect(self._reset)
        self.keys.keySequenceChanged.connect(lambda _: self._refresh())

    @property
    def is_valid(self) -> bool:
        """Whether no two actions share a key."""
        return not conflicts(self.overrides)

    def select(self, name: str) -> None:
        """Let the buttons act on this action."""
        self.table.setCurrentItem(self._items[name])

    def _selected(self) -> str | None:
        item = self.table.currentItem()
        return str(item.data(0, Qt.ItemDataRole.UserRole)) if item else None

    def _set(self, keys: Keys) -> None:
        name = self._selected()
        if name is not None:
            self.overrides = differing({**self.overrides, name: tuple(key for key in keys if key)})
            self.keys.clear()
            self._refresh()

    def _reset(self) -> None:
        self.overrides.pop(self._selected() or "", None)
        self._refresh()

    def _on_preset(self, index: int) -> None:
        name = self.preset.itemData(index)
        if name in PRESETS:
            self.overrides = differing(PRESETS[name])
        self._refresh()

    def _refresh(self) -> None:
        shared = conflicts(self.overrides)
        clashing = {name for names in shared.values() for name in names}
        for spec in ACTIONS:
            item = self._items[spec.name]
            keys = [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in self._keys(spec)]
            item.setText(1, ("⚠ " if spec.name in clashing else "") + ",  ".join(keys))
            item.setForeground(1, QColor(theme.STALE if spec.name in clashing else theme.TEXT))
        known = next((name for name, keys in PRESETS.items() if differing(keys) == self.overrides), _CUSTOM)
        self.preset.setCurrentIndex(self.preset.findData(known))
        self.set_button.setEnabled(self._selected() is not None and not self.keys.keySequence().isEmpty())
        self.none_button.setEnabled(self._selected() is not None)
        self.reset_button.setEnabled(self._selected() in self.overrides)
        self.note.setText(_conflict_text(shared))
        self.note.setStyleSheet(f"color: {theme.STALE if shared else theme.TEXT_DIM}")
        self.changed.emit()

    def _keys(self, spec: ActionSpec) -> Keys:
        return keys_of(spec, self.overrides)

    def _filter(self, text: str) -> None:
        for item in self._items.values():
            words = f"{item.text(0)} {item.text(1)}".lower()
            item.setHidden(text.lower() not in words)


def _item(spec: ActionSpec) -> QTreeWidgetItem:
    menu = menu_path(spec, " › ")
    item = QTreeWidgetItem([f"{menu} › {plain_text(tr(spec.text))}", ""])
    item.setData(0, Qt.ItemDataRole.UserRole, spec.name)
    return item


def _conflict_text(shared: Mapping[str, list[str]]) -> str:
    if not shared:
        return tr("No two actions share a key.")
    texts = {spec.name: plain_text(tr(spec.text)) for spec in ACTIONS}
    key, names = next(iter(shared.items()))
    used = tr(" and ").join(texts[name] for name in names)
    return tr("{key} is used by {actions}; give one of them another key.").format(key=key, actions=used)
