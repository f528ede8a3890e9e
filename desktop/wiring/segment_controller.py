"""Click to matte: prompts to the engine, outlines back; the last answer counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QObject, Signal

from desktop.base.language import tr
from desktop.base.messages import told
from desktop.base.notices import sentence
from desktop.base.ui_thread import UiThread
from desktop.editing.session import Session
from desktop.rendering.engine_bridge import Engine, EngineBridge
from desktop.viewer.tools.click_tool import Outline, Prompts
from engine.errors import WeightsError
from engine.protocol import FrameRange, MediaSource, SegmentFrame, SegmentProgress, SegmentPrompt, SegmentRequest
from roi_tools.roto.model import Shape
from timeline.media.info import MediaInfo
from timeline.shot import Shot

_ERROR_PX = 1.0
T = TypeVar("T")


class SegmentController(QObject):
    """Asks for one object at a time; a newer question gives the one before up."""

    found = Signal(object)
    """Outlines (tuple of (n, 2) arrays) on the frame of the prompts."""
    said = Signal(str)
    """How far it is."""
    accepted = Signal(object)
    """Shapes (tuple of Shape) through the whole shot."""
    failed = Signal(str)
    """One line."""
    needs_model = Signal(str)
    """In place of :attr:`failed`, where a model is missing or does not fit."""

    def __init__(self, session: Session, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._bridge = session, bridge
        self._ui = UiThread(self)
        self._cancel = threading.Event()

    def preview(self, shot: Shot, info: MediaInfo, prompts: Prompts) -> None:
        """Look for the object on the frame of the prompts; :attr:`found` or :attr:`failed` follows."""
        frames = FrameRange(start=prompts.frame, end_exclusive=prompts.frame + 1)
        request = request_of(shot, info, prompts, frames)
        self._ask(tr("Looking for it …"), partial(self._collect, request), self._on_preview)

    def accept(self, shot: Shot, info: MediaInfo, prompts: Prompts) -> None:
        """Follow the object through the shot; :attr:`accepted` or :attr:`failed` follows."""
        frames = FrameRange(start=shot.source_start, end_exclusive=shot.source_end_exclusive)
        request = request_of(shot, info, prompts, frames)
        self._ask(tr("Following it through the shot …"), partial(self._shapes, request), self._on_shapes)

    def cancel(self) -> None:
        """Give up what is being looked for."""
        self._cancel.set()

    def _ask(self, said: str, question: Callable[[threading.Event, Engine], T], answered: Callable[[T], None]) -> None:
        self.cancel()
        cancel = self._cancel = threading.Event()
        self.said.emit(said)

        def still(call: Callable[[], object]) -> None:
            if not cancel.is_set():
                call()

        lacks_model = threading.Event()

        def asked(engine: Engine) -> T:
            try:
                return question(cancel, engine)
            except WeightsError:
                lacks_model.set()
                raise

        self._bridge.ask(
            asked,
            lambda answer: still(partial(answered, answer)),
            lambda message: still(partial(self._on_failed, message, lacks_model.is_set())),
        )

    # --- on the bridge's thread ---------------------------------------------------------------------------------

    def _collect(
        self, request: SegmentRequest, cancel: threading.Event, engine: Engine
    ) -> dict[int, tuple[Outline, ...]]:
        """All frames, the newest answer of each."""
        frames: dict[int, tuple[Outline, ...]] = {}
        for event in engine.segment(request, cancel.is_set):
            if isinstance(event, SegmentFrame):
                frames[event.frame] = outlines_of_event(event)
            elif isinstance(event, SegmentProgress) and not cancel.is_set():
                text = tr("{done} of {total} frames").format(done=event.done, total=event.total)
                self._ui.post(partial(self.said.emit, sentence(told(event.message)) or text))
        return frames

    def _shapes(self, request: SegmentRequest, cancel: threading.Event, engine: Engine) -> tuple[Shape, ...]:
        from roi_tools.roto.from_outlines import shapes_from_outlines  # loads OpenCV

        return shapes_from_outlines(self._collect(request, cancel, engine), tr("Matte"), _ERROR_PX)

    # --- on the UI thread ---------------------------------------------------------------------------------------

    def _on_preview(self, frames: dict[int, tuple[Outline, ...]]) -> None:
        outlines = next(iter(frames.values()), ())
        self.said.emit("" if outlines else tr("Nothing was found there; click on the middle of it"))
        self.found.emit(outlines)

    def _on_shapes(self, shapes: tuple[Shape, ...]) -> None:
        if shapes:
            self.said.emit("")
            self.accepted.emit(shapes)
        else:
            self._on_failed(tr("it was found on no frame; click on the middle of it"))

    def _on_failed(self, message: str, lacks_model: bool = False) -> None:
        self.said.emit("")
        (self.needs_model if lacks_model else self.failed).emit(message)


def request_of(shot: Shot, info: MediaInfo, prompts: Prompts, frames: FrameRange) -> SegmentRequest:
    """What the engine is asked."""
    rate = None if info.kind == "movie" else f"{info.rate.numerator}/{info.rate.denominator}"
    prompt = SegmentPrompt(
        frame=prompts.frame,
        positive=tuple((click.x, click.y) for click in prompts.clicks if click.positive),
        negative=tuple((click.x, click.y) for click in prompts.clicks if not click.positive),
        box=prompts.box.as_tuple() if prompts.box else None,
    )
    return SegmentRequest(
        source=MediaSource(path=shot.media_path, rate=rate), frames=frames, prompts=(prompt,), error_px=_ERROR_PX
    )


def outlines_of_event(event: SegmentFrame) -> tuple[Outline, ...]:
    """The outlines of a frame as arrays; holes run the other way round."""
    return tuple(np.array(outline, np.float64) for outline in event.outlines if len(outline) >= 3)
