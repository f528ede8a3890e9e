"""Actions that read and write shapes of other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from desktop.errors import DesktopError
from desktop.language import tr
from desktop.main_window import MainWindow
from desktop.roi_commands import EXPORTED, IMPORTED, export_marks, import_marks
from roi_tools.errors import RoiError
from timeline.errors import TimelineError

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
        found, _ = QFileDialog.getOpenFileName(self._window, title, str(self._folder()), _filter(IMPORTED))
        if found:
            self.read(Path(found))

    def _ask_export(self) -> None:
        removal = self._session.removal
        if removal is None:
            return
        start = self._folder() / f"{removal.label}{EXPORTED[0]}"
        chosen, _ = QFileDialog.getSaveFileName(self._window, tr("Export Shapes"), str(start), _filter(EXPORTED))
        if chosen:
            path = Path(chosen)
            known = path.suffix.lower() in EXPORTED
            self.write(path if known else path.with_name(path.name + EXPORTED[0]))

    def read(self, path: Path) -> None:
        """Add what a file marks to the shot under the playhead."""
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if info is not None:
            self._guarded(lambda: import_marks(self._session, path, info, self._default_effect()))

    def write(self, path: Path) -> None:
        """Write the selected removal."""
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if info is None:
            return
        left_out = self._guarded(lambda: export_marks(self._session, path, info))
        if left_out is None:
            return
        text = tr("Wrote {path}").format(path=path)
        if left_out:
            text = tr("Wrote {path} without {shapes}").format(path=path, shapes=", ".join(left_out))
        self._window.statusBar().showMessage(text, 8000)

    def _guarded(self, work: Callable[[], tuple[str, ...] | int]) -> tuple[str, ...] | None:
        try:
            done = work()
        except (DesktopError, RoiError, TimelineError) as error:
            self._window.notices.problem(tr(PROBLEM), str(error))
            return None
        return done if isinstance(done, tuple) else ()


def _filter(endings: tuple[str, ...]) -> str:
    return f"{' '.join(f'*{ending}' for ending in endings)} ({' '.join(f'*{ending}' for ending in endings)})"
