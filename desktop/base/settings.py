"""The one settings file, read and written through Qt."""

from __future__ import annotations

from PySide6.QtCore import QSettings

from desktop.base import paths


def open_settings() -> QSettings:
    """Settings as they are now on disk; cheap, so ask again rather than keep it."""
    return QSettings(str(paths.settings_file()), QSettings.Format.IniFormat)


def read_strings(name: str) -> list[str]:
    """A list of texts; empty where none was kept. A list of one comes back from an INI file as a text."""
    value = open_settings().value(name)
    if isinstance(value, str):
        return [value]
    return [str(entry) for entry in value] if isinstance(value, list) else []
