"""The numbers and switches of the shape that is being edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
)

from desktop.base import theme
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.panels.panel import inset_text, tool_button
from desktop.roto import commands as roto_commands
from desktop.roto.selection import RotoSelection
from desktop.roto.shape_numbers import Number, is_number_keyed, number_at, with_number, with_number_key_toggled
from roi_tools.roto.model import Mode, Shape

MODES: tuple[tuple[Mode, str, str], ...] = (
    ("add", "+", "Add"),
    ("subtract", "−", "Subtract"),
    ("intersect", "∩", "Intersect"),
)
"""A shape's mode, its sign, its name."""
_NUMBERS: tuple[tuple[Number, str, str, float, float], ...] = (
    ("opacity", "Opacity", " %", 0, 100),
    ("feather_px", "Feather", " px", -500, 500),
    ("width_px", "Width", " px", 0.5, 1000),
)
_SHUTTER_SAMPLES = 8
_NUMBER_PX = 84
"""Room for what is mostly there: 100.0 %, -20.0 px. Two numbers share a line."""


class ShapeDetails(QWidget):
    """The numbers and switches of one shape."""

    def __init__(self, session: Session, selection: RotoSelection) -> None:
        super().__init__()
        self._session, self._selection = session, selection
        self.setAccessibleName(tr("Shape"))
        self.mode, self.inverted = QComboBox(), QCheckBox(tr("Inverted"))
        for mode, sign, text in MODES:
            self.mode.addItem(f"{sign}  {tr(text)}", mode)
        self.mode.setAccessibleName(tr("Shape mode"))
        self.mode.activated.connect(self._on_mode)
        self.inverted.toggled.connect(self._on_inverted)
        self.color = QPushButton(tr("Colour …"))
        self.color.setToolTip(tr("Colour of the outline"))
        self.color.clicked.connect(self._ask_color)
        self.numbers: dict[Number, QDoubleSpinBox] = {}
        self.keys: dict[Number, QToolButton] = {}
        self.first, self.last = self._frame_box(tr("First frame")), self._frame_box(tr("Last frame"))
        self.shutter = self._shutter_box()
        form = self._form = QFormLayout(self)
        form.setContentsMargins(0, 6, 4, 0)
        form.setVerticalSpacing(6)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow(tr("Mode"), _row(self.mode, self.inverted))
        self._number_labels = {name: QLabel(tr(text)) for name, text, *_ in _NUMBERS}
        for name, text, unit, low, high in _NUMBERS:
            self._make_number(name, text, unit, low, high)
        opacity, feather, width = (self.numbers[name] for name, *_ in _NUMBERS)
        keys, labels = self.keys, self._number_labels
        both = _row(opacity, keys["opacity"], labels["feather_px"], feather, keys["feather_px"])
        form.addRow(labels["opacity"], both)
        form.addRow(labels["width_px"], _row(width, keys["width_px"]))
        form.addRow(tr("Frames"), _row(self.first, QLabel("–"), self.last))
        form.addRow(tr("Shutter"), _row(self.shutter, self.color))
        # The list gets what the numbers leave.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _make_number(self, name: Number, text: str, unit: str, low: float, high: float) -> None:
        box = inset_text(QDoubleSpinBox())
        box.setRange(low, high)
        box.setDecimals(1)
        box.setMinimumWidth(_NUMBER_PX)
        box.setSuffix(unit)
        box.setKeyboardTracking(False)
        box.setAccessibleName(tr(text))
        box.valueChanged.connect(partial(self._on_number, name))
        box.editingFinished.connect(self._session.end_gesture)
        key = tool_button("key", tr("Add or delete a keyframe of {name} on this frame").format(name=tr(text)))
        key.clicked.connect(partial(self._on_key, name))
        self.numbers[name], self.keys[name] = box, key

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
            value = number_at(shape, name, place.media_frame)
            with QSignalBlocker(box):
                box.setValue(value * 100 if name == "opacity" else value)
            keyed = is_number_keyed(shape, name, place.media_frame)
            self.keys[name].setIcon(icon("key_set", theme.KEYFRAME) if keyed else icon("key"))
        self._form.setRowVisible(self._number_labels["width_px"], shape.is_open)
        self.updateGeometry()
        self._show_range(shape)
        self.color.setIcon(swatch(shape.color))

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
        self._change(tr("Change Shape"), lambda shape: with_number(shape, name, place.media_frame, number), name)

    def _on_key(self, name: Number) -> None:
        place = self._session.place
        if place is not None:
            frame = place.media_frame
            self._change(tr("Keyframe"), lambda shape: with_number_key_toggled(shape, name, frame))

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


def _row(*widgets: QWidget) -> QWidget:
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for widget in widgets:
        stretch = 1 if isinstance(widget, (QDoubleSpinBox, QSpinBox, QComboBox)) else 0
        row.addWidget(widget, stretch)
    return holder


def swatch(color: tuple[float, float, float]) -> QIcon:
    """A square of a shape's colour."""
    picture = QPixmap(28, 28)
    picture.fill(QColor.fromRgbF(*color))
    painter = QPainter(picture)
    painter.setPen(QPen(QColor(theme.EDGE), 3))
    painter.drawRect(picture.rect().adjusted(0, 0, -1, -1))
    painter.end()
    picture.setDevicePixelRatio(2)
    return QIcon(picture)
