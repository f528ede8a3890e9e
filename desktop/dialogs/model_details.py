"""One model in the models' dialog: what it is for, what it takes, and what one can do with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from desktop.base import theme
from desktop.base.language import tr
from desktop.base.messages import told
from desktop.base.notices import sentence
from desktop.dialogs.model_texts import (
    NOT_COMMERCIAL,
    licence_text,
    memory_text,
    model_size_text,
    progress_text,
    share_of,
    size_text,
)
from desktop.panels.panel import dim_label
from desktop.panels.times import duration_text
from engine.protocol import ModelDownload, ModelInfo

_HUB = "https://huggingface.co/"
_SPARE_BYTES = 1e9
_STEPS = 1000


class ModelDetails(QWidget):
    """Only shows; the dialog hands its signals on."""

    download_asked = Signal(str)
    cancel_asked = Signal(str)
    remove_asked = Signal(str)
    use_asked = Signal(str)
    """The path of a model that VACE is to take where a removal names none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: ModelInfo | None = None
        self.title, self.purpose, self.note = QLabel(), _wrapping(), _wrapping()
        self.title.setObjectName("heading")
        self.title.setWordWrap(True)
        self._values = {name: _wrapping() for name in ("size", "memory", "licence", "folder", "publisher")}
        for value in self._values.values():
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._values["publisher"].setOpenExternalLinks(True)
        self._values["publisher"].setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._bar.setAccessibleName(tr("How far the download is"))
        self._amount = dim_label()
        self.download, self.cancel = QPushButton(tr("Download")), QPushButton(tr("Cancel"))
        self.download.setObjectName("primary")
        self.use, self.remove = QPushButton(tr("Use for VACE")), QPushButton(tr("Delete …"))
        self.use.setToolTip(tr("Removals that name no model of their own take this one"))
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        for name, label in (
            ("size", tr("Size")),
            ("memory", tr("GPU memory")),
            ("licence", tr("Licence")),
            ("folder", tr("Folder")),
            ("publisher", tr("Publisher")),
        ):
            self._values[name].setAccessibleName(label)
            self._form.addRow(dim_label(label), self._values[name])
        buttons = QHBoxLayout()
        for button in (self.download, self.cancel, self.use, self.remove):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 2, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self.title)
        layout.addWidget(self.purpose)
        layout.addLayout(self._form)
        layout.addWidget(self.note)
        layout.addWidget(self._bar)
        layout.addWidget(self._amount)
        layout.addLayout(buttons)
        layout.addStretch(1)

    def _connect(self) -> None:
        self.download.clicked.connect(lambda: self._ask(self.download_asked))
        self.cancel.clicked.connect(lambda: self._ask(self.cancel_asked))
        self.remove.clicked.connect(lambda: self._ask(self.remove_asked))
        self.use.clicked.connect(lambda: self._ask(self.use_asked))

    def _ask(self, signal: SignalInstance) -> None:
        if self._model is not None:
            signal.emit(self._use_path(self._model) if signal is self.use_asked else self._model.name)

    def show_model(self, model: ModelInfo | None, free_bytes: int, in_use: str) -> None:
        """Show a model; ``in_use``: the path that VACE takes now."""
        self._model = model
        self.setVisible(model is not None)
        if model is None:
            return
        self.title.setText(tr(model.title))
        self.purpose.setText(tr(model.purpose))
        self.purpose.setVisible(bool(model.purpose))
        publisher = f'<a style="color:{theme.ACCENT}" href="{_HUB}{model.repository}">{model.repository}</a>'
        for name, text in (
            ("size", model_size_text(model)),
            ("memory", memory_text(model)),
            ("licence", licence_text(model)),
            ("folder", model.path),
            ("publisher", publisher if model.repository else ""),
        ):
            self._values[name].setText(text)
            self._form.setRowVisible(self._values[name], bool(text))
        warns = NOT_COMMERCIAL in model.licence
        self._values["licence"].setStyleSheet(f"color: {theme.STALE}" if warns else "")
        self._show_state(model, free_bytes, in_use)

    def show_download(self, download: ModelDownload) -> None:
        """Show how far a download of the model shown is."""
        runs = download.state == "running"
        self._bar.setVisible(runs)
        self._amount.setVisible(runs)
        self._bar.setRange(0, _STEPS if download.total_bytes else 0)
        self._bar.setValue(round(share_of(download) * _STEPS))
        left = duration_text(download.eta_s) if download.eta_s is not None else ""
        self._amount.setText(progress_text(download, left))

    def _show_state(self, model: ModelInfo, free_bytes: int, in_use: str) -> None:
        download = model.download
        runs = download is not None and download.state == "running"
        self.show_download(download or ModelDownload(name=model.name, state="done"))
        note, is_problem = _note(model, free_bytes, in_use, self._use_path(model))
        self.note.setText(note)
        self.note.setVisible(bool(note) and not runs)
        self.note.setStyleSheet(f"color: {theme.STALE if is_problem else theme.TEXT_DIM}")
        self.download.setVisible(bool(model.repository) and not model.path and not runs)
        self.download.setText(tr("Go On") if model.fetched_bytes else tr("Download"))
        self.download.setEnabled(_fits(model, free_bytes))
        self.cancel.setVisible(runs)
        self.cancel.setEnabled(True)
        can_use = model.kind == "model" and bool(model.path) and not _is_used(in_use, self._use_path(model))
        self.use.setVisible(can_use)
        is_own = bool(model.path) and not model.is_downloaded
        self.remove.setText(tr("Remove from List …") if is_own else tr("Delete …"))
        self.remove.setVisible(not model.is_bundled and not runs and bool(model.path or model.fetched_bytes))

    @staticmethod
    def _use_path(model: ModelInfo) -> str:
        return "" if model.is_bundled else model.path  # the starter model is what is taken where nothing is chosen


def _note(model: ModelInfo, free_bytes: int, in_use: str, path: str) -> tuple[str, bool]:
    """A line below, and whether it tells of a problem."""
    download = model.download
    if download is not None and download.state == "failed" and download.error is not None and not model.path:
        return sentence(told(download.error.message)), True
    if not model.path and model.repository and not _fits(model, free_bytes):
        return tr(
            "Not enough room: it takes {size} and the disk has {free} free. Make room or choose a folder below."
        ).format(size=size_text(model.size_bytes - model.fetched_bytes), free=size_text(free_bytes)), True
    if not model.path and model.fetched_bytes:
        return tr("{size} are fetched already; the download goes on from there.").format(
            size=size_text(model.fetched_bytes)
        ), False
    if model.kind == "model" and model.path and _is_used(in_use, path):
        return tr("VACE takes this one where a removal names no other."), False
    if model.kind not in ("model", "segment") and model.path:
        return tr("Choose it by name in the settings of a removal: {name}").format(name=model.name), False
    return "", False


def _fits(model: ModelInfo, free_bytes: int) -> bool:
    return model.size_bytes - model.fetched_bytes + _SPARE_BYTES < free_bytes


def _is_used(in_use: str, path: str) -> bool:
    return in_use == path


def _wrapping() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    return label
