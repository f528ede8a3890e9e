"""Messages of the lower floors in the window: in Japanese all of them, and without the command line."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.base.language import LANGUAGES, MESSAGE_CONTEXT
from desktop.base.messages import pattern_of, told, words_of
from desktop.base.qt_language import use_language
from desktop.base.window_words import WINDOW_WORDS
from desktop.dialogs.models_dialog import ModelsDialog
from desktop.editing import commands
from desktop.main_window import MainWindow
from engine.effects.vace import Vace
from engine.errors import WeightsError
from engine.model_catalog import find_entry
from engine.ofx.parameters import parse_value
from engine.protocol import Advice, PassPreflight, Remedy
from engine.segment.weights import HOW_TO_GET_A_MODEL
from engine.vace.files.weights import find_lora, find_model
from resources.translations.templates import template_of, templates
from resources.translations.update import TEMPLATES, read_catalogue
from roi_tools.roi_file import read_boxes
from roi_tools.shapes import RectF
from tests.desktop.documents import make_shot
from timeline.media.reader import open_media
from timeline.project import Project
from timeline.project_file import load_project, save_project

KANA = re.compile("[\u3040-\u30ff]")
TYPED = re.compile(
    r"`|pip install|grayplate-engine|--(param|model|name)\b|GRAYPLATE_(CACHE|HOME|MODELS)|models (get|add)"
)


@pytest.fixture
def japanese(qapp: QApplication) -> Iterator[None]:
    use_language(qapp, "ja")
    yield
    use_language(qapp, "en")


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_template_is_translated(code: str) -> None:
    catalogue = read_catalogue(TEMPLATES.with_name(f"{code}.po"))
    found = templates()
    assert len(found) > 400
    missing = [text for text in found if not (known := catalogue.get(text, MESSAGE_CONTEXT)) or not known.string]
    assert missing == [], "run `make translations` and translate these"


def test_the_list_of_templates_is_that_of_the_source() -> None:
    assert json.loads(TEMPLATES.read_text(encoding="utf-8")) == templates(), "run `make translations`"


def test_what_the_window_says_otherwise_is_still_said(japanese: None) -> None:
    assert set(WINDOW_WORDS) <= set(templates())


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_window_tells_nobody_to_type_a_command(qapp: QApplication, code: str) -> None:
    use_language(qapp, code)
    typed = [text for text in templates() if TYPED.search(words_of(text))]
    use_language(qapp, "en")
    # The engine's own start, which the window does by itself, and a variable that somebody has set.
    assert [text for text in typed if "socket" not in text and "home_variable" not in text] == []


def _raised(call: Callable[[], object]) -> str:
    with pytest.raises(Exception) as caught:
        call()
    assert type(caught.value).__module__.startswith(("engine", "timeline", "roi_tools"))
    return str(caught.value)


STEPS = next(parameter for parameter in Vace.describe().parameters if parameter.name == "steps")
CALLS: tuple[Callable[[], object], ...] = (
    lambda: find_model("/nothing"),
    lambda: find_lora("/nothing"),
    lambda: find_entry("nothing"),
    lambda: open_media(Path("/nothing.mov")),
    lambda: load_project(Path("/nothing.otio")),
    lambda: read_boxes("/nothing.json"),
    lambda: RectF(4, 4, 1, 1),
    lambda: parse_value(STEPS, 0),
)


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_real_messages_are_told_in_japanese(japanese: None, number: int) -> None:
    message = _raised(CALLS[number])
    shown = told(message)
    assert KANA.search(shown), message
    assert not re.search(r"\b(the|is|there|choose)\b", shown), shown


def test_a_message_after_a_file_s_name_is_told_as_a_whole(japanese: None) -> None:
    said = told("/a.otio: holds a Clip, not a Timeline; export a single timeline")
    assert said.startswith("/a.otio: ") and "Clip" in said and "export" not in said
    assert told("no element found: line 1, column 3") == "no element found: line 1, column 3", "Python's own words"


def test_messages_in_messages_are_told_too(japanese: None) -> None:
    inner = "click to matte needs a SAM 2 model and none is installed: " + HOW_TO_GET_A_MODEL
    assert told(inner) == (
        "クリックマットには SAM 2 モデルが必要ですが、インストールされていません: 編集 > モデル で SAM 2.1 tiny "
        "(0.2 GB) を入手するか、お持ちのフォルダーを追加してください"
    )
    parts = told("a.mov: the key 'fps' is missing; give numbers")
    assert parts == "a.mov: キー 'fps' がありません。数値を指定してください"


def test_english_stays_but_for_commands() -> None:
    assert told("looking for cuts") == "looking for cuts"
    assert told("no model 'a' is installed; it may have been removed already") == (
        "no model 'a' is installed; it may have been removed already"
    )
    assert told("click to matte needs a SAM 2 model and none is installed: " + HOW_TO_GET_A_MODEL).endswith(
        ": get SAM 2.1 tiny (0.2 GB) in Edit > Models, or add a folder of your own there"
    )


def test_what_a_message_ends_with_does_not_swallow_its_beginning(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        find_model(str(tmp_path))
    assert told(str(caught.value)) == (
        f"{tmp_path} is no model folder in diffusers' layout, it has no model_index.json: get one in Edit > Models, or "
        "add a folder or .safetensors file of your own there"
    )


def test_what_nobody_knows_stays_as_it_is(japanese: None) -> None:
    assert told("Grayplate 2.0 {brace} [x] (y)") == "Grayplate 2.0 {brace} [x] (y)"
    assert told("") == ""


def test_a_value_may_hold_anything() -> None:
    fit = pattern_of("cannot read {path}: {reason}; export it again").fullmatch(
        "Cannot read C:\\a; b.c.mov: it broke; export it again"
    )
    assert fit and fit["reason"] == "it broke"


def test_a_value_named_twice_is_the_same_one() -> None:
    pattern = pattern_of("{count} of {count}")
    assert pattern.fullmatch("2 of 2") and not pattern.fullmatch("2 of 3")


def test_values_have_names_of_their_own() -> None:
    def template(source: str) -> str:
        return template_of(ast.parse(source, mode="eval").body)

    assert template('f"{path} has {len(files)} files"') == "{path} has {files} files"
    assert template('f"{a.size} where {b.size} is"') == "{size} where {size2} is"
    assert template('f"{a:.1f} of {a:.1f}"') == "{a} of {a}"
    assert template('"plain"') == "plain"


def test_the_window_shows_advice_and_remedies_in_japanese(japanese: None, marked: MainWindow) -> None:
    remedy = Remedy(label="Use the box as the mask", parameters={"mask_mode": "box"})
    message = "mask_mode all shows the model nothing of the shot to go by; use the box as the mask"
    marked.inspector.advice.show_advice(PassPreflight(warnings=(Advice(message=message, remedy=remedy),)))
    assert marked.inspector.advice.buttons[0].text() == "ボックスをマスクとして使う"
    assert KANA.search(marked.inspector.advice.warning_texts[0])


def test_notices_and_the_log_are_told_in_japanese(japanese: None, editor: MainWindow) -> None:
    commands.add_removal(editor.session, RectF(1, 1, 9, 9))
    editor.notices.problem("x", "the disk is full; free space or write to another disk")
    assert editor.notices.texts["x"].startswith("ディスクが満杯です")
    editor.render_panel.log("warning", "Looking for cuts")
    assert editor.render_panel.log_lines[-1] == "カットを検出中"


def test_the_viewer_says_in_japanese_why_there_is_no_picture(
    japanese: None, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    shot = replace(make_shot(), media_path=str(tmp_path / "gone.mov"))
    save_project(Project("p", (shot,)), tmp_path / "p.otio")
    window.documents.open_project(tmp_path / "p.otio")
    qtbot.waitUntil(lambda: "gone.mov がありません" in window.canvas._message)


def test_the_models_dialog_is_japanese(japanese: None, editor: MainWindow) -> None:
    editor.window_actions["models"].trigger()
    dialog = next(dialog for dialog in editor.findChildren(ModelsDialog) if dialog.isVisible())
    assert dialog.windowTitle() == "モデル" and KANA.search(dialog.hint.text())
