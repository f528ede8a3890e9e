"""The panels that are made from the engine's descriptors."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QSlider,
    QSpinBox,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.panels.parameter_editors import ParameterEditor
from engine.protocol import EffectDescriptor, ParameterDescriptor
from roi_tools.shapes import RectF
from tests.support.fake_engine import FAKE_EFFECT


def with_removal(window: MainWindow) -> MainWindow:
    commands.add_removal(window.session, RectF(8, 8, 24, 24))
    return window


def editor_of(window: MainWindow, name: str) -> ParameterEditor:
    editor = window.inspector.editor(name)
    assert editor is not None
    return editor


def values(window: MainWindow) -> dict[str, object]:
    assert window.session.removal is not None
    return dict(window.session.removal.parameters)


def test_the_inspector_is_made_from_the_descriptor(editor: MainWindow) -> None:
    with_removal(editor)
    spin = editor_of(editor, "reach_frames").findChild(QSpinBox)
    assert spin is not None
    assert (spin.minimum(), spin.maximum(), spin.value(), spin.suffix()) == (1, 200, 40, " frames")
    assert "How far to look." in editor_of(editor, "reach_frames").toolTip()
    choice = editor_of(editor, "quality").findChild(QComboBox)
    assert choice is not None
    assert [choice.itemData(index) for index in range(choice.count())] == ["fast", "good"]
    assert all(editor.inspector.editor(parameter.name) for parameter in FAKE_EFFECT.parameters)


def test_each_kind_of_editor_sets_its_parameter(editor: MainWindow, qtbot: QtBot) -> None:
    with_removal(editor)
    spin = editor_of(editor, "reach_frames").findChild(QSpinBox)
    feather = editor_of(editor, "feather_px").findChild(QDoubleSpinBox)
    box = editor_of(editor, "grain").findChild(QCheckBox)
    choice = editor_of(editor, "quality").findChild(QComboBox)
    line = editor_of(editor, "note").findChild(QLineEdit)
    assert spin and feather and box and choice and line
    spin.setValue(55)
    feather.setValue(7.5)
    box.click()
    choice.setCurrentIndex(0)
    choice.activated.emit(0)
    line.setText("for Ana")
    line.editingFinished.emit()
    assert values(editor) == {
        "reach_frames": 55,
        "feather_px": 7.5,
        "grain": False,
        "quality": "fast",
        "note": "for Ana",
    }
    assert isinstance(values(editor)["reach_frames"], int)


def test_a_slider_and_its_field_show_the_same(editor: MainWindow) -> None:
    with_removal(editor)
    slider = editor_of(editor, "reach_frames").findChild(QSlider)
    spin = editor_of(editor, "reach_frames").findChild(QSpinBox)
    assert slider and spin
    slider.setValue(slider.maximum())
    assert spin.value() == 200
    assert values(editor) == {"reach_frames": 200}


def test_reset_and_undo_bring_the_default_back(editor: MainWindow) -> None:
    with_removal(editor)
    spin = editor_of(editor, "reach_frames").findChild(QSpinBox)
    reset = editor.inspector.reset_button("reach_frames")
    assert spin and reset
    assert reset.isHidden()
    spin.setValue(55)
    assert not reset.isHidden()
    reset.click()
    assert values(editor) == {}
    assert spin.value() == 40
    editor.window_actions["undo"].trigger()
    assert spin.value() == 55


def test_another_effect_has_its_own_parameters(editor: MainWindow) -> None:
    with_removal(editor)
    commands.set_effect(editor.session, "vace")
    assert editor.inspector.editor("steps") is not None
    assert editor.inspector.editor("reach_frames") is None
    editor.window_actions["undo"].trigger()
    assert editor.inspector.editor("reach_frames") is not None


def test_an_effect_that_is_not_installed_keeps_its_values(editor: MainWindow) -> None:
    with_removal(editor)
    commands.set_effect(editor.session, "from-the-future")
    box = editor.inspector.findChild(QComboBox)
    assert box is not None
    assert "from-the-future (not installed)" in box.currentText()
    assert editor.inspector.editor("steps") is None


def test_wide_numbers_have_no_slider(editor: MainWindow) -> None:
    seed = ParameterDescriptor(name="seed", label="Seed", hint="", kind="int", default=0, minimum=0, maximum=2**32 - 1)
    effect = EffectDescriptor(identifier="clean-plate", label="x", hint="", version="1", clips=(), parameters=(seed,))
    editor.inspector.set_effects((effect,))
    with_removal(editor)
    assert editor_of(editor, "seed").findChild(QSlider) is None
    spin = editor_of(editor, "seed").findChild(QDoubleSpinBox)
    assert spin is not None
    spin.setValue(2**32 - 1)
    assert values(editor) == {"seed": 2**32 - 1}
    assert isinstance(values(editor)["seed"], int)


def test_active_frames_are_set_and_reset(editor: MainWindow) -> None:
    with_removal(editor)
    first, last = editor.inspector.findChildren(QSpinBox)[:2]
    last.setValue(8)
    first.setValue(3)
    assert editor.session.removal is not None
    shape = editor.session.removal.shape
    assert (shape.first_frame, shape.last_frame) == (3, 8)
    first.setValue(0)
    assert editor.session.removal.shape.first_frame is None


# --- list of removals ---------------------------------------------------------------------------------------------


def test_the_list_selects_renames_and_switches(editor: MainWindow, qtbot: QtBot) -> None:
    with_removal(with_removal(editor))
    rows = editor.removals.list
    assert rows.count() == 2
    assert rows.currentRow() == 1
    rows.setCurrentRow(0)
    assert editor.session.removal is not None
    assert editor.session.removal.label == "Removal 1"
    rows.item(0).setText("Boom mic")
    assert editor.session.removal.label == "Boom mic"
    eye = rows.visualItemRect(rows.item(0)).topLeft()
    eye.setX(eye.x() + 12)
    eye.setY(eye.y() + 15)
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=eye)
    assert not editor.session.removal.enabled
    assert editor.window_actions["undo"].text() == "Undo Disable Removal"


def test_an_empty_name_is_refused(editor: MainWindow) -> None:
    with_removal(editor)
    editor.removals.list.item(0).setText("  ")
    assert editor.removals.list.item(0).text() == "Removal 1"


def test_removal_actions(editor: MainWindow) -> None:
    actions = editor.window_actions
    actions["add_removal"].trigger()
    actions["duplicate_removal"].trigger()
    assert editor.session.shot is not None
    assert [removal.label for removal in editor.session.shot.removals] == ["Removal 1", "Removal 1 copy"]
    actions["toggle_removal"].trigger()
    assert editor.session.removal is not None
    assert not editor.session.removal.enabled
    actions["delete_removal"].trigger()
    assert editor.session.removal.label == "Removal 1"
    actions["delete_removal"].trigger()
    assert not actions["delete_removal"].isEnabled()


@pytest.mark.parametrize("dialog", ["getOpenFileName", "getExistingDirectory"])
def test_a_path_is_looked_for_as_a_file_or_as_a_folder(
    editor: MainWindow, monkeypatch: pytest.MonkeyPatch, dialog: str
) -> None:
    with_removal(editor)
    commands.set_effect(editor.session, "vace")
    found = ("/models/wan", "") if dialog == "getOpenFileName" else "/models/wan"
    monkeypatch.setattr(QFileDialog, dialog, lambda *_: found)
    button = editor_of(editor, "model").findChild(QToolButton)
    assert button is not None
    file, folder = button.menu().actions()
    (file if dialog == "getOpenFileName" else folder).trigger()
    assert values(editor) == {"model": "/models/wan"}
