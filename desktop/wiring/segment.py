"""Connects click to matte: the tool's clicks, the engine's answers, the shapes that come of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject

from desktop.base.language import tr
from desktop.main_window import MainWindow
from desktop.roto import commands as roto_commands
from desktop.viewer.tools.base import Tool
from desktop.viewer.tools.click_tool import Outline, Prompts
from desktop.wiring.segment_controller import SegmentController
from roi_tools.roto.model import RotoLayer, Shape
from timeline.media.info import MediaInfo
from timeline.shot import Shot

PROBLEM = "Click to matte cannot look for it"


class SegmentWiring(QObject):
    """Connects one main window; keep it as long as the window."""

    def __init__(
        self, window: MainWindow, choose_tool: Callable[[Tool], None], default_effect: Callable[[], str]
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._choose_tool, self._default_effect = choose_tool, default_effect
        self.segments = SegmentController(window.session, window.bridge, self)
        self._outlines: tuple[Outline, ...] = ()
        window.canvas.gestures.prompted.connect(self._on_prompted)
        window.canvas.gestures.prompts_accepted.connect(self._on_accepted_prompts)
        self.segments.found.connect(self._on_found)
        self.segments.said.connect(self._on_said)
        self.segments.accepted.connect(self._on_shapes)
        self.segments.failed.connect(self._on_failed)
        window.closing.connect(self.segments.cancel)

    def _here(self) -> tuple[Shot, MediaInfo] | None:
        shot = self._session.shot
        info = self._window.media.info(shot.media_path) if shot else None
        return (shot, info) if shot and info else None

    def _on_prompted(self, prompts: Prompts | None) -> None:
        here = self._here()
        if here is None or prompts is None or not prompts.shows_object:
            self.segments.cancel()
            self._on_found(())
        else:
            self.segments.preview(*here, prompts)

    def _on_accepted_prompts(self, prompts: Prompts) -> None:
        here = self._here()
        if here is not None and prompts.shows_object:
            self.segments.accept(*here, prompts)

    def _on_found(self, outlines: tuple[Outline, ...]) -> None:
        self._outlines = outlines
        self._window.canvas.show_found(outlines, "")

    def _on_said(self, said: str) -> None:
        self._window.canvas.show_found(self._outlines, said)

    def _on_shapes(self, shapes: tuple[Shape, ...]) -> None:
        colors = roto_commands.COLORS
        layer = RotoLayer("roto", tuple(_colored(shape, colors[n % len(colors)]) for n, shape in enumerate(shapes)))
        self._choose_tool(Tool.SELECT)
        roto_commands.add_roto(self._session, layer, self._default_effect())
        self._window.roto_selection.select(shapes[0].label)
        self._window.show_shapes()

    def _on_failed(self, message: str) -> None:
        self._window.notices.problem(tr(PROBLEM), message)


def _colored(shape: Shape, color: tuple[float, float, float]) -> Shape:
    return replace(shape, color=color)
