"""Everything is reached by the keyboard, and a screen reader has a name for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAction, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QLabel,
    QLineEdit,
    QScrollBar,
    QSplitterHandle,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.viewer.canvas import Canvas
from roi_tools.shapes import RectF

_SHOW_FOCUS_BY_THEMSELVES = (QLabel, Canvas)
"""Text that is selected, and the picture, which has the keyboard where nothing else has it."""
_CONTAINERS = (QStackedWidget, QSplitterHandle, QScrollBar, QDialogButtonBox)


def focusable(window: QWidget) -> Iterator[QWidget]:
    """What Tab or a click gives the keyboard to, without the parts that Qt makes inside its own widgets."""
    for widget in window.findChildren(QWidget):
        is_inner = widget.objectName().startswith("qt_") or isinstance(widget.parent(), (QAbstractSpinBox, QComboBox))
        is_viewport = isinstance(widget.parent(), QAbstractScrollArea)
        takes_keys = widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        is_container = isinstance(widget, _CONTAINERS) or type(widget) in (QWidget, QFrame, QAbstractScrollArea)
        if takes_keys and widget.window() is window and not (is_inner or is_viewport or is_container):
            yield widget


def name_of(widget: QWidget) -> str:
    """What a screen reader says."""
    return str(QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name))


def nameless(window: QWidget) -> list[str]:
    return [f"{type(w).__name__} {w.objectName()} {w.toolTip()}" for w in focusable(window) if not name_of(w)]


def test_everything_that_takes_the_keyboard_has_a_name(editor: MainWindow) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    assert nameless(editor) == []
    assert len(list(focusable(editor))) > 20


@pytest.mark.parametrize("action", ["preferences", "models", "help", "about", "export"])
def test_dialogs_have_names_too(editor: MainWindow, action: str) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    editor.window_actions[action].trigger()
    dialog = next(dialog for dialog in editor.findChildren(QDialog) if dialog.isVisible())
    assert nameless(dialog) == []
    dialog.reject()


def test_every_button_says_what_it_does(editor: MainWindow) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    silent = [
        f"{type(button).__name__} in {type(button.parent()).__name__}"
        for button in editor.findChildren(QAbstractButton)
        if not button.objectName().startswith("qt_")
        and not isinstance(button.parent(), (QTabBar, QComboBox, QLineEdit))
        and not (button.text() or button.toolTip() or name_of(button))
    ]
    assert silent == []


def test_every_action_has_a_text(editor: MainWindow) -> None:
    actions = [action for action in editor.findChildren(QAction) if not action.isSeparator()]
    assert all(action.text() for action in actions if action.parent() is editor)


def test_what_only_the_mouse_reaches_is_also_an_action(editor: MainWindow) -> None:
    """Buttons that Tab skips show an action, which has its menu entry and its key."""
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    mouse_only = [
        button
        for button in editor.findChildren(QToolButton)
        if button.focusPolicy() == Qt.FocusPolicy.NoFocus and not button.objectName().startswith("qt_")
    ]
    known = set(editor.window_actions.values())
    assert [b.toolTip() for b in mouse_only if b.defaultAction() not in known and not b.menu()] == []


def test_tab_goes_through_each_panel_from_top_to_bottom(editor: MainWindow, qtbot: QtBot) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    qtbot.wait(1)
    for panel in (editor.viewer.look, editor.inspector, editor.render_panel):
        order = [w for w in _tab_order(editor) if panel.isAncestorOf(w) and w.isVisible()]
        assert len(order) >= 3
        tops = [_row(w, panel) for w in order]
        assert tops == sorted(tops), [f"{type(w).__name__} {name_of(w)}" for w in order]


def _tab_order(window: QWidget) -> list[QWidget]:
    order: list[QWidget] = []
    widget = window.nextInFocusChain()
    while widget is not None and widget is not window:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isEnabled() and not widget.focusProxy():
            order.append(widget)
        widget = widget.nextInFocusChain()
    return order


def _row(widget: QWidget, panel: QWidget) -> int:
    """In steps of a control's height, so that those side by side count as one."""
    return widget.mapTo(panel, QPoint(0, widget.height() // 2)).y() // 24


@pytest.mark.parametrize("action", ["", "preferences", "models", "export"])
def test_where_the_keyboard_is_can_be_seen(editor: MainWindow, qtbot: QtBot, action: str) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    shown: QWidget = editor
    if action:
        editor.window_actions[action].trigger()
        shown = next(dialog for dialog in editor.findChildren(QDialog) if dialog.isVisible())
    shown.activateWindow()
    qtbot.wait(50)
    unseen = []
    for widget in [w for w in focusable(shown) if w.isVisible() and w.isEnabled() and w.rect().isValid()]:
        if isinstance(widget, _SHOW_FOCUS_BY_THEMSELVES):
            continue
        shown.setFocus()
        before = _picture(widget)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if _picture(widget) == before:
            unseen.append(f"{type(widget).__name__} {name_of(widget)}")
    assert unseen == []


def _picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()
