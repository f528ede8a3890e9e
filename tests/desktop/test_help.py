"""F1 opens the page about what a person is at, in their language, with the keys that there are now."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from desktop.base.diagnostics import installed
from desktop.base.language import LANGUAGES, set_language
from desktop.dialogs.help_dialogs import HelpDialog
from desktop.dialogs.help_topics import KEYS, TOPICS, page, title
from desktop.dialogs.preferences_dialog import PreferencesDialog
from desktop.editing import commands
from desktop.main_window import MainWindow
from roi_tools.shapes import RectF


def opened(window: QWidget) -> HelpDialog:
    return next(dialog for dialog in window.findChildren(HelpDialog) if dialog.isVisible())


@pytest.mark.parametrize(
    ("focus", "topic"),
    [
        (lambda window: window.canvas, "viewer"),
        (lambda window: window.viewer.look.gamma, "viewer"),
        (lambda window: window.strip, "timeline"),
        (lambda window: window.removals.list, "removals"),
        (lambda window: window.inspector.findChild(QComboBox), "effects"),
        (lambda window: window.render_panel.render_button, "rendering"),
    ],
)
def test_f1_opens_the_page_about_where_the_keyboard_is(
    editor: MainWindow, qtbot: QtBot, focus: Callable[[MainWindow], QWidget], topic: str
) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    widget = focus(editor)
    with qtbot.waitActive(editor):
        editor.activateWindow()
    widget.setFocus()
    editor.window_actions["help"].trigger()
    assert opened(editor).topic == topic
    editor.canvas.setFocus()
    editor.window_actions["help"].trigger()  # the same dialog turns the page
    assert opened(editor).topic == "viewer"


def test_without_footage_it_says_how_to_begin(window: MainWindow) -> None:
    window.window_actions["help"].trigger()
    dialog = opened(window)
    assert dialog.topic == "start"
    assert "Draw a box" in dialog.page.toPlainText()


def test_all_pages_are_reached_by_the_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    window.window_actions["help"].trigger()
    dialog = opened(window)
    seen = [dialog.page.toPlainText()]
    for _ in TOPICS:
        qtbot.keyClick(dialog.topics, Qt.Key.Key_Down)
        seen.append(dialog.page.toPlainText())
    assert len(set(seen)) == len(TOPICS) + 1
    assert dialog.topic == KEYS


def test_the_keys_are_those_that_there_are_now(window: MainWindow) -> None:
    window.window_actions["wipe"].setShortcut(QKeySequence("Ctrl+7"))
    window.window_actions["help"].trigger()
    dialog = opened(window)
    dialog.show_topic(KEYS)
    assert "Ctrl+7" in dialog.page.toPlainText()


def test_f1_works_in_the_preferences(editor: MainWindow, qtbot: QtBot) -> None:
    editor.window_actions["preferences"].trigger()
    dialog = editor.findChild(PreferencesDialog)
    assert dialog is not None
    qtbot.waitExposed(dialog)
    dialog.windowHandle().requestActivate()
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.keyClick(dialog.tabs, Qt.Key.Key_F1)
    assert opened(dialog).topic == "preferences"
    dialog.reject()


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_page_is_there_in_every_language(code: str) -> None:
    headings = {topic: page(topic).count("\n#") + page(topic).count("\n|") for topic in TOPICS}
    try:
        set_language(code)
        assert len({title(topic) for topic in TOPICS}) == len(TOPICS)
        assert {topic: page(topic).count("\n#") + page(topic).count("\n|") for topic in TOPICS} == headings
    finally:
        set_language("en")


def test_a_licence_is_named_not_a_copyright() -> None:
    licences = [licence for _, _, licence in installed()]
    assert all(licences) and not [licence for licence in licences if licence.startswith("Copyright")]
