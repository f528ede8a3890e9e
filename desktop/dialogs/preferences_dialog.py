"""The preferences: language and safety, rendering, colour, shortcuts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.base.language import LANGUAGES, tr
from desktop.base.preferences import AUTOSAVE_S, FRAME_CACHE_GB, VIEWER_CACHE_MB, Preferences
from desktop.dialogs.shortcut_editor import ShortcutEditor
from desktop.media.color_view import config_name
from desktop.panels.panel import dim_label, inset_text

_DEVICES = {
    "": "The fastest there is",
    "cuda": "NVIDIA or AMD GPU",
    "cuda:0": "GPU 0",
    "cuda:1": "GPU 1",
    "cuda:2": "GPU 2",
    "cuda:3": "GPU 3",
    "mps": "Apple GPU",
    "cpu": "Processor (hours)",
}


class PreferencesDialog(QDialog):
    """:attr:`preferences` holds what was chosen once the dialog is accepted."""

    models_asked = Signal()
    """The list of models is wanted; the dialog gives way to it."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before = preferences
        self.setWindowTitle(tr("Preferences"))
        self.resize(660, 580)
        self._make_general(preferences)
        self._make_rendering(preferences)
        self.ocio_config = _path_line(preferences.ocio_config, config_name(""), tr("OpenColorIO config"))
        self.shortcuts = ShortcutEditor(preferences.shortcuts)
        buttons = QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        self.buttons = QDialogButtonBox(buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(tr("Preferences"))
        for page, title in (
            (self._general_page(), tr("General")),
            (self._rendering_page(), tr("Rendering")),
            (self._color_page(), tr("Color")),
            (self.shortcuts, tr("Shortcuts")),
        ):
            self.tabs.addTab(page, title)
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
        return replace(
            self._before,
            vace_model=self.model.text().strip(),
            viewer_cache_mb=self.cache.value(),
            shortcuts=dict(self.shortcuts.overrides),
            language=self.language.currentData(),
            device=self.device.currentData(),
            models_folder=self.models_folder.text().strip(),
            cache_folder=self.cache_folder.text().strip(),
            cache_gb=self.cache_gb.value(),
            autosave_s=self.autosave.value(),
            ocio_config=self.ocio_config.text().strip(),
        )

    def _make_general(self, preferences: Preferences) -> None:
        self.language = _choices({"": tr("As the system"), **LANGUAGES}, preferences.language, tr("Language"))
        self.autosave = _number(AUTOSAVE_S, preferences.autosave_s, tr(" s after an edit"), tr("Recovery file"))
        self.autosave.setSpecialValueText(tr("At once after each edit"))
        self.cache = _number(VIEWER_CACHE_MB, preferences.viewer_cache_mb, " MiB", tr("Viewer memory"))
        self.cache.setSingleStep(256)

    def _make_rendering(self, preferences: Preferences) -> None:
        devices = {name: tr(text) for name, text in _DEVICES.items()}
        if preferences.device not in devices:
            devices[preferences.device] = preferences.device
        self.device = _choices(devices, preferences.device, tr("Compute on"))
        asks = tr("None: the small starter model, if it is there")
        self.model = _path_line(preferences.vace_model, asks, tr("VACE model"))
        usual = tr("Where the system keeps such files")
        self.models_folder = _path_line(preferences.models_folder, usual, tr("Models folder"))
        self.models_button = QPushButton(tr("Models …"))
        self.models_button.setAutoDefault(False)
        self.models_button.clicked.connect(self.models_asked)
        self.cache_folder = _path_line(preferences.cache_folder, usual, tr("Cache folder"))
        self.cache_gb = _number(FRAME_CACHE_GB, preferences.cache_gb, " GiB", tr("Cache size"))

    def _general_page(self) -> QWidget:
        return _page(
            (tr("Language"), self.language, tr("Of menus and messages, from the next start on.")),
            (tr("Recovery file"), self.autosave, tr("What a crash loses at most. A project is saved only by you.")),
            (
                tr("Viewer memory"),
                self.cache,
                tr("Decoded frames kept for playback: 1024 MiB hold about 90 of 1080p."),
            ),
        )

    def _rendering_page(self) -> QWidget:
        return _page(
            (tr("Compute on"), self.device, tr("For VACE, where a removal does not say otherwise.")),
            (
                tr("VACE model"),
                _beside(self._with_browse(self.model, tr("Folder of the VACE model")), self.models_button),
                tr("Folder of weights for removals that name none of their own."),
            ),
            (
                tr("Models folder"),
                self._with_browse(self.models_folder, tr("Models folder")),
                tr("Downloaded models and LoRAs, by name."),
            ),
            (
                tr("Cache folder"),
                self._with_browse(self.cache_folder, tr("Cache folder")),
                tr("Finished frames, on a fast disk with room. Frames in another folder are rendered anew."),
            ),
            (tr("Cache size"), self.cache_gb, tr("Above it, the frames that were not used for longest go.")),
        )

    def _color_page(self) -> QWidget:
        return _page(
            (
                tr("OpenColorIO config"),
                self._with_browse_file(self.ocio_config),
                tr(
                    "Displays, views and color spaces of View > Display Transform. Empty: $OCIO, else the built-in one."
                ),
            ),
        )

    def _with_browse(self, line: QLineEdit, title: str) -> QWidget:
        def browse() -> None:
            folder = QFileDialog.getExistingDirectory(self, title, line.text() or str(Path.home()))
            if folder:
                line.setText(folder)

        return _in_row(line, browse)

    def _with_browse_file(self, line: QLineEdit) -> QWidget:
        def browse() -> None:
            kinds = tr("OpenColorIO configs (*.ocio *.ocioz);;All files (*)")
            found, _ = QFileDialog.getOpenFileName(self, tr("OpenColorIO config"), line.text(), kinds)
            if found:
                line.setText(found)

        return _in_row(line, browse)

    def _check(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.shortcuts.is_valid)


def _page(*rows: tuple[str, QWidget, str]) -> QWidget:
    """Label, control and a line that explains it, per row."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(16)
    grid.setColumnStretch(1, 1)
    for line, (text, control, hint) in enumerate(rows):
        label = QLabel(text)
        label.setFixedHeight(control.sizeHint().height())  # its middle is the control's
        note = dim_label(hint, wraps=True)
        note.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        field = QVBoxLayout()
        field.setSpacing(4)
        field.addWidget(control, 0, _beginning(control))
        field.addWidget(note)
        grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(field, line, 1)
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(4, 14, 4, 4)
    layout.addLayout(grid)
    layout.addStretch(1)
    return page


def _beginning(control: QWidget) -> Qt.AlignmentFlag:
    """A line of text takes the whole width, a choice what it needs."""
    is_narrow = isinstance(control, (QComboBox, QSpinBox))
    return Qt.AlignmentFlag.AlignLeft if is_narrow else Qt.AlignmentFlag(0)


def _in_row(line: QLineEdit, browse: object) -> QWidget:
    button = QPushButton(tr("Browse …"))
    button.setAutoDefault(False)
    button.clicked.connect(browse)
    button.setAccessibleName(tr("Browse for {name}").format(name=line.accessibleName()))
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(line, 1)
    layout.addWidget(button)
    return row


def _beside(row: QWidget, button: QPushButton) -> QWidget:
    layout = row.layout()
    assert layout is not None
    layout.addWidget(button)
    return row


def _choices(entries: dict[str, str], chosen: str, name: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    for data, text in entries.items():
        box.addItem(text, data)
    box.setCurrentIndex(box.findData(chosen))
    return box


def _path_line(text: str, placeholder: str, name: str) -> QLineEdit:
    line = QLineEdit(text)
    line.setPlaceholderText(placeholder)
    line.setAccessibleName(name)
    return line


def _number(bounds: range, value: int, suffix: str, name: str) -> QSpinBox:
    box = inset_text(QSpinBox())
    box.setRange(bounds.start, bounds.stop - 1)
    box.setSuffix(suffix)
    box.setValue(value)
    box.setAccessibleName(name)
    return box
