"""What the parts of the main window do together: actions to commands, signals to what shows them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QInputDialog

from desktop.base import paths, theme
from desktop.base.errors import NothingToRenderError
from desktop.base.language import tr
from desktop.base.last_folders import last_folder, remember_folder
from desktop.dialogs.export_dialog import ExportDialog
from desktop.editing import commands
from desktop.main_window import MainWindow
from desktop.media.cut_finder import CutFinder
from desktop.rendering.request import render_request
from desktop.viewer.tools.base import Tool
from desktop.wiring.color import ColorMenus
from desktop.wiring.context_menus import ContextMenus
from desktop.wiring.edit import EditWiring
from desktop.wiring.help import HelpWiring
from desktop.wiring.inspector import InspectorWiring
from desktop.wiring.models import TO_CLICK, TO_PAINT, ModelsWiring
from desktop.wiring.preferences import PreferencesWiring
from desktop.wiring.proxy import ProxyWiring
from desktop.wiring.queue import QueueWiring
from desktop.wiring.quick_look import QuickLookWiring
from desktop.wiring.roi import RoiWiring
from desktop.wiring.roto import RotoWiring
from desktop.wiring.segment import SegmentWiring
from desktop.wiring.strip import StripWiring
from desktop.wiring.tracking import TrackingWiring
from desktop.wiring.view import ViewWiring
from desktop.wiring.window_state import WindowState
from engine.protocol import EffectDescriptor, Job, ProgressEvent
from roi_tools.errors import RoiError
from roi_tools.shapes import RectF
from timeline.errors import TimelineError

ZOOM_STEP = 1.25
_ENGINE_PROBLEM = "The render engine does not answer"
_NO_ENGINE = "The engine is not running"


class WindowWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._actions = window.window_actions
        self._cuts = CutFinder(self)
        self._following = False
        self._followed_from = 0
        self._connect_files()
        self._connect_edits()
        self._connect_view()
        self._connect_playback()
        self._connect_render()
        self._connect_parts()
        self._edits = EditWiring(window, self._on)
        self._view = ViewWiring(window, self._on)
        self._roto = RotoWiring(window, self._on, self._default_effect)
        self.roi = RoiWiring(window, self._on, self._default_effect)
        self._segments = SegmentWiring(window, self._roto.choose_tool, self._default_effect)
        self._tracking = TrackingWiring(window, self._on, self._roto.choose_tool, self._default_effect)
        self._queue = QueueWiring(window, self._on)
        self._inspector = InspectorWiring(window, self._on)
        self._strip = StripWiring(window, self._on)
        self._proxies = ProxyWiring(window, self._on)
        self._quick_look = QuickLookWiring(window)
        self._color = ColorMenus(window)
        self._preferences = PreferencesWiring(window, self._color, self._on)
        self.models = ModelsWiring(window, self._preferences, self._inspector.advice.ask_afresh, self._on)
        self._segments.segments.needs_model.connect(self._on_no_segment_model)
        self.help = HelpWiring(window, self._on)
        self._state = WindowState(window)
        self.menus = ContextMenus(window)

    def _on(self, name: str, slot: Callable[[], object]) -> None:
        self._actions[name].triggered.connect(lambda _=False: self._try(slot))

    def _try(self, slot: Callable[[], object]) -> None:
        """Run what a person asked for; an edit that does not apply is a message, and changed nothing."""
        try:
            slot()
        except (TimelineError, RoiError) as error:
            self._window.notices.problem(tr("That cannot be done here"), str(error))

    # --- actions ------------------------------------------------------------------------------------------------

    def _connect_files(self) -> None:
        window, documents = self._window, self._window.documents
        self._on("new", documents.new_project)
        self._on("open_project", self._ask_project)
        self._on("open_media", self._ask_media)
        self._on("open_sequence", self._ask_sequence)
        self._on("save", documents.save)
        self._on("save_as", documents.save_as)
        self._on("export", self._export)
        self._on("quit", window.close)
        self._on("show_log", self._show_log)
        window.viewer.empty.open_media.connect(self._ask_media)
        window.viewer.empty.open_project.connect(self._ask_project)
        documents.opened.connect(self._on_opened)
        documents.media_sought.connect(window.relinker.search_for)
        documents.said.connect(lambda text: window.statusBar().showMessage(text, 4000))

    def _connect_edits(self) -> None:
        session = self._session
        self._on("undo", session.undo)
        self._on("redo", session.redo)
        self._on("split_shot", lambda: commands.split_shot(session))
        self._on("detect_cuts", self._detect_cuts)
        self._on("rename_shot", self._rename_shot)
        self._on("remove_shot", lambda: commands.remove_shot(session))
        self._on("add_removal", self._add_removal)
        self._on("duplicate_removal", lambda: commands.duplicate_removal(session))
        self._on("rename_removal", self._window.removals.rename_selected)
        self._on("toggle_removal", self._toggle_removal)
        self._on("delete_removal", lambda: commands.delete_removal(session))
        self._on("toggle_key", lambda: commands.toggle_keyframe(session))
        self._on("delete_key", lambda: commands.delete_keyframe(session))
        self._on("hold_key", lambda: commands.toggle_hold(session))
        self._on("start_here", lambda: commands.start_here(session))
        self._on("end_here", lambda: commands.end_here(session))

    def _connect_view(self) -> None:
        canvas = self._window.canvas
        self._on("fit", canvas.fit)
        self._on("actual_size", canvas.actual_size)
        self._on("zoom_in", lambda: canvas.zoom_by(ZOOM_STEP))
        self._on("zoom_out", lambda: canvas.zoom_by(1 / ZOOM_STEP))
        self._on("timeline_fit", self._window.strip.zoom_to_fit)
        self._on("reset_layout", self._window.reset_layout)
        self._actions["overlays"].setChecked(True)
        self._actions["overlays"].toggled.connect(canvas.set_overlays)
        self._actions["matte"].toggled.connect(canvas.set_matte)

    def _connect_playback(self) -> None:
        playback, session = self._window.playback, self._session
        for name, slot in (
            ("play", playback.toggle),
            ("play_forward", playback.forward),
            ("play_backward", playback.backward),
            ("stop", playback.stop),
        ):
            self._on(name, slot)
        for name, step in (("step_back", -1), ("step_forward", 1), ("back_10", -10), ("forward_10", 10)):
            self._on(name, partial(self._step, step))
        self._on("to_start", lambda: self._go(0))
        self._on("go_to_frame", self._window.viewer.transport.edit_frame)
        self._on("to_end", lambda: self._go(session.length_frames - 1))
        for name, direction in (("previous", -1), ("next", 1)):
            self._on(f"{name}_key", partial(self._move, commands.go_to_neighbour_key, direction))
            self._on(f"{name}_shot", partial(self._move, commands.go_to_neighbour_shot, direction))
        playback.changed.connect(self._show_playing)
        self._window.strip.scrubbed.connect(self._go)
        self._window.viewer.transport.frame_entered.connect(self._on_frame_entered)

    def _connect_render(self) -> None:
        panel, renders, bridge = self._window.render_panel, self._window.renders, self._window.bridge
        self._on("render", self._render)
        self._on("render_range", self._render_range)
        self._on("cancel", self._cancel)
        self._on("reconnect", self._reconnect)
        panel.render_button.clicked.connect(self._render)
        panel.cancel_button.clicked.connect(self._cancel)
        renders.started.connect(panel.show_started)
        renders.started.connect(self._on_render_started)
        renders.progressed.connect(self._on_progress)
        renders.frame_arrived.connect(self._on_frame_arrived)
        renders.warned.connect(lambda text: panel.log("warning", text))
        renders.finished.connect(self._on_finished)
        renders.restored.connect(
            lambda count: panel.show_idle(tr("{count} frames rendered before").format(count=count))
        )
        renders.failed.connect(self._on_failed)
        renders.cancelled.connect(panel.show_cancelled)
        bridge.connected.connect(self._on_effects)
        bridge.unavailable.connect(self._on_engine_lost)

    def _connect_parts(self) -> None:
        window, session = self._window, self._session
        window.strip.removal_clicked.connect(session.select_removal)
        window.canvas.grabbed.connect(self._hold_playhead)
        window.picture.box_drawn.connect(self._on_box_drawn)
        window.picture.probe_text.connect(window.probe_label.setText)
        self._cuts.found.connect(self._on_cuts)
        self._cuts.progressed.connect(self._on_cuts_progress)
        self._cuts.failed.connect(lambda line: window.notices.problem(tr("Cuts cannot be detected"), line))
        self._show_engine(tr("Engine: starting …"), theme.TEXT_DIM)

    # --- files --------------------------------------------------------------------------------------------------

    def _ask_project(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            tr("Open Project"),
            last_folder("projects", self._folder()),
            tr("Projects and timelines (*.otio *.xml *.fcpxml *.edl);;All files (*)"),
        )
        if path:
            remember_folder("projects", path)
            self._window.documents.open_project(Path(path))

    def _ask_media(self) -> None:
        start = last_folder("media", self._folder())
        found, _ = QFileDialog.getOpenFileNames(self._window, tr("Add Media"), start, tr("All files (*)"))
        if found:
            remember_folder("media", found[0])
        self._window.documents.add_media(found)

    def _ask_sequence(self) -> None:
        start = last_folder("media", self._folder())
        folder = QFileDialog.getExistingDirectory(self._window, tr("Add a Folder of Frames"), start)
        if folder:
            remember_folder("media", Path(folder).parent)
            self._window.documents.add_media([folder])

    def _folder(self) -> str:
        shot = self._session.shot
        return str(Path(shot.media_path).parent) if shot else str(Path.home())

    def _on_opened(self) -> None:
        if self._window.bridge.is_connected and not self._window.renders.is_busy:
            self._window.render_panel.show_idle(tr("Ready to render"))
        self._window.canvas.setFocus()
        self._window.canvas.fit()
        self._window.strip.zoom_to_fit()

    def _show_log(self) -> None:
        paths.log_file().touch()
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths.log_file())))

    # --- edits --------------------------------------------------------------------------------------------------

    def _on_box_drawn(self, rect: RectF) -> None:
        commands.add_removal(self._session, rect, self._default_effect())
        self._roto.choose_tool(Tool.SELECT)

    def _add_removal(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if info:
            commands.add_removal(self._session, commands.default_rect(info.size), self._default_effect())

    def _default_effect(self) -> str:
        """The effect that was chosen last in this shot, else the one that needs no weights."""
        shot = self._session.shot
        return shot.removals[-1].effect if shot and shot.removals else "clean-plate"

    def _toggle_removal(self) -> None:
        removal = self._session.removal
        if removal:
            commands.set_enabled(self._session, removal.id, not removal.enabled)

    def _rename_shot(self) -> None:
        shot = self._session.shot
        if shot:
            name, agreed = QInputDialog.getText(self._window, tr("Rename Shot"), tr("Name"), text=shot.name)
            if agreed:
                commands.rename_shot(self._session, name)

    def _detect_cuts(self) -> None:
        shot = self._session.shot
        if shot and not self._cuts.is_running:
            self._cuts.start(shot)

    def _on_cuts_progress(self, done: int, total: int) -> None:
        self._window.statusBar().showMessage(
            tr("Detecting cuts: {done} of {total} frames").format(done=done, total=total)
        )

    def _on_cuts(self, shot_id: str, cuts: list[int]) -> None:
        count = commands.split_at_cuts(self._session, shot_id, cuts)
        self._window.statusBar().showMessage(
            tr("{count} cuts found").format(count=count) if count else tr("No cuts found"), 4000
        )

    # --- view and playback --------------------------------------------------------------------------------------

    def _go(self, frame: int) -> None:
        self._hold_playhead()
        self._session.go_to(frame)

    def _hold_playhead(self) -> None:
        """A person has taken over: nothing else moves the playhead for now."""
        self._window.playback.stop()
        self._following = False

    def _step(self, frames: int) -> None:
        self._go(self._session.playhead + frames)

    def _move(self, command: Callable[..., None], direction: int) -> None:
        self._hold_playhead()
        command(self._session, direction)

    def _on_frame_entered(self, frame: int) -> None:
        self._go(frame)
        self._window.canvas.setFocus()

    def _show_playing(self) -> None:
        from desktop.base.icons import icon

        playing = self._window.playback.is_playing
        self._actions["play"].setIcon(icon("pause" if playing else "play"))
        speed = self._window.playback.speed
        self._window.statusBar().showMessage(
            tr("Playing at {speed}x").format(speed=speed) if abs(speed) > 1 else "", 2000
        )

    # --- render -------------------------------------------------------------------------------------------------

    def _render(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if shot and info:
            self._window.renders.start(shot, info)

    def _render_range(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if shot and info:
            self._window.renders.start(shot, info, self._window.in_out.range_of(shot))

    def _export(self) -> None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        if not (shot and info):
            return
        try:
            render_request(shot, info)
        except NothingToRenderError as error:  # said before anything is filled in
            self._window.notices.problem(tr("There is nothing to export"), str(error))
            return
        frames = self._window.in_out.range_of(shot)
        start = Path(last_folder("exports", self._folder()))
        dialog = ExportDialog(shot, info, start, self._window, frames=frames)
        dialog.accepted.connect(lambda: self._window.renders.start(shot, info, dialog.frames, dialog.output))
        dialog.accepted.connect(lambda: remember_folder("exports", dialog.output.path))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _cancel(self) -> None:
        if self._window.renders.active:
            self._window.render_panel.show_cancelling()
            self._window.renders.cancel()

    def _on_render_started(self) -> None:
        active = self._window.renders.active
        self._following = self._window.render_panel.follow.isChecked() and not (active and active.is_replay)

        self._followed_from = self._session.playhead

    def _on_progress(self, event: ProgressEvent) -> None:
        active = self._window.renders.active
        if active and not active.cancelled:
            self._window.render_panel.show_progress(event)

    def _on_frame_arrived(self, shot_id: str, frame: int) -> None:
        if self._following and not self._window.playback.is_playing:
            self._session.go_to_media_frame(shot_id, frame)

    def _on_finished(self, job: Job) -> None:
        self._window.render_panel.show_finished(job)
        if self._following:  # back to where one was when it began
            self._following = False
            self._session.go_to(self._followed_from)
        if job.request.output is not None:
            self._window.render_panel.log("done", tr("Wrote {path}").format(path=job.request.output.path))
            self._window.statusBar().showMessage(tr("Wrote {path}").format(path=job.request.output.path), 8000)

    def _on_failed(self, message: str, about: str) -> None:
        self._window.render_panel.show_failed(message)
        answers = {tr("Models …"): partial(self.models.open, TO_PAINT)} if about == "models" else None
        self._window.notices.problem(tr("The shot was not rendered"), message, answers=answers)

    def _on_no_segment_model(self, message: str) -> None:
        answers = {tr("Models …"): partial(self.models.open, TO_CLICK)}
        self._window.notices.problem(tr("Click to matte cannot look for it"), message, answers=answers)

    def _on_effects(self, effects: tuple[EffectDescriptor, ...]) -> None:
        window = self._window
        window.inspector.set_effects(effects)
        labels = {effect.identifier: tr(effect.label) for effect in effects}
        window.removals.set_effect_labels(labels)
        window.takes.set_effects(effects)
        window.picture.set_grow_defaults(_grow_defaults(effects))
        window.results.set_effects(effects)
        window.notices.dismiss(tr(_ENGINE_PROBLEM))
        if window.render_panel.status_text == tr(_NO_ENGINE):
            window.render_panel.show_idle(tr("Ready to render"))
        self._show_engine(tr("Engine ready"), theme.READY)

    def _on_engine_lost(self, message: str) -> None:
        self._show_engine(tr("Engine not running"), theme.FAILED)
        if self._window.renders.active is None:
            self._window.render_panel.show_idle(tr(_NO_ENGINE))
        self._window.render_panel.log("error", message)
        self._window.notices.problem(tr(_ENGINE_PROBLEM), message, retry=self._reconnect)

    def _reconnect(self) -> None:
        self._show_engine(tr("Engine: starting …"), theme.TEXT_DIM)
        self._window.bridge.start()

    def _show_engine(self, text: str, color: str) -> None:
        self._window.engine_label.setText(f"<span style='color:{color}'>●</span>&nbsp; {text}")


def _grow_defaults(effects: tuple[EffectDescriptor, ...]) -> dict[str, float]:
    return {
        effect.identifier: float(parameter.default)
        for effect in effects
        for parameter in effect.parameters
        if parameter.name == "grow_px"
    }
