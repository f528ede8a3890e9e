"""Projects for tests of the desktop, without media behind them."""

from __future__ import annotations

import time
from fractions import Fraction

from PySide6.QtCore import QCoreApplication

from desktop.editing.session import Session
from desktop.main_window import MainWindow
from roi_tools.shapes import AnimatedRectangle, RectF
from timeline.project import Project
from timeline.removal import Removal
from timeline.shot import Shot


def make_shot(name: str = "a", frames: int = 20, start: int = 0, removals: tuple[Removal, ...] = ()) -> Shot:
    return Shot(
        id=f"id-{name}",
        name=name,
        media_path=f"/media/{name}.mov",
        media_rate=Fraction(24),
        source_start=start,
        source_end_exclusive=start + frames,
        removals=removals,
    )


def box_shape(removal: Removal) -> AnimatedRectangle:
    """The box of a removal that is marked with one."""
    assert isinstance(removal.shape, AnimatedRectangle)
    return removal.shape


def make_removal(name: str = "r", frame: int = 0, **fields: object) -> Removal:
    shape = AnimatedRectangle.still(RectF(10, 10, 30, 30), frame)
    return Removal(**{"id": f"id-{name}", "label": name, "shape": shape, **fields})  # type: ignore[arg-type]


def make_session(*shots: Shot) -> Session:
    session = Session(Project())
    session.replace_document(Project("test", tuple(shots)), None)
    return session


def wait_until_saved(window: MainWindow) -> None:
    """Until what the window saves is on the disk."""
    ends = time.monotonic() + 60
    while window.documents.is_saving:
        assert time.monotonic() < ends, "it was not saved in a minute"
        QCoreApplication.processEvents()
        time.sleep(0.005)
