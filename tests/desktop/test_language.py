"""Every text of the desktop has a translation that keeps its placeholders; the window speaks the language chosen."""

import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QDockWidget, QLabel, QTabWidget, QWidget
from pytestqt.qtbot import QtBot

from desktop.actions import ACTIONS
from desktop.app import dress
from desktop.base.language import LANGUAGES, MESSAGE_CONTEXT, best_language, language, set_language, tr
from desktop.base.preferences import Preferences, save_preferences
from desktop.base.qt_language import use_language
from desktop.editing import commands
from desktop.main_window import MainWindow
from engine.ofx.host import describe_all
from resources.translations import update
from roi_tools.shapes import RectF

CODES = [code for code in LANGUAGES if code != "en"]


@pytest.fixture
def japanese(qapp: QApplication) -> Iterator[None]:
    use_language(qapp, "ja")
    yield
    use_language(qapp, "en")


@pytest.mark.parametrize("code", CODES)
def test_every_text_is_translated(code: str) -> None:
    catalogue = update.read_catalogue(update.FOLDER / f"{code}.po")
    texts = update.messages()
    assert len(texts) > 300
    missing = [text for text in texts if not (known := catalogue.get(text)) or not known.string]
    assert missing == [], "run `make translations` and translate these"


def test_nothing_is_written_while_the_texts_of_an_effect_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("engine.ofx.host.describe_all", lambda: describe_all()[1:])
    monkeypatch.setattr(update, "TEMPLATES", tmp_path / "templates.json")
    monkeypatch.setattr(update, "FOLDER", tmp_path)
    assert update.main() == 1
    said = capsys.readouterr().err
    assert "clean-plate cannot be loaded" in said and "nothing was changed" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", CODES)
def test_translations_keep_placeholders_marks_and_margins(code: str) -> None:
    broken = []
    for message in update.read_catalogue(update.FOLDER / f"{code}.po"):
        source, text = str(message.id), str(message.string)
        if not source or not text:
            continue
        same = update.placeholders(source) == update.placeholders(text)
        if message.context == MESSAGE_CONTEXT:  # the window may leave a value out: a socket's path, say
            same = update.placeholders(source) >= update.placeholders(text)
        has_key = bool(re.search(r"&\w", source)) == bool(re.search(r"\(&\w\)", text))
        dots = source.endswith(" …") == text.endswith(" …")
        if not (same and has_key and dots and "|" not in text):
            broken.append(source)
    assert broken == []


@pytest.mark.parametrize("code", CODES)
def test_the_compiled_catalogue_is_the_written_one(code: str) -> None:
    with (update.FOLDER / f"{code}.mo").open("rb") as stream:
        compiled = gettext.GNUTranslations(stream)
    written = update.read_catalogue(update.FOLDER / f"{code}.po")
    differing = [
        m.id
        for m in written
        if m.id
        and m.string
        and m.string not in (compiled.gettext(str(m.id)), compiled.pgettext(MESSAGE_CONTEXT, str(m.id)))
    ]
    assert differing == [], "run `make translations`"


@pytest.mark.parametrize("code", LANGUAGES)
def test_menu_keys_are_unique_within_each_menu(japanese: None, code: str) -> None:
    set_language(code)
    keys: dict[str, list[str]] = {}
    for spec in ACTIONS:
        found = re.search(r"&(\w)", tr(spec.text))
        if found:
            keys.setdefault(spec.menu, []).append(found[1].lower())
    tops = dict.fromkeys(spec.menu.split("/")[0] for spec in ACTIONS)
    keys["menu bar"] = [key[1].lower() for top in tops if (key := re.search(r"&(\w)", tr(top)))]
    twice = {menu: [key for key in used if used.count(key) > 1] for menu, used in keys.items()}
    assert {menu: used for menu, used in twice.items() if used} == {}


def test_texts_without_a_translation_stay_english(japanese: None) -> None:
    assert tr("never heard of") == "never heard of"
    assert tr("") == ""
    assert tr("Render") == "レンダリング"


def test_english_is_the_default() -> None:
    assert language() == "en"
    assert tr("Render") == "Render"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [(["ja-JP", "en-US"], "ja"), (["de-DE", "ja"], "ja"), (["fr"], "en"), ([], "en"), (["JA_jp"], "ja")],
)
def test_the_first_language_that_there_is(wanted: list[str], code: str) -> None:
    assert best_language(wanted) == code


def test_unknown_languages_are_not_taken_silently() -> None:
    with pytest.raises(FileNotFoundError):
        set_language("xx")
    assert language() == "en"


def _texts(window: QWidget) -> Iterator[str]:
    for widget in window.findChildren(QWidget):
        yield widget.toolTip()
        yield widget.accessibleName()
        if isinstance(widget, (QLabel, QAbstractButton)):
            yield widget.text()
        if isinstance(widget, QDockWidget):
            yield widget.windowTitle()
        if isinstance(widget, QTabWidget):
            yield from (widget.tabText(index) for index in range(widget.count()))
    for action in window.findChildren(QAction):
        yield action.text()
        yield action.toolTip()


_ENGLISH = re.compile(
    r"(?<![\w-])(the|of|to|and|in|is|for|with|this|frames?|shot|render|box|keyframe|removal)(?![\w-])", re.I
)
_NAMES = re.compile(r"<[^>]*>|`[^`]*`|\(.*?\)|/\S*")


def test_no_english_sentence_is_left_in_a_japanese_window(
    japanese: None, themed: QApplication, qtbot: QtBot, editor_in: MainWindow
) -> None:
    commands.add_removal(editor_in.session, RectF(1, 1, 9, 9))
    editor_in.inspector.set_effects(describe_all())
    for effect in describe_all():
        commands.set_effect(editor_in.session, effect.identifier)
        qtbot.wait(1)  # the editors before are gone then
        left = {text for text in _texts(editor_in) if _ENGLISH.search(_NAMES.sub("", text))}
        assert left == set()


@pytest.fixture
def editor_in(japanese: None, request: pytest.FixtureRequest) -> MainWindow:
    """The window with a clip, made after the language was chosen."""
    editor: MainWindow = request.getfixturevalue("editor")
    return editor


@pytest.mark.parametrize(("chosen", "spoken"), [("ja", "ja"), ("en", "en"), ("", "ja")])
def test_the_preferences_say_which(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, chosen: str, spoken: str
) -> None:
    monkeypatch.setattr(QLocale, "system", lambda: QLocale("ja_JP"))
    monkeypatch.setattr("desktop.app.apply_theme", lambda application: None)
    save_preferences(Preferences(language=chosen))
    try:
        dress(qapp)
        assert language() == spoken
    finally:
        use_language(qapp, "en")


def test_qt_speaks_it_too(japanese: None, qapp: QApplication) -> None:
    assert qapp.translate("QPlatformTheme", "Cancel") == "キャンセル"
    assert QLocale().language() == QLocale.Language.Japanese


def test_the_menu_bar_is_japanese(japanese: None, editor_in: MainWindow) -> None:
    titles = [action.text() for action in editor_in.menuBar().actions()]
    assert titles[:2] == ["ファイル(&F)", "編集(&E)"]


def test_the_window_fits_a_small_screen(japanese: None, editor_in: MainWindow) -> None:
    """1280 x 720: a quarter of a 2560 x 1440 screen at 200 %."""
    editor_in.window_actions["difference"].trigger()  # shows the most controls
    commands.add_removal(editor_in.session, RectF(1, 1, 9, 9))
    smallest = editor_in.minimumSizeHint()
    assert smallest.width() <= 1280
    assert smallest.height() <= 720
