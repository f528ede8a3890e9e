"""Keeps the picture in step: the frame under the playhead, its boxes, its badge, and the pixel under the cursor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor, QImage

from desktop.base import theme
from desktop.base.language import tr
from desktop.base.messages import told
from desktop.base.notices import sentence
from desktop.editing import commands
from desktop.editing.session import Session
from desktop.editing.timeline_map import Place, place_at
from desktop.media.color_view import ColorView
from desktop.media.display import NEUTRAL, DisplayFrame, FrameRequest, ProxyUse
from desktop.media.look import Look
from desktop.media.media_service import MediaService
from desktop.media.playback import Playback
from desktop.rendering.results import ResultState, ResultStore
from desktop.roto import commands as roto_commands
from desktop.tracking.controller import Live
from desktop.tracking.task import live_place
from desktop.viewer.canvas import Canvas
from desktop.viewer.comparison import Compare
from desktop.viewer.overlays import BoxOverlay
from desktop.viewer.roto_painter import RotoOverlay
from roi_tools.shapes import RectF
from timeline.marking import RotoMarking
from timeline.removal import Removal

if TYPE_CHECKING:
    from timeline.media.frame import Frame

LOOK_AHEAD_FRAMES = 12
LOOK_AHEAD_PLAYING_FRAMES = 40
PATIENCE_MS = 250
"""When nothing of a frame has come for so long, the viewer says that it still shows another one."""

_BADGES = {
    ResultState.READY: ("Result", theme.READY),
    ResultState.PROVISIONAL: ("Preview", theme.ACCENT),
    ResultState.STALE: ("Result before the last change", theme.STALE),
    ResultState.FAILED: ("The render failed: source", theme.FAILED),
    ResultState.MISSING: ("Not rendered yet: source", theme.TEXT_DIM),
    ResultState.UNTOUCHED: ("Nothing to remove on this frame", theme.TEXT_DIM),
}
_MIXED = {Compare.DIFFERENCE: "Difference", Compare.ONION: "Source over result"}


class ViewerController(QObject):
    """Between the session and the canvas; the canvas' finished drags become commands."""

    probe_text = Signal(str)
    """What lies under the cursor, for the status bar."""
    failed = Signal(str)
    """One line: a frame cannot be shown."""
    box_drawn = Signal(object)
    """A new box was drawn: RectF."""

    def __init__(
        self,
        session: Session,
        results: ResultStore,
        media: MediaService,
        playback: Playback,
        canvas: Canvas,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._results, self._media = session, results, media
        self._playback, self._canvas = playback, canvas
        self._grow_defaults: dict[str, float] = {}
        self._look = NEUTRAL
        self.color_of: Callable[[str], ColorView | None] = lambda path: None
        """What a medium, by its path, is shown through."""
        self._probe_at: tuple[int, int] | None = None
        self._wanted: FrameRequest | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(self._on_still_waiting)
        session.project_changed.connect(self.refresh)
        session.selection_changed.connect(self._show_boxes)
        session.playhead_changed.connect(self.refresh)
        playback.changed.connect(self.refresh)
        results.changed.connect(self._on_result)
        media.frame_ready.connect(self._on_frame)
        media.frame_failed.connect(self._on_frame_failed)
        media.probe_failed.connect(self._on_probe_failed)
        canvas.probed.connect(self._on_probed)
        canvas.gestures.box_drawn.connect(self.box_drawn)
        canvas.gestures.box_changed.connect(self._on_box_changed)
        canvas.gestures.layer_changed.connect(self._on_layer_changed)
        canvas.gestures.box_clicked.connect(session.select_removal)

    def set_grow_defaults(self, defaults: dict[str, float]) -> None:
        """How many px each effect grows a box by itself (its ``grow_px`` default), for the matte overlay."""
        self._grow_defaults = defaults
        self._show_boxes()

    def set_look(self, look: Look) -> None:
        """Show all frames this way."""
        if look != self._look:
            self._look = look
            self.refresh()

    def refresh(self) -> None:
        """Show what the session says now."""
        place = self._session.place
        if place is None:
            self._wanted = None
            self._canvas.set_frame(None)
            if self._session.project.shots:
                self._canvas.set_message(tr("No track has a shot here"))
            return
        failure = self._media.failure(place.shot.media_path)
        if failure:
            self._canvas.set_message(_offline(failure))
            return
        request = self._request(place)
        if request != self._wanted or self._canvas.frame is None:
            self._wanted = request
            if not self._patience.isActive():  # one that scrubs is told, too
                self._patience.start()
            self._media.show(request)
        self._show_boxes()
        self.show_badge()
        self._look_ahead()

    def show_badge(self) -> None:
        """Say in the picture's corner which picture it is."""
        place = self._session.place
        if place is None or not place.shot.removals:
            self._canvas.set_badge("", QColor())
            return
        versus = self._results.versus(place.shot.id)
        self._canvas.set_source_name(versus.label if versus else tr("Source"))
        if self._canvas.compare is Compare.SOURCE:
            self._canvas.set_badge(versus.label if versus else tr("Source"), QColor("#ffffff"))
            return
        state = self._results.state(place.shot, place.media_frame)
        name, color = _BADGES[state]
        text = tr(name)
        if len(self._results.takes(place.shot.id)) > 1:
            text = f"{self._results.chosen(place.shot.id).label} – {text}"
        mixed = _MIXED.get(self._canvas.compare)
        if mixed and state not in (ResultState.MISSING, ResultState.FAILED, ResultState.UNTOUCHED):
            text = f"{tr(mixed)} – {text}"
        self._canvas.set_badge(text, QColor(color))

    # --- frames -------------------------------------------------------------------------------------------------

    def _request(self, place: Place) -> FrameRequest:
        patches = self._results.patches(place.shot, place.media_frame)
        shot, frame = place.shot, place.media_frame
        versus = self._results.versus_patches(shot, frame)
        look = replace(self._look, color=self.color_of(shot.media_path))
        # At 100 % and beyond one looks at pixels, which a proxy does not have.
        is_small = self._canvas.view.zoom * self._canvas.devicePixelRatioF() < 1
        proxy: ProxyUse = "no" if not is_small else "only" if self._playback.is_playing else "first"
        return FrameRequest(shot.media_path, shot.media_rate, frame, patches, look, versus, proxy)

    def _look_ahead(self) -> None:
        count = LOOK_AHEAD_PLAYING_FRAMES if self._playback.is_playing else LOOK_AHEAD_FRAMES
        direction = -1 if self._playback.speed < 0 else 1
        length = self._session.length_frames
        frames = [(self._session.playhead + direction * step) % length for step in range(1, min(count, length))]
        places = [place_at(self._session.project, frame) for frame in frames]
        self._media.look_ahead([self._request(place) for place in places if place])

    def _on_frame(self, frame: DisplayFrame) -> None:
        if frame.request == self._wanted:
            self._patience.stop()
            self._canvas.set_frame(frame)
            self._show_maps()
            self._show_boxes()
            self._say_probe()

    def _on_still_waiting(self) -> None:
        shown, wanted = self._canvas.frame, self._wanted
        if wanted and shown and (shown.request.path, shown.request.frame) != (wanted.path, wanted.frame):
            self._canvas.set_waiting()

    def _on_frame_failed(self, request: FrameRequest, message: str) -> None:
        if request != self._wanted:
            return
        self._playback.stop()
        if request.patches or request.versus:
            # The engine's cache may have let go of the result; the source is still there to show.
            self._wanted = replace(request, patches=(), versus=())
            self._media.show(self._wanted)
        else:
            self._canvas.set_message(sentence(told(message)))
        self.failed.emit(message)

    def _on_probe_failed(self, path: str, message: str) -> None:
        place = self._session.place
        if place and place.shot.media_path == path:
            self._canvas.set_message(_offline(message))

    def _on_result(self, shot_id: str) -> None:
        shot = self._session.shot
        if shot and shot.id == shot_id:
            self.refresh()

    def _show_maps(self) -> None:
        place = self._session.place
        if place is not None:
            self._canvas.set_maps(self._results.maps(place.shot, place.media_frame), place.media_frame)

    # --- boxes --------------------------------------------------------------------------------------------------

    def _show_boxes(self) -> None:
        place, selected = self._session.place, self._session.removal
        if place is None:
            self._canvas.set_boxes(())
            self._canvas.set_rotos((), 0)
            return
        chosen = selected.id if selected else None
        boxes: list[BoxOverlay] = []
        rotos: list[RotoOverlay] = []
        for index, removal in enumerate(place.shot.removals):
            if isinstance(removal.shape, RotoMarking):
                if _is_there(removal.shape, place.media_frame):
                    rotos.append(self._roto(place, index, removal, removal.shape, removal.id == chosen))
            elif (rect := removal.shape.rect_at(place.media_frame)) is not None:
                boxes.append(self._overlay(place, index, removal, rect, removal.id == chosen))
        self._canvas.set_boxes(tuple(boxes))
        self._canvas.set_rotos(tuple(rotos), place.media_frame)

    def show_live(self, live: Live | None) -> None:
        """Show where a running track has the removal now; None: it has ended."""
        found, place = (live.last if live else None), self._session.place
        if live is None or found is None or place is None or place.media_frame != found.frame:
            self._canvas.set_live("", None, None)
            return
        removal = next((known for known in place.shot.removals if known.id == live.removal_id), None)
        if removal is not None:
            rect, layer = live_place(removal.shape, found, live.labels)
            self._canvas.set_live(removal.id, rect, layer)

    def _overlay(self, place: Place, index: int, removal: Removal, rect: RectF, selected: bool) -> BoxOverlay:
        return BoxOverlay(
            removal_id=removal.id,
            label=removal.label,
            rect=rect,
            color=theme.removal_color(index),
            selected=selected,
            keyed=place.media_frame in removal.shape.key_frames,
            enabled=removal.enabled,
            grow_px=self._grow_px(removal),
            linked_to=removal.linked_to,
        )

    def _roto(self, place: Place, index: int, removal: Removal, marking: RotoMarking, selected: bool) -> RotoOverlay:
        return RotoOverlay(
            removal_id=removal.id,
            label=removal.label,
            marking=marking,
            color=theme.removal_color(index),
            selected=selected,
            keyed=place.media_frame in marking.key_frames,
            enabled=removal.enabled,
            grow_px=self._grow_px(removal),
            linked_to=removal.linked_to,
        )

    def _grow_px(self, removal: Removal) -> float:
        return float(removal.parameters.get("grow_px", self._grow_defaults.get(removal.effect, 0)))

    def _on_box_changed(self, removal_id: str, rect: object) -> None:
        commands.set_rect(self._session, removal_id, rect)  # type: ignore[arg-type]

    def _on_layer_changed(self, removal_id: str, layer: object, step: str, merge_key: str) -> None:
        roto_commands.set_layer(self._session, removal_id, layer, step, merge_key)  # type: ignore[arg-type]

    # --- probe --------------------------------------------------------------------------------------------------

    def _on_probed(self, at: tuple[int, int] | None) -> None:
        self._probe_at = at
        self._say_probe()

    def _say_probe(self) -> None:
        frame, at = self._canvas.frame, self._probe_at
        if frame is None or at is None:
            self.probe_text.emit("")
            return
        if frame.is_proxy:
            self.probe_text.emit(tr("x {x}  y {y}     low resolution").format(x=at[0], y=at[1]))
            return
        native = frame.native
        if self._canvas.compare is not Compare.SOURCE and frame.native_result is not None:
            native = frame.native_result
        shown = frame.result if native is frame.native_result and frame.result is not None else frame.source
        self.probe_text.emit(_probe_line(native, _shown_color(shown, native, *at), *at))


def _offline(failure: str) -> str:
    """Why there is no picture, and what helps."""
    return sentence(told(failure)) + "\n\n" + tr("Shot > Find Missing Media searches a folder for it")


def _is_there(marking: RotoMarking, frame: int) -> bool:
    """Whether the removal lasts to ``frame``, even if none of its shapes marks anything there."""
    starts = marking.first_frame is None or frame >= marking.first_frame
    return starts and (marking.last_frame is None or frame <= marking.last_frame)


def _shown_color(shown: QImage, frame: Frame, x: int, y: int) -> QColor:
    """What is displayed for a pixel of the frame; the picture may be smaller than the frame."""
    size = frame.size
    return shown.pixelColor(x * shown.width() // size.width_px, y * shown.height() // size.height_px)


def _probe_line(frame: Frame, color: QColor, x: int, y: int) -> str:
    """Coordinates, the frame's own code values, and the displayed 8-bit colour."""
    values = []
    for index, (name, plane) in enumerate(zip(frame.format.plane_names, frame.planes, strict=True)):
        is_chroma = frame.format.family == "yuv" and index in (1, 2)
        shift_x = frame.format.chroma_shift_x if is_chroma else 0
        shift_y = frame.format.chroma_shift_y if is_chroma else 0
        value = plane[y >> shift_y, x >> shift_x]
        values.append(f"{name} {float(value):.4f}" if frame.format.is_float else f"{name} {int(value)}")
    return f"x {x}  y {y}     {'  '.join(values)}     sRGB {color.red()} {color.green()} {color.blue()}"
