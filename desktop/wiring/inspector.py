"""Presets, warnings and forecasts in the inspector, and doing a stretch of a result again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog

from desktop.base.language import tr
from desktop.editing.parameter_commands import preset_values
from desktop.editing.redo import redo_changes, redo_frames
from desktop.main_window import MainWindow
from desktop.rendering.advice import RenderAdvice
from desktop.rendering.preset_store import PresetStore
from desktop.rendering.queue import RenderState
from engine.protocol import EffectDescriptor, Preset
from timeline.removal import Removal


class InspectorWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(self, window: MainWindow, run: Callable[[str, Callable[[], object]], None]) -> None:
        super().__init__(window)
        self._window, self._session, inspector = window, window.session, window.inspector
        self._effects: dict[str, EffectDescriptor] = {}
        self.presets = PresetStore(window.bridge, self)
        self.presets.changed.connect(lambda: inspector.set_presets(self.presets.presets))
        self.presets.saved.connect(self._on_saved)
        self.presets.failed.connect(lambda line: window.notices.problem(tr("The preset was not changed"), line))
        inspector.keep_preset_asked.connect(self._ask_name)
        inspector.delete_preset_asked.connect(self._ask_to_delete)
        self.advice = RenderAdvice(window.session, window.media, window.bridge, self)
        self.advice.changed.connect(self._on_advice)
        window.renders.finished.connect(lambda _: self.advice.ask_afresh())
        window.bridge.connected.connect(self._on_connected)
        window.session.selection_changed.connect(self._show_redo)
        window.session.project_changed.connect(self._show_redo)
        window.session.playhead_changed.connect(self._show_redo)
        window.in_out.changed.connect(self._show_redo)
        run("redo_range", self._redo_range)
        self._show_redo()

    def _on_connected(self, effects: tuple[EffectDescriptor, ...]) -> None:
        self._effects = {effect.identifier: effect for effect in effects}
        self._show_redo()

    def _on_advice(self) -> None:
        self._window.inspector.advice.show_advice(self.advice.advice)
        self._show_redo()

    # --- presets ------------------------------------------------------------------------------------------------

    def _ask_name(self, effect: EffectDescriptor, removal: Removal) -> None:
        name, agreed = QInputDialog.getText(
            self._window, tr("Keep as a Preset"), tr("Name; an own preset of this name is replaced:")
        )
        if agreed:
            self.presets.save(effect.identifier, name, preset_values(effect, removal))

    def _on_saved(self, name: str) -> None:
        self._window.statusBar().showMessage(tr("Preset '{name}' kept").format(name=name), 4000)

    def _ask_to_delete(self, preset: Preset) -> None:
        self._window.notices.ask(
            tr("Delete the preset '{name}'?").format(name=preset.name),
            tr("Removals that were made with it keep their values."),
            {tr("Delete"): lambda: self.presets.delete(preset), tr("Keep"): _do_nothing},
        )

    # --- doing it again -----------------------------------------------------------------------------------------

    def _show_redo(self) -> None:
        removal = self._session.removal
        can = removal is not None and removal.effect in self._effects and self._frames_to_redo() is not None
        self._window.window_actions["redo_range"].setEnabled(can)

    def _frames_to_redo(self) -> range | None:
        """From in to out; without marks the context window under the playhead that reaches the farthest around it."""
        shot, place = self._session.shot, self._session.place
        marked = self._window.in_out.range_of(shot) if shot else None
        if marked is not None or place is None or self.advice.advice is None:
            return marked
        frame = place.media_frame
        around = [window.as_range() for window in self.advice.advice.windows if frame in window.as_range()]
        return max(around, key=lambda window: min(frame - window.start, window.stop - frame), default=None)

    def _redo_range(self) -> None:
        shot, removal = self._session.shot, self._session.removal
        frames = self._frames_to_redo()
        effect = self._effects.get(removal.effect) if removal else None
        info = self._window.media.info(shot.media_path) if shot else None
        if shot is None or effect is None or frames is None or info is None:
            return
        differs = redo_changes(effect, removal.parameters).items() - removal.parameters.items() if removal else ()
        redo_frames(self._session, effect, frames)
        changed = self._session.shot
        if not differs:  # it would cost a render to see the same again
            text = tr("Change a setting for these frames, then render: as it is, {effect} would do the same again")
            self._window.statusBar().showMessage(text.format(effect=tr(effect.label)), 8000)
        elif changed is not None:
            self._window.renders.start(changed, info, self._rendered_before(shot.id, frames), new_take=True)

    def _rendered_before(self, shot_id: str, frames: range) -> range | None:
        """The frames of the newest finished render that has ``frames`` among them: its passes need not be done anew."""
        for entry in reversed(self._window.renders.queue.entries):
            rendered = entry.request.frames.as_range()
            if entry.shot_id == shot_id and entry.state is RenderState.DONE and set(frames) <= set(rendered):
                return rendered
        return None


def _do_nothing() -> None:
    """The preset stays."""
