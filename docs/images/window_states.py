"""The window in each of its states, as a person brings it there. Imported once the environment says how to draw."""

from __future__ import annotations

import gettext
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEventLoop, QPoint, QTimer
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QDialog, QWidget

from desktop.base.language import language, tr
from desktop.base.preferences import load_preferences, save_preferences
from desktop.base.qt import create_application
from desktop.base.qt_language import use_language
from desktop.base.theme import apply_theme
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.roto.edit import made_smooth
from desktop.viewer.map_overlay import MapKind
from desktop.viewer.tools.pen_tool import PenPoint, pen_shape
from desktop.wiring.tour import SAMPLE
from desktop.wiring.window import WindowWiring
from engine.client import connect
from roi_tools.roto.model import constant
from roi_tools.shapes import RectF

PROJECT = Path(__file__).parents[2] / "resources" / "sample" / f"{SAMPLE}.otio"
WAIT_MS = 600_000
_SETTLED_MS = 400
_DIM = 0.45
"""How much of the window shines through behind a dialog."""


class Stage:
    """The window, what is done with it, and where its pictures go."""

    def __init__(self, folder: Path, code: str, sizes: list[tuple[int, int]], clips: Path | None) -> None:
        self.folder, self.sizes, self.clips = folder, sizes, clips
        self.name = ""
        save_preferences(replace(load_preferences(), language=code, tour_seen=True))
        self.application = create_application()
        use_language(self.application, code)
        self.untranslated = _Untranslated()
        _translations().add_fallback(self.untranslated)
        apply_theme(self.application)
        self.window = MainWindow()
        self.wiring = WindowWiring(self.window)
        self.window.resize(*sizes[0])
        self.window.show()
        self.wait()

    # --- doing --------------------------------------------------------------------------------------------------

    def wait(self, milliseconds: int = _SETTLED_MS) -> None:
        """Let the window do its work."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the window do its work until something is so."""
        for _ in range(WAIT_MS // 100):
            if condition():
                return
            self.wait(100)
        raise TimeoutError(f"{self.name}: {condition} did not come true")

    def do(self, *actions: str) -> None:
        """Trigger actions by name."""
        for action in actions:
            self.window.window_actions[action].trigger()
            self.wait(60)

    def open(self, path: Path) -> None:
        """Open a project or a clip, in place of what is open; the engine is there then."""
        window = self.window
        if not window.bridge.is_connected:
            window.bridge.start()
            self.until(lambda: window.bridge.is_connected)
        window.documents.new_project()
        for title in list(window.notices.texts):
            window.notices.click(title, tr("Don't Save"))
        window.documents.open_paths([str(path)])
        self.until(lambda: window.session.shot is not None)
        self.until(lambda: window.canvas.frame is not None)
        self.wait()

    def sample(self) -> None:
        """The sample project, at a frame where the walker is in the middle."""
        if self.window.session.shot is None or SAMPLE not in self.window.session.shot.media_path:
            self.open(PROJECT)
        removals = self.window.session.shot.removals if self.window.session.shot else ()
        if removals:
            self.window.session.select_removal(removals[0].id)
        self.window.session.go_to(24)
        self.wait()

    def rendered(self) -> None:
        """The sample, cleaned."""
        self.sample()
        window, shot = self.window, self.window.session.shot
        if shot is not None and len(window.results.chosen(shot.id).frames) < 40:
            self.do("render")
            self.until(lambda: not window.renders.is_busy)
        window.session.go_to(24)
        self.wait()

    # --- pictures -----------------------------------------------------------------------------------------------

    def keep(self, name: str = "") -> None:
        """A picture of the window in each size."""
        for width, height in self.sizes:
            self.window.resize(width, height)
            self.wait()
            self._save(self.window.grab(), f"{name or self.name}_{self.window.width()}x{self.window.height()}")

    def keep_dialog(self, name: str = "", dialog: QWidget | None = None) -> None:
        """A picture of a dialog over the window, which is dim behind it; the one that is open unless one is given."""
        self.wait()
        shown = dialog or self.dialog()
        picture = self.window.grab()
        painter = QPainter(picture)
        painter.setOpacity(_DIM)
        painter.fillRect(self.window.rect(), "#000000")
        painter.setOpacity(1.0)
        corner = self.window.rect().center() - shown.rect().center()
        painter.drawPixmap(QPoint(max(corner.x(), 0), max(corner.y(), 0)), shown.grab())
        painter.end()
        self._save(picture, name or self.name)

    def dialog(self) -> QDialog:
        """The dialog that is open."""
        return next(dialog for dialog in self.window.findChildren(QDialog) if dialog.isVisible())

    def _save(self, picture: QPixmap, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        picture.save(str(self.folder / f"{name}.png"))
        print(name, flush=True)

    def close(self) -> None:
        """Close the window and end the engine."""
        self.window.documents.quit_agreed.emit()
        self.wait(100)
        if language() != "en":
            print("not translated:", sorted(self.untranslated.texts))


class _Untranslated(gettext.NullTranslations):
    """Remembers the texts that no catalogue has."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()

    def gettext(self, message: str) -> str:
        self.texts |= {message} if any(letter.isalpha() for letter in message) else set()
        return message


def _translations() -> gettext.NullTranslations:
    from desktop.base import language as catalogues

    return catalogues._translations


# --- states -------------------------------------------------------------------------------------------------------


def empty(stage: Stage) -> None:
    """Just started."""
    stage.keep()


def tour(stage: Stage) -> None:
    """The first step, and the one about the box."""
    stage.wiring.help.tour.start()
    stage.keep()
    stage.sample()
    stage.wiring.help.tour.start()
    stage.keep("tour_later")
    stage.wiring.help.tour.end()


def editing(stage: Stage) -> None:
    """A box, between two of its keyframes, its removal selected."""
    stage.sample()
    stage.keep()


def rendering(stage: Stage) -> None:
    """Frames come in while the rest still renders."""
    stage.sample()
    shot = stage.window.session.shot
    stage.do("render")
    stage.until(lambda: bool(shot and len(stage.window.results.chosen(shot.id).frames) > 8))
    stage.keep()
    stage.until(lambda: not stage.window.renders.is_busy)


def comparing(stage: Stage) -> None:
    """Wipe, side by side, difference."""
    stage.rendered()
    for action in ("wipe", "side_by_side", "difference", "onion"):
        stage.do(action)
        stage.keep(action)
        stage.do(action)


def maps(stage: Stage) -> None:
    """Where pixels came from, and how sure they are."""
    stage.rendered()
    chooser = stage.window.viewer.look.maps
    for kind in (MapKind.PROVENANCE, MapKind.CONFIDENCE):
        chooser.setCurrentIndex(chooser.findData(kind))
        stage.keep(f"map_{kind.name.lower()}")
    chooser.setCurrentIndex(0)


BODY = [(568, 297), (595, 307), (599, 338), (630, 367), (620, 379), (598, 356), (600, 380), (595, 391), (554, 390)]
BODY += [(559, 359), (539, 350), (545, 312)]
LEGS = [(556, 383), (598, 383), (596, 420), (607, 474), (573, 477), (574, 424), (541, 478), (514, 462), (545, 438)]
HEAD = [(579, 267), (597, 285), (579, 303), (561, 285)]
"""Around the walker on frame 40, in the picture of a window; see :func:`_walker`."""


def _walker(stage: Stage) -> None:
    """The sample's clip alone, with shapes drawn around who walks there."""
    session = stage.window.session
    stage.open(PROJECT.with_suffix(".mp4"))
    session.go_to(40)
    for name, points in (("Legs", LEGS), ("Head", HEAD), ("Body", BODY)):
        places = [PenPoint((x - 91) * 960 / 744, (y - 118) * 540 / 419) for x, y in points]
        shape = made_smooth(pen_shape(name, "bezier", places, 40, 4.0), range(len(points)))
        roto_commands.add_shape(session, replace(shape, feather_px=constant(3.0)))


def roto(stage: Stage) -> None:
    """Shapes, their matte tinted: from a matte of the tennis player, or around the sample's walker."""
    window = stage.window
    if stage.clips:
        stage.open(stage.clips / "tennis" / "clip.mp4")
        stage.wiring.roi.read(stage.clips / "tennis" / "mask.mkv")
        stage.until(lambda: window.session.removal is not None)
        stage.wait(1500)
        window.session.go_to(20)
    else:
        _walker(stage)
    window.show_shapes()
    window.shapes.tree.setCurrentItem(window.shapes.tree.topLevelItem(0))
    stage.wait()
    stage.do("matte")
    stage.keep()
    stage.do("matte")


def tracking(stage: Stage) -> None:
    """A tracked box and how sure the track is: on the rider, or the sample's walker."""
    window = stage.window
    if stage.clips:
        stage.open(stage.clips / "bmx-trees" / "clip.mp4")
        boxes = json.loads((stage.clips / "bmx-trees" / "boxes.json").read_text())["boxes_by_label"]["255"]
        window.session.go_to(0)
        commands.add_removal(window.session, RectF(*map(float, boxes[0])))
        stage.do("track_forward")
    else:
        stage.sample()
        removal, place = window.session.removal, window.session.place
        rect = removal.shape.rect_at(place.media_frame) if removal and place else None
        assert rect is not None
        stage.open(PROJECT.with_suffix(".mp4"))
        window.session.go_to(24)
        commands.add_removal(window.session, rect)
        stage.do("track_both")
    window.show_tracker()
    stage.until(lambda: window.tracking.is_running)
    stage.until(lambda: not window.tracking.is_running)
    window.session.go_to(36)
    stage.keep()


def stale(stage: Stage) -> None:
    """Something that the result depends on has changed; the inspector warns."""
    stage.rendered()
    commands.set_effect(stage.window.session, "vace")
    stage.wait(3000)
    stage.keep()


def failed(stage: Stage) -> None:
    """A render that cannot be done, and why."""
    stage.sample()
    window = stage.window
    commands.set_effect(window.session, "vace")
    removal = window.session.removal
    assert removal is not None
    from desktop.editing.parameter_commands import apply_parameters

    effect = window.inspector._effects["vace"]
    apply_parameters(window.session, "Model", effect, {"model": "/models/wan2.1-vace-14b"})
    stage.do("render")
    stage.until(lambda: bool(window.notices.texts) and not window.renders.is_busy)
    stage.wait(1500)
    stage.keep()
    stage.keep_dialog("failed_message", next(iter(window.notices._open.values())))
    for title in list(window.notices.texts):
        window.notices.dismiss(title)
    stage.do("undo", "undo")


def crashed(stage: Stage) -> None:
    """The engine was killed and none can be started."""
    stage.rendered()
    window = stage.window
    with connect(start=False) as engine:
        os.kill(engine.health().pid, signal.SIGKILL)
    window.bridge._connect = lambda: connect(start=False)
    stage.wait(500)
    window.bridge._engine = None
    window.bridge.start()
    stage.until(lambda: bool(window.notices.texts))
    stage.keep()
    stage.keep_dialog("crashed_message", next(iter(window.notices._open.values())))
    window.bridge._connect = connect
    title = next(iter(window.notices.texts))
    window.notices._open[title].defaultButton().click()
    stage.until(lambda: window.bridge.is_connected)
    stage.wait()


def dialogs(stage: Stage) -> None:
    """Preferences page by page, export, help, about, markers."""
    stage.sample()
    for action in ("preferences", "export", "help", "about", "add_marker"):
        stage.do(action)
        stage.wait()
        if action == "add_marker":
            stage.do("edit_marker")
            stage.wait()
        dialog = stage.dialog()
        tabs = getattr(dialog, "tabs", None)
        for index in range(tabs.count()) if tabs is not None else ():
            tabs.setCurrentIndex(index)
            stage.keep_dialog(f"{action}_{index}")
        if tabs is None:
            stage.keep_dialog(action)
        dialog.reject()
    stage.do("undo")


def models(stage: Stage) -> None:
    """The models: the starter, one to download."""
    stage.sample()
    stage.do("models")
    stage.until(lambda: stage.wiring.models.store.known is not None)
    stage.keep_dialog("models_starter")
    for name in ("wan2.1-vace-14b", "causvid-1.3b"):
        stage.wiring.models.open(name)
        stage.keep_dialog(f"models_{name}")
    stage.dialog().reject()


def menus(stage: Stage) -> None:
    """Every menu, open."""
    stage.sample()
    for action in stage.window.menuBar().actions():
        menu = action.menu()
        menu.popup(QPoint(0, 0))  # type: ignore[union-attr]
        stage.wait(150)
        stage._save(menu.grab(), f"menu_{action.text().replace('&', '').split('(')[0].lower()}")  # type: ignore[union-attr]
        menu.hide()  # type: ignore[union-attr]


STATES: dict[str, Callable[[Stage], None]] = {
    state.__name__: state
    for state in (
        empty,
        tour,
        editing,
        menus,
        rendering,
        comparing,
        maps,
        dialogs,
        models,
        stale,
        failed,
        crashed,
        roto,
        tracking,
    )
}
