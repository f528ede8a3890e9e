"""The window's language, told to Qt as well: its own buttons and dialogs, numbers and the names of keys."""

from __future__ import annotations

import logging

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from desktop.base.language import best_language, set_language

_log = logging.getLogger(__name__)


def use_language(application: QApplication, code: str) -> None:
    """Speak ``code``, or what the system speaks where that is empty; windows made from now on do so."""
    code = code or best_language(QLocale.system().uiLanguages())
    set_language(code)
    QLocale.setDefault(QLocale(code))
    for old in application.findChildren(QTranslator, "language"):
        application.removeTranslator(old)
        old.deleteLater()
    if code == "en":
        return
    translator = QTranslator(application)
    translator.setObjectName("language")
    if translator.load(f"qtbase_{code}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        application.installTranslator(translator)
    else:
        _log.info("Qt came without its '%s' texts; its own dialogs stay English", code)
