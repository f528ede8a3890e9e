"""The shapes of the selected removal: order, switches, and the numbers of the one that is being edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QModelIndex, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedLayout,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop.base import theme
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.panels.panel import dim_label
from desktop.panels.shape_details import MODES, ShapeDetails, swatch
from desktop.roto import commands as roto_commands
from desktop.roto.selection import RotoSelection
from desktop.tracking.companions import shape_leader
from roi_tools.errors import ShapeError
from roi_tools.roto.model import Shape
from timeline.marking import RotoMarking

_SEEN, _LOCK, _MODE, _NAME, _LINK = range(5)
_ROW_PX = 28


class ShapesPanel(QWidget):
    """Keeps itself in step with session and selection; every change goes through :mod:`desktop.roto.commands`."""

    def __init__(
        self,
        session: Session,
        selection: RotoSelection,
        actions: Mapping[str, QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._selection = session, selection
        self._refreshing = False
        self.tree = self._make_tree()
        self.details = ShapeDetails(session, selection)
        self._hint = dim_label(
            tr("Draw a shape around what should go:\nBezier (B), ellipse (C), stroke (T) or brush (P).")
        )
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.tree, 1)
        column.addLayout(_action_row(actions))
        column.addWidget(self.details)
        self._stack = QStackedLayout()
        self._stack.addWidget(content)
        self._stack.addWidget(self._hint)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addLayout(self._stack)
        for signal in (session.project_changed, session.selection_changed):
            signal.connect(self.refresh)
        session.playhead_changed.connect(self._on_playhead)
        selection.changed.connect(self.refresh)
        self.refresh()

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setColumnCount(5)
        tree.setHeaderHidden(True)
        tree.setRootIsDecorated(False)
        tree.setIconSize(QSize(16, 16))
        tree.setAccessibleName(tr("Shapes"))
        tree.setMinimumHeight(72)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        palette = tree.palette()
        palette.setColor(QPalette.ColorRole.Highlight, QColor(theme.ACCENT_DEEP))
        tree.setPalette(palette)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in ((_SEEN, 26), (_LOCK, 26), (_MODE, 36), (_LINK, 24)):
            tree.setColumnWidth(column, width)
        tree.itemClicked.connect(self._on_clicked)
        tree.itemDoubleClicked.connect(self._on_double_clicked)
        tree.currentItemChanged.connect(self._on_current)
        tree.itemChanged.connect(self._on_renamed)
        return tree

    # --- showing ------------------------------------------------------------------------------------------------

    def _marking(self) -> RotoMarking | None:
        return roto_commands.roto_of(self._session.removal)

    def _on_playhead(self) -> None:
        self.details.refresh()

    def refresh(self) -> None:
        """Show the shapes, the topmost first."""
        marking = self._marking()
        shapes = marking.layer.shapes[::-1] if marking else ()
        self._refreshing = True
        while self.tree.topLevelItemCount() > len(shapes):
            self.tree.takeTopLevelItem(self.tree.topLevelItemCount() - 1)
        for row, shape in enumerate(shapes):
            item = self.tree.topLevelItem(row) or QTreeWidgetItem(self.tree)
            self._fill(item, shape)
            self._show_link(item, shape)
            if shape.label == self._selection.label:
                self.tree.setCurrentItem(item)
        if self._selection.label is None:
            self.tree.setCurrentIndex(QModelIndex())
        self._refreshing = False
        self._stack.setCurrentIndex(0 if shapes else 1)
        self.details.refresh()

    def _fill(self, item: QTreeWidgetItem, shape: Shape) -> None:
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        item.setIcon(_SEEN, icon("eye" if shape.is_visible else "eye_off"))
        item.setToolTip(_SEEN, tr("Hide") if shape.is_visible else tr("Show"))
        item.setIcon(_LOCK, icon("lock", theme.TEXT) if shape.is_locked else icon("unlock", theme.TEXT_DIM))
        item.setToolTip(_LOCK, tr("Unlock") if shape.is_locked else tr("Lock"))
        mode = next(entry for entry in MODES if entry[0] == shape.mode)
        item.setText(_MODE, mode[1] + ("⁻¹" if shape.is_inverted else ""))
        item.setToolTip(_MODE, tr(mode[2]) + (tr(", inverted") if shape.is_inverted else ""))
        item.setText(_NAME, shape.label)
        item.setIcon(_NAME, swatch(shape.color))
        item.setToolTip(_NAME, tr("Double-click to rename"))
        item.setData(_NAME, Qt.ItemDataRole.UserRole, shape.label)
        item.setSizeHint(_NAME, QSize(60, _ROW_PX))

    def _show_link(self, item: QTreeWidgetItem, shape: Shape) -> None:
        marking = self._marking()
        leader = shape_leader(marking.layer, shape) if marking else None
        item.setIcon(_LINK, icon("link") if leader else QIcon())
        text = tr("Goes along with '{name}'; Unlink in the Track menu").format(name=leader.label) if leader else ""
        item.setToolTip(_LINK, text)

    # --- edits --------------------------------------------------------------------------------------------------

    def _label(self, item: QTreeWidgetItem) -> str:
        return str(item.data(_NAME, Qt.ItemDataRole.UserRole))

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        if not self._refreshing:
            self._selection.select(self._label(item) if item else None)

    def _on_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        removal = self._session.removal
        if removal is None:
            return
        change = partial(roto_commands.change_shape, self._session, removal.id, self._label(item))
        if column == _SEEN:
            change(lambda shape: replace(shape, is_visible=not shape.is_visible), tr("Hide Shape"))
        elif column == _LOCK:
            change(lambda shape: replace(shape, is_locked=not shape.is_locked), tr("Lock Shape"))

    def _on_double_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _NAME:
            self.tree.editItem(item, _NAME)

    def _on_renamed(self, item: QTreeWidgetItem, column: int) -> None:
        removal = self._session.removal
        if self._refreshing or column != _NAME or removal is None:
            return
        old = self._label(item)
        try:
            new = roto_commands.rename_shape(self._session, removal.id, old, item.text(_NAME))
        except ShapeError:
            new = old  # the name is taken: the old one comes back
        self._selection.select(new)
        self.refresh()


def _action_row(actions: Mapping[str, QAction]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(2)
    row.addStretch(1)
    for name in ("raise_shape", "lower_shape", "duplicate_shape", "delete_points"):
        button = QToolButton()
        button.setDefaultAction(actions[name])
        button.setIconSize(QSize(16, 16))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        row.addWidget(button)
    return row
