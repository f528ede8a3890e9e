"""Choosing what colours are shown through, and which space a medium is in."""

from pathlib import Path

import pytest
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from desktop.main_window import MainWindow
from desktop.media.color_view import BUILTIN_CONFIG, ColorView
from desktop.wiring.color import ColorMenus

ACES = "ACES 2.0 - SDR 100 nits (Rec.709)"


@pytest.fixture
def menus(editor: MainWindow) -> ColorMenus:
    return next(child for child in editor.findChildren(ColorMenus))


def entries(menu: QMenu) -> dict[str, QAction]:
    menu.aboutToShow.emit()
    found: dict[str, QAction] = {}
    for action in menu.actions():
        submenu = action.menu()
        if isinstance(submenu, QMenu):
            found |= {f"{action.text()}/{entry.text()}": entry for entry in submenu.actions()}
        else:
            found[action.text()] = action
    return found


def shown(editor: MainWindow) -> QImage:
    assert editor.canvas.frame is not None
    return editor.canvas.frame.source


def test_a_view_is_shown_and_kept_and_taken_back(editor: MainWindow, menus: ColorMenus, qtbot: QtBot) -> None:
    plain = shown(editor)
    entries(menus.views)[f"sRGB - Display/{ACES}"].trigger()
    qtbot.waitUntil(lambda: shown(editor) != plain)
    assert menus.button.text() == "ACES 2.0 - SDR 100 nits"
    assert entries(menus.views)[f"sRGB - Display/{ACES}"].isChecked()
    assert menus.view_of("x") == ColorView(BUILTIN_CONFIG, "sRGB - Display", ACES)
    entries(menus.views)["sRGB / BT.709, without OpenColorIO"].trigger()
    qtbot.waitUntil(lambda: shown(editor) == plain)
    assert menus.view_of("x") is None


def test_the_next_window_shows_it_the_same_way(editor: MainWindow, menus: ColorMenus) -> None:
    menus.choose_view("sRGB - Display", ACES)
    menus.choose_input("ACEScg")
    assert editor.session.shot is not None
    path = editor.session.shot.media_path
    assert ColorMenus(editor).view_of(path) == ColorView(BUILTIN_CONFIG, "sRGB - Display", ACES, "ACEScg")


def test_each_medium_has_its_own_space(editor: MainWindow, menus: ColorMenus, qtbot: QtBot) -> None:
    menus.choose_view("sRGB - Display", "Un-tone-mapped")
    qtbot.waitUntil(lambda: editor.canvas.frame is not None and editor.canvas.frame.request.look.color is not None)
    before = shown(editor)
    spaces = entries(menus.inputs)
    assert spaces["By its tags: Gamma 2.4 Encoded Rec.709"].isChecked()
    spaces["Log and Cameras/ARRI LogC4"].trigger()
    qtbot.waitUntil(lambda: shown(editor) != before)
    shot = editor.session.shot
    assert shot is not None
    view, other = menus.view_of(shot.media_path), menus.view_of("another")
    assert view is not None and view.input_space == "ARRI LogC4"
    assert other is not None and other.input_space == ""
    entries(menus.inputs)["By its tags: Gamma 2.4 Encoded Rec.709"].trigger()
    qtbot.waitUntil(lambda: shown(editor) == before)


def test_a_config_that_cannot_be_read_is_a_message(editor: MainWindow, menus: ColorMenus, tmp_path: Path) -> None:
    menus.use_config(str(tmp_path / "none.ocio"))
    assert list(entries(menus.views)) == ["sRGB / BT.709, without OpenColorIO", "", "The color config cannot be used"]
    assert "none.ocio cannot be read" in editor.notices.texts["The color config cannot be used"]


def test_the_menus_stand_where_one_looks_for_them(editor: MainWindow, menus: ColorMenus) -> None:
    texts = {}
    for menu in editor.menuBar().actions():
        submenu = menu.menu()
        assert isinstance(submenu, QMenu)
        texts[menu.text()] = [entry.text() for entry in submenu.actions()]
    view, shot = texts["&View"], texts["&Shot"]
    assert view.index("Dis&play Transform") < view.index("F&ull Screen")
    assert shot.index("Input Color S&pace") < shot.index("&Rename …")
