"""Save, open, recover; nothing is lost and nothing is replaced unasked."""

import threading
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from desktop.base import paths
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.project.recovery import RecoveryFile, lost_sessions
from roi_tools.shapes import RectF
from tests.desktop.documents import make_removal, make_shot, wait_until_saved
from tests.timeline.test_edit_list import FCP_7
from timeline import project_file
from timeline.project import Project
from timeline.project_file import load_project

LOST = "Recover unsaved work?"
UNSAVED = "Save changes?"


def mark(window: MainWindow) -> None:
    commands.add_removal(window.session, RectF(8, 8, 24, 24))


def save_to(window: MainWindow, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, **kwargs: (str(path), ""))
    save(window)


def save(window: MainWindow) -> None:
    """Save, and wait until it is on the disk."""
    window.window_actions["save"].trigger()
    wait_until_saved(window)


def test_save_asks_once_then_knows(editor: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(editor)
    save_to(editor, tmp_path / "shot", monkeypatch)
    path = tmp_path / "shot.otio"
    assert load_project(path) == editor.session.project
    assert not editor.isWindowModified()
    assert editor.windowTitle().startswith("shot")
    editor.session.go_to(3)
    commands.toggle_keyframe(editor.session)
    assert editor.isWindowModified()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, **kwargs: pytest.fail("asked again"))
    save(editor)
    assert load_project(path) == editor.session.project


def test_an_edit_of_another_program_opens_as_a_new_project(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "edit.xml"
    path.write_text(FCP_7)
    window.documents.open_paths([str(path)])
    (shot,) = window.session.project.shots
    assert (shot.source_start, shot.source_end_exclusive) == (10, 30)
    assert window.session.path is None, "saving must not write over the edit"
    assert window.isWindowModified()


def test_open_brings_the_document_and_its_media_back(
    editor: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    mark(editor)
    save_to(editor, tmp_path / "shot.otio", monkeypatch)
    saved = editor.session.project
    editor.window_actions["new"].trigger()
    assert editor.session.project.shots == ()
    editor.documents.open_paths([str(tmp_path / "shot.otio")])
    assert editor.session.project == saved
    assert editor.session.undo_label is None
    qtbot.waitUntil(lambda: editor.canvas.frame is not None)


def test_unsaved_changes_are_asked_about(editor: MainWindow, tmp_path: Path) -> None:
    mark(editor)
    editor.window_actions["new"].trigger()
    assert "were not saved" in editor.notices.texts[UNSAVED]
    assert editor.session.removal is not None
    editor.notices.click(UNSAVED, "Cancel")
    assert editor.session.removal is not None
    editor.window_actions["new"].trigger()
    editor.notices.click(UNSAVED, "Don't Save")
    assert editor.session.project.shots == ()


def test_saving_first_then_goes_on(editor: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(editor)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "kept.otio"), ""))
    editor.window_actions["new"].trigger()
    editor.notices.click(UNSAVED, "Save")
    wait_until_saved(editor)
    assert editor.session.project.shots == ()
    assert len(load_project(tmp_path / "kept.otio").shots[0].removals) == 1


def test_a_cancelled_save_dialog_keeps_everything(editor: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    mark(editor)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, **kwargs: ("", ""))
    editor.window_actions["new"].trigger()
    editor.notices.click(UNSAVED, "Save")
    assert editor.session.removal is not None


@pytest.mark.parametrize("content", ["{ not json", '{"OTIO_SCHEMA": "Clip.1"}', ""])
def test_a_bad_project_is_a_message_and_the_document_stays(editor: MainWindow, tmp_path: Path, content: str) -> None:
    bad = tmp_path / "bad.otio"
    bad.write_text(content, encoding="utf-8")
    before = editor.session.project
    editor.documents.open_project(bad)
    editor.notices.click(UNSAVED, "Don't Save")
    message = editor.notices.texts["The project cannot be opened"]
    assert "bad.otio" in message
    assert "\n" not in message
    assert editor.session.project is before


def test_a_project_that_cannot_be_saved_stays_modified(
    editor: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(editor)
    save_to(editor, tmp_path / "no such folder" / "a.otio", monkeypatch)
    assert "no such folder" in editor.notices.texts["The project was not saved"]
    assert editor.session.is_modified


def test_missing_media_of_a_project_is_a_message_and_the_shot_stays(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    from timeline.project_file import save_project

    path = tmp_path / "gone.otio"
    save_project(Project("gone", (make_shot("lost", removals=(make_removal(),)),)), path)
    window.documents.open_project(path)
    qtbot.waitUntil(lambda: "Media cannot be opened" in window.notices.texts)
    assert "lost.mov" in window.notices.texts["Media cannot be opened"]
    assert window.session.shot is not None
    assert len(window.session.shot.removals) == 1


class SlowDisk:
    """Saves nothing before it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on = threading.Event()
        save_now = project_file.save_project

        def save_later(project: Project, path: Path) -> None:
            assert self.go_on.wait(60)
            save_now(project, path)

        monkeypatch.setattr(project_file, "save_project", save_later)


def test_a_slow_disk_stalls_nothing_and_edits_meanwhile_stay_unsaved(
    editor: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SlowDisk(monkeypatch)
    mark(editor)
    saved = editor.session.project
    editor.documents.save_to(tmp_path / "slow.otio")
    assert editor.isWindowModified() and editor.statusBar().currentMessage() == "Saving slow.otio …"
    editor.session.go_to(3)
    commands.toggle_keyframe(editor.session)
    disk.go_on.set()
    wait_until_saved(editor)
    assert load_project(tmp_path / "slow.otio") == saved
    assert editor.isWindowModified() and editor.session.path == tmp_path / "slow.otio"


def test_closing_waits_for_a_save(
    editor: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    disk = SlowDisk(monkeypatch)
    mark(editor)
    editor.documents.save_to(tmp_path / "slow.otio")
    editor.close()
    assert editor.isVisible() and UNSAVED not in editor.notices.texts
    disk.go_on.set()
    qtbot.waitUntil(lambda: not editor.isVisible())
    assert load_project(tmp_path / "slow.otio") == editor.session.project


# --- recovery -----------------------------------------------------------------------------------------------------


def crashed_session(project: Project, original: Path | None) -> None:
    """What a killed process leaves: the files, and a lock whose process has gone."""
    recovery = RecoveryFile()
    recovery.write(project, original)
    assert recovery._lock is not None
    recovery._lock.unlock()


def test_edits_are_kept_and_forgotten_once_saved(
    editor: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    mark(editor)
    files = paths.recovery_folder()
    qtbot.waitUntil(lambda: bool(list(files.glob("*/project.otio"))))
    assert load_project(next(files.glob("*/project.otio"))) == editor.session.project
    assert lost_sessions() == []
    save_to(editor, tmp_path / "a.otio", monkeypatch)
    qtbot.waitUntil(lambda: not list(files.glob("*/project.otio")))


def test_what_a_crash_left_is_offered_and_recovered(
    window: MainWindow, tmp_path: Path, clip: Path, qtbot: QtBot
) -> None:
    shot = make_shot("noise", frames=12, removals=(make_removal(),))
    original = tmp_path / "film.otio"
    crashed_session(Project("film", (shot,)), original)
    window.documents.offer_recovery()
    assert "film.otio" in window.notices.texts[LOST]
    window.notices.click(LOST, "Recover")
    assert window.session.shot is not None
    assert window.session.shot.removals == shot.removals
    assert window.session.path == original
    assert window.isWindowModified()
    qtbot.waitUntil(lambda: lost_sessions() == [])
    kept = list(paths.recovery_folder().glob("*/project.otio"))
    assert [load_project(path) for path in kept] == [window.session.project]


def test_what_a_crash_left_can_be_given_up(window: MainWindow) -> None:
    crashed_session(Project("x", (make_shot(),)), None)
    window.documents.offer_recovery()
    assert "an unsaved project" in window.notices.texts[LOST]
    window.notices.click(LOST, "Discard")
    assert lost_sessions() == []
    window.documents.offer_recovery()
    assert LOST not in window.notices.texts


def test_later_asks_again_next_time(window: MainWindow) -> None:
    crashed_session(Project("x", (make_shot(),)), None)
    window.documents.offer_recovery()
    window.notices.click(LOST, "Later")
    assert len(lost_sessions()) == 1


def test_a_session_that_runs_is_not_offered() -> None:
    recovery = RecoveryFile()
    recovery.write(Project("x", (make_shot(),)), None)
    assert lost_sessions() == []
    recovery.discard()
    assert list(paths.recovery_folder().iterdir()) == []


def test_a_damaged_recovery_file_is_left_out() -> None:
    folder = paths.recovery_folder() / "broken"
    folder.mkdir()
    (folder / "session.json").write_text("{", encoding="utf-8")
    assert lost_sessions() == []
