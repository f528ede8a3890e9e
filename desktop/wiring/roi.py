"""Actions that read and write shapes of other programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from desktop.base.errors import DesktopError
from desktop.base.language import tr
from desktop.base.last_folders import last_folder, remember_folder
from desktop.base.long_work import LongWork, Progress, Result
from desktop.main_window import MainWindow
from desktop.roto.roi_commands import (
    BOXES,
    EXPORTED,
    IMPORTED,
    MATTE_IMAGES,
    MATTE_MOVIES,
    add_document,
    document_to_write,
    export_path,
    images_at,
    is_matte,
    read_document,
    write_document,
)
from roi_tools.errors import RoiError
from timeline.errors import TimelineError
from timeline.media.info import MediaInfo

PROBLEM = "That cannot be done here"
_KINDS = (
    ("Nuke", ".nk"),
    ("Silhouette", ".fxs"),
    ("Script for Blender", ".py"),
    ("ROI file", ".json"),
    ("Boxes", f".{BOXES}"),
    ("Matte, PNG sequence", ".png"),
    ("Matte, TIFF sequence", ".tif"),
    ("Matte, OpenEXR sequence", ".exr"),
    ("Matte, lossless movie", ".mkv"),
    ("Matte, ProRes movie", ".mov"),
    ("Matte, H.264 movie", ".mp4"),
)
"""What shapes can be written as, and the ending that asks for it."""


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
        endings = (*IMPORTED, *MATTE_MOVIES, *MATTE_IMAGES)
        filters = (tr("Shapes, boxes and mattes ({endings})").format(endings=_globs(endings)), tr("All files (*)"))
        found, _ = QFileDialog.getOpenFileName(
            self._window, tr("Import Shapes"), last_folder("shapes", self._folder()), ";;".join(filters)
        )
        if found:
            remember_folder("shapes", found)
            self.read(Path(found))

    def _ask_export(self) -> None:
        removal = self._session.removal
        if removal is None:
            return
        start = Path(last_folder("shapes", self._folder())) / f"{removal.label}{EXPORTED[0]}"
        filters = {f"{tr(name)} (*{ending})": ending for name, ending in _KINDS}
        chosen, kind = QFileDialog.getSaveFileName(self._window, tr("Export Shapes"), str(start), ";;".join(filters))
        if chosen:
            remember_folder("shapes", chosen)
            known = any(chosen.lower().endswith(ending) for ending in filters.values())
            self._agree(export_path(Path(chosen if known else chosen + filters.get(kind, EXPORTED[0]))))

    def _agree(self, path: Path) -> None:
        """Images of a sequence are replaced only if a person wants it; the file dialog asks about other files."""
        there = images_at(path)
        if not there:
            self.write(path)
            return
        text = tr("Images of {name} that are there already: {count}").format(count=there, name=path.name)
        self._window.notices.ask(
            tr("Export Shapes"), text, {tr("Replace"): partial(self.write, path), tr("Cancel"): _nothing}
        )

    def read(self, path: Path) -> None:
        """Add what a file marks to the shot under the playhead; a matte is read in the background."""
        info = self._info()
        if info is None:
            return
        add = partial(add_document, self._session, effect=self._default_effect())
        self._do(path, tr("Reading {name} …"), partial(read_document, path, info), add)

    def write(self, path: Path) -> None:
        """Write the selected removal, into an ROI file all of the shot; a matte is written in the background."""
        info = self._info()
        if info is None or self._session.removal is None:
            return
        document = document_to_write(self._session, info, path)
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


def _globs(endings: tuple[str, ...]) -> str:
    return " ".join(f"*{ending}" for ending in endings)


def _nothing() -> None:
    """A question was answered with no."""
