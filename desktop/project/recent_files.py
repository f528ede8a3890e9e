"""Projects that were open lately, newest first, as a menu."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from desktop.base.language import tr
from desktop.base.settings import open_settings, read_strings

LIMIT = 10
_KEY = "recent_projects"


def recent_projects() -> list[Path]:
    """Newest first."""
    return [Path(text) for text in read_strings(_KEY)]


def remember_project(path: Path) -> None:
    """Put a project first."""
    absolute = path.absolute()
    kept = [absolute, *(other for other in recent_projects() if other != absolute)][:LIMIT]
    open_settings().setValue(_KEY, [str(entry) for entry in kept])


def forget_projects() -> None:
    """An empty list again."""
    open_settings().remove(_KEY)


class RecentMenu(QMenu):
    """Fills itself whenever it opens; a project that is gone is shown, but cannot be chosen."""

    chosen = Signal(object)
    """A project's Path."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Open &Recent"), parent)
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)
        self.fill()

    def fill(self) -> None:
        """Show the list as it is now."""
        self.clear()
        for path in recent_projects():
            action = self.addAction(path.name.replace("&", "&&"))
            action.setToolTip(str(path))
            action.setEnabled(path.exists())
            action.triggered.connect(partial(self._choose, path))
        if self.isEmpty():
            self.addAction(tr("No projects yet")).setEnabled(False)
            return
        self.addSeparator()
        self.addAction(tr("Clear List")).triggered.connect(forget_projects)

    def _choose(self, path: Path, checked: bool = False) -> None:
        del checked
        self.chosen.emit(path)
