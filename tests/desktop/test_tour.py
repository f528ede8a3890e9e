"""The tour: it points at what it talks about, goes on when a step is done, and can be left and taken again."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from pytestqt.qtbot import QtBot

from desktop.app import open_window
from desktop.base.preferences import Preferences, load_preferences, save_preferences
from desktop.dialogs.export_dialog import ExportDialog
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.project.documents import Documents
from desktop.wiring.tour import STEPS, Tour
from roi_tools.shapes import RectF
from tests.desktop.conftest import EngineDoor


def tour_of(window: MainWindow) -> Tour:
    tour = window.findChild(Tour)
    assert tour is not None
    return tour


@pytest.fixture
def tour(window: MainWindow) -> Tour:
    window.window_actions["tour"].trigger()
    return tour_of(window)


def test_the_whole_tour_by_its_own_buttons(window: MainWindow, tour: Tour, door: EngineDoor, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.bridge.connected):
        window.bridge.start()
    assert tour.step == 0
    assert tour.callout.act_button.hasFocus()
    tour.callout.act_button.click()
    qtbot.waitUntil(lambda: tour.step == 1)
    assert window.session.shot is not None and window.session.shot.name == "walkby"
    tour.callout.act_button.click()
    qtbot.waitUntil(lambda: tour.step == 2)
    assert window.session.removal is not None and len(window.session.removal.shape.key_frames) > 10
    with qtbot.waitSignal(window.bridge.job_started):
        tour.callout.act_button.click()
    door.engine.finish()
    tour.callout.next_button.click()
    assert tour.step == 3
    tour.callout.act_button.click()
    assert tour.step == 4
    assert window.window_actions["wipe"].isChecked()
    tour.callout.act_button.click()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None and dialog.isVisible()
    dialog.reject()
    tour.callout.next_button.click()
    assert load_preferences().tour_seen
    assert not tour.callout.isVisible()


def test_a_step_that_a_person_does_goes_on_without_taking_the_keyboard(editor: MainWindow, qtbot: QtBot) -> None:
    editor.window_actions["tour"].trigger()
    tour = tour_of(editor)
    assert tour.step == 1  # a clip is open
    editor.canvas.setFocus()
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    assert tour.step == 2
    assert not tour.callout.has_focus


def test_escape_leaves_and_help_begins_again(window: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    qtbot.keyClick(tour.callout.act_button, Qt.Key.Key_Escape)
    assert tour.step is None
    window.window_actions["tour"].trigger()
    assert tour.step == 0


def test_the_buttons_are_reached_by_tab_and_pressed_by_return(window: MainWindow, tour: Tour, qtbot: QtBot) -> None:
    callout = tour.callout
    assert callout.act_button.hasFocus()
    qtbot.keyClick(callout.act_button, Qt.Key.Key_Backtab)
    assert callout.next_button.hasFocus()
    qtbot.keyClick(callout.next_button, Qt.Key.Key_Return)
    assert tour.step == 1
    assert window.canvas.compare.value == "result"  # Return did not also show the source


@pytest.mark.parametrize("size", [(1500, 940), (1000, 700)])
def test_the_callout_is_inside_the_window_and_beside_a_small_target(
    editor: MainWindow, size: tuple[int, int], qtbot: QtBot
) -> None:
    editor.resize(*size)
    editor.window_actions["tour"].trigger()
    tour = tour_of(editor)
    for index, step in enumerate(STEPS):
        if tour.step != index:
            continue
        qtbot.wait(1)
        target = step.target(editor)
        area = QRect(target.mapTo(editor, QPoint(0, 0)), target.size())
        assert editor.rect().contains(tour.callout.geometry())
        if area.height() < 100:
            assert not area.intersects(tour.callout.geometry().adjusted(12, 12, -12, -12))
        tour.go_on()


def test_it_is_offered_at_the_first_start_only(themed: object, qtbot: QtBot) -> None:
    window = open_window([])
    qtbot.waitUntil(lambda: tour_of(window).step == 0)
    tour_of(window).end()
    assert load_preferences().tour_seen
    window.documents.quit_agreed.emit()
    again = open_window([])
    qtbot.wait(50)
    assert tour_of(again).step is None
    again.documents.quit_agreed.emit()
    for done in (window, again):
        done.deleteLater()


def test_who_opens_files_is_not_disturbed(themed: object, qtbot: QtBot, clip: object) -> None:
    save_preferences(Preferences())
    window = open_window([str(clip)])
    qtbot.waitUntil(lambda: window.session.shot is not None)
    assert tour_of(window).step is None
    window.documents.quit_agreed.emit()
    window.deleteLater()


def test_lost_work_is_asked_about_first(themed: object, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(documents: Documents) -> None:
        asked.append(documents)
        window.notices.ask("Recover unsaved work?", "There is some.", {"Later": lambda: None})

    asked: list[Documents] = []
    monkeypatch.setattr(Documents, "offer_recovery", ask)
    window = open_window([])
    qtbot.waitUntil(lambda: bool(asked))
    qtbot.wait(1)
    assert tour_of(window).step is None
    window.documents.quit_agreed.emit()
    window.deleteLater()
