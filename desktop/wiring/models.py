"""Connects the models' dialog: opened from the menu, and from wherever the window says that a model is missing."""

from __future__ import annotations

import os
from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop.base.language import tr
from desktop.base.preferences import load_preferences
from desktop.dialogs.help_dialogs import add_context_help
from desktop.dialogs.help_topics import set_topic
from desktop.dialogs.models_dialog import ModelsDialog
from desktop.main_window import MainWindow
from desktop.rendering.default_model import MODEL_VARIABLE
from desktop.rendering.model_store import ModelStore
from desktop.wiring.preferences import PreferencesWiring
from engine.protocol import ModelDownload, ModelInfo

TO_PAINT, TO_CLICK = "wan2.1-vace-1.3b", "sam2.1-tiny"
"""What is shown first where a model for VACE, or for click to matte, is missing: the small ones."""


class ModelsWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(
        self,
        window: MainWindow,
        preferences: PreferencesWiring,
        changed: Callable[[], object],
        run: Callable[[str, Callable[[], object]], None],
    ) -> None:
        """``changed`` is called when other models are there, or another one is chosen."""
        super().__init__(window)
        self._window, self._preferences, self._changed = window, preferences, changed
        self.dialog: ModelsDialog | None = None
        """The dialog while it is open."""
        self.store = ModelStore(window.bridge, self)
        self.store.changed.connect(self._show)
        self.store.progressed.connect(self._on_progressed)
        self.store.installed.connect(self._on_installed)
        self.store.removed.connect(self._on_removed)
        self.store.failed.connect(lambda line: window.notices.problem(tr("That did not work with the models"), line))
        run("models", self.open)
        window.inspector.advice.models_asked.connect(lambda: self.open(TO_PAINT))

    def open(self, name: str = "") -> None:
        """Show the models, the one of this name first."""
        if self.dialog is None:
            self.dialog = self._make_dialog()
            self.store.refresh()
        self._show()
        self.dialog.select(name or self.dialog.selected)
        self.dialog.show()
        self.dialog.raise_()

    def _make_dialog(self) -> ModelsDialog:
        dialog, store = ModelsDialog(self._window), self.store
        set_topic(dialog, "effects")
        add_context_help(dialog, self._window.window_actions)
        dialog.details.download_asked.connect(store.download)
        dialog.details.cancel_asked.connect(store.cancel)
        dialog.details.remove_asked.connect(self._ask_to_remove)
        dialog.details.use_asked.connect(self._use)
        dialog.add_asked.connect(store.add)
        dialog.folder_asked.connect(self._change_folder)
        dialog.finished.connect(self._on_closed)
        return dialog

    def _on_progressed(self, download: ModelDownload) -> None:
        if self.dialog is not None:
            self.dialog.show_download(download)

    def _on_closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    def _show(self) -> None:
        if self.dialog is not None:
            self.dialog.show_models(self.store.known, os.environ.get(MODEL_VARIABLE) or load_preferences().vace_model)

    def _use(self, path: str) -> None:
        self._preferences.change(vace_model=path)
        self._show()
        self._changed()

    def _change_folder(self, folder: str) -> None:
        self._preferences.change(models_folder=folder)  # the engine starts anew and then tells what is there

    def _ask_to_remove(self, name: str) -> None:
        model = self.store.model(name)
        if model is None:
            return
        goes = model.is_downloaded or not model.path
        text = (
            tr("Its files are deleted. It can be downloaded again.")
            if goes
            else tr("It is taken off the list; its files stay where they are.")
        )
        self._window.notices.ask(
            tr("Delete '{name}'?").format(name=tr(model.title))
            if goes
            else tr("Take '{name}' off the list?").format(name=tr(model.title)),
            text,
            {tr("Delete") if goes else tr("Remove"): lambda: self.store.remove(name), tr("Keep"): _do_nothing},
        )

    def _on_removed(self, model: ModelInfo) -> None:
        if model.path and load_preferences().vace_model == model.path:
            self._preferences.change(vace_model="")
        self._changed()

    def _on_installed(self, model: ModelInfo) -> None:
        self._window.statusBar().showMessage(tr("'{name}' is ready to use").format(name=tr(model.title)), 8000)
        if self.dialog is not None:
            self.dialog.select(model.name)
        self._changed()


def _do_nothing() -> None:
    """The model stays."""
