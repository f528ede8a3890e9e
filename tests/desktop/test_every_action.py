"""Every action of the menus, triggered: it changes what it should and nothing else, or opens its dialog.

``CASES`` says of each action how the window has to be for it, and which aspects of the window it changes. An action
without a case, without a key that is not on the list of those that have none on purpose, or without a text fails here.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage, QWheelEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog
from pytestqt.qtbot import QtBot

from desktop.actions import ACTIONS
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.media.proxy_maker import ProxyMaker
from desktop.roto import commands as roto_commands
from desktop.tracking import companions
from desktop.wiring.tour import Tour
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import Shape
from roi_tools.shapes import RectF
from tests.desktop.conftest import EngineDoor
from tests.desktop.renders import patch_file, wait_for_job
from timeline.project_file import save_project

NO_KEY = frozenset(
    {
        *("relink", "find_media", "import_shapes", "export_shapes"),  # rare, and they ask for a file
        *("make_proxy", "cancel_proxy", "delete_proxies"),  # rare, and of little weight
        *("rectangle_tool", "to_bezier", "clear_feather", "invert_shape", "lock_shape", "hide_shape"),  # list and menu
        *("mode_add", "mode_subtract", "mode_intersect"),
        "delete_points",  # Del in the viewer, which deletes the removal elsewhere
        *("link_companion", "unlink_companion"),  # rare, and in the viewer's menu
        *("clear_track", "pause_queue", "clear_queue", "reconnect"),  # rare, and easily regretted
        *("tour", "show_log", "copy_report", "about", "reset_layout"),
    }
)
"""Actions that have no key on purpose."""


@dataclass(frozen=True)
class Case:
    """``changes``: names of aspects. ``also``: those that may change besides."""

    changes: tuple[str, ...]
    prepare: Callable[[Bench], None] = lambda bench: None
    also: tuple[str, ...] = ()


class Bench:
    """The window at work on the clip, twelve frames; what its dialogs are answered."""

    def __init__(self, window: MainWindow, door: EngineDoor, qtbot: QtBot, clip: Path, folder: Path) -> None:
        self.window, self.door, self.qtbot, self.clip, self.folder = window, door, qtbot, clip, folder
        self.opened_urls: list[str] = []
        self.connections = 0
        self.answer = folder / "other.otio"
        self.tracks_begun, self.tracks_ended = 0, 0
        window.bridge.connected.connect(self._on_connected)
        window.tracking.started.connect(self._on_track_begun)
        window.tracking.ended.connect(self._on_track_ended)

    def _on_connected(self, effects: object) -> None:
        self.connections += 1

    def _on_track_begun(self) -> None:
        self.tracks_begun += 1

    def _on_track_ended(self, said: str) -> None:
        self.tracks_ended += 1

    def do(self, *names: str) -> None:
        """Trigger actions."""
        for name in names:
            self.window.window_actions[name].trigger()

    def aspects(self) -> dict[str, object]:
        """What an action may change, in words that can be compared."""
        window = self.window
        session, canvas, actions = window.session, window.canvas, window.window_actions
        shot = session.shot
        tour = window.findChild(Tour)
        takes = window.results.takes(shot.id) if shot else ()
        return {
            "project": session.project,
            "file": (session.path, session.is_modified),
            "playhead": session.playhead,
            "shot": shot.id if shot else None,
            "selection": session.removal.id if session.removal else None,
            "shape": (window.roto_selection.label, window.roto_selection.points),
            "compare": canvas.compare,
            "tool": canvas.tool,
            "look": window.viewer.look.look,
            "zoom": canvas.view,
            "picture": canvas.grab().toImage(),
            "playing": window.playback.speed,
            "full screen": window.is_viewer_only,
            "strip": (window.strip.layout_now.px_per_frame, window.strip.snaps),
            "dialogs": sorted(type(dialog).__name__ for dialog in window.findChildren(QDialog) if dialog.isVisible()),
            "marks": window.in_out.range_of(shot) if shot else None,
            "queue": [(entry.state, id(entry)) for entry in window.renders.queue.entries],
            "paused": window.renders.is_paused,
            "clipboard": window.clipboard.is_empty,
            "system clipboard": QGuiApplication.clipboard().text(),
            "take": (window.results.chosen(shot.id).number if takes and shot else None,
                     window.results.versus(shot.id) if shot else None),
            "window": window.isVisible(),
            "tour": tour.step if tour else None,
            "log": len(self.opened_urls),
            "said": bool(window.statusBar().currentMessage()),
            "editing": window.removals.list.state(),
            "typing": window.focusWidget() is window.viewer.transport.frame_field,
            "panels": window.dockWidgetArea(window._render_dock),
            "cancelling": bool(window.renders.active and window.renders.active.cancelled),
            "connections": self.connections,
            "tracking": self.tracks_begun,
            "tracked": self.tracks_ended,
            "notices": dict(window.notices.texts),
            "proxies": len(list(window.media.proxies.folder.iterdir())),
            "proxy": [bool(shot and maker.is_making(shot.media_path)) for maker in window.findChildren(ProxyMaker)],
            "checked": [name for name, action in actions.items() if action.isChecked()],
        }  # fmt: skip


def proxy_that_waits(bench: Bench) -> None:
    """Another proxy is made so slowly that the shot's own does not begin."""
    store, begin = bench.window.media.proxies, threading.Event()
    find_place = store.path_of

    def find_later(media_path: str) -> Path:
        begin.wait(60)
        return find_place(media_path)

    store.path_of = find_later  # type: ignore[method-assign]
    bench.window.closing.connect(begin.set)
    (maker,) = bench.window.findChildren(ProxyMaker)
    maker.make("no such file")
    bench.do("make_proxy")


def removal(bench: Bench) -> None:
    commands.add_removal(bench.window.session, RectF(10, 8, 40, 30))


def box_tracks(bench: Bench) -> None:
    """The file that is chosen holds a box for the first two frames."""
    bench.answer = bench.folder / "tracks.txt"
    bench.answer.write_text("1,1,5,6,10,10,1,-1,-1,-1\n2,1,7,6,10,10,1,-1,-1,-1\n")


def still(bench: Bench) -> None:
    """A removal without motion, half way through the shot."""
    removal(bench)
    bench.window.session.go_to(6)


def keyed(bench: Bench) -> None:
    """Two keyframes, the playhead on the second."""
    still(bench)
    bench.do("toggle_key")


def between_keys(bench: Bench) -> None:
    keyed(bench)
    bench.window.session.go_to(3)


def middle(bench: Bench) -> None:
    bench.window.session.go_to(6)


def two_shots(bench: Bench) -> None:
    middle(bench)
    bench.do("split_shot")
    bench.window.session.go_to(6)


def marked(bench: Bench) -> None:
    removal(bench)
    bench.window.session.go_to(2)
    bench.do("mark_in")
    bench.window.session.go_to(5)
    bench.do("mark_out")


def marker(bench: Bench) -> None:
    middle(bench)
    bench.do("add_marker")


def shape(bench: Bench) -> None:
    removal(bench)
    bench.do("convert_to_roto")
    marking = roto_commands.roto_of(bench.window.session.removal)
    assert marking is not None
    bench.window.roto_selection.select(marking.layer.shapes[0].label)


def curve(bench: Bench) -> None:
    shape(bench)
    if bench.window.window_actions["to_bezier"].isEnabled():
        bench.do("to_bezier")


def two_shapes(bench: Bench) -> None:
    shape(bench)
    bench.do("duplicate_shape")


def linked_shape(bench: Bench) -> None:
    two_shapes(bench)
    companions.link(bench.window.session, bench.window.roto_selection, 0)


def copied(bench: Bench) -> None:
    removal(bench)
    bench.do("copy")


def rendering(bench: Bench, action: str = "render") -> None:
    if bench.window.session.removal is None:
        removal(bench)
    bench.do(action)
    wait_for_job(bench.window, bench.qtbot)


def rendered(bench: Bench, action: str = "render", value: int = 40) -> None:
    rendering(bench, action)
    bench.door.engine.deliver(0, patch_file(bench.folder, 0, value))
    bench.door.engine.finish()
    bench.qtbot.waitUntil(lambda: bench.window.renders.active is None)
    bench.window.session.go_to(0)


def two_takes(bench: Bench) -> None:
    rendered(bench)
    rendered(bench, "render_take", 200)


def zoomed(bench: Bench) -> None:
    bench.do("zoom_in", "zoom_in", "zoom_in")


def saved(bench: Bench) -> None:
    bench.window.session.mark_saved(bench.window.session.project, bench.folder / "a.otio")


def unchanged(bench: Bench) -> None:
    """Nothing to ask about before the document goes."""
    saved(bench)


def undone(bench: Bench) -> None:
    removal(bench)
    bench.do("undo")


def saved_and_edited(bench: Bench) -> None:
    saved(bench)
    removal(bench)


def ellipse(bench: Bench) -> None:
    track = Track((Keyframe(0, (30.0, 20.0, 10.0, 8.0, 0.0)),))
    bench.window.roto_selection.select(
        roto_commands.add_shape(bench.window.session, Shape("Round", "ellipse", (track,)))
    )


def moved_media(bench: Bench) -> None:
    bench.answer = bench.folder / "moved.mkv"
    shutil.copy(bench.clip, bench.answer)


def lost_media(bench: Bench) -> None:
    """The media is gone; the folder that is searched has a file of its name."""
    window, lost = bench.window, bench.folder / "gone" / bench.clip.name
    shutil.copy(bench.clip, bench.folder / "frames" / bench.clip.name)
    shot = replace(window.session.project.shots[0], media_path=str(lost))
    with bench.qtbot.waitSignal(window.media.probe_failed):
        window.media.probe(str(lost))
    window.notices.dismiss("Media cannot be opened")
    window.session.apply("Move the Media", replace(window.session.project, shots=(shot,)))


def two_tracks(bench: Bench) -> None:
    session = bench.window.session
    shot = session.project.shots[0]
    above = replace(shot, id="above", track=1)
    session.apply("Add a Track", replace(session.project, shots=(shot, above)))


def tracking(bench: Bench) -> None:
    removal(bench)
    bench.do("track_both")


def checked(*names: str) -> Callable[[Bench], None]:
    return lambda bench: bench.do(*names)


def then(prepare: Callable[[Bench], None], *names: str, to: int | None = None) -> Callable[[Bench], None]:
    """Prepare, trigger actions, go to a frame."""

    def prepared(bench: Bench) -> None:
        prepare(bench)
        bench.do(*names)
        if to is not None:
            bench.window.session.go_to(to)

    return prepared


def render_on_the_left(bench: Bench) -> None:
    bench.window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, bench.window._render_dock)
    bench.qtbot.wait(1)


def zoomed_strip(bench: Bench) -> None:
    strip = bench.window.strip
    wheel = QWheelEvent(
        QPointF(200, 40),
        QPointF(200, 40),
        QPoint(),
        QPoint(0, 480),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    strip.wheelEvent(wheel)


def first_of_two(bench: Bench) -> None:
    two_shapes(bench)
    marking = roto_commands.roto_of(bench.window.session.removal)
    assert marking is not None
    bench.window.roto_selection.select(marking.layer.shapes[0].label)


_EDIT = ("file", "picture", "selection", "shape")
"""What an edit of the project shows in, too."""
_MOVE = ("picture", "selection", "shape")

_TRACK = ("project", "playhead", "notices", *_EDIT)
"""What comes of tracking noise, which nothing can be followed in."""

CASES: dict[str, Case] = {
    "new": Case(("project", "shot"), unchanged, ("file", "picture", "marks", "playhead", "strip", "dialogs")),
    "open_project": Case(("project", "file"), unchanged, ("picture", "playhead", "shot", "strip", "zoom", "marks")),
    "open_media": Case(("project",), also=(*_EDIT, "playhead", "shot", "strip", "zoom")),
    "open_sequence": Case(("project",), also=(*_EDIT, "playhead", "shot", "strip", "zoom")),
    "save": Case(("file",), saved_and_edited),
    "save_as": Case(("file",), removal),
    "export": Case(("dialogs",), removal),
    "quit": Case(("window",), unchanged),
    "undo": Case(("project",), removal, _EDIT),
    "redo": Case(("project",), undone, _EDIT),
    "copy": Case(("clipboard",), removal),
    "paste": Case(("project",), copied, _EDIT),
    "preferences": Case(("dialogs",)),
    "models": Case(("dialogs",)),
    "fit": Case(("zoom",), zoomed, ("picture",)),
    "actual_size": Case(("zoom",), zoomed, ("picture",)),
    "zoom_in": Case(("zoom",), also=("picture",)),
    "zoom_out": Case(("zoom",), zoomed, ("picture",)),
    **{
        name: Case(("compare",), removal, ("picture", "look", "zoom"))
        for name in ("compare", "wipe", "side_by_side", "difference", "onion")
    },
    "overlays": Case(("picture",), removal),
    "matte": Case(("picture",), removal),
    "safe_areas": Case(("picture",)),
    "show_rgb": Case(("look",), checked("show_red"), ("picture",)),
    **{f"show_{name}": Case(("look",), also=("picture",)) for name in ("red", "green", "blue", "alpha", "luma")},
    "scale_full": Case(("look",), checked("scale_half"), ("picture",)),
    "scale_half": Case(("look",), also=("picture",)),
    "scale_quarter": Case(("look",), also=("picture",)),
    "exposure_up": Case(("look",), also=("picture",)),
    "exposure_down": Case(("look",), also=("picture",)),
    "reset_look": Case(("look",), checked("exposure_up"), ("picture",)),
    "full_screen": Case(("full screen",), also=("zoom", "picture", "strip")),
    "timeline_fit": Case(("strip",), zoomed_strip),
    "reset_layout": Case(("panels",), render_on_the_left, ("picture", "zoom", "strip")),
    "go_to_frame": Case(("typing",)),
    **{name: Case(("playing",), middle, ("playhead", "picture")) for name in ("play", "play_backward", "play_forward")},
    "stop": Case(("playing",), checked("play"), ("playhead", "picture")),
    **{name: Case(("playhead",), middle, _MOVE) for name in ("step_back", "step_forward", "to_start", "to_end")},
    "back_10": Case(("playhead",), middle, _MOVE),
    "forward_10": Case(("playhead",), middle, _MOVE),
    "previous_key": Case(("playhead",), keyed, _MOVE),
    "next_key": Case(("playhead",), between_keys, _MOVE),
    "previous_shot": Case(("playhead", "shot"), two_shots, (*_MOVE, "marks")),
    "next_shot": Case(("playhead", "shot"), then(two_shots, to=0), _MOVE),
    "mark_in": Case(("marks",), middle),
    "mark_out": Case(("marks",), middle),
    "clear_marks": Case(("marks",), marked),
    "add_marker": Case(("project",), middle, ("file",)),
    "edit_marker": Case(("dialogs",), marker),
    "delete_marker": Case(("project",), marker, ("file",)),
    "previous_marker": Case(("playhead",), then(marker, to=9), _MOVE),
    "next_marker": Case(("playhead",), then(marker, to=1), _MOVE),
    "split_shot": Case(("project",), middle, (*_EDIT, "shot")),
    "detect_cuts": Case(("said",), also=("project", *_EDIT)),
    "snap": Case(("strip",)),
    "make_proxy": Case(("proxies",), also=("proxy",)),
    "cancel_proxy": Case(("proxy",), proxy_that_waits),
    "delete_proxies": Case(("dialogs", "notices")),
    "use_proxies": Case(("checked",)),
    "trim_start": Case(("project",), middle, (*_EDIT, "playhead", "strip")),
    "trim_end": Case(("project",), middle, (*_EDIT, "playhead", "strip")),
    "relink": Case(("project",), moved_media, (*_EDIT, "zoom")),
    "find_media": Case(("project",), lost_media, (*_EDIT, "zoom", "strip")),
    "rename_shot": Case(("project",), also=("file",)),
    "next_track": Case(("shot",), two_tracks, (*_MOVE, "marks")),
    "remove_shot": Case(("project", "shot"), two_shots, (*_EDIT, "playhead", "strip")),
    "select_tool": Case(("tool",), checked("box_tool")),
    **{
        f"{name}_tool": Case(("tool",))
        for name in ("box", "bezier", "bspline", "ellipse", "rectangle", "stroke", "brush", "click")
    },
    "add_removal": Case(("project",), also=_EDIT),
    "duplicate_removal": Case(("project",), removal, _EDIT),
    "rename_removal": Case(("editing",), removal),
    "toggle_removal": Case(("project",), removal, _EDIT),
    "delete_removal": Case(("project",), removal, _EDIT),
    "toggle_key": Case(("project",), still, _EDIT),
    "delete_key": Case(("project",), keyed, _EDIT),
    "hold_key": Case(("project",), keyed, _EDIT),
    "linear_key": Case(("project",), then(keyed, "hold_key"), _EDIT),
    "smooth_key": Case(("project",), keyed, _EDIT),
    "bezier_key": Case(("project",), keyed, _EDIT),
    "start_here": Case(("project",), still, _EDIT),
    "end_here": Case(("project",), still, _EDIT),
    "import_shapes": Case(("project", "selection"), box_tracks, _EDIT),
    "export_shapes": Case(("said",), removal),
    "convert_to_roto": Case(("project",), removal, _EDIT),
    "to_bezier": Case(("project",), ellipse, _EDIT),
    "smooth_points": Case(("project",), curve, _EDIT),
    "corner_points": Case(("project",), then(curve, "smooth_points"), _EDIT),
    "clear_feather": Case((), curve, ("project", *_EDIT)),
    "delete_points": Case(("project",), two_shapes, _EDIT),
    "duplicate_shape": Case(("project",), shape, _EDIT),
    "raise_shape": Case(("project",), first_of_two, _EDIT),
    "lower_shape": Case(("project",), two_shapes, _EDIT),
    "mode_add": Case(("project",), then(shape, "mode_subtract"), _EDIT),
    "mode_subtract": Case(("project",), shape, _EDIT),
    "mode_intersect": Case(("project",), shape, _EDIT),
    "invert_shape": Case(("project",), shape, _EDIT),
    "lock_shape": Case(("project",), shape, _EDIT),
    "hide_shape": Case(("project",), shape, _EDIT),
    **{
        f"track_{way}": Case(("tracking", "tracked"), still, _TRACK)
        for way in ("forward", "backward", "both", "one_forward", "one_backward")
    },
    "stop_tracking": Case(("tracked",), tracking, _TRACK),
    "propose_motion": Case(("tracking", "tracked"), still, ("tool", "picture", "notices")),
    "propose_shadow": Case(("tracking", "tracked"), still, ("tool", "picture", "notices")),
    "link_companion": Case(("project",), two_shapes, _EDIT),
    "unlink_companion": Case(("project",), linked_shape, _EDIT),
    "clear_track": Case((), shape, ("project", *_EDIT)),
    "render": Case(("queue",), removal),
    "render_range": Case(("queue",), marked),
    "redo_range": Case(("queue",), marked, ("take", "project", *_EDIT)),
    "render_take": Case(("queue",), rendered, ("take", "picture")),
    "cancel": Case(("cancelling",), rendering),
    "next_take": Case(("take",), two_takes, ("picture", "project", "file")),
    "compare_take": Case(("take",), two_takes, ("picture",)),
    "pause_queue": Case(("paused",)),
    "clear_queue": Case(("queue",), rendered),
    "reconnect": Case(("connections",)),
    "help": Case(("dialogs",)),
    "tour": Case(("tour",)),
    "show_log": Case(("log",)),
    "copy_report": Case(("system clipboard",)),
    "about": Case(("dialogs",)),
}


@pytest.fixture
def bench(
    editor: MainWindow, door: EngineDoor, qtbot: QtBot, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    bench = Bench(editor, door, qtbot, clip, tmp_path)
    frames = tmp_path / "frames"
    shot = editor.session.project.shots[0]
    save_project(replace(editor.session.project, shots=(shot, replace(shot, id="second"))), bench.answer)
    frames.mkdir()
    for number in range(3):
        QImage(64, 48, QImage.Format.Format_RGB888).save(str(frames / f"plate.{number:04d}.png"))
    saved_as = str(tmp_path / "saved.otio")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(bench.answer), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_, **__: ([str(clip)], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(frames))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (saved_as, ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("Another name", True))
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: bench.opened_urls.append(QUrl(url).path()))
    return bench


@pytest.mark.parametrize("name", [spec.name for spec in ACTIONS if spec.name in CASES])
def test_it_changes_what_it_should_and_nothing_else(bench: Bench, name: str) -> None:
    case = CASES[name]
    case.prepare(bench)
    action = bench.window.window_actions[name]
    assert action.isEnabled(), "the case prepares what the action needs"
    before = bench.aspects()
    action.trigger()

    def changed() -> set[str]:
        return {aspect for aspect, value in bench.aspects().items() if value != before[aspect]}

    bench.qtbot.waitUntil(lambda: set(case.changes) <= changed(), timeout=30_000)
    assert changed() - set(case.changes) - set(case.also) <= {"checked", "said"}


def test_every_action_has_a_case() -> None:
    assert [spec.name for spec in ACTIONS if spec.name not in CASES] == []


def test_every_action_has_a_key_or_none_on_purpose() -> None:
    keyless = {spec.name for spec in ACTIONS if not spec.shortcuts}
    assert keyless - NO_KEY == set()
    assert NO_KEY & {spec.name for spec in ACTIONS} - keyless == set(), "these have a key now"


def test_every_action_has_a_text_and_stands_in_a_menu() -> None:
    assert all(spec.text.strip("& ") and spec.menu for spec in ACTIONS)
    assert len({spec.name for spec in ACTIONS}) == len(ACTIONS)
