"""Where the cleaned shot goes: file, format by its ending, frames, and whether something is replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.base.messages import told
from desktop.base.notices import sentence
from desktop.base.settings import open_settings
from desktop.panels.panel import dim_label, inset_text
from engine.protocol import Output
from timeline.errors import MediaWriteError
from timeline.shot import Shot

if TYPE_CHECKING:
    from timeline.media.frame import PixelFormat
    from timeline.media.info import MediaInfo


@dataclass(frozen=True)
class _Format:
    title: str
    ending: str


_FORMATS = (
    _Format("QuickTime – ProRes 4444", ".mov"),
    _Format("MP4 – H.264, for review", ".mp4"),
    _Format("Matroska – FFV1, lossless", ".mkv"),
    _Format("OpenEXR sequence, half float", ".####.exr"),
    _Format("PNG sequence", ".####.png"),
    _Format("TIFF sequence", ".####.tif"),
    _Format("DPX sequence, 10 bit", ".####.dpx"),
)

_ENDING = "export/ending"
_SAMPLING = {(0, 0): "4:4:4", (1, 0): "4:2:2", (1, 1): "4:2:0"}


def _last_ending() -> str:
    """The format that was exported last."""
    known = open_settings().value(_ENDING)
    return known if known in {choice.ending for choice in _FORMATS} else _FORMATS[0].ending


def format_words(pixels: PixelFormat) -> str:
    """How samples are stored, as an artist says it: 10 bit YUV 4:4:4."""
    names = {"yuv": "YUV", "rgb": "RGB", "gray": tr("gray")}
    shifts = (pixels.chroma_shift_x, pixels.chroma_shift_y)
    words = [
        tr("{bits} bit float").format(bits=pixels.bit_depth)
        if pixels.is_float
        else tr("{bits} bit").format(bits=pixels.bit_depth),
        names[pixels.family] + (" + A" if pixels.has_alpha else ""),
        _SAMPLING.get(shifts, "") if pixels.family == "yuv" else "",
    ]
    return " ".join(word for word in words if word)


class ExportDialog(QDialog):
    """``output`` and ``frames`` hold what was chosen once the dialog is accepted; it begins with ``frames``."""

    def __init__(
        self, shot: Shot, info: MediaInfo, folder: Path, parent: QWidget | None = None, *, frames: range | None = None
    ) -> None:
        super().__init__(parent)
        frames = frames or shot.frames
        self._shot, self._info = shot, info
        self.setWindowTitle(tr("Export '{name}'").format(name=shot.name))
        self.setMinimumWidth(560)
        self.format = QComboBox()
        for choice in _FORMATS:
            self.format.addItem(tr(choice.title), choice.ending)
        ending = _last_ending()
        self.path = QLineEdit(str(folder / f"{shot.name}_clean{ending}"))
        self.path.setAccessibleName(tr("File"))
        self.first, self.last = self._frame_box(frames.start), self._frame_box(frames.stop - 1)
        self.first.setAccessibleName(tr("First frame"))
        self.last.setAccessibleName(tr("Last frame"))
        self.replace = QCheckBox(tr("Replace what is there"))
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setMinimumHeight(36)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export_button = self._buttons.addButton(tr("Export"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.export_button.setDefault(True)
        self._lay_out()
        self._connect()
        self._check()

    @property
    def output(self) -> Output:
        """The file, and whether it may replace another."""
        return Output(path=self._path_text(), overwrite=self.replace.isChecked() and self._exists())

    @property
    def frames(self) -> range:
        """Media frames, half-open."""
        return range(self.first.value(), self.last.value() + 1)

    def _frame_box(self, frame: int) -> QSpinBox:
        box = inset_text(QSpinBox())
        box.setRange(self._shot.source_start, self._shot.source_end_exclusive - 1)
        box.setValue(frame)
        box.setFixedWidth(96)
        return box

    def _lay_out(self) -> None:
        browse = QPushButton(tr("Browse …"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        file_row, frame_row = QHBoxLayout(), QHBoxLayout()
        frame_row.setSpacing(10)
        file_row.addWidget(self.path, 1)
        file_row.addWidget(browse)
        for widget in (self.first, dim_label(tr("to")), self.last):
            frame_row.addWidget(widget)
        frame_row.addWidget(
            dim_label(
                tr("of {first} to {last}").format(
                    first=self._shot.source_start, last=self._shot.source_end_exclusive - 1
                )
            )
        )
        frame_row.addStretch(1)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(12)
        form.addRow(tr("Format"), self.format)
        form.addRow(tr("File"), file_row)
        form.addRow(tr("Frames"), frame_row)
        form.addRow("", self.replace)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(self._note)
        layout.addStretch(1)
        layout.addWidget(self._buttons)

    @override
    def accept(self) -> None:
        open_settings().setValue(_ENDING, self.format.currentData())
        super().accept()

    def _connect(self) -> None:
        self.format.activated.connect(self._on_format)
        self.path.textChanged.connect(self._check)
        self.first.valueChanged.connect(self._check)
        self.last.valueChanged.connect(self._check)
        self.replace.toggled.connect(self._check)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)

    def _path_text(self) -> str:
        return str(Path(self.path.text().strip()).expanduser())

    def _exists(self) -> bool:
        path = Path(self._path_text())
        if "#" in path.name or "%" in path.name:
            # The first number of a sequence is enough to ask; the writer checks every file.
            prefix = path.name.split("#")[0].split("%")[0]
            return path.parent.is_dir() and any(path.parent.glob(f"{prefix}*{path.suffix}"))
        return path.exists()

    def _on_format(self, index: int) -> None:
        ending: str = self.format.itemData(index)
        path = Path(self.path.text())
        stem = path.name.split(".")[0] or self._shot.name
        self.path.setText(str(path.parent / f"{stem}{ending}"))

    def _browse(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, tr("Export to"), self.path.text(), options=QFileDialog.Option.DontConfirmOverwrite
        )
        if path:
            self.path.setText(path)

    def _check(self) -> None:
        """Say what will happen; Export is off while something is in the way."""
        exists = self._exists()
        self.replace.setVisible(exists)
        problem = self._problem(exists)
        self._note.setText(problem or self._summary())
        self._note.setStyleSheet(f"color: {theme.STALE if problem else theme.TEXT_DIM}")
        self.export_button.setEnabled(not problem)
        self._show_format()

    def _problem(self, exists: bool) -> str:
        from timeline.media.writer import delivery_for  # loads FFmpeg

        path = Path(self._path_text())
        try:
            delivery_for(str(path)).color_for(self._info)
        except MediaWriteError as error:
            return sentence(told(str(error)))
        if not path.parent.is_dir():
            return tr("The folder {folder} does not exist; choose another or create it first.").format(
                folder=path.parent
            )
        if self.last.value() < self.first.value():
            return tr("The last frame lies before the first one.")
        if exists and not self.replace.isChecked():
            return tr("{name} exists already; tick the box to replace it, or choose another name.").format(
                name=path.name
            )
        return ""

    def _summary(self) -> str:
        from timeline.media.writer import delivery_for

        delivery = delivery_for(self._path_text())
        fidelity = (
            tr("lossless: pixels outside the boxes are identical to the source")
            if delivery.is_lossless(self._info)
            else tr("written as {format}").format(format=format_words(delivery.format_for(self._info)))
        )
        return tr("{count} frames, {size}, {fidelity}.").format(
            count=len(self.frames), size=self._info.size, fidelity=fidelity
        )

    def _show_format(self) -> None:
        name = Path(self.path.text()).name
        ending = next((f.ending for f in _FORMATS if name.endswith(f.ending.replace(".####", ""))), "")
        index = self.format.findData(ending)
        if index >= 0:
            self.format.setCurrentIndex(index)
