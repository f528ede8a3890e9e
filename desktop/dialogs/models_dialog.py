"""The models of VACE and of click to matte: what there is, what it takes, download, a person's own, delete."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.base import theme
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.base.last_folders import last_folder, remember_folder
from desktop.dialogs.model_details import ModelDetails
from desktop.dialogs.model_texts import GROUPS, model_size_text, size_text, state_text
from desktop.panels.panel import ElidedLabel, dim_label
from engine.protocol import ModelDownload, ModelInfo, ModelList

_NAME = Qt.ItemDataRole.UserRole
_LIST_PX = 430


class ModelsDialog(QDialog):
    """Only shows what it is told; what is asked for goes out as signals."""

    add_asked = Signal(str)
    """The path of a folder or file that is to be listed."""
    folder_asked = Signal(str)
    """The folder where downloads are to go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Models"))
        self.resize(960, 600)
        self._known: ModelList | None = None
        self._in_use = ""
        self._items: dict[str, QTreeWidgetItem] = {}
        self._wanted = ""
        self.list = _list()
        self.list.currentItemChanged.connect(lambda *_: self._show_selected())
        self.details = ModelDetails()
        self.hint = dim_label(
            tr(
                "VACE paints what no frame shows, click to matte finds what you click on: both need a model. "
                "The clean plate needs none."
            ),
            wraps=True,
        )
        self.packages = QLabel()
        self.packages.setWordWrap(True)
        self.packages.setStyleSheet(f"color: {theme.STALE}")
        self.folder = ElidedLabel()
        self.change_folder = QPushButton(tr("Change Folder …"))
        self.add_own = QPushButton(icon("add"), tr("Add My Own"))
        self.add_own.setMenu(self._own_menu())
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.buttons.rejected.connect(self.reject)
        self.change_folder.clicked.connect(self._ask_folder)
        self._lay_out()

    def _lay_out(self) -> None:
        for button in (self.change_folder, self.add_own):
            button.setAutoDefault(False)
        columns, folder, bottom = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        columns.setSpacing(12)
        columns.addWidget(self.list)
        columns.addWidget(self.details, 1)
        folder.addWidget(self.folder, 1)
        folder.addWidget(self.change_folder)
        bottom.addWidget(self.add_own)
        bottom.addStretch(1)
        bottom.addWidget(self.buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(12)
        layout.addWidget(self.hint)
        layout.addWidget(self.packages)
        layout.addLayout(columns, 1)
        layout.addLayout(folder)
        layout.addLayout(bottom)

    # --- what it is told ----------------------------------------------------------------------------------------

    def show_models(self, known: ModelList | None, in_use: str) -> None:
        """Show what is known; ``in_use``: the path that VACE takes where a removal names none, empty: the starter's."""
        self._known, self._in_use = known, in_use
        selected = self._wanted or self.selected
        self._fill(known.models if known else ())
        missing = ", ".join(known.missing_packages) if known else ""
        self.packages.setVisible(bool(missing))
        self.packages.setText(
            tr(
                "To run these models Grayplate needs {packages}, which are not installed. The README says how, under "
                "'VACE, GPU, models'."
            ).format(packages=missing)
        )
        self.folder.setText(
            tr("Downloads go to {folder} ({free} free)").format(folder=known.folder, free=size_text(known.free_bytes))
            if known
            else tr("The engine is starting …")
        )
        self.select(selected)

    def show_download(self, download: ModelDownload) -> None:
        """A download goes on or has ended."""
        if self._known is None:
            return
        models = tuple(
            model.model_copy(update={"download": download}) if model.name == download.name else model
            for model in self._known.models
        )
        self._known = self._known.model_copy(update={"models": models})
        model = next((model for model in models if model.name == download.name), None)
        if model is not None and model.name in self._items:
            _show_state(self._items[model.name], model)
        if download.name == self.selected:
            self._show_selected()

    def select(self, name: str) -> None:
        """Show a model of this name, as soon as it is known; of none the first."""
        self._wanted = "" if name in self._items else name
        item = self._items.get(name) or next(iter(self._items.values()), None)
        if item is not None:
            self.list.setCurrentItem(item)
            self.list.scrollToItem(item)
        self._show_selected()

    @property
    def selected(self) -> str:
        """The name of the model that is shown; empty: none."""
        item = self.list.currentItem()
        return str(item.data(0, _NAME) or "") if item else ""

    # --- what is asked ------------------------------------------------------------------------------------------

    def _own_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction(tr("Folder of a Model …")).triggered.connect(self._ask_own_folder)
        menu.addAction(tr("Single File …")).triggered.connect(self._ask_own_file)
        return menu

    def _ask_own_folder(self) -> None:
        self._add(QFileDialog.getExistingDirectory(self, tr("Folder of a Model"), last_folder("models")))

    def _ask_own_file(self) -> None:
        kinds = tr("Weights (*.safetensors *.gguf);;All files (*)")
        self._add(QFileDialog.getOpenFileName(self, tr("Single File"), last_folder("models"), kinds)[0])

    def _add(self, path: str) -> None:
        if path:
            remember_folder("models", Path(path).parent)
            self.add_asked.emit(path)

    def _ask_folder(self) -> None:
        start = self._known.folder if self._known else str(Path.home())
        folder = QFileDialog.getExistingDirectory(self, tr("Models folder"), start)
        if folder:
            self.folder_asked.emit(folder)

    # --- the list -----------------------------------------------------------------------------------------------

    def _fill(self, models: tuple[ModelInfo, ...]) -> None:
        self.list.clear()
        self._items = {}
        groups: dict[str, QTreeWidgetItem] = {}
        for model in models:
            title = GROUPS[model.kind]
            if title not in groups:
                groups[title] = _group(tr(title))
                self.list.addTopLevelItem(groups[title])
            item = QTreeWidgetItem([tr(model.title), model_size_text(model), ""])
            item.setData(0, _NAME, model.name)
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, tr(model.purpose) or model.path)
            groups[title].addChild(item)
            self._items[model.name] = item
            _show_state(item, model)
        self.list.expandAll()

    def _show_selected(self) -> None:
        models = self._known.models if self._known else ()
        model = next((model for model in models if model.name == self.selected), None)
        self.details.show_model(model, self._known.free_bytes if self._known else 0, self._in_use)


def _list() -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName(tr("Models"))
    tree.setHeaderLabels([tr("Model"), tr("Size"), tr("State")])
    tree.setRootIsDecorated(False)
    tree.setItemsExpandable(False)
    tree.setIndentation(12)
    tree.setIconSize(QSize(16, 16))
    tree.setFixedWidth(_LIST_PX)
    tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for column in (1, 2):
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    tree.headerItem().setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return tree


def _group(title: str) -> QTreeWidgetItem:
    group = QTreeWidgetItem([title])
    group.setFlags(Qt.ItemFlag.ItemIsEnabled)
    font = group.font(0)
    font.setBold(True)
    group.setFont(0, font)
    group.setForeground(0, QBrush(QColor(theme.TEXT_DIM)))
    return group


def _show_state(item: QTreeWidgetItem, model: ModelInfo) -> None:
    runs = model.download is not None and model.download.state == "running"
    name, color = ("download", theme.ACCENT) if runs else ("done", theme.READY) if model.path else ("", theme.TEXT_DIM)
    if name:
        item.setIcon(2, icon(name, color, color))
    item.setText(2, state_text(model))
    item.setForeground(2, QBrush(QColor(theme.TEXT if model.path or runs else theme.TEXT_DIM)))
