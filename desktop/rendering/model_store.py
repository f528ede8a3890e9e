"""The models that the engine knows, and downloads as they go on; every answer on the UI thread."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from desktop.base.ui_thread import UiThread
from desktop.rendering.engine_bridge import Engine, EngineBridge
from engine.protocol import ModelDownload, ModelInfo, ModelKind, ModelList


class ModelStore(QObject):
    """Asks once the engine answers, and again after each change."""

    changed = Signal()
    """Another :attr:`known`."""
    progressed = Signal(object)
    """A ModelDownload that goes on or has ended."""
    installed = Signal(object)
    """A ModelInfo that is here now: downloaded, or added."""
    removed = Signal(object)
    """The ModelInfo of one that is gone."""
    failed = Signal(str)
    """One line: why something was not listed, added or removed."""

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._ui = UiThread(self)
        self._followed: set[str] = set()
        self.known: ModelList | None = None
        """None until the engine has answered."""
        bridge.connected.connect(self._on_connected)

    def refresh(self) -> None:
        """Ask what there is now."""
        self._bridge.ask(lambda engine: engine.models(), self._set, self.failed.emit)

    def model(self, name: str) -> ModelInfo | None:
        """What is known under a name."""
        return next((model for model in self.known.models if model.name == name), None) if self.known else None

    def has(self, kind: ModelKind) -> bool:
        """Whether a model of this kind is installed."""
        return any(model.kind == kind and model.path for model in self.known.models) if self.known else False

    def download(self, name: str) -> None:
        """Begin a download, or go on with one; :attr:`progressed` follows."""
        self._bridge.ask(lambda engine: engine.download_model(name), self._on_begun, self.failed.emit)

    def cancel(self, name: str) -> None:
        """End a download; what it has fetched is kept."""
        self._bridge.ask(lambda engine: engine.cancel_download(name), _nothing, self.failed.emit)

    def add(self, path: str) -> None:
        """Take a folder or file of this machine; :attr:`installed` or :attr:`failed` follows."""
        self._bridge.ask(lambda engine: engine.add_model(path), self._on_installed, self.failed.emit)

    def remove(self, name: str) -> None:
        """Delete a download, or forget what a person added; :attr:`removed` or :attr:`failed` follows."""
        gone = self.model(name)

        def told(_: object) -> None:
            self.refresh()
            if gone is not None:
                self.removed.emit(gone)

        self._bridge.ask(lambda engine: engine.remove_model(name), told, self._on_not_removed)

    def _on_connected(self) -> None:
        self._followed.clear()  # what was followed ended with the connection
        self.refresh()

    # --- answers ------------------------------------------------------------------------------------------------

    def _set(self, known: ModelList) -> None:
        self.known = known
        self.changed.emit()
        for model in known.models:
            if model.download is not None and model.download.state == "running":
                self._follow(model.name)

    def _on_begun(self, download: ModelDownload) -> None:
        self.progressed.emit(download)
        self._follow(download.name)

    def _follow(self, name: str) -> None:
        if name in self._followed:
            return
        self._followed.add(name)

        def followed(engine: Engine) -> ModelDownload | None:
            last = None
            for last in engine.download_events(name):
                self._ui.post(partial(self.progressed.emit, last))
            return last

        self._bridge.ask(followed, partial(self._on_ended, name), partial(self._on_lost, name))

    def _on_ended(self, name: str, last: ModelDownload | None) -> None:
        self._followed.discard(name)

        def told(known: ModelList) -> None:
            self._set(known)
            model = self.model(name)
            if last is not None and last.state == "done" and model is not None:
                self.installed.emit(model)

        self._bridge.ask(lambda engine: engine.models(), told, self.failed.emit)

    def _on_lost(self, name: str, message: str) -> None:
        self._followed.discard(name)
        self.failed.emit(message)

    def _on_installed(self, model: ModelInfo) -> None:
        self.refresh()
        self.installed.emit(model)

    def _on_not_removed(self, message: str) -> None:
        self.refresh()
        self.failed.emit(message)


def _nothing(_: object) -> None:
    """The download's own events say how it ended."""
