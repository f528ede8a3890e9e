"""The first half of the whole job, in a process of its own that the test kills; see ``test_whole_job``.

    python -m tests.desktop.whole_job SOCKET EDIT SECOND PROJECT GATE x0,y0,x1,y1

It says ``ready`` once there is something to lose.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.base import paths
from desktop.base.qt import create_application
from desktop.base.theme import apply_theme
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.rendering.results import ResultState
from desktop.viewer.comparison import Compare
from desktop.wiring.window import WindowWiring
from engine.client import EngineClient
from roi_tools.shapes import RectF
from timeline import edits

TIMEOUT_S = 300.0
FIRST_FRAMES = 14
"""Frames of the first medium before its cut."""
LABEL = "after the save"


def until(condition: Callable[[], object], what: str) -> None:
    """Let the window work until ``condition``."""
    ends = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < ends, f"never: {what}"
        QApplication.processEvents()
        time.sleep(0.002)


def drag(window: MainWindow, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the left button, from one point of the picture to another."""
    canvas = window.canvas

    def at(x: float, y: float) -> QPoint:
        return QPointF(*canvas.view.to_widget(x, y)).toPoint()

    middle = at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(*start))
    for point in (middle, at(*end)):
        QTest.mouseMove(canvas, point)
        QApplication.processEvents()
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(*end))


def shown(window: MainWindow, frame: int) -> bool:
    """Whether the viewer shows this media frame."""
    return window.canvas.frame is not None and window.canvas.frame.request.frame == frame


def go(window: MainWindow, frame: int) -> None:
    """Put the playhead on a timeline frame and wait for its picture."""
    window.session.go_to(frame)
    place = window.session.place
    assert place is not None
    until(lambda: shown(window, place.media_frame), f"frame {frame}")


def open_and_cut(window: MainWindow, edit: str, second: str) -> None:
    """Both media on the timeline, the first one cut where its picture changes."""
    window.documents.open_paths([edit, second])
    until(lambda: len(window.session.project.shots) == 2, "two media")
    until(lambda: window.media.info(second) and shown(window, 0), "the first frame")
    window.window_actions["detect_cuts"].trigger()
    until(lambda: len(window.session.project.shots) == 3, "a cut")
    assert window.session.project.shots[0].duration_frames == FIRST_FRAMES


def mark_and_track(window: MainWindow, box: RectF) -> None:
    """A box drawn with the mouse, moved on another frame, and tracked to the shot's end."""
    go(window, 0)
    window.window_actions["box_tool"].trigger()
    drag(window, (box.x0, box.y0), (box.x1, box.y1))
    removal = window.session.removal
    assert removal is not None, "the drawn box is a removal"
    go(window, 2)
    centre = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    drag(window, centre, (centre[0] + 4, centre[1]))
    moved = window.session.removal
    assert moved is not None and moved.shape.key_frames == (0, 2)
    window.window_actions["track_forward"].trigger()
    assert window.tracking.is_running, window.notices.texts
    until(lambda: not window.tracking.is_running, "the track's end")
    until(lambda: window.session.undo_label == "Track Forward", "what was tracked")
    tracked = window.session.removal
    assert tracked is not None and tracked.shape.rect_at(FIRST_FRAMES - 1) is not None


def render_and_look(window: MainWindow) -> None:
    """Every frame arrives while the render goes on; the wipe shows both."""
    arrived: list[int] = []
    window.renders.frame_arrived.connect(
        lambda shot_id, frame: arrived.append(frame) if window.renders.active else None
    )
    window.window_actions["render"].trigger()
    until(lambda: window.renders.active is None and not window.renders.is_busy, "the render's end")
    assert window.notices.texts == {}, window.notices.texts
    assert set(arrived) == set(range(FIRST_FRAMES)), "each frame was shown while it rendered"
    shot = window.session.shot
    assert shot is not None
    measures = window.results.measures(shot, range(FIRST_FRAMES))
    assert all(measure.share_synthesised is not None for measure in measures), "the engine says what it invented"
    until(lambda: window.strip.rows.has_graph, "the graph on the strip")
    go(window, 5)
    until(lambda: window.canvas.frame is not None and window.canvas.frame.result is not None, "a result to look at")
    window.window_actions["wipe"].trigger()
    assert window.canvas.compare is Compare.WIPE
    window.grab()
    window.window_actions["wipe"].trigger()


def undo_and_redo(window: MainWindow) -> None:
    """Without the track the result is stale; with it again it is ready."""
    session = window.session
    shot = session.shot
    assert shot is not None
    session.undo()
    assert session.shot is not None and session.shot.removals != shot.removals
    session.redo()
    assert session.shot is not None
    assert window.results.states(session.shot, range(FIRST_FRAMES)) == [ResultState.READY] * FIRST_FRAMES


def leave_something_to_lose(window: MainWindow, gate: str) -> None:
    """After the save: another name, and a render of the last shot that waits at a gate."""
    session = window.session
    assert session.removal is not None
    commands.rename_removal(session, session.removal.id, LABEL)
    last = session.project.shots[-1]
    go(window, session.project.start_of(last.id))
    commands.add_removal(session, RectF(10, 10, 40, 40), "test-fill")
    shot, removal = session.shot, session.removal
    assert shot is not None and removal is not None
    gated = edits.update_removal(session.project, shot.id, replace(removal, parameters={"gate": gate}))
    session.apply("gate", gated)
    window.window_actions["mark_in"].trigger()
    session.go_to(session.playhead + 5)
    window.window_actions["mark_out"].trigger()
    window.window_actions["render_range"].trigger()
    until(lambda: window.results.chosen(last.id).frames, "the first frames behind the gate")


def is_kept() -> bool:
    """Whether the recovery file has the newest edit."""
    texts = [
        about.with_name("project.otio").read_text("utf-8") for about in paths.recovery_folder().glob("*/session.json")
    ]
    return any(LABEL in text and "test-fill" in text for text in texts)


def main() -> None:
    """Work, and wait to be killed."""
    socket, edit, second, project, gate, corners = sys.argv[1:]
    application = create_application()
    apply_theme(application)
    window = MainWindow(lambda: EngineClient(Path(socket)))
    WindowWiring(window)
    window.resize(1300, 850)
    window.show()
    window.bridge.start()
    until(lambda: window.bridge.is_connected, "the engine")
    open_and_cut(window, edit, second)
    mark_and_track(window, RectF(*(float(part) for part in corners.split(","))))
    render_and_look(window)
    undo_and_redo(window)
    window.documents.save_to(Path(project))
    until(lambda: not window.documents.is_saving, "the save")
    assert not window.session.is_modified
    leave_something_to_lose(window, gate)
    until(is_kept, "the recovery file")
    print("ready", flush=True)
    while True:
        application.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
