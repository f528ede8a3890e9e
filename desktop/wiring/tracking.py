"""Actions of tracking, what a running track shows in the viewer, and proposals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from desktop.base.language import tr
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.tracking.controller import Live
from desktop.tracking.task import Direction
from desktop.viewer.tools.base import Tool
from roi_tools.shapes import AnimatedRectangle, RectF
from timeline import edits
from timeline.marking import Marking
from timeline.removal import new_id

_DIRECTIONS: dict[str, Direction] = {
    "track_forward": "forward",
    "track_backward": "backward",
    "track_both": "both",
    "track_one_forward": "one_forward",
    "track_one_backward": "one_backward",
}


class TrackingWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(
        self,
        window: MainWindow,
        run: Callable[[str, Callable[[], object]], None],
        choose_tool: Callable[[Tool], None],
        default_effect: Callable[[], str],
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._actions, self._tracking = window.window_actions, window.tracking
        self._choose_tool, self._default_effect = choose_tool, default_effect
        self._start: int | None = None
        for name, direction in _DIRECTIONS.items():
            run(name, partial(self._track, direction))
        run("stop_tracking", self._tracking.stop)
        run("propose_motion", self._tracking.propose_motion)
        run("propose_shadow", self._tracking.propose_shadow)
        run("clear_track", self._tracking.clear_track)
        self._tracking.started.connect(self.refresh)
        self._tracking.progressed.connect(self._on_progress)
        self._tracking.ended.connect(self._on_ended)
        self._tracking.failed.connect(self._on_failed)
        self._tracking.proposed.connect(self._on_proposed)
        window.canvas.gestures.proposal_taken.connect(self._on_taken)
        window.documents.opened.connect(window.track_store.clear)
        window.closing.connect(self._tracking.close)
        for signal in (self._session.project_changed, self._session.selection_changed):
            signal.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Which actions make sense now."""
        running, removal = self._tracking.is_running, self._session.removal
        for name in _DIRECTIONS:
            self._actions[name].setEnabled(removal is not None and not running)
        self._actions["stop_tracking"].setEnabled(running)
        self._actions["propose_motion"].setEnabled(self._session.shot is not None and not running)
        self._actions["propose_shadow"].setEnabled(removal is not None and not running)
        self._actions["clear_track"].setEnabled(removal is not None and not running)

    def _track(self, direction: Direction) -> None:
        self._window.playback.stop()
        self._start = self._session.playhead if direction == "both" else None
        self._tracking.track(direction)
        if self._tracking.is_running:
            self._window.show_tracker()

    def _on_progress(self, live: Live) -> None:
        place = self._session.place
        if live.last is None or place is None:
            return
        self._session.go_to_media_frame(place.shot.id, live.last.frame)
        self._window.picture.show_live(live)

    def _on_ended(self, said: str) -> None:
        self._window.picture.show_live(None)
        if self._start is not None:
            self._session.go_to(self._start)
            self._start = None
        self._window.statusBar().showMessage(said, 4000)
        self.refresh()

    def _on_failed(self, message: str) -> None:
        self._window.notices.problem(tr("It cannot be tracked"), message)

    # --- proposals ----------------------------------------------------------------------------------------------

    def _on_proposed(self, boxes: tuple[RectF, ...], name: str) -> None:
        self._window.canvas.propose(boxes, name)

    def _on_taken(self, rect: RectF | None, name: str, is_last: bool) -> None:
        if rect is not None and name:
            self._add_companion(rect, name)
        elif rect is not None:
            commands.add_removal(self._session, rect, self._default_effect())
        if is_last:
            self._choose_tool(Tool.SELECT)

    def _add_companion(self, rect: RectF, name: str) -> None:
        """A removal beside the selected one, done by the same effect, that moves as that one does."""
        place, removal = self._session.place, self._session.removal
        if place is None or removal is None:
            return
        shape = companion_of(removal.shape, rect, place.media_frame)
        added = replace(removal, id=new_id(), label=name, shape=shape, otio_json="")
        self._session.apply(name, edits.add_removal(self._session.project, place.shot.id, added))
        self._session.select_removal(added.id)


def companion_of(marking: Marking, rect: RectF, frame: int) -> AnimatedRectangle:
    """A box that is ``rect`` on ``frame`` and keeps its place beside what ``marking`` marks, keyed where that is."""
    here = marking.rect_at(frame)
    box = AnimatedRectangle.still(rect, frame)
    if here is None:
        return box
    for key in marking.key_frames:
        there = marking.rect_at(key)
        if there is not None and key != frame:
            dx = (there.x0 + there.x1 - here.x0 - here.x1) / 2
            dy = (there.y0 + there.y1 - here.y0 - here.y1) / 2
            box = box.with_rect(key, rect.shifted(dx, dy))
    return box.with_range(marking.first_frame, marking.last_frame)
