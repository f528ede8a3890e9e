"""The models' dialog: opened wherever a model is missing, downloads with progress, own files, the one in use."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from desktop.base.preferences import load_preferences
from desktop.dialogs.model_texts import size_text
from desktop.dialogs.models_dialog import ModelsDialog
from desktop.main_window import MainWindow
from desktop.viewer.tools.click_tool import Click, Prompts
from engine.errors import BadRequestError, WeightsError
from engine.protocol import Advice, ErrorInfo, ModelDownload, PassPreflight
from tests.desktop.conftest import EngineDoor
from tests.support.fake_engine import LARGE

GB = 10**9


@pytest.fixture
def dialog(editor: MainWindow, door: EngineDoor, qtbot: QtBot) -> ModelsDialog:
    editor.window_actions["models"].trigger()
    found = dialogs(editor)[0]
    qtbot.waitUntil(lambda: found.selected == "starter-vace")
    return found


def dialogs(window: MainWindow) -> list[ModelsDialog]:
    return [dialog for dialog in window.findChildren(ModelsDialog) if dialog.isVisible()]


def states(dialog: ModelsDialog) -> list[str]:
    """The list's last column."""
    tree = dialog.list
    groups = [group for row in range(tree.topLevelItemCount()) if (group := tree.topLevelItem(row))]
    items = [group.child(row) for group in groups for row in range(group.childCount())]
    return [item.text(2) for item in items if item]


def running(done_gb: float, eta_s: float | None = None) -> ModelDownload:
    done = round(done_gb * GB)
    return ModelDownload(name=LARGE.name, state="running", done_bytes=done, total_bytes=19 * GB, eta_s=eta_s)


def test_it_says_of_each_model_what_it_takes(dialog: ModelsDialog) -> None:
    assert states(dialog) == ["Built in", "Not installed"]
    dialog.select(LARGE.name)
    details = dialog.details
    texts = {name: label.text() for name, label in details._values.items()}
    assert texts["size"] == "19 GB" and texts["licence"] == "Apache-2.0"
    assert texts["memory"] == "about 14 GB, from 5 GB on with slower settings"
    assert "huggingface.co/Wan-AI/" in texts["publisher"]
    assert details.download.isVisible() and not details.remove.isVisible() and not details.use.isVisible()
    assert dialog.folder.text() == "Downloads go to /models (500 GB free)"


def test_the_starter_can_neither_be_fetched_nor_deleted(dialog: ModelsDialog) -> None:
    details = dialog.details
    assert not details.download.isVisible() and not details.remove.isVisible()
    assert details.note.text() == "VACE takes this one where a removal names no other."


def test_a_download_shows_how_far_it_is_and_can_then_be_used(
    dialog: ModelsDialog, editor: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    dialog.select(LARGE.name)
    details = dialog.details
    details.download.click()
    qtbot.waitUntil(lambda: details.cancel.isVisible())
    assert details._amount.text() == "Asking the publisher …"
    door.engine.downloading.put(running(3.1, 700))
    qtbot.waitUntil(lambda: details._amount.text() == "3.1 GB of 19 GB · 11 min 40 s left")
    assert states(dialog)[1] == "Downloading 16%"
    door.engine.downloading.put(ModelDownload(name=LARGE.name, state="done", done_bytes=19 * GB, total_bytes=19 * GB))
    qtbot.waitUntil(lambda: states(dialog)[1] == "Installed")
    assert dialog.selected == LARGE.name and not details.cancel.isVisible()
    details.use.click()
    assert load_preferences().vace_model == f"/models/{LARGE.name}"
    assert not details.use.isVisible()
    dialog.select("starter-vace")
    details.use.click()
    assert load_preferences().vace_model == ""


def test_one_that_is_cancelled_can_go_on(dialog: ModelsDialog, door: EngineDoor, qtbot: QtBot) -> None:
    dialog.select(LARGE.name)
    dialog.details.download.click()
    qtbot.waitUntil(lambda: dialog.details.cancel.isVisible())
    door.engine.known_models = (
        door.engine.known_models[0],
        door.engine.known_models[1].model_copy(update={"fetched_bytes": GB}),
    )
    dialog.details.cancel.click()
    qtbot.waitUntil(lambda: states(dialog)[1] == "Not finished")
    assert dialog.details.download.text() == "Go On"
    assert dialog.details.note.text() == "1.0 GB are fetched already; the download goes on from there."
    assert door.engine.model_calls == [f"download {LARGE.name}", f"cancel {LARGE.name}"]


def test_why_a_download_failed_is_told_without_the_command_line(
    dialog: ModelsDialog, door: EngineDoor, qtbot: QtBot
) -> None:
    dialog.select(LARGE.name)
    dialog.details.download.click()
    message = (
        f"{LARGE.repository} cannot be downloaded (no network); check the connection and run `grayplate models get "
        f"{LARGE.name}` again: it goes on where it stopped"
    )
    error = ErrorInfo(kind="failed", message=message)
    door.engine.downloading.put(ModelDownload(name=LARGE.name, state="failed", error=error))
    qtbot.waitUntil(lambda: states(dialog)[1] == "Not finished")
    assert dialog.details.note.text() == (
        f"{LARGE.repository} cannot be downloaded (no network); check the internet connection and press Go On or "
        "Download again: it goes on where it stopped"
    )


def test_a_disk_that_is_too_small_is_told_before(dialog: ModelsDialog, door: EngineDoor) -> None:
    door.engine.free_bytes = 12 * GB
    dialog.show_models(door.engine.models(), "")
    dialog.select(LARGE.name)
    assert not dialog.details.download.isEnabled()
    assert dialog.details.note.text().startswith("Not enough room: it takes 19 GB and the disk has 12 GB free.")


def test_an_own_folder_is_listed_and_taken_off(
    dialog: ModelsDialog, editor: MainWindow, door: EngineDoor, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/mine")
    menu = dialog.add_own.menu()
    assert menu is not None
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: dialog.selected == "mine" and states(dialog)[-1] == "Your own")
    dialog.details.remove.click()
    question = "Take 'mine' off the list?"
    assert editor.notices.texts == {question: "It is taken off the list; its files stay where they are."}
    editor.notices.click(question, "Remove")
    qtbot.waitUntil(lambda: len(states(dialog)) == 2)
    assert door.engine.model_calls == ["add /mine", "remove mine"]


def test_one_that_is_in_use_stays_the_default(
    dialog: ModelsDialog, editor: MainWindow, door: EngineDoor, qtbot: QtBot
) -> None:
    dialog.add_asked.emit("/mine")
    qtbot.waitUntil(lambda: dialog.selected == "mine")
    dialog.details.use.click()
    door.engine.refusal = BadRequestError("'mine' is in use by the render of 'Street'; wait until that is done")
    dialog.details.remove.click()
    editor.notices.click("Take 'mine' off the list?", "Remove")
    qtbot.waitUntil(lambda: "That did not work with the models" in editor.notices.texts)
    assert "the render of 'Street'" in editor.notices.texts["That did not work with the models"]
    assert load_preferences().vace_model == "/mine"


def test_what_does_not_fit_is_told(dialog: ModelsDialog, editor: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    door.engine.refusal = WeightsError("/mine is no weight file; take a .safetensors or .gguf file")
    dialog.add_asked.emit("/mine")
    qtbot.waitUntil(lambda: "That did not work with the models" in editor.notices.texts)


def test_another_folder_for_downloads_is_a_preference(
    dialog: ModelsDialog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRAYPLATE_MODELS", raising=False)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog.change_folder.click()
    assert load_preferences().models_folder == str(tmp_path)


def test_the_inspector_opens_it_where_a_model_would_help(marked: MainWindow, qtbot: QtBot) -> None:
    advice = Advice(message="a small model for study", about="models")
    marked.inspector.advice.show_advice(PassPreflight(warnings=(advice,)))
    marked.inspector.advice.buttons[0].click()
    qtbot.waitUntil(lambda: [dialog.selected for dialog in dialogs(marked)] == [LARGE.name])


def test_a_failed_render_opens_it_where_a_model_is_missing(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    marked.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: bool(door.engine.requests))
    door.engine.fail("there is no model folder /nothing: get one", about="models")
    title = "The shot was not rendered"
    qtbot.waitUntil(lambda: title in marked.notices.texts)
    marked.notices.click(title, "Models …")
    assert len(dialogs(marked)) == 1


def test_a_failed_render_for_another_reason_does_not(marked: MainWindow, door: EngineDoor, qtbot: QtBot) -> None:
    marked.window_actions["render"].trigger()
    qtbot.waitUntil(lambda: bool(door.engine.requests))
    door.engine.fail("the disk is full")
    qtbot.waitUntil(lambda: "The shot was not rendered" in marked.notices.texts)
    with pytest.raises(StopIteration):
        marked.notices.click("The shot was not rendered", "Models …")


@pytest.mark.parametrize(("error", "offers"), [(WeightsError("no model"), True), (BadRequestError("no frame"), False)])
def test_click_to_matte_opens_it(
    editor: MainWindow, door: EngineDoor, qtbot: QtBot, error: BadRequestError, offers: bool
) -> None:
    door.engine.refusal = error
    prompts = Prompts(0, (Click(3.0, 3.0, True),), None)
    editor.canvas.gestures.prompted.emit(prompts)
    title = "Click to matte cannot look for it"
    qtbot.waitUntil(lambda: title in editor.notices.texts)
    box = editor.notices._open[title]
    assert ("Models …" in [button.text() for button in box.buttons()]) == offers


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(19e9, "19 GB"), (1.34e9, "1.3 GB"), (240e6, "240 MB"), (1, "1 MB"), (999.6e6, "1000 MB")]
)
def test_sizes(size_bytes: float, text: str) -> None:
    assert size_text(size_bytes) == text
