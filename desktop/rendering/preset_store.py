"""The presets that the engine keeps, for the inspector."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal

from desktop.rendering.engine_bridge import Engine, EngineBridge
from engine.protocol import ParameterValue, Preset


class PresetStore(QObject):
    """Asks for all presets once the engine answers, and again after each change."""

    changed = Signal()
    """Other presets are there."""
    saved = Signal(str)
    """A person's preset of this name is kept."""
    failed = Signal(str)
    """One line: why a preset was not kept or deleted."""

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.presets: tuple[Preset, ...] = ()
        bridge.connected.connect(self._refresh)

    def save(self, effect: str, name: str, parameters: Mapping[str, ParameterValue]) -> None:
        """Keep these values under a name; an own preset of the same name is replaced."""
        preset = Preset(name=name.strip()[:80] or " ", effect=effect, parameters=dict(parameters))

        def kept(engine: Engine) -> tuple[Preset, ...]:
            engine.save_preset(preset)
            return engine.presets()

        self._bridge.ask(kept, self._then(lambda: self.saved.emit(preset.name)), self.failed.emit)

    def delete(self, preset: Preset) -> None:
        """Forget one of a person's own."""

        def left(engine: Engine) -> tuple[Preset, ...]:
            engine.delete_preset(preset.effect, preset.name)
            return engine.presets()

        self._bridge.ask(left, self._set, self.failed.emit)

    def _refresh(self) -> None:
        self._bridge.ask(lambda engine: engine.presets(), self._set, self.failed.emit)

    def _then(self, after: Callable[[], None]) -> Callable[[tuple[Preset, ...]], None]:
        def both(presets: tuple[Preset, ...]) -> None:
            self._set(presets)
            after()

        return both

    def _set(self, presets: tuple[Preset, ...]) -> None:
        self.presets = presets
        self.changed.emit()
