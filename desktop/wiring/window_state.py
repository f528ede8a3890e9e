"""What the window shows of its session: title, frame, media, and which actions make sense now."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from desktop.base.language import tr
from desktop.editing import commands
from desktop.editing.markers import marker_places
from desktop.main_window import MainWindow
from desktop.project.relink import missing_media


class WindowState(QObject):
    """Keeps one window in step with its session; keep it as long as the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._actions = window.window_actions
        for signal in (self._session.project_changed, self._session.selection_changed):
            signal.connect(self.refresh)
        for signal in (self._session.playhead_changed, self._session.document_changed):
            signal.connect(self.refresh)
        window.in_out.changed.connect(self.refresh)
        window.media.probed.connect(self._on_probed)
        window.media.probe_failed.connect(self._on_probe_failed)
        window.renders.started.connect(self.refresh)
        window.renders.ended.connect(self.refresh)
        self.refresh()

    def _on_probe_failed(self, path: str, message: str) -> None:
        self.refresh()

    def _on_probed(self, path: str, info: object) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Show what the session says now."""
        window, session = self._window, self._session
        place = session.place
        window.viewer.show_content(bool(session.project.shots))
        rate = place.shot.media_rate if place else None
        window.viewer.transport.show_frame(session.playhead, session.length_frames, rate)
        if rate:
            window.playback.set_rate(rate)
        self._show_title()
        self._show_media()
        self._enable_actions()

    def _show_title(self) -> None:
        session = self._session
        name = session.path.stem if session.path else tr("Untitled")
        self._window.setWindowTitle(f"{name}[*] – Grayplate")
        self._window.setWindowModified(session.is_modified)

    def _show_media(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if info is None:
            self._window.media_label.setText("")
            return
        from timeline.time import rate_text

        parts = [str(info.size).replace("x", " × "), f"{rate_text(info.rate)} fps", info.format.name]
        if info.color.primaries:
            parts.append(info.color.primaries)
        self._window.media_label.setText("   ·   ".join(parts))
        self._window.media_label.setToolTip(info.path)

    def _enable_actions(self) -> None:
        session, actions = self._session, self._actions
        has_shot, removal = bool(session.project.shots), session.removal
        rendering = self._window.renders.active is not None
        for name in _NEED_SHOT:
            actions[name].setEnabled(has_shot)
        for name in _NEED_REMOVAL:
            actions[name].setEnabled(removal is not None)
        actions["toggle_removal"].setChecked(removal is not None and removal.enabled)
        markers = [place.frame for place in marker_places(session.project)]
        for name in ("edit_marker", "delete_marker"):
            actions[name].setEnabled(session.playhead in markers)
        actions["previous_marker"].setEnabled(any(frame < session.playhead for frame in markers))
        actions["next_marker"].setEnabled(any(frame > session.playhead for frame in markers))
        place = session.place
        keyed = place is not None and removal is not None and place.media_frame in removal.shape.key_frames
        actions["hold_key"].setEnabled(keyed)
        actions["hold_key"].setChecked(commands.holds(session))
        actions["delete_key"].setEnabled(commands.can_delete_keyframe(session))
        actions["render"].setEnabled(has_shot)
        actions["render_take"].setEnabled(has_shot)
        actions["export"].setEnabled(has_shot)
        actions["cancel"].setEnabled(rendering)
        marked = session.shot is not None and self._window.in_out.range_of(session.shot) is not None
        actions["clear_marks"].setEnabled(marked)
        actions["render_range"].setEnabled(marked)
        actions["paste"].setEnabled(has_shot and not self._window.clipboard.is_empty)
        actions["find_media"].setEnabled(bool(missing_media(session, self._window.media)))
        self._window.render_panel.render_button.setEnabled(has_shot)
        _show_step(actions["undo"], tr("Undo"), session.undo_label)
        _show_step(actions["redo"], tr("Redo"), session.redo_label)


_NEED_SHOT = (
    *("save", "save_as", "fit", "actual_size", "zoom_in", "zoom_out", "compare", "wipe", "overlays", "matte"),
    *(
        "side_by_side",
        "difference",
        "onion",
        "safe_areas",
        "timeline_fit",
        "play",
        "play_backward",
        "stop",
        "play_forward",
        "step_back",
        "step_forward",
        "back_10",
    ),
    *("forward_10", "previous_shot", "next_shot", "to_start", "to_end", "split_shot", "detect_cuts", "rename_shot"),
    *("mark_in", "mark_out", "trim_start", "trim_end", "relink"),
    *("add_marker", "next_track", "snap"),
    *("remove_shot", "select_tool", "box_tool", "add_removal"),
    *("bezier_tool", "bspline_tool", "ellipse_tool", "rectangle_tool", "stroke_tool", "brush_tool", "click_tool"),
)
_NEED_REMOVAL = (
    *("previous_key", "next_key", "copy", "duplicate_removal", "rename_removal", "toggle_removal", "delete_removal"),
    *("toggle_key", "start_here", "end_here"),
)


def _show_step(action: QAction, verb: str, label: str | None) -> None:
    action.setEnabled(label is not None)
    text = tr("{verb} {step}").format(verb=verb, step=label) if label else verb
    action.setText(text)
    action.setToolTip(f"{text} ({action.shortcut().toString()})")
