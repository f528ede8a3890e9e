from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.dialogs.export_dialog import ExportDialog
from desktop.editing import commands
from desktop.main_window import MainWindow
from roi_tools.geometry import Size
from roi_tools.shapes import RectF
from tests.desktop.conftest import EngineDoor
from tests.desktop.documents import make_shot
from tests.support.media import info_of, noise_frame


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path) -> ExportDialog:
    info = info_of(noise_frame("yuv420p", Size(64, 48)), 20)
    dialog = ExportDialog(make_shot(frames=20, start=100), info, tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def note(dialog: ExportDialog) -> str:
    return dialog._note.text()


def choose(dialog: ExportDialog, ending: str) -> None:
    index = dialog.format.findData(ending)
    dialog.format.setCurrentIndex(index)
    dialog.format.activated.emit(index)


def test_it_begins_with_the_whole_shot_as_prores(dialog: ExportDialog, tmp_path: Path) -> None:
    assert dialog.output.path == str(tmp_path / "a_clean.mov")
    assert dialog.frames == range(100, 120)
    assert dialog.export_button.isEnabled()


@pytest.mark.parametrize(
    ("ending", "says"),
    [(".mkv", "lossless"), (".mp4", "8 bit YUV 4:2:0"), (".####.exr", "16 bit float RGB"), (".####.png", "8 bit RGB")],
)
def test_the_format_sets_the_ending_and_says_what_is_written(dialog: ExportDialog, ending: str, says: str) -> None:
    choose(dialog, ending)
    assert dialog.output.path.endswith(f"a_clean{ending}")
    assert says in note(dialog)


def test_typing_a_path_shows_its_format(dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.path.setText(str(tmp_path / "other.0001.mkv"))
    assert dialog.format.currentData() == ".mkv"


@pytest.mark.parametrize("name", ["a.avi", "a", "a.png"])
def test_a_name_that_cannot_be_written_says_what_can(dialog: ExportDialog, tmp_path: Path, name: str) -> None:
    dialog.path.setText(str(tmp_path / name))
    assert not dialog.export_button.isEnabled()
    assert "write" in note(dialog)


def test_a_missing_folder_is_said(dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.path.setText(str(tmp_path / "none" / "a.mov"))
    assert "does not exist" in note(dialog)
    assert not dialog.export_button.isEnabled()


def test_an_existing_file_is_replaced_only_when_one_says_so(dialog: ExportDialog, tmp_path: Path) -> None:
    (tmp_path / "a_clean.mov").write_bytes(b"x")
    dialog.path.setText(str(tmp_path / "a_clean.mov") + " ")
    assert not dialog.export_button.isEnabled()
    assert "exists already" in note(dialog)
    dialog.replace.click()
    assert dialog.export_button.isEnabled()
    assert dialog.output.overwrite
    dialog.path.setText(str(tmp_path / "new.mov"))
    assert not dialog.output.overwrite


def test_an_existing_sequence_is_noticed(dialog: ExportDialog, tmp_path: Path) -> None:
    (tmp_path / "a_clean.1001.exr").write_bytes(b"x")
    choose(dialog, ".####.exr")
    assert not dialog.export_button.isEnabled()


def test_a_range_that_ends_early_is_said(dialog: ExportDialog) -> None:
    dialog.first.setValue(110)
    dialog.last.setValue(105)
    assert not dialog.export_button.isEnabled()
    dialog.last.setValue(112)
    assert dialog.export_button.isEnabled()
    assert dialog.frames == range(110, 113)


def test_an_export_is_a_render_with_an_output(
    editor: MainWindow, door: EngineDoor, qtbot: QtBot, tmp_path: Path
) -> None:
    commands.add_removal(editor.session, RectF(8, 8, 24, 24))
    editor.window_actions["export"].trigger()
    dialog = editor.findChild(ExportDialog)
    assert dialog is not None
    dialog.path.setText(str(tmp_path / "out.mkv"))
    dialog.first.setValue(2)
    dialog.accept()
    qtbot.waitUntil(lambda: bool(door.engine.requests))
    request = door.engine.requests[0]
    assert request.output is not None
    assert request.output.path == str(tmp_path / "out.mkv")
    assert request.frames.as_range() == range(2, 12)
    qtbot.waitUntil(lambda: editor.renders.active is not None and editor.renders.active.job_id is not None)
    door.engine.finish()
    qtbot.waitUntil(lambda: f"Wrote {tmp_path / 'out.mkv'}" in editor.render_panel.log_lines)
