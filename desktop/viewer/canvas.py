"""The picture: painted by QPainter, zoomed and panned, with boxes that the mouse draws, moves and resizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from desktop import theme
from desktop.display import DisplayFrame
from desktop.language import tr
from desktop.viewer.box_handles import Handle, dragged, drawn, handle_at
from desktop.viewer.comparison import Compare, draw_frame, draw_wipe
from desktop.viewer.overlays import (
    HANDLE_PX,
    BoxOverlay,
    draw_badge,
    draw_box,
    draw_matte,
    draw_safe_areas,
    to_qrect,
)
from desktop.viewer.view_transform import ViewTransform, centred, fitted
from roi_tools.geometry import Size
from roi_tools.shapes import RectF

FIT_MARGIN_PX = 24.0
WHEEL_FACTOR = 1.2
"""Zoom per notch of the wheel."""


class Tool(Enum):
    """What the left mouse button does."""

    SELECT = "select"
    BOX = "box"


@dataclass(frozen=True)
class _BoxDrag:
    overlay: BoxOverlay
    handle: Handle
    start: QPointF


@dataclass(frozen=True)
class _NewBox:
    start: QPointF


@dataclass(frozen=True)
class _Pan:
    last: QPointF


@dataclass(frozen=True)
class _WipeDrag:
    pass


_CURSORS = {
    Handle.TOP_LEFT: Qt.CursorShape.SizeFDiagCursor,
    Handle.BOTTOM_RIGHT: Qt.CursorShape.SizeFDiagCursor,
    Handle.TOP_RIGHT: Qt.CursorShape.SizeBDiagCursor,
    Handle.BOTTOM_LEFT: Qt.CursorShape.SizeBDiagCursor,
    Handle.TOP: Qt.CursorShape.SizeVerCursor,
    Handle.BOTTOM: Qt.CursorShape.SizeVerCursor,
    Handle.LEFT: Qt.CursorShape.SizeHorCursor,
    Handle.RIGHT: Qt.CursorShape.SizeHorCursor,
    Handle.INSIDE: Qt.CursorShape.SizeAllCursor,
}


class Canvas(QWidget):
    """Shows one DisplayFrame. It edits nothing itself: a finished drag is a signal."""

    box_drawn = Signal(object)
    """A new box: RectF in image px."""
    box_changed = Signal(str, object)
    """Removal id, its RectF on this frame after a drag."""
    box_clicked = Signal(object)
    """Removal id under a click, or None beside all boxes."""
    grabbed = Signal()
    """The left button went down on the picture: a drag may follow, the playhead must stay."""
    probed = Signal(object)
    """(x, y) of the image pixel under the cursor, or None."""
    zoomed = Signal(float)
    """Device pixels per image pixel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 160)
        self.setAccessibleName(tr("Viewer"))
        self._frame: DisplayFrame | None = None
        self._size: Size | None = None
        self._message = ""
        self._badge: tuple[str, QColor] | None = None
        self._source_name = tr("Source")
        self._boxes: tuple[BoxOverlay, ...] = ()
        self._view = ViewTransform()
        self._fits = True
        self._tool = Tool.SELECT
        self._compare = Compare.RESULT
        self._overlays, self._matte, self._safe_areas = True, False, False
        self._wipe = 0.5
        self._drag: _BoxDrag | _NewBox | _Pan | _WipeDrag | None = None
        self._drag_rect: RectF | None = None
        self._drag_offset = QPointF()

    # --- what is shown ------------------------------------------------------------------------------------------

    @property
    def frame(self) -> DisplayFrame | None:
        """The frame shown."""
        return self._frame

    @property
    def view(self) -> ViewTransform:
        """Where the picture lies."""
        return self._view

    @property
    def tool(self) -> Tool:
        """What the left mouse button does."""
        return self._tool

    @property
    def compare(self) -> Compare:
        """Which picture is shown."""
        return self._compare

    def set_frame(self, frame: DisplayFrame | None) -> None:
        """Show a frame; another size than before fits the view again."""
        self._frame, self._message = frame, ""
        size = frame.native.size if frame else None
        if size != self._size:
            self._size = size
            self.fit()
        self.update()

    def set_message(self, message: str) -> None:
        """Say why there is no picture."""
        self._frame, self._size, self._message = None, None, message
        self.update()

    def set_badge(self, text: str, color: QColor) -> None:
        """Say in the corner what the picture is; no text: no badge."""
        self._badge = (text, color) if text else None
        self.update()

    def set_source_name(self, name: str) -> None:
        """What the result is compared with: the source, or another take."""
        if name != self._source_name:
            self._source_name = name
            self.update()

    def set_boxes(self, boxes: tuple[BoxOverlay, ...]) -> None:
        """The boxes on this frame, the topmost last."""
        self._boxes = boxes
        self.update()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left mouse button does."""
        self._tool = tool
        self._update_cursor(None)

    def set_compare(self, compare: Compare) -> None:
        """Choose which picture is shown; two panes fit the picture again."""
        panes_change = Compare.SIDE_BY_SIDE in (compare, self._compare) and compare is not self._compare
        self._compare = compare
        if panes_change:
            self.fit()
        self.update()

    def set_safe_areas(self, visible: bool) -> None:
        """Show or hide the frames of action and title safe."""
        self._safe_areas = visible
        self.update()

    def set_overlays(self, visible: bool) -> None:
        """Show or hide the boxes."""
        self._overlays = visible
        self.update()

    def set_matte(self, visible: bool) -> None:
        """Show or hide the tint over what is removed."""
        self._matte = visible
        self.update()

    # --- zoom ---------------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """The whole picture, and keep it so when the window's size changes."""
        self._fits = True
        if self._size:
            self._set_view(fitted(self._size, self._pane_width(), self.height(), FIT_MARGIN_PX))

    def actual_size(self) -> None:
        """One image pixel on one pixel of the screen."""
        self._fits = False
        if self._size:
            self._set_view(centred(self._size, self._pane_width(), self.height(), 1 / self.devicePixelRatioF()))

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a widget point, the middle by default."""
        self._fits = False
        point = at or QPointF(self._pane_width() / 2, self.height() / 2)
        self._set_view(self._view.zoomed_at(point.x(), point.y(), factor))

    def _set_view(self, view: ViewTransform) -> None:
        self._view = view
        self.zoomed.emit(view.zoom * self.devicePixelRatioF())
        self.update()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._fits:
            self.fit()
        elif event.oldSize().isValid():
            grown = event.size() - event.oldSize()
            self._set_view(self._view.panned(round(grown.width() / 2), round(grown.height() / 2)))

    # --- painting -----------------------------------------------------------------------------------------------

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.CANVAS))
        if self._frame is None:
            self._paint_message(painter)
            return
        if self._compare is Compare.SIDE_BY_SIDE:
            self._paint_panes(painter, self._frame)
        else:
            self._paint_pane(painter, self._frame, self._compare)
        if self._badge:
            draw_badge(painter, self._badge[0], QPointF(self.width() - 12, 12), self._badge[1])

    def _paint_message(self, painter: QPainter) -> None:
        painter.setPen(QColor(theme.TEXT_DIM))
        area = QRectF(self.rect()).adjusted(60, 0, -60, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)

    def _picture_rect(self) -> QRectF:
        assert self._size is not None
        return to_qrect(self._view.rect_to_widget(RectF(0, 0, float(self._size.width_px), float(self._size.height_px))))

    def _paint_pane(self, painter: QPainter, frame: DisplayFrame, compare: Compare) -> None:
        # Enlarged twice and more, an artist wants to see the pixels.
        smooth = self._view.zoom * self.devicePixelRatioF() < 2
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        target = self._picture_rect()
        draw_frame(painter, frame, compare, target)
        if compare is Compare.WIPE:
            draw_wipe(painter, frame.source, target, self._wipe_x(), self._source_name)
        painter.setPen(QPen(QColor(0, 0, 0), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(target.adjusted(-1, -1, 0, 0))
        if self._safe_areas:
            draw_safe_areas(painter, target)
        self._paint_boxes(painter)

    def _paint_panes(self, painter: QPainter, frame: DisplayFrame) -> None:
        """Source left, result right, at the same place in both."""
        width = self._pane_width()
        for number, compare in enumerate((Compare.SOURCE, Compare.RESULT)):
            painter.save()
            painter.translate(number * width, 0)
            painter.setClipRect(QRectF(0, 0, width, self.height()))
            self._paint_pane(painter, frame, compare)
            if compare is Compare.SOURCE:
                draw_badge(painter, self._source_name, QPointF(width - 12, 12), QColor("#ffffff"))
            painter.restore()
        painter.fillRect(QRectF(width - 1, 0, 2, self.height()), QColor(theme.EDGE))

    def _pane_width(self) -> float:
        return self.width() / 2 if self._compare is Compare.SIDE_BY_SIDE else float(self.width())

    def _in_pane(self, point: QPointF) -> QPointF:
        """A widget point as one of the left pane, where everything is measured."""
        width = self._pane_width()
        return QPointF(point.x() - width, point.y()) if point.x() >= width else point

    def _wipe_x(self) -> float:
        target = self._picture_rect()
        return target.left() + target.width() * self._wipe

    def _paint_boxes(self, painter: QPainter) -> None:
        if self._matte:
            for overlay in self._boxes:
                if overlay.enabled:
                    self._paint_matte(painter, overlay)
        if not self._overlays:
            return
        for overlay in self._boxes:
            held = isinstance(self._drag, _BoxDrag) and self._drag.overlay.removal_id == overlay.removal_id
            if held and self._drag_rect:
                moved = replace(overlay, rect=self._drag_rect, keyed=True)
                draw_box(painter, moved, to_qrect(self._view.rect_to_widget(moved.rect)), sizes=True)
            else:
                draw_box(painter, overlay, to_qrect(self._view.rect_to_widget(overlay.rect)), sizes=False)
        if isinstance(self._drag, _NewBox) and self._drag_rect:
            color = theme.removal_color(len(self._boxes))
            new = BoxOverlay("", tr("New removal"), self._drag_rect, color, selected=True, keyed=True, enabled=True)
            draw_box(painter, new, to_qrect(self._view.rect_to_widget(new.rect)), sizes=True)

    def _paint_matte(self, painter: QPainter, overlay: BoxOverlay) -> None:
        grown = to_qrect(overlay.rect).adjusted(-overlay.grow_px, -overlay.grow_px, overlay.grow_px, overlay.grow_px)
        rect = RectF(grown.left(), grown.top(), grown.right(), grown.bottom())
        shown = to_qrect(self._view.rect_to_widget(rect)).intersected(self._picture_rect())
        draw_matte(painter, shown, QColor(theme.FAILED))

    # --- mouse --------------------------------------------------------------------------------------------------

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(WHEEL_FACTOR ** (event.angleDelta().y() / 120), self._in_pane(event.position()))
        event.accept()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._frame is None:
            return
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag = _Pan(event.position())
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.grabbed.emit()
            self._drag_offset = event.position() - self._in_pane(event.position())
            self._press(self._in_pane(event.position()))

    def _press(self, point: QPointF) -> None:
        if self._on_wipe(point):
            self._drag = _WipeDrag()
            return
        overlay, handle = self._box_at(point)
        draws = self._tool is Tool.BOX and not (overlay and overlay.selected)
        if draws:
            self._drag = _NewBox(point)
        elif overlay and handle:
            if not overlay.selected:
                self.box_clicked.emit(overlay.removal_id)
            self._drag = _BoxDrag(replace(overlay, selected=True), handle, point)
        else:
            self.box_clicked.emit(None)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        # A drag goes on in the pane where it began, even beyond its edge.
        point = event.position() - self._drag_offset if self._drag else self._in_pane(event.position())
        self._probe(point)
        if isinstance(self._drag, _Pan):
            moved = event.position() - self._drag.last
            self._drag = _Pan(event.position())
            self._fits = False
            self._set_view(self._view.panned(moved.x(), moved.y()))
        elif isinstance(self._drag, _WipeDrag):
            target = self._picture_rect()
            self._wipe = min(max((point.x() - target.left()) / target.width(), 0.0), 1.0)
        elif self._drag is not None:
            self._drag_rect = self._dragged_to(self._drag, point)
        else:
            self._update_cursor(point)
        self.update()

    def _dragged_to(self, drag: _BoxDrag | _NewBox, point: QPointF) -> RectF | None:
        if isinstance(drag, _NewBox):
            assert self._size is not None
            start = self._view.to_image(drag.start.x(), drag.start.y())
            return drawn(start, self._view.to_image(point.x(), point.y()), self._size)
        moved = point - drag.start
        return dragged(drag.overlay.rect, drag.handle, moved.x() / self._view.zoom, moved.y() / self._view.zoom)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, rect = self._drag, self._drag_rect
        self._drag = self._drag_rect = None
        if isinstance(drag, _NewBox) and rect is not None:
            self.box_drawn.emit(rect)
        elif isinstance(drag, _NewBox):
            overlay, _ = self._box_at(self._in_pane(event.position()))
            self.box_clicked.emit(overlay.removal_id if overlay else None)
        elif isinstance(drag, _BoxDrag) and rect is not None and rect != drag.overlay.rect:
            self.box_changed.emit(drag.overlay.removal_id, rect)
        self._update_cursor(self._in_pane(event.position()))
        self.update()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            self._drag = self._drag_rect = None
            self.update()
        else:
            super().keyPressEvent(event)

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self.probed.emit(None)

    def _probe(self, point: QPointF) -> None:
        if self._size is None:
            return
        x, y = self._view.to_image(point.x(), point.y())
        inside = 0 <= x < self._size.width_px and 0 <= y < self._size.height_px
        self.probed.emit((int(x), int(y)) if inside else None)

    def _box_at(self, point: QPointF) -> tuple[BoxOverlay | None, Handle | None]:
        """The box under a widget point: the selected one first, then the topmost."""
        if not self._overlays:
            return None, None
        topmost_first = self._boxes[::-1]
        for overlay in sorted(topmost_first, key=lambda box: not box.selected):
            rect = self._view.rect_to_widget(overlay.rect)
            handle = handle_at(rect, point.x(), point.y(), HANDLE_PX if overlay.selected else 2.0)
            if handle:
                return overlay, handle
        return None, None

    def _on_wipe(self, point: QPointF) -> bool:
        return self._compare is Compare.WIPE and abs(point.x() - self._wipe_x()) <= 8

    def _update_cursor(self, point: QPointF | None) -> None:
        shape = Qt.CursorShape.CrossCursor if self._tool is Tool.BOX else Qt.CursorShape.ArrowCursor
        if point is not None and self._frame is not None:
            overlay, handle = self._box_at(point)
            if self._on_wipe(point):
                shape = Qt.CursorShape.SplitHCursor
            elif overlay and handle and (overlay.selected or self._tool is Tool.SELECT):
                shape = _CURSORS[handle]
        self.setCursor(shape)
