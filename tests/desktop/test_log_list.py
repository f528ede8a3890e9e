"""Ctrl+C in the log copies its messages, and no removal."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.panels.log_list import LogList
from roi_tools.shapes import RectF


def test_the_keys_copy_the_selected_messages_in_order(editor: MainWindow, qtbot: QtBot) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    for message in ("One", "Two", "Three"):
        editor.render_panel.log("info", message)
    log = editor.render_panel.findChild(LogList)
    assert log is not None
    rows = [row for row in range(log.count()) if log.item(row).text() in ("One", "Three")]
    for row in reversed(rows):
        log.item(row).setSelected(True)
    log.setFocus()
    qtbot.keyClick(log, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "One\nThree"
    assert editor.clipboard.is_empty
