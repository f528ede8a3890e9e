"""The picture: painted by QPainter, zoomed and panned, compared. It knows no boxes and no tools."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.media.display import DisplayFrame
from desktop.viewer.comparison import Compare, draw_frame, draw_wipe
from desktop.viewer.map_overlay import MapKind, MapOverlay
from desktop.viewer.overlays import draw_badge, draw_safe_areas, to_qrect
from desktop.viewer.view_transform import ViewTransform, centred, fitted
from roi_tools.geometry import Size
from roi_tools.shapes import RectF

FIT_MARGIN_PX = 24.0
WHEEL_FACTOR = 1.2
"""Zoom per notch of the wheel."""


class PictureView(QWidget):
    """Shows one DisplayFrame; what lies over it is drawn by :meth:`paint_over`."""

    probed = Signal(object)
    """(x, y) of the image pixel under the cursor, or None."""
    zoomed = Signal(float)
    """Device pixels per image pixel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 160)
        self._frame: DisplayFrame | None = None
        self._size: Size | None = None
        self._message = ""
        self._badge: tuple[str, QColor] | None = None
        self._is_waiting = False
        self._source_name = tr("Source")
        self._view = ViewTransform()
        self._fits = True
        self._compare = Compare.RESULT
        self._safe_areas = False
        self._wipe = 0.5
        self._maps = MapOverlay()

    def paint_over(self, painter: QPainter) -> None:
        """Draw over the picture of one pane, in widget px."""

    @property
    def frame(self) -> DisplayFrame | None:
        """The frame shown."""
        return self._frame

    @property
    def view(self) -> ViewTransform:
        """Where the picture lies."""
        return self._view

    @property
    def compare(self) -> Compare:
        """Which picture is shown."""
        return self._compare

    @property
    def image_size(self) -> Size | None:
        """The frame's size; None without one."""
        return self._size

    def set_frame(self, frame: DisplayFrame | None) -> None:
        """Show a frame; another size than before fits the view again."""
        self._frame, self._message, self._is_waiting = frame, "", False
        size = frame.native.size if frame else None
        if size != self._size:
            self._size = size
            self.fit()
        self.update()

    def set_message(self, message: str) -> None:
        """Say why there is no picture."""
        self._frame, self._size, self._message = None, None, message
        self.update()

    def set_waiting(self) -> None:
        """Say that the picture is still that of another frame, until the next one comes."""
        self._is_waiting = self._frame is not None
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

    def set_compare(self, compare: Compare) -> None:
        """Choose which picture is shown; two panes fit the picture again."""
        panes_change = Compare.SIDE_BY_SIDE in (compare, self._compare) and compare is not self._compare
        self._compare = compare
        if panes_change:
            self.fit()
        self.update()

    def set_map_kind(self, kind: MapKind) -> None:
        """Draw another map over the result, or none."""
        self._maps.kind = kind
        self.update()

    def set_maps(self, path: str | None, frame: int) -> None:
        """The maps file of the frame shown, if there is one."""
        self._maps.show(path, frame)
        self.update()

    def set_safe_areas(self, visible: bool) -> None:
        """Show or hide the frames of action and title safe."""
        self._safe_areas = visible
        self.update()

    # --- zoom ---------------------------------------------------------------------------------------------------------

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

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(WHEEL_FACTOR ** (event.angleDelta().y() / 120), self._in_pane(event.position()))
        event.accept()

    # --- painting -----------------------------------------------------------------------------------------------------

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
        if self._is_waiting or self._frame.is_proxy:
            at = QPointF(self.width() - 12, self.height() - 34)
            text = tr("Decoding this frame …") if self._is_waiting else _stand_in_text(self._frame.off_by_frames)
            draw_badge(painter, text, at, QColor(theme.TEXT_DIM))

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
        if compare not in (Compare.SOURCE, Compare.DIFFERENCE):
            self._maps.paint(painter, self._view)
        self.paint_over(painter)

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

    def _on_wipe(self, point: QPointF) -> bool:
        return self._compare is Compare.WIPE and abs(point.x() - self._wipe_x()) <= 8

    def _probe(self, point: QPointF) -> None:
        if self._size is None:
            return
        x, y = self._view.to_image(point.x(), point.y())
        inside = 0 <= x < self._size.width_px and 0 <= y < self._size.height_px
        self.probed.emit((int(x), int(y)) if inside else None)


def _stand_in_text(off_by_frames: int) -> str:
    """What is said of a picture that stands in for the frame."""
    if off_by_frames:
        return tr("A frame nearby ({offset}) until this one is decoded").format(offset=f"{off_by_frames:+d}")
    return tr("Low resolution")
