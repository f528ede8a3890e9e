"""Actions that read and write shapes of other programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from desktop.base.errors import DesktopError
from desktop.base.language import tr
from desktop.base.long_work import LongWork, Progress, Result
from desktop.main_window import MainWindow
from desktop.roto.roi_commands import (
    EXPORTED,
    IMPORTED,
    MATTE_IMAGES,
    MATTE_MOVIES,
    add_document,
    document_to_write,
    is_matte,
    read_document,
    write_document,
)
from roi_tools.errors import RoiError
from timeline.errors import TimelineError
from timeline.media.info import MediaInfo

PROBLEM = "That cannot be done here"


class RoiWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(
        self,
        window: MainWindow,
        run: Callable[[str, Callable[[], object]], None],
        default_effect: Callable[[], str],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._default_effect = window, window.session, default_effect
        self.work = LongWork(window)
        window.closing.connect(self.work.close)
        run("import_shapes", self._ask_import)
        run("export_shapes", self._ask_export)
        for signal in (self._session.project_changed, self._session.selection_changed):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Which actions make sense now."""
        self._window.window_actions["import_shapes"].setEnabled(self._session.shot is not None)
        self._window.window_actions["export_shapes"].setEnabled(self._session.removal is not None)

    def _folder(self) -> Path:
        shot = self._session.shot
        return Path(shot.media_path).parent if shot else Path.home()

    def _ask_import(self) -> None:
        title = tr("Import Shapes")
        found, _ = QFileDialog.getOpenFileName(
            self._window, title, str(self._folder()), _filter((*IMPORTED, *MATTE_MOVIES, *MATTE_IMAGES))
        )
        if found:
            self.read(Path(found))

    def _ask_export(self) -> None:
        removal = self._session.removal
        if removal is None:
            return
        start = self._folder() / f"{removal.label}{EXPORTED[0]}"
        endings = (*EXPORTED, *MATTE_MOVIES)
        chosen, _ = QFileDialog.getSaveFileName(self._window, tr("Export Shapes"), str(start), _filter(endings))
        if chosen:
            path = Path(chosen)
            known = path.suffix.lower() in EXPORTED or is_matte(path)
            self.write(path if known else path.with_name(path.name + EXPORTED[0]))

    def read(self, path: Path) -> None:
        """Add what a file marks to the shot under the playhead; a matte is read in the background."""
        info = self._info()
        if info is None:
            return
        add = partial(add_document, self._session, effect=self._default_effect())
        self._do(path, tr("Reading {name} …"), partial(read_document, path, info), add)

    def write(self, path: Path) -> None:
        """Write the selected removal; a matte is written in the background."""
        info = self._info()
        if info is None or self._session.removal is None:
            return
        document = document_to_write(self._session, info)
        self._do(path, tr("Writing {name} …"), partial(write_document, path, document), partial(self._say, path))

    def _info(self) -> MediaInfo | None:
        shot = self._session.shot
        return self._window.media.info(shot.media_path) if shot else None

    def _do(self, path: Path, title: str, work: Callable[[Progress], Result], done: Callable[[Result], object]) -> None:
        if is_matte(path):
            self.work.start(title.format(name=path.name), work, done, self._fail)
            return
        try:
            result = work(lambda _done, _total: None)
        except (DesktopError, RoiError, TimelineError) as error:
            self._fail(str(error))
        else:
            done(result)

    def _say(self, path: Path, left_out: tuple[str, ...]) -> None:
        text = tr("Wrote {path}").format(path=path)
        if left_out:
            text = tr("Wrote {path} without {shapes}").format(path=path, shapes=", ".join(left_out))
        self._window.statusBar().showMessage(text, 8000)

    def _fail(self, line: str) -> None:
        self._window.notices.problem(tr(PROBLEM), line)


def _filter(endings: tuple[str, ...]) -> str:
    return f"{' '.join(f'*{ending}' for ending in endings)} ({' '.join(f'*{ending}' for ending in endings)})"
