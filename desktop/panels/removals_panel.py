"""The removals of the shot under the playhead: select, rename, switch on and off, add, duplicate, delete."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from desktop.base import theme
from desktop.base.icons import pixmap
from desktop.base.language import tr
from desktop.editing import commands
from desktop.editing.session import Session
from desktop.panels.panel import dim_label
from timeline.removal import Removal

ROW_PX = 34
_EYE_PX = 34
_ID = Qt.ItemDataRole.UserRole
_ENABLED = Qt.ItemDataRole.UserRole + 1
_COLOR = Qt.ItemDataRole.UserRole + 2
_DETAIL = Qt.ItemDataRole.UserRole + 3
_LEADER = Qt.ItemDataRole.UserRole + 4


class RemovalsPanel(QWidget):
    """Keeps itself in step with the session; every change goes through :mod:`desktop.editing.commands`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._effect_labels: dict[str, str] = {}
        self._refreshing = False
        self.list = _List()
        self.list.setItemDelegate(_RowDelegate(self.list))
        self.list.currentItemChanged.connect(self._on_current)
        self.list.itemChanged.connect(self._on_renamed)
        self.list.eye_clicked.connect(self._on_eye)
        self._hint = dim_label(tr("Draw a box around what should go:\nchoose the box tool (R) and drag in the viewer."))
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._hint)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addLayout(self._stack)
        session.project_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        session.playhead_changed.connect(self._on_playhead)
        self._shot_id: str | None = None
        self.refresh()

    def set_effect_labels(self, labels: dict[str, str]) -> None:
        """Effect identifier -> what a person calls it."""
        self._effect_labels = labels
        self.refresh()

    def rename_selected(self) -> None:
        """Begin to edit the selected removal's name."""
        item = self.list.currentItem()
        if item:
            self.list.editItem(item)

    def _on_playhead(self) -> None:
        shot = self._session.shot
        if (shot.id if shot else None) != self._shot_id:
            self.refresh()

    def refresh(self) -> None:
        """Show the session's removals."""
        shot, selected = self._session.shot, self._session.removal
        self._shot_id = shot.id if shot else None
        removals = shot.removals if shot else ()
        self._refreshing = True
        self._resize_list(len(removals))
        for row, removal in enumerate(removals):
            self._fill(self.list.item(row), row, removal)
            self._show_leader(self.list.item(row), removals, removal)
            if selected and removal.id == selected.id:
                self.list.setCurrentRow(row)
        if selected is None:
            self.list.setCurrentRow(-1)
        self._refreshing = False
        self._stack.setCurrentIndex(0 if removals else 1)
        self._hint.setVisible(shot is not None and not removals)

    def _resize_list(self, count: int) -> None:
        while self.list.count() > count:
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < count:
            item = QListWidgetItem()
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.list.addItem(item)

    def _fill(self, item: QListWidgetItem, row: int, removal: Removal) -> None:
        item.setText(removal.label)
        item.setData(_ID, removal.id)
        item.setData(_ENABLED, removal.enabled)
        item.setData(_COLOR, theme.removal_color(row))
        item.setData(_DETAIL, self._effect_labels.get(removal.effect, removal.effect))
        item.setToolTip(tr("Double-click or F2 to rename"))

    def _show_leader(self, item: QListWidgetItem, removals: tuple[Removal, ...], removal: Removal) -> None:
        leader = next((other.label for other in removals if removal.linked_to == other.id), "")
        item.setData(_LEADER, leader)
        if leader:
            item.setToolTip(tr("Goes along with '{name}'; Unlink in the Track menu").format(name=leader))

    def _on_current(self, item: QListWidgetItem | None) -> None:
        if not self._refreshing:
            self._session.select_removal(item.data(_ID) if item else None)

    def _on_renamed(self, item: QListWidgetItem) -> None:
        if not self._refreshing:
            commands.rename_removal(self._session, item.data(_ID), item.text())
            self.refresh()

    def _on_eye(self, row: int) -> None:
        item = self.list.item(row)
        commands.set_enabled(self._session, item.data(_ID), not item.data(_ENABLED))


class _List(QListWidget):
    """A list whose left edge has a switch for each row."""

    eye_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setEditTriggers(QListWidget.EditTrigger.DoubleClicked | QListWidget.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setMinimumHeight(2 * ROW_PX + 8)
        self.setAccessibleName(tr("Removals"))

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._eye_row(event)
        if row is not None:
            self.eye_clicked.emit(row)
        else:
            super().mousePressEvent(event)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._eye_row(event) is None:
            super().mouseDoubleClickEvent(event)

    def _eye_row(self, event: QMouseEvent) -> int | None:
        item = self.itemAt(event.position().toPoint())
        if item is None or event.position().x() > self.visualItemRect(item).left() + _EYE_PX:
            return None
        return self.row(item)


class _RowDelegate(QStyledItemDelegate):
    """Switch, colour, name, effect."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, ROW_PX)

    @override
    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: QRect = option.rect
        editor.setGeometry(row.adjusted(_EYE_PX + 16, 3, -6, -3))

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect = QRectF(option.rect)
        state: QStyle.StateFlag = option.state
        enabled = bool(index.data(_ENABLED))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_background(painter, rect.adjusted(1, 1, -1, -1), state)
        eye = pixmap("eye" if enabled else "eye_off", 17, theme.TEXT if enabled else theme.TEXT_OFF, _ratio(painter))
        painter.drawPixmap(QPointF(rect.left() + 9, rect.center().y() - 8), eye)
        painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
        painter.setBrush(index.data(_COLOR) if enabled else QColor(theme.TEXT_OFF))
        painter.drawRoundedRect(QRectF(rect.left() + _EYE_PX, rect.center().y() - 5, 10, 10), 3, 3)
        text_px = 0.0
        if index.data(_LEADER):
            link = pixmap("link", 15, theme.TEXT if enabled else theme.TEXT_OFF, _ratio(painter))
            painter.drawPixmap(QPointF(rect.left() + _EYE_PX + 17, rect.center().y() - 7), link)
            text_px = 20.0
        self._paint_text(painter, rect.adjusted(text_px, 0, 0, 0), index, enabled)
        painter.restore()

    def _paint_background(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(theme.ACCENT_DEEP))
            painter.drawRoundedRect(rect, 4, 4)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(theme.PANEL))
            painter.drawRoundedRect(rect, 4, 4)

    def _paint_text(
        self, painter: QPainter, rect: QRectF, index: QModelIndex | QPersistentModelIndex, enabled: bool
    ) -> None:
        detail = str(index.data(_DETAIL))
        painter.setFont(theme.ui_font(11))
        detail_width = painter.fontMetrics().horizontalAdvance(detail) + 10
        painter.setPen(QColor(theme.TEXT_DIM))
        right = rect.adjusted(0, 0, -10, 0)
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, detail)
        painter.setFont(theme.ui_font(13))
        painter.setPen(QColor(theme.TEXT if enabled else theme.TEXT_OFF))
        area = rect.adjusted(_EYE_PX + 20, 0, -10 - detail_width, 0)
        text = painter.fontMetrics().elidedText(
            str(index.data(Qt.ItemDataRole.DisplayRole)), Qt.TextElideMode.ElideRight, int(area.width())
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def _ratio(painter: QPainter) -> float:
    device = painter.device()
    return device.devicePixelRatio() if device else 1.0
