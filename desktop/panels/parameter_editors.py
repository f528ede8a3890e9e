"""One editor per kind of effect parameter, made from its descriptor."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TypeAlias

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSlider,
    QSpinBox,
    QToolButton,
    QWidget,
)
from typing_extensions import override

from desktop.base.language import tr
from desktop.panels.arithmetic import could_be_sum, value_of
from desktop.panels.panel import inset_text, tool_button
from engine.protocol import ParameterDescriptor, ParameterValue

_INT_LIMIT = 2**31 - 1
_SLIDER_STEPS = 1000
_Verdict: TypeAlias = tuple[QValidator.State, str, int]
LARGEST_SLIDER_RANGE = 1000
"""Beyond this a slider is too coarse to be of use (a seed, say)."""


class ParameterEditor(QWidget):
    """Shows one value; ``edited`` says that a person changed it, ``settled`` that the gesture is over."""

    edited = Signal(object)
    settled = Signal()

    def __init__(self, descriptor: ParameterDescriptor) -> None:
        super().__init__()
        self.descriptor = descriptor
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)

    @abstractmethod
    def show_value(self, value: ParameterValue) -> None:
        """Show a value without saying that it was edited."""


class NumberEditor(ParameterEditor):
    """A spin box with its unit, and a slider where the range is one that a slider can hit."""

    def __init__(self, descriptor: ParameterDescriptor) -> None:
        super().__init__(descriptor)
        self._spin = _spin_box(descriptor)
        self._slider: QSlider | None = None
        low, high = descriptor.minimum, descriptor.maximum
        if low is not None and high is not None and 0 < high - low <= LARGEST_SLIDER_RANGE:
            self._slider = self._make_slider(low, high)
            self._row.addWidget(self._slider, 1)
            self._spin.setFixedWidth(104)
            self._row.addWidget(self._spin)
        else:
            self._row.addWidget(self._spin, 1)
        self._spin.valueChanged.connect(self._on_spin)
        self._spin.editingFinished.connect(self.settled)

    @property
    def value(self) -> float:
        """What is shown."""
        return float(self._spin.value())

    def set_steps_from(self, start: float, steps: float) -> None:
        """Change to so many of the field's steps from ``start``, as if it had been typed."""
        value = start + steps * self._spin.singleStep()
        if isinstance(self._spin, QSpinBox):
            self._spin.setValue(round(value))
        else:
            self._spin.setValue(value)

    def _make_slider(self, low: float, high: float) -> QSlider:
        slider = _QuietSlider(Qt.Orientation.Horizontal)
        steps = round(high - low) if self.descriptor.kind == "int" else _SLIDER_STEPS
        slider.setRange(0, steps)
        slider.setPageStep(max(steps // 20, 1))
        slider.setAccessibleName(tr(self.descriptor.label))
        slider.valueChanged.connect(lambda step: self._on_slider(low + step * (high - low) / steps))
        slider.sliderReleased.connect(self.settled)
        return slider

    @override
    def show_value(self, value: ParameterValue) -> None:
        number = float(value)
        with QSignalBlocker(self._spin):
            if isinstance(self._spin, QSpinBox):
                self._spin.setValue(round(number))
            else:
                self._spin.setValue(number)
        self._show_on_slider(number)

    def _show_on_slider(self, number: float) -> None:
        low, high = self.descriptor.minimum, self.descriptor.maximum
        if self._slider is None or low is None or high is None:
            return
        with QSignalBlocker(self._slider):
            self._slider.setValue(round((number - low) / (high - low) * self._slider.maximum()))

    def _on_spin(self, number: float) -> None:
        self._show_on_slider(number)
        self.edited.emit(round(number) if self.descriptor.kind == "int" else number)

    def _on_slider(self, number: float) -> None:
        value: ParameterValue = round(number, _decimals(self.descriptor))
        if self.descriptor.kind == "int":
            value = round(number)
        self.show_value(value)
        self.edited.emit(value)


class BoolEditor(ParameterEditor):
    """A check box."""

    def __init__(self, descriptor: ParameterDescriptor) -> None:
        super().__init__(descriptor)
        self._box = QCheckBox()
        self._box.setAccessibleName(tr(descriptor.label))
        self._box.toggled.connect(self._on_toggled)
        self._row.addWidget(self._box)
        self._row.addStretch(1)

    @override
    def show_value(self, value: ParameterValue) -> None:
        with QSignalBlocker(self._box):
            self._box.setChecked(bool(value))

    def _on_toggled(self, checked: bool) -> None:
        self.edited.emit(checked)
        self.settled.emit()


class ChoiceEditor(ParameterEditor):
    """A drop-down list."""

    def __init__(self, descriptor: ParameterDescriptor) -> None:
        super().__init__(descriptor)
        self._box = QuietComboBox()
        self._box.setAccessibleName(tr(descriptor.label))
        for choice in descriptor.choices:
            self._box.addItem(tr(choice.replace("_", " ").capitalize()), choice)
        self._box.activated.connect(self._on_activated)
        self._row.addWidget(self._box, 1)

    @override
    def show_value(self, value: ParameterValue) -> None:
        with QSignalBlocker(self._box):
            self._box.setCurrentIndex(self._box.findData(value))

    def _on_activated(self, index: int) -> None:
        self.edited.emit(self._box.itemData(index))
        self.settled.emit()


class TextEditor(ParameterEditor):
    """A line of text; a path also has a button to look for it."""

    def __init__(self, descriptor: ParameterDescriptor) -> None:
        super().__init__(descriptor)
        self._line = QLineEdit()
        self._line.setAccessibleName(tr(descriptor.label))
        self._line.setPlaceholderText(_when_empty(descriptor))
        self._line.editingFinished.connect(self._on_finished)
        self._row.addWidget(self._line, 1)
        self._shown = ""
        if descriptor.kind == "path":
            self._row.setSpacing(2)
            browse = tool_button("folder", tr("Look for {name}").format(name=tr(descriptor.label).lower()))
            browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            browse.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            browse.setMenu(self._browse_menu())
            self._row.addWidget(browse)

    @override
    def show_value(self, value: ParameterValue) -> None:
        self._shown = str(value)
        self._line.setText(self._shown)

    def _on_finished(self) -> None:
        if self._line.text() != self._shown:
            self._shown = self._line.text()
            self.edited.emit(self._shown)
        self.settled.emit()

    def _browse_menu(self) -> QMenu:
        # A model is a folder or a file, a LoRA a file: Qt has no dialog for both.
        menu = QMenu(self)
        menu.addAction(tr("File …")).triggered.connect(self._browse_file)
        menu.addAction(tr("Folder …")).triggered.connect(self._browse_folder)
        return menu

    def _browse_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr(self.descriptor.label), self._line.text())
        self._take(path)

    def _browse_folder(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, tr(self.descriptor.label), self._line.text()))

    def _take(self, path: str) -> None:
        if path:
            self._line.setText(path)
            self._on_finished()


def make_editor(descriptor: ParameterDescriptor) -> ParameterEditor:
    """The editor for a parameter's kind."""
    if descriptor.kind in ("int", "double"):
        return NumberEditor(descriptor)
    if descriptor.kind == "bool":
        return BoolEditor(descriptor)
    if descriptor.kind == "choice":
        return ChoiceEditor(descriptor)
    return TextEditor(descriptor)


class QuietComboBox(QComboBox):
    """A drop-down list that does not change when a person scrolls the panel over it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class _QuietSlider(QSlider):
    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class _QuietSpinBox(QSpinBox):
    """A sum may be typed."""

    @override
    def validate(self, text: str, position: int) -> _Verdict:
        return _checked(self, text, position, super().validate(text, position))

    @override
    def valueFromText(self, text: str) -> int:
        value = value_of(_without_unit(self, text))
        return round(value) if value is not None else super().valueFromText(text)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _QuietDoubleSpinBox(QDoubleSpinBox):
    """A sum may be typed."""

    @override
    def validate(self, text: str, position: int) -> _Verdict:
        return _checked(self, text, position, super().validate(text, position))

    @override
    def valueFromText(self, text: str) -> float:
        value = value_of(_without_unit(self, text))
        return value if value is not None else super().valueFromText(text)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def _without_unit(spin: QSpinBox | QDoubleSpinBox, text: str) -> str:
    return text.removesuffix(spin.suffix()).strip()


def _checked(spin: QSpinBox | QDoubleSpinBox, text: str, position: int, plain: _Verdict) -> _Verdict:
    """``plain`` is Qt's own verdict; a sum that is not finished is on its way, one beyond the range too."""
    typed = _without_unit(spin, text)
    if plain[0] == QValidator.State.Acceptable or not could_be_sum(typed):
        return plain
    value = value_of(typed)
    fits = value is not None and spin.minimum() <= value <= spin.maximum()
    return (QValidator.State.Acceptable if fits else QValidator.State.Intermediate, text, position)


def _when_empty(descriptor: ParameterDescriptor) -> str:
    """What stands in an empty field: of a model's parts the engine takes those that it knows, else there is none."""
    if descriptor.kind != "path":
        return ""
    return tr("Default") if descriptor.group == "Model" else tr("None")


def _spin_box(descriptor: ParameterDescriptor) -> QSpinBox | QDoubleSpinBox:
    largest = max(abs(descriptor.minimum or 0), abs(descriptor.maximum or 0))
    # Qt's whole-number field ends at 31 bits; a seed may have 32.
    fits = descriptor.kind == "int" and largest <= _INT_LIMIT
    spin = _int_spin_box(descriptor) if fits else _double_spin_box(descriptor)
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.setKeyboardTracking(False)
    spin.setAccelerated(True)
    spin.setAccessibleName(tr(descriptor.label))
    if descriptor.unit:
        spin.setSuffix(f" {tr(descriptor.unit)}")
    return spin


def _int_spin_box(descriptor: ParameterDescriptor) -> QSpinBox:
    spin = inset_text(_QuietSpinBox())
    low, high = descriptor.minimum, descriptor.maximum
    spin.setRange(
        max(round(low), -_INT_LIMIT) if low is not None else -_INT_LIMIT,
        min(round(high), _INT_LIMIT) if high is not None else _INT_LIMIT,
    )
    return spin


def _double_spin_box(descriptor: ParameterDescriptor) -> QDoubleSpinBox:
    spin = inset_text(_QuietDoubleSpinBox())
    low, high = descriptor.minimum, descriptor.maximum
    spin.setDecimals(_decimals(descriptor))
    spin.setRange(low if low is not None else -1e9, high if high is not None else 1e9)
    spin.setSingleStep(_single_step(descriptor))
    return spin


def _single_step(descriptor: ParameterDescriptor) -> float:
    decimals = _decimals(descriptor)
    return 1.0 if decimals == 0 else 0.5 if decimals == 1 else 10.0 ** (1 - decimals)


def _decimals(descriptor: ParameterDescriptor) -> int:
    """Enough for three significant digits of the range; none for whole numbers."""
    if descriptor.kind == "int":
        return 0
    low, high = descriptor.minimum, descriptor.maximum
    if low is None or high is None or high <= low:
        return 3
    return min(max(2 - math.floor(math.log10(high - low)), 1), 6)
