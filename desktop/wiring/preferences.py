"""What becomes of the preferences: at the start, and when they are changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject

from desktop.base.language import tr
from desktop.base.preferences import Preferences, load_preferences, save_preferences
from desktop.dialogs.help_dialogs import add_context_help
from desktop.dialogs.help_topics import set_topic
from desktop.dialogs.preferences_dialog import PreferencesDialog
from desktop.dialogs.shortcuts import apply_shortcuts
from desktop.main_window import MainWindow
from desktop.rendering.engine_environment import apply_to_environment
from desktop.wiring.color import ColorMenus


class PreferencesWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, color: ColorMenus, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window, self._color = window, color
        self._engine_is_old = False
        run("preferences", self._ask)
        window.renders.ended.connect(self._renew_engine)
        self._use(load_preferences())

    def _use(self, preferences: Preferences) -> bool:
        """Returns whether an engine that already runs does not know them yet."""
        window = self._window
        apply_shortcuts(window.window_actions, preferences.shortcuts)
        window.media.set_cache_mb(preferences.viewer_cache_mb)
        window.documents.set_autosave(preferences.autosave_s * 1000)
        self._color.use_config(preferences.ocio_config)
        return apply_to_environment(preferences)

    def _ask(self) -> None:
        dialog = PreferencesDialog(load_preferences(), self._window)
        set_topic(dialog, "preferences")
        add_context_help(dialog, self._window.window_actions)
        dialog.accepted.connect(lambda: self._on_accepted(dialog.preferences))
        dialog.models_asked.connect(dialog.accept)  # what was changed so far holds
        dialog.models_asked.connect(self._window.window_actions["models"].trigger)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def change(self, **values: str) -> None:
        """Set these, as if they had been chosen in the dialog."""
        self._on_accepted(replace(load_preferences(), **values))  # type: ignore[arg-type]

    def _on_accepted(self, preferences: Preferences) -> None:
        before = load_preferences()
        self._engine_is_old |= self._use(preferences)
        try:
            save_preferences(preferences)
        except OSError as error:
            line = tr("{error}; they hold until Grayplate is closed").format(error=error)
            self._window.notices.problem(tr("The preferences were not saved"), line)
        if preferences.language != before.language:
            self._window.statusBar().showMessage(tr("The language changes when Grayplate is started again"), 8000)
        self._renew_engine()

    def _renew_engine(self) -> None:
        """The engine learns of folders and device when it starts; one that renders finishes first."""
        if self._engine_is_old and not self._window.renders.is_busy:
            self._engine_is_old = False
            self._window.bridge.restart()
