"""The timeline strip: shots end to end, what is rendered, the removals of the current shot, the playhead."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget
from typing_extensions import override

from desktop import strip_commands, theme
from desktop.in_out import InOut
from desktop.language import tr
from desktop.media_service import MediaService
from desktop.results import ResultState, ResultStore
from desktop.session import Session
from desktop.timeline_map import ShotSpan, spans
from desktop.timeline_view import rows
from desktop.timeline_view.strip_drag import Edge, KeyDrag, TrimDrag, edge_at
from desktop.timeline_view.strip_painter import (
    KEY_RADIUS_PX,
    ShotPicture,
    draw_in_out,
    draw_keyframes,
    draw_playhead,
    draw_removal,
    draw_ruler,
    draw_shot,
    key_centre,
)
from desktop.timeline_view.timeline_layout import TimelineLayout, fitted_layout, runs

ZOOM_PER_NOTCH = 1.25


class TimelineStrip(QWidget):
    """Click or drag scrubs; a keyframe is gone to or dragged, a shot's edge trims it; Ctrl+wheel zooms."""

    scrubbed = Signal(int)
    """The person put the playhead on this timeline frame."""
    removal_clicked = Signal(str)
    """A removal's bar or keyframe was clicked."""

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
        self._layout: TimelineLayout | None = None
        self._scrubbing = False
        self._drag: TrimDrag | KeyDrag | None = None
        self._fits = True
        self._states: dict[str, list[tuple[int, int, ResultState]]] = {}
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
        return QSize(800, math.ceil(rows.content_height(4)))

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(200, math.ceil(rows.content_height(self._lanes())))

    @property
    def layout_now(self) -> TimelineLayout:
        """Which pixel is which frame."""
        return self._layout or fitted_layout(self._session.length_frames, rows.PADDING_PX, self._free_width())

    def zoom_to_fit(self) -> None:
        """All shots across the strip."""
        self._layout = None
        self.update()

    def _free_width(self) -> float:
        return max(self.width() - 2 * rows.PADDING_PX, 1.0)

    def _lanes(self) -> int:
        shot = self._session.shot
        return len(shot.removals) if shot else 0

    # --- what changed -------------------------------------------------------------------------------------------

    def _on_project(self) -> None:
        self._states.clear()
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
        self.update()

    def _on_result(self, shot_id: str) -> None:
        self._states.pop(shot_id, None)
        self.update()

    def _on_thumbnail(self, path: str, frame: int) -> None:
        self.update()

    def _on_probe(self, path: str, outcome: object) -> None:
        self.update()

    def _keep_playhead_visible(self) -> None:
        layout = self.layout_now
        x = layout.x_of(self._session.playhead)
        if not 0 <= x <= self.width() - rows.PADDING_PX:
            by = (x - self.width() / 2) / layout.px_per_frame
            self._layout = layout.scrolled(by, self._session.length_frames, self._free_width())

    # --- painting -----------------------------------------------------------------------------------------------

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.PANEL))
        length, layout = self._session.length_frames, self.layout_now
        if not length:
            self._paint_empty(painter)
            return
        draw_ruler(painter, layout, self.width(), length)
        current = self._session.span
        for span in spans(self._session.project):
            if layout.x_of(span.end_exclusive) >= 0 and layout.x_of(span.start) <= self.width():
                draw_shot(painter, layout, self._picture(span, current))
        if current:
            draw_in_out(painter, layout, current, self._in_out.range_of(current.shot))
            self._paint_lanes(painter, layout, current, draw_removal)
        draw_playhead(painter, layout, self._session.playhead, self.height())
        if current:
            self._paint_lanes(painter, layout, current, draw_keyframes)

    def _paint_empty(self, painter: QPainter) -> None:
        painter.setPen(QColor(theme.TEXT_OFF))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, tr("Shots appear here"))

    def _paint_lanes(
        self, painter: QPainter, layout: TimelineLayout, span: ShotSpan, draw: Callable[..., None]
    ) -> None:
        selected = self._session.removal
        for lane, removal in enumerate(span.shot.removals):
            is_selected = selected is not None and removal.id == selected.id
            draw(painter, layout, span, lane, removal, selected=is_selected)

    def _picture(self, span: ShotSpan, current: ShotSpan | None) -> ShotPicture:
        path = span.shot.media_path
        return ShotPicture(
            span,
            self._result_runs(span),
            self._thumbnails(span),
            is_current=current is not None and current.shot.id == span.shot.id,
            offline=self._media.failure(path) is not None,
        )

    def _result_runs(self, span: ShotSpan) -> list[tuple[int, int, ResultState]]:
        shot = span.shot
        if shot.id not in self._states:
            states = self._results.states(shot, range(shot.source_start, shot.source_end_exclusive))
            self._states[shot.id] = runs(states)
        return [(span.start + start, span.start + end, state) for start, end, state in self._states[shot.id]]

    def _thumbnails(self, span: ShotSpan) -> list[tuple[int, QImage]]:
        info = self._media.info(span.shot.media_path)
        if info is None:
            return []
        layout, shot = self.layout_now, span.shot
        width_px = rows.SHOT_PX * info.size.width_px / info.size.height_px
        step = max(math.floor(width_px / layout.px_per_frame), 1)
        pictures = []
        for offset in range(0, shot.duration_frames, step):
            x = layout.x_of(span.start + offset)
            if x + width_px < 0 or x > self.width():
                continue
            image = self._media.thumbnail(shot.media_path, shot.media_rate, shot.source_start + offset)
            if image is not None:
                pictures.append((span.start + offset, image))
        return pictures

    # --- mouse --------------------------------------------------------------------------------------------------

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._session.length_frames:
            return
        point = event.position()
        self._drag = self._held(point)
        if self._drag is not None:
            # What is dragged may change the timeline's length: the scale stays until it is dropped.
            self._fits, self._layout = self._layout is None, self.layout_now
            return
        lane = self._lane_under(point)
        if lane is not None and self._session.shot:
            self.removal_clicked.emit(self._session.shot.removals[lane].id)
        self._scrubbing = True
        self.scrubbed.emit(self.layout_now.frame_at(point.x()))

    def _held(self, point: QPointF) -> TrimDrag | KeyDrag | None:
        """What the cursor takes hold of; a keyframe's removal is selected and the playhead goes to it."""
        lane, span = self._lane_under(point), self._session.span
        key = self._key_under(point, lane) if lane is not None else None
        if lane is not None and span and key is not None:
            removal_id = span.shot.removals[lane].id
            self.removal_clicked.emit(removal_id)
            self.scrubbed.emit(key)
            shift_frames = span.shot.source_start - span.start
            return KeyDrag(removal_id, key + shift_frames, shift_frames, self.layout_now)
        edge = self._edge_under(point)
        if edge is None:
            return None
        shot = edge[0].shot
        frame = shot.source_start if edge[1] is Edge.START else shot.source_end_exclusive
        return TrimDrag(shot.id, edge[1], frame, point.x(), self.layout_now)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._drag is not None:
            self._drag_to(self._drag, point.x())
        elif self._scrubbing:
            self.scrubbed.emit(self.layout_now.frame_at(point.x()))
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
        lane = self._lane_under(point)
        shape = Qt.CursorShape.ArrowCursor
        if lane is not None and self._key_under(point, lane) is not None:
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
            QToolTip.showText(event.globalPos(), self._tip(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def _tip(self, point: QPointF) -> str:
        span = self._session.span
        frame = self.layout_now.frame_at(point.x())
        if span is None or not rows.RESULT_TOP <= point.y() < rows.LANES_TOP:
            return ""
        if not span.start <= frame < span.end_exclusive:
            return ""
        media_frame = span.shot.source_start + frame - span.start
        return tr("Frame {frame}: {state}").format(
            frame=frame, state=tr(self._results.state(span.shot, media_frame).value)
        )

    def _edge_under(self, point: QPointF) -> tuple[ShotSpan, Edge] | None:
        if not rows.SHOTS_TOP <= point.y() < rows.SHOTS_TOP + rows.SHOT_PX:
            return None
        return edge_at(list(spans(self._session.project)), self.layout_now, point.x())

    def _lane_under(self, point: QPointF) -> int | None:
        return rows.lane_at(point.y(), self._lanes())

    def _key_under(self, point: QPointF, lane: int) -> int | None:
        span = self._session.span
        if span is None:
            return None
        for frame in span.shot.removals[lane].shape.key_frames:
            at = span.timeline_frame(frame)
            centre = key_centre(self.layout_now, at, lane)
            inside = span.start <= at < span.end_exclusive
            if inside and abs(centre.x() - point.x()) <= KEY_RADIUS_PX + 2:
                return at
        return None
