import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.base.notices import LINES, Notices, sentence


@pytest.fixture
def notices(qtbot: QtBot) -> Notices:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    return Notices(window)


def test_a_problem_leaves_the_window_usable_and_a_question_waits(notices: Notices) -> None:
    notices.problem("Oh", "it broke")
    assert notices.texts == {"Oh": "It broke"}
    assert QApplication.activeModalWidget() is None
    notices.ask("What?", "Choose.", {"This": lambda: None})
    assert QApplication.activeModalWidget() is not None


def test_the_same_again_is_said_once_and_more_is_bounded(notices: Notices) -> None:
    for number in (*range(LINES + 3), 4):
        notices.problem("Oh", f"file {number} broke")
    lines = notices.texts["Oh"].split("\n")
    assert len(lines) == LINES
    assert lines[-1] == "File 4 broke"
    assert lines.count("File 4 broke") == 1


def test_answers_run_and_close(notices: Notices) -> None:
    chosen: list[str] = []
    notices.ask("What?", "Choose.", {"This": lambda: chosen.append("this"), "That": lambda: chosen.append("that")})
    notices.click("What?", "That")
    assert chosen == ["that"]
    assert notices.texts == {}


def test_retry_runs_once_per_click(notices: Notices) -> None:
    tries: list[int] = []
    for _ in range(2):
        notices.problem("Gone", "it is gone", retry=lambda: tries.append(1))
        notices.problem("Gone", "it is gone", retry=lambda: tries.append(1))
        notices.click("Gone", "Retry")
    assert len(tries) == 2


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("the disk is full", "The disk is full"),
        ("clip.mov: not a movie", "clip.mov: not a movie"),
        ("/a/b is missing", "/a/b is missing"),
        ("Já está", "Já está"),
        ("", ""),
    ],
)
def test_a_sentence_begins_like_one(message: str, shown: str) -> None:
    assert sentence(message) == shown
