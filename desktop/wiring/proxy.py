"""Actions of proxies: make one of the current shot's media, use them or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject

from desktop.base.language import tr
from desktop.main_window import MainWindow
from desktop.media.proxy_maker import ProxyMaker


class ProxyWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self.maker = ProxyMaker(window.media.proxies, self)
        run("make_proxy", self._make)
        run("cancel_proxy", self._cancel)
        run("delete_proxies", self._ask_to_delete)
        use = window.window_actions["use_proxies"]
        use.setChecked(True)
        use.toggled.connect(self._use)
        self.maker.progressed.connect(self._on_progress)
        self.maker.made.connect(self._on_made)
        self.maker.cancelled.connect(self._on_cancelled)
        self.maker.failed.connect(self._on_failed)
        self._session.project_changed.connect(self._enable)
        self._session.playhead_changed.connect(self._enable)
        window.media.probed.connect(self._on_probed)
        window.closing.connect(self.maker.close)
        self._enable()

    def _make(self) -> None:
        shot = self._session.shot
        if shot:
            self.maker.make(shot.media_path)
            self._enable()

    def _cancel(self) -> None:
        shot = self._session.shot
        if shot:
            self.maker.cancel(shot.media_path)

    def _ask_to_delete(self) -> None:
        self._window.notices.ask(
            tr("Delete the proxies of all media?"),
            tr("Only time is lost: they can be made again."),
            {tr("Delete"): self._delete, tr("Keep"): _do_nothing},
        )

    def _delete(self) -> None:
        freed_bytes = self._window.media.delete_proxies()
        self._window.picture.refresh()
        self._say(tr("Proxies deleted, {size} MiB freed").format(size=f"{freed_bytes / 2**20:.0f}"))

    def _use(self, on: bool) -> None:
        self._window.media.use_proxies(on)
        self._window.picture.refresh()

    def _enable(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        is_making = shot is not None and self.maker.is_making(shot.media_path)
        # Every picture of a sequence stands alone already.
        can_make = info is not None and info.kind == "movie" and not is_making
        self._window.window_actions["make_proxy"].setEnabled(can_make)
        self._window.window_actions["cancel_proxy"].setEnabled(is_making)

    def _say(self, text: str, ms: int = 4000) -> None:
        self._window.statusBar().showMessage(text, ms)

    def _on_probed(self, path: str, info: object) -> None:
        del path, info
        self._enable()

    def _on_progress(self, path: str, done: int, total: int) -> None:
        self._say(tr("Proxy of {name}: {done} of {total} frames").format(name=Path(path).name, done=done, total=total))

    def _on_made(self, path: str) -> None:
        self._window.media.proxy_made(path)
        self._enable()
        self._say(tr("Proxy of {name} is ready").format(name=Path(path).name))

    def _on_cancelled(self, path: str) -> None:
        self._enable()
        self._say(tr("No proxy of {name} was made").format(name=Path(path).name))

    def _on_failed(self, message: str) -> None:
        self._enable()
        self._window.notices.problem(tr("No proxy was made"), message)


def _do_nothing() -> None:
    """The proxies stay."""
