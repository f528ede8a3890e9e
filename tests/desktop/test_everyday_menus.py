"""What users of other programs expect in the everyday: right clicks, dragging a number's name, sums, last folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QFileDialog, QMenu, QSpinBox
from pytestqt.qtbot import QtBot

from desktop.base.last_folders import last_folder, remember_folder
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.panels.arithmetic import could_be_sum, value_of
from desktop.panels.scrub_label import ScrubLabel
from desktop.wiring.context_menus import KEY, REMOVAL, SHAPE, SHOT, ContextMenus
from engine.protocol import Output
from tests.desktop.conftest import EngineDoor

FEATHER = "feather_px"


@pytest.fixture
def menus(marked: MainWindow) -> ContextMenus:
    return marked.findChildren(ContextMenus)[0]


def texts(menu: QMenu) -> list[str]:
    return [action.text().replace("&", "") for action in menu.actions() if not action.isSeparator()]


# --- right clicks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [REMOVAL, KEY, SHOT, SHAPE])
def test_menus_name_actions_that_there_are(marked: MainWindow, groups: tuple[tuple[str, ...], ...]) -> None:
    assert {name for group in groups for name in group} <= set(marked.window_actions)


def test_a_removals_menu_holds_what_can_be_done_now(menus: ContextMenus) -> None:
    shown = texts(menus.menu(REMOVAL))
    assert {"Rename", "Enabled", "Duplicate", "Delete", "Render Shot"} <= set(shown)
    assert "Paste Removal" not in shown


def test_the_timelines_menu_is_about_the_thing_under_the_cursor(marked: MainWindow, menus: ContextMenus) -> None:
    marked.session.go_to(4)
    commands.toggle_keyframe(marked.session)
    marked.session.select_removal(None)
    strip, shot = marked.strip, marked.session.shot
    assert shot is not None
    rows, layout = strip.rows, strip.layout_now
    y = round(rows.lane_top(0)) + 6
    assert strip.take_hold(QPoint(round(layout.x_of(4.5)), y)) == "key"
    assert marked.session.removal == shot.removals[0] and marked.session.playhead == 4
    assert strip.take_hold(QPoint(round(layout.x_of(8.5)), y)) == "removal"
    assert strip.take_hold(QPoint(round(layout.x_of(8.5)), round(rows.shots_top(0)) + 4)) == "shot"
    assert {"Delete Keyframe", "Hold until Next Keyframe"} <= set(texts(menus.menu(KEY)))


@pytest.mark.parametrize("name", ["removals", "strip", "queue", "log"])
def test_a_right_click_opens_a_menu(marked: MainWindow, qtbot: QtBot, name: str) -> None:
    marked.render_panel.log("info", "a line")
    marked.window_actions["render"].trigger()
    widgets = {
        "removals": marked.removals.list,
        "strip": marked.strip,
        "queue": marked.queue.list,
        "log": marked.render_panel.log_list,
    }
    widgets[name].customContextMenuRequested.emit(QPoint(20, 12))
    found = [menu for menu in marked.findChildren(QMenu) if menu.isVisible()]
    assert len(found) == 1 and found[0].actions()
    found[0].close()


def test_an_export_is_shown_in_its_folder(
    marked: MainWindow,
    menus: ContextMenus,
    door: EngineDoor,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(QUrl(url).toLocalFile()))
    shot = marked.session.shot
    info = marked.media.info(shot.media_path) if shot else None
    assert shot and info
    marked.renders.start(shot, info, None, Output(path=str(tmp_path / "a.mkv")))
    qtbot.waitUntil(lambda: bool(door.engine.requests))
    door.engine.finish()
    qtbot.waitUntil(lambda: not marked.renders.is_busy)
    marked.queue.list.setCurrentRow(0)
    menu = menus.queue_menu()
    assert texts(menu)[0] == "Show in Folder"
    menu.actions()[0].trigger()
    assert opened == [str(tmp_path)]


def test_messages_of_the_log_are_copied(marked: MainWindow, menus: ContextMenus) -> None:
    marked.render_panel.log("info", "one")
    marked.render_panel.log("info", "two")
    actions = {action.text(): action for action in menus.log_menu().actions()}
    assert not actions["Copy"].isEnabled()
    actions["Select All"].trigger()
    {action.text(): action for action in menus.log_menu().actions()}["Copy"].trigger()
    assert QGuiApplication.clipboard().text().endswith("One\nTwo")


# --- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12*2", 24),
        ("1920/2", 960),
        ("-3 + (1.5)", -1.5),
        ("7", 7),
        ("1/0", None),
        ("2**9", None),
        ("", None),
        ("(", None),
    ],
)
def test_sums(text: str, value: float | None) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize("text", ["__import__('os')", "a", "1" * 100, "1;2", "[1]"])
def test_nothing_else_is_a_sum(text: str) -> None:
    assert not could_be_sum(text) and value_of(text) is None


@given(st.text(alphabet="0123456789.+-*/() ", max_size=30))
def test_what_is_typed_never_breaks(text: str) -> None:
    value = value_of(text)
    assert value is None or isinstance(value, float)


def value_now(window: MainWindow) -> object:
    removal = window.session.removal
    return removal.parameters.get(FEATHER, 2.0) if removal else None


def test_a_sum_typed_into_a_setting_is_its_value(marked: MainWindow, qtbot: QtBot) -> None:
    editor = marked.inspector.editor(FEATHER)
    assert editor is not None
    spin = editor.findChild(QDoubleSpinBox)
    assert spin is not None
    spin.lineEdit().setText("3*4 px")
    spin.interpretText()
    assert value_now(marked) == 12.0
    spin.lineEdit().setText("9*900 px")
    spin.interpretText()
    assert value_now(marked) == 12.0
    whole = marked.inspector.editor("reach_frames")
    assert whole is not None
    field = whole.findChild(QSpinBox)
    assert field is not None
    field.lineEdit().setText("100/3 frames")
    field.interpretText()
    assert field.value() == 33


def test_a_settings_name_is_dragged_in_one_undo_step(marked: MainWindow, qtbot: QtBot) -> None:
    label = next(label for label in marked.inspector.findChildren(ScrubLabel) if label.text() == "Feather inward")
    at = QPoint(4, 4)
    QTest.mousePress(label, Qt.MouseButton.LeftButton, pos=at)
    for x in (8, 14, 24):
        drag(label, x)
    drag(label, 44, Qt.KeyboardModifier.ControlModifier)
    QTest.mouseRelease(label, Qt.MouseButton.LeftButton, pos=at)
    assert value_now(marked) == pytest.approx(2.0 + 5 * 0.5 + 0.5 * 0.5, abs=0.6)
    assert value_now(marked) != 2.0
    marked.session.undo()
    assert value_now(marked) == 2.0


def drag(label: ScrubLabel, x: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """What Qt sends while the left button is held; QTest holds none."""
    at = QPointF(x, 4)
    left = Qt.MouseButton.LeftButton
    label.mouseMoveEvent(
        QMouseEvent(QEvent.Type.MouseMove, at, QPointF(label.mapToGlobal(at)), Qt.MouseButton.NoButton, left, keys)
    )


# --- folders, panels, frames --------------------------------------------------------------------------------------


def test_folders_are_remembered_for_each_purpose(tmp_path: Path) -> None:
    assert last_folder("exports", "/somewhere") == "/somewhere"
    assert last_folder("media") == str(Path.home())
    remember_folder("exports", tmp_path / "a.mov")
    remember_folder("media", tmp_path / "gone" / "a.mov")
    assert last_folder("exports", "/somewhere") == str(tmp_path)
    assert last_folder("media", "/somewhere") == "/somewhere"


def test_files_are_looked_for_where_the_last_one_was(
    editor: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def answer(parent: object, title: str, folder: str, *_: object) -> tuple[str, str]:
        asked.append(folder)
        return str(tmp_path / "none.otio"), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    editor.window_actions["open_project"].trigger()
    editor.window_actions["open_project"].trigger()
    assert asked[1] == str(tmp_path)


def test_go_to_frame_lets_one_type_it(editor: MainWindow, qtbot: QtBot) -> None:
    editor.window_actions["go_to_frame"].trigger()
    field = editor.viewer.transport.frame_field
    field.setText("7")
    field.returnPressed.emit()
    assert editor.session.playhead == 7


def test_panels_go_back_to_where_they_were(editor: MainWindow) -> None:
    before = editor._timeline_dock.height()
    editor.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, editor._render_dock)
    editor.resizeDocks([editor._timeline_dock], [400], Qt.Orientation.Vertical)
    editor.window_actions["reset_layout"].trigger()
    assert editor.dockWidgetArea(editor._render_dock) == Qt.DockWidgetArea.RightDockWidgetArea
    assert abs(editor._timeline_dock.height() - before) < 60
