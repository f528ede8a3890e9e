"""Preferences, shortcut sets and conflicts, help and the diagnostic report."""

from dataclasses import asdict, fields
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from desktop.base import paths
from desktop.base.preferences import Preferences, load_preferences, save_preferences
from desktop.dialogs.help_dialogs import TextDialog
from desktop.dialogs.preferences_dialog import PreferencesDialog
from desktop.dialogs.shortcut_editor import ShortcutEditor
from desktop.dialogs.shortcuts import PRESETS, conflicts
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.rendering.default_model import MODEL_VARIABLE, with_default_model
from desktop.rendering.engine_environment import VARIABLES, apply_to_environment
from desktop.viewer.tools.base import Tool
from desktop.wiring.color import ColorMenus
from roi_tools.shapes import RectF
from tests.desktop.conftest import EngineDoor


def test_preferences_come_back() -> None:
    assert load_preferences() == Preferences()
    chosen = Preferences(
        vace_model="/models/vace",
        viewer_cache_mb=2048,
        shortcuts={"render": ("F5",), "stop": ()},
        language="ja",
        device="cuda:1",
        models_folder="/models",
        cache_folder="/fast/cache",
        cache_gb=200,
        autosave_s=30,
        ocio_config="/studio/config.ocio",
        tour_seen=True,
    )
    changed = {name for name, value in asdict(chosen).items() if value != asdict(Preferences())[name]}
    assert changed == {field.name for field in fields(Preferences)}, "this test leaves none out"
    save_preferences(chosen)
    assert load_preferences() == chosen


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"vace_model": 3, "viewer_cache_mb": "x", "shortcuts": [1], "cache_gb": true}',
        '{"language": "xx", "device": "gpu", "autosave_s": "x", "tour_seen": 1, "models_folder": []}',
    ],
)
def test_damaged_preferences_are_the_defaults(text: str) -> None:
    paths.settings_file().with_name("preferences.json").write_text(text, encoding="utf-8")
    assert load_preferences() == Preferences()


def test_the_model_of_the_preferences_goes_into_requests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    save_preferences(Preferences(vace_model=str(tmp_path)))
    assert with_default_model("vace", {}) == {"model": str(tmp_path)}
    assert with_default_model("clean-plate", {}) == {}
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path / "other"))
    assert with_default_model("vace", {}) == {"model": str(tmp_path / "other")}


@pytest.mark.parametrize("name", list(PRESETS))
def test_no_set_gives_a_key_twice(name: str) -> None:
    assert conflicts(PRESETS[name]) == {}


def test_a_key_that_is_taken_is_a_conflict_until_one_gives_way(qtbot: QtBot, themed: object) -> None:
    editor = ShortcutEditor({})
    qtbot.addWidget(editor)
    editor.select("box_tool")
    editor.keys.setKeySequence(QKeySequence("W"))
    editor.set_button.click()
    seen = [editor.is_valid]
    assert "W is used by Wipe and Box Tool" in editor.note.text()
    editor.select("wipe")
    editor.none_button.click()
    seen.append(editor.is_valid)
    assert seen == [False, True]
    assert editor.overrides == {"box_tool": ("W",), "wipe": ()}
    assert editor.preset.currentText() == "Own set"
    for name in ("wipe", "box_tool"):
        editor.select(name)
        editor.reset_button.click()
    assert editor.overrides == {}
    assert editor.preset.currentText() == "Grayplate"


def test_actions_are_found_by_name_and_key(qtbot: QtBot, themed: object) -> None:
    editor = ShortcutEditor({})
    qtbot.addWidget(editor)
    editor.filter.setText("wipe")
    rows = [editor.table.topLevelItem(row) for row in range(editor.table.topLevelItemCount())]
    assert [item.text(0) for item in rows if item and not item.isHidden()] == ["View › Wipe"]


def preferences_dialog(window: MainWindow) -> PreferencesDialog:
    window.window_actions["preferences"].trigger()
    dialog = window.findChild(PreferencesDialog)
    assert dialog is not None
    return dialog


def test_the_dialog_changes_keys_and_memory_at_once_and_for_good(editor: MainWindow, qtbot: QtBot) -> None:
    dialog = preferences_dialog(editor)
    dialog.cache.setValue(512)
    dialog.model.setText("/models/vace")
    dialog.shortcuts.preset.setCurrentText("Like Nuke")
    dialog.shortcuts.preset.activated.emit(dialog.shortcuts.preset.currentIndex())
    dialog.accept()
    assert load_preferences().vace_model == "/models/vace"
    assert load_preferences().viewer_cache_mb == 512
    with qtbot.waitActive(editor):
        editor.activateWindow()
    editor.canvas.setFocus()
    qtbot.waitUntil(editor.canvas.hasFocus)
    qtbot.keyClick(editor.canvas, Qt.Key.Key_X)
    assert editor.canvas.tool is Tool.BOX
    assert editor.window_actions["box_tool"].toolTip().endswith("(X)")
    assert editor.window_actions["show_red"].shortcut() == QKeySequence("R")


def test_every_choice_of_the_dialog_is_kept(editor: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    dialog = preferences_dialog(editor)
    dialog.language.setCurrentIndex(dialog.language.findText("日本語"))
    dialog.device.setCurrentIndex(dialog.device.findData("cpu"))
    dialog.models_folder.setText("/models")
    dialog.cache_folder.setText("/fast")
    dialog.cache_gb.setValue(50)
    dialog.autosave.setValue(20)
    dialog.ocio_config.setText("/studio.ocio")
    dialog.accept()
    assert load_preferences() == Preferences(
        language="ja",
        device="cpu",
        models_folder="/models",
        cache_folder="/fast",
        cache_gb=50,
        autosave_s=20,
        ocio_config="/studio.ocio",
    )
    assert "started again" in editor.statusBar().currentMessage()
    apply_to_environment(Preferences())


def test_what_the_engine_has_to_know_starts_another_one(
    editor: MainWindow, door: EngineDoor, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAYPLATE_CACHE_GB", raising=False)
    dialog = preferences_dialog(editor)
    dialog.cache_gb.setValue(33)
    with qtbot.waitSignal(editor.bridge.connected):
        dialog.accept()
    assert (door.engine.shutdowns, door.attempts) == (1, 2)
    again = PreferencesDialog(load_preferences(), editor)
    again.accept()
    assert door.engine.shutdowns == 1
    apply_to_environment(Preferences())


def test_a_render_ends_before_the_engine_does(
    editor: MainWindow, door: EngineDoor, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAYPLATE_CACHE_GB", raising=False)
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    with qtbot.waitSignal(editor.bridge.job_started):
        editor.window_actions["render"].trigger()
    dialog = preferences_dialog(editor)
    dialog.cache_gb.setValue(34)
    dialog.accept()
    assert door.engine.shutdowns == 0
    with qtbot.waitSignal(editor.bridge.connected):
        door.engine.finish()
    assert door.engine.shutdowns == 1
    apply_to_environment(Preferences())


def test_the_recovery_file_waits_as_long_as_one_wants(editor: MainWindow) -> None:
    dialog = preferences_dialog(editor)
    dialog.autosave.setValue(60)
    dialog.accept()
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    remaining = [timer.remainingTime() for timer in editor.documents.findChildren(QTimer) if timer.isActive()]
    assert max(remaining) > 50_000


def test_the_colour_config_is_the_viewer_s_at_once(editor: MainWindow, tmp_path: Path) -> None:
    dialog = preferences_dialog(editor)
    dialog.ocio_config.setText(str(tmp_path / "studio.ocio"))
    dialog.accept()
    menus = editor.findChild(ColorMenus)
    assert menus is not None
    menus.choose_view("Screen", "Film")
    view = menus.view_of("x")
    assert view is not None and view.config == str(tmp_path / "studio.ocio")


def test_the_viewer_is_told_its_memory(editor: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(editor.media, "set_cache_mb", told.append)
    dialog = preferences_dialog(editor)
    dialog.cache.setValue(256)
    dialog.accept()
    assert told == [256]


def test_a_conflict_cannot_be_accepted(editor: MainWindow) -> None:
    dialog = preferences_dialog(editor)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert ok.isEnabled()
    dialog.shortcuts.select("fit")
    dialog.shortcuts.keys.setKeySequence(QKeySequence("Q"))
    dialog.shortcuts.set_button.click()
    assert not ok.isEnabled()
    dialog.reject()
    assert load_preferences() == Preferences()


def shown_text(window: MainWindow, title: str) -> str:
    dialog = next(dialog for dialog in window.findChildren(TextDialog) if dialog.windowTitle() == title)
    assert dialog.isVisible()
    return dialog.page.toPlainText()


def test_the_about_box_names_licences(window: MainWindow) -> None:
    window.window_actions["about"].trigger()
    text = shown_text(window, "About Grayplate")
    assert "Apache License 2.0" in text
    assert "PySide6-Essentials" in text
    assert "LGPL" in text
    assert "opencolorio" in text
    assert "pytest" not in text


def test_the_report_is_on_the_clipboard_and_names_no_home(
    editor: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths.log_file().write_text(f"WARNING something about {tmp_path}/plate.mov\n", encoding="utf-8")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    editor.window_actions["copy_report"].trigger()
    text = QGuiApplication.clipboard().text()
    assert "Engine: Engine ready" in text
    assert "WARNING something about ~/plate.mov" in text
    assert "numpy" in text
