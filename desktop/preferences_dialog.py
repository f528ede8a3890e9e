"""Model folder, memory of the viewer, shortcuts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.language import tr
from desktop.panels.panel import dim_label, inset_text
from desktop.preferences import VIEWER_CACHE_MB, Preferences
from desktop.shortcut_editor import ShortcutEditor


class PreferencesDialog(QDialog):
    """:attr:`preferences` holds what was chosen once the dialog is accepted."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Preferences"))
        self.resize(640, 560)
        self.model = QLineEdit(preferences.vace_model)
        self.model.setPlaceholderText(tr("None: VACE asks for it in each removal"))
        self.cache = inset_text(QSpinBox())
        self.cache.setRange(VIEWER_CACHE_MB.start, VIEWER_CACHE_MB.stop - 1)
        self.cache.setSingleStep(256)
        self.cache.setSuffix(" MiB")
        self.cache.setValue(preferences.viewer_cache_mb)
        self.shortcuts = ShortcutEditor(preferences.shortcuts)
        buttons = QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        self.buttons = QDialogButtonBox(buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.tabs = QTabWidget()
        self.tabs.addTab(self._general(), tr("General"))
        self.tabs.addTab(self.shortcuts, tr("Shortcuts"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 14)
        layout.setSpacing(12)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.buttons)
        self.shortcuts.changed.connect(self._check)
        self._check()

    @property
    def preferences(self) -> Preferences:
        """What is chosen."""
        return Preferences(self.model.text().strip(), self.cache.value(), dict(self.shortcuts.overrides))

    def _general(self) -> QWidget:
        browse = QPushButton(tr("Browse …"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.model, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.addRow(tr("VACE model"), row)
        form.addRow("", dim_label(tr("Folder of weights for removals that name none of their own."), wraps=True))
        form.addRow(tr("Viewer memory"), self.cache)
        form.addRow("", dim_label(tr("Decoded frames kept for playback: 1024 MiB hold about 90 of 1080p."), wraps=True))
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addLayout(form)
        layout.addStretch(1)
        return page

    def _browse(self) -> None:
        start = self.model.text() or str(Path.home())
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of the VACE model"), start)
        if folder:
            self.model.setText(folder)

    def _check(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.shortcuts.is_valid)
