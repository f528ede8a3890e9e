"""The shapes of the selected removal: order, switches, and the numbers of the one that is being edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QModelIndex, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QStackedLayout,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop import roto_commands, roto_edit, theme
from desktop.icons import icon
from desktop.language import tr
from desktop.panels.panel import dim_label, inset_text, tool_button
from desktop.roto_edit import Number
from desktop.roto_selection import RotoSelection
from desktop.session import Session
from roi_tools.errors import ShapeError
from roi_tools.roto.model import Mode, Shape
from timeline.marking import RotoMarking

_SEEN, _LOCK, _MODE, _NAME = range(4)
_MODES: tuple[tuple[Mode, str, str], ...] = (
    ("add", "+", "Add"),
    ("subtract", "−", "Subtract"),
    ("intersect", "∩", "Intersect"),
)
_NUMBERS: tuple[tuple[Number, str, str, float, float], ...] = (
    ("opacity", "Opacity", " %", 0, 100),
    ("feather_px", "Feather", " px", -500, 500),
    ("width_px", "Width", " px", 0.5, 1000),
)
_SHUTTER_SAMPLES = 8
_ROW_PX = 28


class ShapesPanel(QWidget):
    """Keeps itself in step with session and selection; every change goes through :mod:`desktop.roto_commands`."""

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
        tree.setColumnCount(4)
        tree.setHeaderHidden(True)
        tree.setRootIsDecorated(False)
        tree.setIconSize(QSize(16, 16))
        tree.setAccessibleName(tr("Shapes"))
        tree.setMinimumHeight(96)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        palette = tree.palette()
        palette.setColor(QPalette.ColorRole.Highlight, QColor(theme.ACCENT_DEEP))
        tree.setPalette(palette)
        header = tree.header()
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for column, width in ((_SEEN, 26), (_LOCK, 26), (_MODE, 24)):
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
        mode = next(entry for entry in _MODES if entry[0] == shape.mode)
        item.setText(_MODE, mode[1] + ("⁻¹" if shape.is_inverted else ""))
        item.setToolTip(_MODE, tr(mode[2]) + (tr(", inverted") if shape.is_inverted else ""))
        item.setText(_NAME, shape.label)
        item.setIcon(_NAME, _swatch(shape.color))
        item.setToolTip(_NAME, tr("Double-click to rename"))
        item.setData(_NAME, Qt.ItemDataRole.UserRole, shape.label)
        item.setSizeHint(_NAME, QSize(60, _ROW_PX))

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


class ShapeDetails(QScrollArea):
    """The numbers and switches of one shape."""

    def __init__(self, session: Session, selection: RotoSelection) -> None:
        super().__init__()
        self._session, self._selection = session, selection
        self.setWidgetResizable(True)
        self.setAccessibleName(tr("Shape"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.mode, self.inverted = QComboBox(), QCheckBox(tr("Inverted"))
        for mode, sign, text in _MODES:
            self.mode.addItem(f"{sign}  {tr(text)}", mode)
        self.mode.setAccessibleName(tr("Shape mode"))
        self.mode.activated.connect(self._on_mode)
        self.inverted.toggled.connect(self._on_inverted)
        self.color = QPushButton(tr("Colour …"))
        self.color.clicked.connect(self._ask_color)
        self.numbers: dict[Number, QDoubleSpinBox] = {}
        self.keys: dict[Number, QToolButton] = {}
        self.first, self.last = self._frame_box(tr("First frame")), self._frame_box(tr("Last frame"))
        self.shutter = self._shutter_box()
        form = QFormLayout()
        form.setContentsMargins(0, 6, 4, 0)
        form.setVerticalSpacing(6)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow(tr("Mode"), _row(self.mode, self.inverted))
        self._number_labels = {name: QLabel(tr(text)) for name, text, *_ in _NUMBERS}
        for name, text, unit, low, high in _NUMBERS:
            form.addRow(self._number_labels[name], self._number_row(name, text, unit, low, high))
        form.addRow(tr("Frames"), _row(self.first, QLabel("–"), self.last))
        form.addRow(tr("Shutter"), _row(self.shutter))
        form.addRow(tr("Outline"), _row(self.color))
        content = QWidget()
        content.setLayout(form)
        self.setWidget(content)
        self.setMinimumHeight(120)
        # The list gets what the numbers leave.
        self.setSizeAdjustPolicy(QScrollArea.SizeAdjustPolicy.AdjustToContents)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def _number_row(self, name: Number, text: str, unit: str, low: float, high: float) -> QWidget:
        box = inset_text(QDoubleSpinBox())
        box.setRange(low, high)
        box.setDecimals(1)
        box.setSuffix(unit)
        box.setKeyboardTracking(False)
        box.setAccessibleName(tr(text))
        box.valueChanged.connect(partial(self._on_number, name))
        box.editingFinished.connect(self._session.end_gesture)
        key = tool_button("key", tr("Add or delete a keyframe of {name} on this frame").format(name=tr(text)))
        key.clicked.connect(partial(self._on_key, name))
        self.numbers[name], self.keys[name] = box, key
        return _row(box, key)

    def _frame_box(self, name: str) -> QSpinBox:
        box = inset_text(QSpinBox())
        box.setAccessibleName(name)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(self._on_range)
        box.editingFinished.connect(self._session.end_gesture)
        return box

    def _shutter_box(self) -> QSpinBox:
        box = inset_text(QSpinBox())
        box.setRange(0, 720)
        box.setSingleStep(45)
        box.setSuffix("°")
        box.setSpecialValueText(tr("Off"))
        box.setKeyboardTracking(False)
        box.setAccessibleName(tr("Motion blur, shutter angle"))
        box.setToolTip(tr("Motion blur of all shapes of this removal: 180° is half a frame"))
        box.valueChanged.connect(self._on_shutter)
        box.editingFinished.connect(self._session.end_gesture)
        return box

    # --- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the shape that is being edited, on this frame."""
        shape, place = self._selection.shape, self._session.place
        marking = roto_commands.roto_of(self._session.removal)
        self.setEnabled(shape is not None)
        if shape is None or place is None or marking is None:
            return
        with QSignalBlocker(self.inverted), QSignalBlocker(self.shutter):
            self.mode.setCurrentIndex(self.mode.findData(shape.mode))
            self.inverted.setChecked(shape.is_inverted)
            self.shutter.setValue(round(marking.layer.shutter_frames * 360))
        for name, box in self.numbers.items():
            value = roto_edit.number_at(shape, name, place.media_frame)
            with QSignalBlocker(box):
                box.setValue(value * 100 if name == "opacity" else value)
            keyed = roto_edit.is_number_keyed(shape, name, place.media_frame)
            self.keys[name].setIcon(icon("key_set", theme.KEYFRAME) if keyed else icon("key"))
        for widget in (self._number_labels["width_px"], self.numbers["width_px"], self.keys["width_px"]):
            widget.setVisible(shape.is_open)
        self.updateGeometry()
        self._show_range(shape)
        self.color.setIcon(_swatch(shape.color))

    def _show_range(self, shape: Shape) -> None:
        shot = self._session.shot
        if shot is None:
            return
        ends = (shot.source_start, shot.source_end_exclusive - 1)
        for box, value, default in ((self.first, shape.first_frame, ends[0]), (self.last, shape.last_frame, ends[1])):
            with QSignalBlocker(box):
                box.setRange(*ends)
                box.setValue(default if value is None else value)

    # --- edits --------------------------------------------------------------------------------------------------

    def _change(self, step: str, change: Callable[[Shape], Shape], merge_key: str = "") -> None:
        removal, label = self._session.removal, self._selection.label
        if removal and label:
            key = f"{merge_key} {removal.id} {label}" if merge_key else ""
            roto_commands.change_shape(self._session, removal.id, label, change, step, key)

    def _on_mode(self, index: int) -> None:
        mode: Mode = self.mode.itemData(index)
        self._change(tr("Shape Mode"), lambda shape: replace(shape, mode=mode))

    def _on_inverted(self, inverted: bool) -> None:
        self._change(tr("Invert Shape"), lambda shape: replace(shape, is_inverted=inverted))

    def _on_number(self, name: Number, value: float) -> None:
        place = self._session.place
        if place is None:
            return
        number = value / 100 if name == "opacity" else value
        if name == "width_px":
            self._selection.line_width_px = value
        self._change(
            tr("Change Shape"), lambda shape: roto_edit.with_number(shape, name, place.media_frame, number), name
        )

    def _on_key(self, name: Number) -> None:
        place = self._session.place
        if place is not None:
            frame = place.media_frame
            self._change(tr("Keyframe"), lambda shape: roto_edit.with_number_key_toggled(shape, name, frame))

    def _on_range(self) -> None:
        shot = self._session.shot
        if shot is None or self.last.value() < self.first.value():
            return
        first = self.first.value() if self.first.value() > shot.source_start else None
        last = self.last.value() if self.last.value() < shot.source_end_exclusive - 1 else None
        self._change(
            tr("Change Active Frames"), lambda shape: replace(shape, first_frame=first, last_frame=last), "range"
        )

    def _on_shutter(self, degrees: int) -> None:
        removal = self._session.removal
        marking = roto_commands.roto_of(removal)
        if removal and marking:
            layer = replace(marking.layer, shutter_frames=degrees / 360, shutter_samples=_SHUTTER_SAMPLES)
            roto_commands.set_layer(self._session, removal.id, layer, tr("Motion Blur"), f"shutter {removal.id}")

    def _ask_color(self) -> None:
        shape = self._selection.shape
        if shape is None:
            return
        dialog = QColorDialog(QColor.fromRgbF(*shape.color), self)
        dialog.colorSelected.connect(self._on_color)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_color(self, color: QColor) -> None:
        rgb = (color.redF(), color.greenF(), color.blueF())
        self._change(tr("Shape Colour"), lambda shape: replace(shape, color=rgb))


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


def _row(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for widget in widgets:
        stretch = 1 if isinstance(widget, (QDoubleSpinBox, QSpinBox, QComboBox)) else 0
        row.addWidget(widget, stretch)
    if not any(isinstance(widget, (QDoubleSpinBox, QSpinBox, QComboBox)) for widget in widgets):
        row.addStretch(1)
    return holder


def _swatch(color: tuple[float, float, float]) -> QIcon:
    picture = QPixmap(28, 28)
    picture.fill(QColor.fromRgbF(*color))
    painter = QPainter(picture)
    painter.setPen(QPen(QColor(theme.EDGE), 3))
    painter.drawRect(picture.rect().adjusted(0, 0, -1, -1))
    painter.end()
    picture.setDevicePixelRatio(2)
    return QIcon(picture)
