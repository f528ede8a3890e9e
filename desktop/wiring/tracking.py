"""Actions of tracking, what a running track shows in the viewer, and proposals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog

from desktop.base.language import tr
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.tracking import companions
from desktop.tracking.controller import Live
from desktop.tracking.task import Direction
from desktop.viewer.tools.base import Tool
from roi_tools.shapes import RectF

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
        self._selection = window.roto_selection
        self._start: int | None = None
        for name, direction in _DIRECTIONS.items():
            run(name, partial(self._track, direction))
        run("stop_tracking", self._tracking.stop)
        run("propose_motion", self._tracking.propose_motion)
        run("propose_shadow", self._tracking.propose_shadow)
        run("clear_track", self._tracking.clear_track)
        run("link_companion", self._ask_leader)
        run("unlink_companion", self._unlink)
        self._tracking.started.connect(self.refresh)
        self._tracking.progressed.connect(self._on_progress)
        self._tracking.ended.connect(self._on_ended)
        self._tracking.failed.connect(self._on_failed)
        self._tracking.proposed.connect(self._on_proposed)
        window.canvas.gestures.proposal_taken.connect(self._on_taken)
        window.documents.opened.connect(window.track_store.clear)
        self._session.project_changed.connect(self._follow)
        window.closing.connect(self._tracking.close)
        for signal in (self._session.project_changed, self._session.selection_changed):
            signal.connect(self.refresh)
        self._selection.changed.connect(self.refresh)
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
        leader = companions.leader_label(self._session, self._selection)
        self._actions["unlink_companion"].setEnabled(leader is not None)
        self._actions["link_companion"].setEnabled(bool(companions.possible_leaders(self._session, self._selection)))

    def _follow(self) -> None:
        self._window.track_store.follow(self._session.project)

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
            companions.add_companion(self._session, self._selection, rect, name)
        elif rect is not None:
            commands.add_removal(self._session, rect, self._default_effect())
        if is_last:
            self._window.statusBar().clearMessage()
            self._window.tracker.said.clear()
            self._choose_tool(Tool.SELECT)

    # --- links --------------------------------------------------------------------------------------------------

    def _ask_leader(self) -> None:
        """With which of several; there is nothing to ask about one."""
        names = companions.possible_leaders(self._session, self._selection)
        name, agreed = names[0], True
        if len(names) > 1:
            title = tr("Go Along with")
            name, agreed = QInputDialog.getItem(
                self._window, title, tr("Moves whenever this one moves:"), names, 0, False
            )
        if agreed:
            companions.link(self._session, self._selection, names.index(name))

    def _unlink(self) -> None:
        companions.unlink(self._session, self._selection)
