"""The timeline strip: shots on their tracks, what is rendered, the removals of the current shot, the playhead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.editing import strip_commands
from desktop.editing.in_out import InOut
from desktop.editing.markers import MarkerPlace, marker_places
from desktop.editing.session import Session
from desktop.editing.timeline_map import ShotSpan, spans
from desktop.media.media_service import MediaService
from desktop.rendering.results import ResultStore
from desktop.timeline_view.marker_painter import draw_markers, marker_under
from desktop.timeline_view.result_painter import draw_graph, draw_legend
from desktop.timeline_view.rows import GRAPH_PX, LEGEND_PX, NAME_PX, PADDING_PX, RESULT_PX, Rows
from desktop.timeline_view.shot_pictures import ShotPictures
from desktop.timeline_view.snapping import media_targets, snapped, timeline_targets
from desktop.timeline_view.strip_drag import Edge, KeyDrag, TrimDrag, edge_at
from desktop.timeline_view.strip_painter import (
    KEY_RADIUS_PX,
    draw_in_out,
    draw_keyframes,
    draw_playhead,
    draw_removal,
    draw_ruler,
    draw_shot,
    draw_track_names,
    key_centre,
)
from desktop.timeline_view.strip_tips import marker_tip, result_tip, shot_tip
from desktop.timeline_view.timeline_layout import TimelineLayout, fitted_layout

ZOOM_PER_NOTCH = 1.25
MEMORY_MS = 500
"""After the playhead came to rest, frames around it are decoded ahead: what is in memory is drawn again then."""
RESULTS_MS = 60
"""New results are drawn this long after the first of them."""


class TimelineStrip(QWidget):
    """Click or drag scrubs (Shift: from mark to mark); keyframes and shots' edges are dragged; Ctrl+wheel zooms."""

    scrubbed = Signal(int)
    """The person put the playhead on this timeline frame."""
    removal_clicked = Signal(str)
    """A removal's bar or keyframe was clicked."""
    marker_opened = Signal()
    """The marker under the playhead was double-clicked."""
    name_opened = Signal()
    """The name of the shot under the playhead was double-clicked."""

    def __init__(
        self,
        session: Session,
        results: ResultStore,
        media: MediaService,
        in_out: InOut,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._results, self._media, self._in_out = session, results, media, in_out
        self._pictures = ShotPictures(results, media)
        self._layout: TimelineLayout | None = None
        self._scrubbing = False
        self._drag: TrimDrag | KeyDrag | None = None
        self._fits = True
        self._new_results: set[str] = set()
        self._result_timer = QTimer(self, singleShot=True, interval=RESULTS_MS)
        self._result_timer.timeout.connect(self._show_results)
        self._memory_timer = QTimer(self, singleShot=True, interval=MEMORY_MS)
        self._memory_timer.timeout.connect(self.update)
        self.snaps = True
        """Whether what is dragged snaps to markers and keyframes."""
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Timeline"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        session.project_changed.connect(self._on_project)
        session.selection_changed.connect(self._on_selection)
        session.playhead_changed.connect(self._on_playhead)
        results.changed.connect(self._on_result)
        in_out.changed.connect(self._on_marks)
        media.thumbnail_ready.connect(self._on_thumbnail)
        media.probed.connect(self._on_probe)
        media.probe_failed.connect(self._on_probe)

    @override
    def sizeHint(self) -> QSize:
        return QSize(800, math.ceil(Rows(lanes=4).content_px))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(200, math.ceil(self.rows.content_px))

    @property
    def layout_now(self) -> TimelineLayout:
        """Which pixel is which frame."""
        return self._layout or fitted_layout(self._session.length_frames, PADDING_PX, self._free_width())

    @property
    def rows(self) -> Rows:
        """Which pixel is which track, graph or removal."""
        project, shot = self._session.project, self._session.shot
        has_graph = any(self._pictures.trace(shot).is_known for shot in project.shots)
        return Rows(project.track_count, len(shot.removals) if shot else 0, bool(self._markers()), has_graph)

    def zoom_to_fit(self) -> None:
        """All shots across the strip."""
        self._layout = None
        self.update()

    def _free_width(self) -> float:
        return max(self.width() - 2 * PADDING_PX, 1.0)

    def _markers(self) -> list[MarkerPlace]:
        return marker_places(self._session.project)

    # --- what changed -------------------------------------------------------------------------------------------

    def _on_project(self) -> None:
        self._pictures.keep_only(self._session.project.shots)
        self.updateGeometry()
        self.update()

    def _on_selection(self) -> None:
        self.updateGeometry()
        self.update()

    def _on_marks(self) -> None:
        self.update()

    def _on_playhead(self) -> None:
        if self._layout is not None and self._drag is None:
            self._keep_playhead_visible()
        self._memory_timer.start()
        self.update()

    def _on_result(self, shot_id: str) -> None:
        self._new_results.add(shot_id)
        if not self._result_timer.isActive():
            self._result_timer.start()

    def _show_results(self) -> None:
        """Frames may arrive faster than a long shot's results are looked through."""
        for shot_id in self._new_results:
            self._pictures.forget(shot_id)
        self._new_results.clear()
        self.updateGeometry()
        self.update()

    def _on_thumbnail(self, path: str, frame: int) -> None:
        self.update()

    def _on_probe(self, path: str, outcome: object) -> None:
        self.update()

    def _keep_playhead_visible(self) -> None:
        layout = self.layout_now
        x = layout.x_of(self._session.playhead)
        if not 0 <= x <= self.width() - PADDING_PX:
            by = (x - self.width() / 2) / layout.px_per_frame
            self._layout = layout.scrolled(by, self._session.length_frames, self._free_width())

    # --- painting -----------------------------------------------------------------------------------------------

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.PANEL))
        length, layout, rows = self._session.length_frames, self.layout_now, self.rows
        if not length:
            self._paint_empty(painter)
            return
        draw_ruler(painter, layout, self.width(), length)
        current = self._session.span
        self._paint_shots(painter, layout, rows, current)
        if current:
            draw_in_out(painter, layout, rows, current, self._in_out.range_of(current.shot))
        if rows.has_markers:
            bottom = rows.result_top(0) + RESULT_PX
            draw_markers(painter, layout, self._markers(), self.width(), bottom)
        if current:
            self._paint_lanes(painter, layout, rows, current, draw_removal)
        draw_playhead(painter, layout, self._session.playhead, self.height())
        if current:
            self._paint_lanes(painter, layout, rows, current, draw_keyframes)

    def _paint_empty(self, painter: QPainter) -> None:
        painter.setPen(QColor(theme.TEXT_OFF))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("Shots appear here"))

    def _paint_shots(self, painter: QPainter, layout: TimelineLayout, rows: Rows, current: ShotSpan | None) -> None:
        draw_track_names(painter, rows)
        if rows.has_graph:
            draw_legend(painter, rows.graph_top - LEGEND_PX)
        size_px = float(self.width()), rows.shot_px
        for span in spans(self._session.project):
            if layout.x_of(span.end_exclusive) < 0 or layout.x_of(span.start) > self.width():
                continue
            is_current = current is not None and current.shot.id == span.shot.id
            draw_shot(painter, layout, rows, self._pictures.picture(span, layout, size_px, is_current=is_current))
            # With several tracks there is one graph, that of the track which is worked on.
            if rows.has_graph and current is not None and span.shot.track == current.shot.track:
                draw_graph(painter, layout, span, self._pictures.trace(span.shot), rows.graph_top)

    def _paint_lanes(
        self, painter: QPainter, layout: TimelineLayout, rows: Rows, span: ShotSpan, draw: Callable[..., None]
    ) -> None:
        selected = self._session.removal
        for lane, removal in enumerate(span.shot.removals):
            is_selected = selected is not None and removal.id == selected.id
            draw(painter, layout, rows, span, lane, removal, selected=is_selected)

    # --- mouse --------------------------------------------------------------------------------------------------

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._session.length_frames:
            return
        point = event.position()
        self._work_on_track_under(point)
        self._drag = self._held(point)
        if self._drag is not None:
            # What is dragged may change the timeline's length: the scale stays until it is dropped.
            self._fits, self._layout = self._layout is None, self.layout_now
            return
        lane = self.rows.lane_at(point.y())
        if lane is not None and self._session.shot:
            self.removal_clicked.emit(self._session.shot.removals[lane].id)
        self._scrubbing = True
        flags = self._markers_under(point)
        self.scrubbed.emit(flags[0].frame if flags else self._scrub_frame(event))

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._markers_under(event.position()):
            self.marker_opened.emit()
        elif self._is_on_name(event.position()):
            self.name_opened.emit()
        else:
            self.mousePressEvent(event)

    def take_hold(self, place: QPoint) -> Literal["key", "removal", "shot"]:
        """What a menu at this place is about; it is selected, and the playhead goes to a keyframe or marker."""
        point, span = QPointF(place), self._session.span
        self._work_on_track_under(point)
        lane, flags = self.rows.lane_at(point.y()), self._markers_under(point)
        if lane is not None and span:
            self.removal_clicked.emit(span.shot.removals[lane].id)
            key = self._key_under(point, lane)
            if key is not None:
                self.scrubbed.emit(key)
            return "removal" if key is None else "key"
        if flags:
            self.scrubbed.emit(flags[0].frame)
        return "shot"

    def _work_on_track_under(self, point: QPointF) -> None:
        track, frame = self.rows.track_at(point.y()), self.layout_now.frame_at(point.x())
        if track is None:
            return
        at = (span for span in spans(self._session.project) if span.start <= frame < span.end_exclusive)
        if any(span.shot.track == track for span in at):
            self._session.work_on_track(track)

    def _scrub_frame(self, event: QMouseEvent) -> int:
        frame, layout = self.layout_now.frame_at(event.position().x()), self.layout_now
        if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return frame
        return snapped(frame, timeline_targets(self._session.project, self._session.span), layout.px_per_frame)

    def _held(self, point: QPointF) -> TrimDrag | KeyDrag | None:
        """What the cursor takes hold of; a keyframe's removal is selected and the playhead goes to it."""
        lane, span = self.rows.lane_at(point.y()), self._session.span
        key = self._key_under(point, lane) if lane is not None else None
        if lane is not None and span and key is not None:
            removal_id = span.shot.removals[lane].id
            self.removal_clicked.emit(removal_id)
            self.scrubbed.emit(key)
            shift_frames = span.shot.source_start - span.start
            frame = key + shift_frames
            targets = media_targets(span.shot, without_key=(removal_id, frame)) if self.snaps else set()
            return KeyDrag(removal_id, frame, shift_frames, self.layout_now, frozenset(targets))
        edge = self._edge_under(point)
        if edge is None:
            return None
        shot = edge[0].shot
        frame = shot.source_start if edge[1] is Edge.START else shot.source_end_exclusive
        targets = media_targets(shot) if self.snaps else set()
        return TrimDrag(shot.id, edge[1], frame, point.x(), self.layout_now, frozenset(targets))

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._drag is not None:
            self._drag_to(self._drag, point.x())
        elif self._scrubbing:
            self.scrubbed.emit(self._scrub_frame(event))
        else:
            self._show_cursor(point)

    def _drag_to(self, drag: TrimDrag | KeyDrag, x: float) -> None:
        if isinstance(drag, KeyDrag):
            to = drag.frame_at(x)
            if to != drag.frame:
                drag.frame = strip_commands.move_keyframe(self._session, drag.removal_id, drag.frame, to)
        elif drag.edge is Edge.START:
            strip_commands.trim_start(self._session, drag.shot_id, drag.frame_at(x))
        else:
            strip_commands.trim_end(self._session, drag.shot_id, drag.frame_at(x))

    def _show_cursor(self, point: QPointF) -> None:
        lane = self.rows.lane_at(point.y())
        shape = Qt.CursorShape.ArrowCursor
        if self._markers_under(point) or (lane is not None and self._key_under(point, lane) is not None):
            shape = Qt.CursorShape.PointingHandCursor
        elif self._edge_under(point) is not None:
            shape = Qt.CursorShape.SplitHCursor
        self.setCursor(shape)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._scrubbing = False
        if self._drag is not None:
            self._drag = None
            self._session.end_gesture()
            if self._fits:
                self._layout = None
            self.update()

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        layout, length = self.layout_now, self._session.length_frames
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            factor = ZOOM_PER_NOTCH**notches
            self._layout = layout.zoomed_at(event.position().x(), factor, length, self._free_width())
        else:
            by = -notches * 60 / layout.px_per_frame
            self._layout = layout.scrolled(by, length, self._free_width())
        if self._layout.px_per_frame <= self._free_width() / max(length, 1):
            self._layout = None
        self.update()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._layout is not None:
            self._layout = self._layout.scrolled(0, self._session.length_frames, self._free_width())

    @override
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    # --- what is under the cursor -------------------------------------------------------------------------------

    def tip_at(self, point: QPointF) -> str:
        """What the tool tip says there; empty where there is nothing to say."""
        flags = self._markers_under(point)
        if flags:
            return marker_tip(flags)
        rows, current = self.rows, self._session.span
        frame, y = self.layout_now.frame_at(point.x()), point.y()
        if current and rows.has_graph and rows.graph_top <= y < rows.graph_top + GRAPH_PX:
            track: int | None = current.shot.track
        else:
            track = rows.track_at(y)
        for span in spans(self._session.project):
            if span.shot.track == track and span.start <= frame < span.end_exclusive:
                is_on_pictures = track is not None and rows.shots_top(track) <= y < rows.result_top(track)
                return shot_tip(span.shot) if is_on_pictures else result_tip(self._results, span, frame)
        return ""

    def _markers_under(self, point: QPointF) -> list[MarkerPlace]:
        return marker_under(self.layout_now, self._markers(), point.x()) if self.rows.is_in_markers(point.y()) else []

    def _is_on_name(self, point: QPointF) -> bool:
        """On the upper part of the shot that is worked on, where its name is, and on none of its edges."""
        span, frame = self._session.span, self.layout_now.frame_at(point.x())
        if span is None or not span.start <= frame < span.end_exclusive or self._edge_under(point) is not None:
            return False
        top = self.rows.shots_top(span.shot.track)
        return top <= point.y() < top + min(NAME_PX, self.rows.shot_px)

    def _edge_under(self, point: QPointF) -> tuple[ShotSpan, Edge] | None:
        track = self.rows.track_at(point.y())
        if track is None or point.y() >= self.rows.result_top(track):
            return None
        on_track = [span for span in spans(self._session.project) if span.shot.track == track]
        return edge_at(on_track, self.layout_now, point.x())

    def _key_under(self, point: QPointF, lane: int) -> int | None:
        span = self._session.span
        if span is None:
            return None
        for frame in span.shot.removals[lane].shape.key_frames:
            at = span.timeline_frame(frame)
            centre = key_centre(self.layout_now, self.rows, at, lane)
            inside = span.start <= at < span.end_exclusive
            if inside and abs(centre.x() - point.x()) <= KEY_RADIUS_PX + 2:
                return at
        return None
