"""The selected removal: its effect, when it is there, and the effect's parameters, made from the descriptor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.base import theme
from desktop.base.icons import icon
from desktop.base.language import tr
from desktop.base.messages import told
from desktop.editing import commands
from desktop.editing.parameter_commands import (
    apply_parameters,
    chosen_preset,
    is_keyed,
    reset,
    set_value,
    toggle_key,
    value_now,
)
from desktop.editing.session import Session
from desktop.panels.advice_view import AdviceView
from desktop.panels.panel import dim_label, divider, inset_text, tool_button
from desktop.panels.parameter_editors import NumberEditor, ParameterEditor, QuietComboBox, make_editor
from desktop.panels.preset_row import PresetRow
from desktop.panels.scrub_label import ScrubLabel
from engine.protocol import EffectDescriptor, ParameterDescriptor, ParameterValue, Preset, Remedy

_LABEL_PX = 122
_RESET_PX = 26
_KEY_PX = 22


class InspectorPanel(QScrollArea):
    """Rebuilt when another effect is shown; otherwise only its values change, so that a drag keeps its handle."""

    keep_preset_asked = Signal(object, object)
    """EffectDescriptor and Removal: their values are to be kept under a name."""
    delete_preset_asked = Signal(object)
    """One of a person's own presets is to be forgotten."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._presets: tuple[Preset, ...] = ()
        self._effects: dict[str, EffectDescriptor] = {}
        self._rows: dict[str, _ParameterRow] = {}
        self._shown_effect: str | None = None
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._body = QWidget()
        self._body.setObjectName("panel")
        self._body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._layout = QVBoxLayout(self._body)
        self._layout.setContentsMargins(14, 12, 10, 14)
        self._layout.setSpacing(10)
        self._empty = dim_label(tr("Select a removal to see its settings."), wraps=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._header = _Header(session)
        self.preset_row = self._header.presets
        self.preset_row.chosen.connect(self._apply_preset)
        self.preset_row.keep_asked.connect(self._ask_to_keep)
        self.preset_row.delete_asked.connect(self.delete_preset_asked)
        self.advice = AdviceView()
        self.advice.remedy_chosen.connect(self._apply_remedy)
        self._parameters = QVBoxLayout()
        self._parameters.setSpacing(6)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._header)
        self._layout.addWidget(self.advice)
        self._layout.addLayout(self._parameters)
        self._layout.addStretch(1)
        self.setWidget(self._body)
        session.project_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        session.playhead_changed.connect(self._on_playhead)
        self.refresh()

    def set_effects(self, effects: tuple[EffectDescriptor, ...]) -> None:
        """What the engine offers."""
        self._effects = {effect.identifier: effect for effect in effects}
        self._header.set_effects(effects)
        self._shown_effect = None
        self.refresh()

    def set_presets(self, presets: tuple[Preset, ...]) -> None:
        """What there is to choose from, for all effects."""
        self._presets = presets
        self.refresh()

    def editor(self, parameter: str) -> ParameterEditor | None:
        """The editor of a parameter of the effect shown."""
        row = self._rows.get(parameter)
        return row.editor if row else None

    def key_button(self, parameter: str) -> QToolButton | None:
        """The diamond that sets or deletes a parameter's keyframe; None where it does not animate."""
        row = self._rows.get(parameter)
        return row.key if row and row.descriptor.animates else None

    def reset_button(self, parameter: str) -> QToolButton | None:
        """The button that puts a parameter back to its default."""
        row = self._rows.get(parameter)
        return row.reset if row else None

    def refresh(self) -> None:
        """Show the selected removal."""
        removal = self._session.removal
        self._empty.setVisible(removal is None)
        self._header.setVisible(removal is not None)
        self._header.refresh()
        effect = self._effects.get(removal.effect) if removal else None
        identifier = effect.identifier if effect else None
        if identifier != self._shown_effect:
            self._rebuild(effect)
            self._shown_effect = identifier
        self._show_values(self._rows.values())
        if removal and effect:
            own = tuple(preset for preset in self._presets if preset.effect == effect.identifier)
            self.preset_row.show_presets(own, chosen_preset(own, effect, removal))
        self.preset_row.setEnabled(effect is not None)

    def _on_playhead(self) -> None:
        self._header.refresh()
        self._show_values(row for row in self._rows.values() if row.descriptor.animates)

    def _show_values(self, rows: Iterable[_ParameterRow]) -> None:
        removal = self._session.removal
        if removal is None:
            return
        for row in rows:
            is_animated = row.descriptor.name in removal.parameter_tracks
            row.show_value(value_now(self._session, row.descriptor), is_animated=is_animated)
            row.show_key(is_keyed=is_keyed(self._session, row.descriptor), is_animated=is_animated)

    def _rebuild(self, effect: EffectDescriptor | None) -> None:
        while self._parameters.count():
            item = self._parameters.takeAt(0)
            widget = item.widget() if item else None
            if widget:
                widget.hide()
                widget.deleteLater()
        self._rows = {}
        if effect is None:
            return
        plain = [parameter for parameter in effect.parameters if not parameter.advanced]
        advanced = [parameter for parameter in effect.parameters if parameter.advanced]
        for name, group in groupby(sorted(plain, key=_group_order(plain)), key=lambda parameter: parameter.group):
            self._parameters.addWidget(self._group(name, list(group)))
        if advanced:
            self._parameters.addWidget(_Disclosure(tr("Advanced"), self._group("", advanced)))

    def _group(self, name: str, parameters: list[ParameterDescriptor]) -> QWidget:
        group = QWidget()
        grid = QGridLayout(group)
        grid.setContentsMargins(0, 2, 0, 6)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(7)
        grid.setColumnMinimumWidth(0, _LABEL_PX)
        grid.setColumnStretch(1, 1)
        if name:
            title = QLabel(tr(name))
            title.setObjectName("group")
            grid.addWidget(divider(), 0, 0, 1, 3)
            grid.addWidget(title, 1, 0, 1, 3)
        for line, descriptor in enumerate(parameters, start=2):
            row = _ParameterRow(descriptor)
            row.editor.edited.connect(lambda value, d=descriptor: set_value(self._session, d, value))
            row.editor.settled.connect(self._session.end_gesture)
            row.reset.clicked.connect(lambda _=False, d=descriptor: reset(self._session, d))
            row.key.clicked.connect(lambda _=False, d=descriptor: toggle_key(self._session, d))
            grid.addWidget(row.head, line, 0)
            grid.addWidget(row.editor, line, 1)
            grid.addWidget(row.reset, line, 2)
            self._rows[descriptor.name] = row
        return group

    def _apply_preset(self, preset: Preset) -> None:
        effect = self._shown()
        if effect:
            label = tr("Preset '{name}'").format(name=preset.name if preset.is_own else tr(preset.name))
            apply_parameters(self._session, label, effect, preset.parameters)
            self.refresh()

    def _apply_remedy(self, remedy: Remedy) -> None:
        effect = self._shown()
        if effect:
            apply_parameters(self._session, told(remedy.label), effect, remedy.parameters)

    def _ask_to_keep(self) -> None:
        effect, removal = self._shown(), self._session.removal
        if effect and removal:
            self.keep_preset_asked.emit(effect, removal)

    def _shown(self) -> EffectDescriptor | None:
        return self._effects.get(self._shown_effect or "")


class _ParameterRow:
    """Label, keyframe diamond where the parameter animates, editor, reset button."""

    def __init__(self, descriptor: ParameterDescriptor) -> None:
        self.descriptor = descriptor
        self.editor = make_editor(descriptor)
        self.label = self._make_label()
        self.label.setWordWrap(True)
        self.key = tool_button("key", tr("Key {name} on this frame").format(name=tr(descriptor.label)))
        self.key.setFixedSize(_KEY_PX, _KEY_PX)
        self.key.setIconSize(QSize(_KEY_PX - 4, _KEY_PX - 4))
        self.key.setStyleSheet("QToolButton { padding: 0; }")
        self.key.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.head = QWidget()
        self.head.setFixedWidth(_LABEL_PX)  # the same column in every group
        head = QHBoxLayout(self.head)
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(2)
        head.addWidget(self.label, 1)
        if descriptor.animates:
            head.addWidget(self.key)
        self.reset = QToolButton()
        self.reset.setIcon(icon("reset"))
        self.reset.setToolTip(tr("Reset to {value}").format(value=_shown_default(descriptor)))
        self.reset.setAccessibleName(tr("Reset {name}").format(name=tr(descriptor.label)))
        self.reset.setFixedSize(_RESET_PX, _RESET_PX)
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        tip = f"<p><b>{tr(descriptor.label)}</b></p><p>{tr(descriptor.hint)}</p>"
        if isinstance(self.label, ScrubLabel):
            how = tr("Drag the name to change it; Shift: faster, Ctrl: finer. Sums can be typed: 1920/2")
            tip += f"<p>{how}</p>"
        for widget in (self.label, self.editor):
            widget.setToolTip(tip)

    def _make_label(self) -> QLabel:
        """The setting's name; that of a number is dragged to change it."""
        editor, name = self.editor, tr(self.descriptor.label)
        if not isinstance(editor, NumberEditor):
            return QLabel(name)
        label, start = ScrubLabel(name), [0.0]
        label.begun.connect(lambda: start.__setitem__(0, editor.value))
        label.scrubbed.connect(lambda steps: editor.set_steps_from(start[0], steps))
        label.ended.connect(editor.settled)
        return label

    def show_value(self, value: ParameterValue, *, is_animated: bool = False) -> None:
        """Show the value on this frame."""
        self.editor.show_value(value)
        self.reset.setVisible(is_animated or value != self.descriptor.default)

    def show_key(self, *, is_keyed: bool, is_animated: bool) -> None:
        """Show whether there is a keyframe here: filled; elsewhere: in the colour of keyframes; or none."""
        self.key.setIcon(icon("key_set" if is_keyed else "key", theme.KEYFRAME if is_animated else theme.TEXT_DIM))
        name = tr(self.descriptor.label)
        tip = tr("Delete the key of {name} on this frame") if is_keyed else tr("Key {name} on this frame")
        self.key.setToolTip(tip.format(name=name))


class _Header(QWidget):
    """Effect, frames where the removal is there, keyframes."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.effect = QuietComboBox()
        self.effect.setAccessibleName(tr("Effect"))
        self.effect.activated.connect(lambda index: commands.set_effect(session, self.effect.itemData(index)))
        self._hint = dim_label(wraps=True)
        self.presets = PresetRow()
        self._first, self._last = _frame_box(tr("First frame")), _frame_box(tr("Last frame"))
        self._whole = tool_button("reset", tr("On the whole shot"))
        self._whole.setFixedSize(_RESET_PX, _RESET_PX)
        self._keys = dim_label()
        self._key = tool_button("key", tr("Add or delete a keyframe here (K with Ctrl)"))
        self._previous, self._next = (
            tool_button("previous_key", tr("Previous keyframe (Ctrl+Left)")),
            tool_button("next_key", tr("Next keyframe (Ctrl+Right)")),
        )
        self._connect()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(7)
        grid.setColumnMinimumWidth(0, _LABEL_PX)
        grid.setColumnStretch(1, 1)
        grid.addWidget(QLabel(tr("Effect")), 0, 0)
        grid.addWidget(self.effect, 0, 1)
        grid.setColumnMinimumWidth(2, _RESET_PX)
        grid.addWidget(self._hint, 1, 0, 1, 3)
        grid.addWidget(QLabel(tr("Preset")), 2, 0)
        grid.addWidget(self.presets, 2, 1, 1, 2)
        grid.addWidget(QLabel(tr("Active frames")), 3, 0)
        grid.addLayout(_in_row(self._first, QLabel("–"), self._last), 3, 1)
        grid.addWidget(self._whole, 3, 2)
        grid.addWidget(QLabel(tr("Keyframes")), 4, 0)
        keys = _in_row(self._previous, self._key, self._next, spacing=0)
        keys.addSpacing(6)
        keys.addWidget(self._keys, 1)
        grid.addLayout(keys, 4, 1, 1, 2)

    def _connect(self) -> None:
        session = self._session
        self._first.valueChanged.connect(self._on_range)
        self._last.valueChanged.connect(self._on_range)
        self._whole.clicked.connect(lambda: commands.set_active_range(session, None, None))
        self._key.clicked.connect(lambda: commands.toggle_keyframe(session))
        self._previous.clicked.connect(lambda: commands.go_to_neighbour_key(session, -1))
        self._next.clicked.connect(lambda: commands.go_to_neighbour_key(session, 1))
        self._previous.setToolTip(tr("Previous keyframe (Ctrl+Left)"))
        self._next.setToolTip(tr("Next keyframe (Ctrl+Right)"))
        self._key.setToolTip(tr("Add or delete the keyframe on this frame (Ctrl+K)"))

    def set_effects(self, effects: tuple[EffectDescriptor, ...]) -> None:
        """Fill the drop-down list."""
        self._effects = {effect.identifier: effect for effect in effects}
        self.effect.clear()
        for effect in effects:
            self.effect.addItem(tr(effect.label), effect.identifier)
            self.effect.setItemData(self.effect.count() - 1, tr(effect.hint), Qt.ItemDataRole.ToolTipRole)
        self.effect.setEnabled(bool(effects))

    _effects: dict[str, EffectDescriptor] = {}  # noqa: RUF012 - replaced, never changed

    def refresh(self) -> None:
        """Show the selected removal at the playhead."""
        place, removal = self._session.place, self._session.removal
        if not (place and removal):
            return
        self._show_effect(removal.effect)
        shot, shape = place.shot, removal.shape
        for box, value, default in (
            (self._first, shape.first_frame, shot.source_start),
            (self._last, shape.last_frame, shot.source_end_exclusive - 1),
        ):
            with QSignalBlocker(box):
                box.setRange(shot.source_start, shot.source_end_exclusive - 1)
                box.setValue(default if value is None else value)
        self._whole.setEnabled(shape.first_frame is not None or shape.last_frame is not None)
        keyed = place.media_frame in shape.key_frames
        self._key.setIcon(icon("key_set" if keyed else "key", "#f4c65a" if keyed else "#dcdcdc"))
        self._key.setEnabled(not keyed or len(shape.key_frames) > 1)
        count = len(shape.key_frames)
        where = tr("{count} in all").format(count=count)
        if keyed:
            where = tr("{number} of {count}").format(number=shape.key_frames.index(place.media_frame) + 1, count=count)
        self._keys.setText(where)

    def _show_effect(self, identifier: str) -> None:
        index = self.effect.findData(identifier)
        if index < 0:
            self.effect.addItem(
                tr("{name} (not installed)").format(name=identifier) if self._effects else identifier, identifier
            )
            index = self.effect.count() - 1
        self.effect.setCurrentIndex(index)
        effect = self._effects.get(identifier)
        self._hint.setText(tr(effect.hint) if effect else "")
        self._hint.setVisible(bool(self._hint.text()))

    def _on_range(self) -> None:
        place = self._session.place
        if place is None:
            return
        first, last = self._first.value(), self._last.value()
        commands.set_active_range(
            self._session,
            None if first <= place.shot.source_start else first,
            None if last >= place.shot.source_end_exclusive - 1 else last,
        )
        self.refresh()


class _Disclosure(QWidget):
    """A part that opens and closes by its title."""

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._button = QToolButton()
        self._button.setText(title)
        self._button.setCheckable(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setIcon(icon("chevron_right"))
        self._button.setStyleSheet("QToolButton { padding: 3px 6px 3px 0; } QToolButton:checked { background: none; }")
        self._button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._content = content
        content.hide()
        self._button.toggled.connect(self._on_toggled)
        layout.addWidget(divider())
        layout.addWidget(self._button)
        layout.addWidget(content)

    def _on_toggled(self, opened: bool) -> None:
        self._button.setIcon(icon("chevron_down" if opened else "chevron_right"))
        self._content.setVisible(opened)
        self.toggled.emit(opened)


def _frame_box(name: str) -> QSpinBox:
    box = inset_text(QSpinBox())
    box.setAccessibleName(name)
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return box


def _in_row(*widgets: QWidget, spacing: int = 8) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, QSpinBox) else 0)
    return row


def _group_order(parameters: list[ParameterDescriptor]) -> Callable[[ParameterDescriptor], int]:
    """A sort key that keeps groups, and parameters in them, in the order of their first appearance."""
    order: dict[str, int] = {}
    for parameter in parameters:
        order.setdefault(parameter.group, len(order))
    return lambda parameter: order[parameter.group]


def _shown_default(descriptor: ParameterDescriptor) -> str:
    if descriptor.kind == "bool":
        return tr("on") if descriptor.default else tr("off")
    if descriptor.kind == "choice":
        return tr(str(descriptor.default).replace("_", " ").capitalize())
    if descriptor.default == "":
        return tr("empty")
    return f"{descriptor.default} {tr(descriptor.unit)}".strip()
