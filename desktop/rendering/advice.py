"""What the engine has to say of the selected removal before it is rendered: warnings, time, memory."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.base.errors import NothingToRenderError
from desktop.editing.session import Session
from desktop.media.media_service import MediaService
from desktop.rendering.engine_bridge import EngineBridge
from desktop.rendering.request import render_request
from engine.protocol import PassPreflight, Preflight, RenderRequest
from timeline.removal import Removal

SETTLE_MS = 400
"""A drag asks once, when the hand rests."""


class RenderAdvice(QObject):
    """Asks again whenever the removal, its shot or its media change; never on the UI thread."""

    changed = Signal()
    """Another :attr:`advice`."""

    def __init__(
        self, session: Session, media: MediaService, bridge: EngineBridge, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._media, self._bridge = session, media, bridge
        self.advice: PassPreflight | None = None
        """Of the selected removal; None where nothing is known (yet)."""
        self._asked: RenderRequest | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.ask_now)
        session.project_changed.connect(self._ask_soon)
        session.selection_changed.connect(self._ask_for_another)
        media.probed.connect(lambda *_: self._ask_soon())
        bridge.connected.connect(self.ask_afresh)

    def ask_now(self) -> None:
        """Ask without waiting for the hand to rest."""
        self._timer.stop()
        request = self._request()
        if request == self._asked:
            return
        self._asked = request
        if request is None or not self._bridge.is_connected:
            self._set(None)
            return
        self._bridge.ask(
            lambda engine: engine.preflight(request),
            lambda answer: self._on_answer(request, answer),
            lambda _: self._on_answer(request, None),
        )

    def _request(self) -> RenderRequest | None:
        """The pass that the selected removal renders in, with those that share it, and nothing else."""
        shot, removal = self._session.shot, self._session.removal
        info = self._media.info(shot.media_path) if shot else None
        if shot is None or removal is None or info is None or not removal.enabled:
            return None
        alike = [other for other in shot.removals if other.enabled and _settings(other) == _settings(removal)]
        with suppress(NothingToRenderError):
            return render_request(replace(shot, removals=tuple(alike)), info)
        return None

    def _ask_soon(self) -> None:
        self._timer.start()

    def _ask_for_another(self) -> None:
        self._set(None)
        self._asked = None
        self._timer.start()

    def ask_afresh(self) -> None:
        """Ask again although nothing changed: a render has taught the engine how fast this machine is."""
        self._asked = None
        self._timer.start()

    def _on_answer(self, request: RenderRequest, answer: Preflight | None) -> None:
        if request is self._asked:  # otherwise a newer question is on its way
            self._set(answer.passes[0] if answer else None)

    def _set(self, advice: PassPreflight | None) -> None:
        if advice != self.advice:
            self.advice = advice
            self.changed.emit()


def _settings(removal: Removal) -> tuple[object, ...]:
    """Removals that have these in common are rendered as one pass."""
    return removal.effect, removal.parameters, removal.parameter_tracks
