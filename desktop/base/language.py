"""The language of the window's texts: every text that a person reads goes through :func:`tr`.

English texts are the keys; ``resources/translations`` has one catalogue for each other language. The command line and
the diagnostic report stay English. Without Qt.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping
from importlib.resources import files

LANGUAGES: Mapping[str, str] = {"en": "English", "ja": "日本語"}
"""Code -> what its speakers call it. A code other than "en" has a catalogue."""

MESSAGE_CONTEXT = "message"
"""What the catalogues call templates of messages."""

_translations: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"


def tr(text: str) -> str:
    """``text`` in the window's language; English where it has no translation.

    Fill values in afterwards, by name: ``tr("{count} frames").format(count=count)``.
    """
    return _translations.gettext(text) if text else ""


def translated_message(template: str) -> str:
    """The translation of a template of ``desktop.base.messages``; empty where it has none."""
    words = _translations.pgettext(MESSAGE_CONTEXT, template)
    return words if words != template else ""


def language() -> str:
    """The code of the window's language."""
    return _language


def set_language(code: str) -> None:
    """Let :func:`tr` answer in this language of :data:`LANGUAGES` from now on; texts on the screen stay as they are."""
    global _translations, _language
    _translations = gettext.NullTranslations() if code == "en" else _catalogue(code)
    _language = code


def best_language(wanted: Iterable[str]) -> str:
    """The first of ``wanted`` (``ja-JP``, ``de`` …, best first) that there is a catalogue for, else English."""
    for name in wanted:
        code = name.replace("_", "-").split("-")[0].lower()
        if code in LANGUAGES:
            return code
    return "en"


def _catalogue(code: str) -> gettext.GNUTranslations:
    with files("resources").joinpath("translations", f"{code}.mo").open("rb") as stream:
        return gettext.GNUTranslations(stream)
