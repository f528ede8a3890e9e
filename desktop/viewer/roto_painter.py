"""Draws roto: outlines, points, handles, feather, the box around a selection. In widget px."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from desktop.base import theme
from desktop.roto.edit import has_handles
from desktop.roto.points import Array, points_at
from desktop.viewer.box_handles import Handle
from desktop.viewer.outline_cache import OutlineCache, Outlines
from desktop.viewer.overlays import draw_tag
from desktop.viewer.transform_box import MARGIN_PX, TransformBox
from desktop.viewer.view_transform import ViewTransform
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.roto.outlines import Polygon
from timeline.marking import RotoMarking

POINT_PX, SMALLEST_POINT_PX = 7.0, 3.5
_POINT_SHARE = 0.45
"""Size of a point in distances to the next one, where that is small."""
_DARK = QColor(0, 0, 0, 170)
_WHITE = QColor("#ffffff")
_STYLES = {
    "add": Qt.PenStyle.SolidLine,
    "subtract": Qt.PenStyle.DashLine,
    "intersect": Qt.PenStyle.DashDotLine,
}
"""Lines say how a shape joins, whatever its colour."""


@dataclass(frozen=True)
class RotoOverlay:
    """One removal's roto on the frame shown; ``grow_px`` is what the effect adds around it."""

    removal_id: str
    label: str
    marking: RotoMarking
    color: QColor
    selected: bool
    keyed: bool
    enabled: bool
    grow_px: float = 0.0
    linked_to: str = ""
    """The removal that it goes along with, if any."""

    @property
    def layer(self) -> RotoLayer:
        """Its shapes."""
        return self.marking.layer


def draw_shape(
    painter: QPainter, view: ViewTransform, outlines: Outlines, *, active: bool, enabled: bool, seen: bool = True
) -> None:
    """A shape's outline; the active one thicker, disabled or hidden ones dotted."""
    shape = outlines.shape
    color = QColor.fromRgbF(*shape.color) if enabled else QColor(theme.TEXT_DIM)
    style = _STYLES[shape.mode] if enabled and seen else Qt.PenStyle.DotLine
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if outlines.feather is not None:
        # Short dashes on a thin ground: dots of one pixel drown in the line that is to set them off.
        path = _path(view, outlines.feather, closed=True)
        painter.setPen(QPen(_DARK, 2.0))
        painter.drawPath(path)
        pen = QPen(color.lighter(125), 1.4)
        pen.setDashPattern([3, 3])
        painter.setPen(pen)
        painter.drawPath(path)
    for polygon in outlines.polygons:
        _stroke(painter, _path(view, polygon, closed=True), color, 2.0 if active else 1.3, style)


def draw_points(
    painter: QPainter, view: ViewTransform, shape: Shape, frame: int, selected: frozenset[int], hot: int | None = None
) -> None:
    """The points of the shape that is edited: squares for corners, discs for curves; selected ones filled."""
    if shape.has_parameters:
        return
    places = points_at(shape, frame)
    color = QColor.fromRgbF(*shape.color)
    point_px = _point_size(places[:, 0] * view.zoom)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for index, row in enumerate(places):
        anchor = _point(view, row[0])
        if not shape.is_open and float(np.hypot(*(row[3] - row[0]))) > 1e-6:
            _line(painter, anchor, _point(view, row[3]), color, Qt.PenStyle.DotLine)
            _diamond(painter, _point(view, row[3]), color)
        if index in selected and has_handles(shape):
            for part in (1, 2):
                if float(np.hypot(*(row[part] - row[0]))) > 1e-6:
                    _line(painter, anchor, _point(view, row[part]), _WHITE, Qt.PenStyle.SolidLine)
                    _dot(painter, _point(view, row[part]), 3.0, _WHITE, color)
        is_corner = has_handles(shape) and float(np.abs(row[1:3] - row[0]).max()) < 1e-6
        fill = color if index in selected else _WHITE
        size = point_px + (2 if index == hot else 0)
        if is_corner or shape.kind == "brush":
            _square(painter, anchor, size, fill)
        else:
            _dot(painter, anchor, size / 2, _DARK, fill)


def _point_size(places: Array) -> float:
    """How large points are drawn that are at these places, all in widget px: smaller where they would touch."""
    steps = np.hypot(*np.diff(places, axis=0).T)
    return float(np.clip(_POINT_SHARE * np.median(steps), SMALLEST_POINT_PX, POINT_PX)) if len(steps) else POINT_PX


def draw_name(
    painter: QPainter, view: ViewTransform, overlay: RotoOverlay, layer: RotoLayer, frame: int, outlines: OutlineCache
) -> None:
    """The removal's name over the highest point of its shapes, ``layer``."""
    shapes = [shape for shape in layer.shapes if shape.is_present(frame) and shape.mode == "add"]
    if not shapes:
        return
    highest = min((outlines.of(shape, frame) for shape in shapes), key=lambda one: one.bounds[1]).corners
    x, y = view.to_widget(*map(float, highest[int(highest[:, 1].argmin())]))
    background = QColor(overlay.color if overlay.enabled else QColor(theme.TEXT_DIM))
    background.setAlpha(255 if overlay.selected else 190)
    origin = QPointF(x - 20, y - 34 if y > 36 else y + 14)
    draw_tag(painter, overlay.label, origin, background, QColor("#101010"), keyed=overlay.keyed)


def draw_transform_box(painter: QPainter, view: ViewTransform, box: TransformBox) -> None:
    """The box around the selection and its eight handles."""
    margin = MARGIN_PX / view.zoom
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    _stroke(painter, _path(view, box.corners(margin), closed=True), _WHITE, 1.0, Qt.PenStyle.DashLine)
    for handle, (x, y) in box.handles(margin).items():
        is_corner = sum(handle.value) == 2 and handle is not Handle.INSIDE
        _square(painter, QPointF(*view.to_widget(x, y)), 8.0 if is_corner else 6.0, _WHITE)


def draw_marquee(painter: QPainter, start: QPointF, end: QPointF) -> None:
    """The frame that selects points."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    fill = QColor(theme.ACCENT)
    fill.setAlpha(40)
    painter.fillRect(QRectF(start, end).normalized(), fill)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_WHITE, 1, Qt.PenStyle.DashLine))
    painter.drawRect(QRectF(start, end).normalized())


def draw_new_outline(
    painter: QPainter, view: ViewTransform, polygons: Sequence[Polygon], *, closed: bool, erases: bool = False
) -> None:
    """The outline of what is being drawn, dashed where it takes away. The painter is left with its pen for more."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    color, style = (_WHITE, Qt.PenStyle.DashLine) if erases else (QColor(theme.ACCENT), Qt.PenStyle.SolidLine)
    for polygon in polygons:
        _stroke(painter, _path(view, polygon, closed=closed), color, 2.0, style)
    painter.setPen(QPen(_WHITE, 1.2))


def draw_new_points(
    painter: QPainter, view: ViewTransform, points: Sequence[tuple[float, float, float, float]], *, closes: bool
) -> None:
    """The points (x, y, leaving handle) of what is being drawn; the first one is ringed where a click closes."""
    for index, (x, y, dx, dy) in enumerate(points):
        place = QPointF(*view.to_widget(x, y))
        if index == len(points) - 1 and (dx or dy):
            for sign in (-1, 1):
                end = QPointF(*view.to_widget(x + sign * dx, y + sign * dy))
                _line(painter, place, end, _WHITE, Qt.PenStyle.SolidLine)
                _dot(painter, end, 3.0, _WHITE, QColor(theme.ACCENT))
        _square(painter, place, POINT_PX, QColor(theme.ACCENT) if index == len(points) - 1 else _WHITE)
    if closes:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_WHITE, 2))
        painter.drawEllipse(QPointF(*view.to_widget(points[0][0], points[0][1])), 9, 9)


def _point(view: ViewTransform, place: Array) -> QPointF:
    return QPointF(*view.to_widget(float(place[0]), float(place[1])))


def _path(view: ViewTransform, polygon: Polygon, *, closed: bool) -> QPainterPath:
    places = _thinned(polygon * view.zoom + (view.left, view.top))
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(x, y) for x, y in places.tolist()]))
    if closed:
        path.closeSubpath()
    return path


def _thinned(places: Polygon) -> Polygon:
    """Without corners that come within a pixel of the one before: outlines are cut finer than lines are drawn."""
    way = np.hypot(*np.diff(places, axis=0, prepend=places[:1]).T).cumsum()
    return places[np.diff(np.floor(way), prepend=-1.0) > 0] if len(places) > way[-1] / 2 else places


def _stroke(painter: QPainter, path: QPainterPath, color: QColor, width: float, style: Qt.PenStyle) -> None:
    """A line over a darker, wider one: visible on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_DARK, width + 1.6))
    painter.drawPath(path)
    painter.setPen(QPen(color, width, style))
    painter.drawPath(path)


def _line(painter: QPainter, start: QPointF, end: QPointF, color: QColor, style: Qt.PenStyle) -> None:
    painter.setPen(QPen(_DARK, 2.4))
    painter.drawLine(start, end)
    painter.setPen(QPen(color, 1.0, style))
    painter.drawLine(start, end)


def _square(painter: QPainter, centre: QPointF, size: float, fill: QColor) -> None:
    painter.setPen(QPen(QColor(0, 0, 0), 1))
    painter.setBrush(fill)
    painter.drawRect(QRectF(centre.x() - size / 2, centre.y() - size / 2, size, size))


def _dot(painter: QPainter, centre: QPointF, radius: float, edge: QColor, fill: QColor) -> None:
    painter.setPen(QPen(QColor(0, 0, 0) if edge == _DARK else edge, 1))
    painter.setBrush(fill)
    painter.drawEllipse(centre, radius, radius)


def _diamond(painter: QPainter, centre: QPointF, fill: QColor) -> None:
    x, y, r = centre.x(), centre.y(), 4.5
    painter.setPen(QPen(QColor(0, 0, 0), 1))
    painter.setBrush(fill)
    painter.drawPolygon(QPolygonF([QPointF(x, y - r), QPointF(x + r, y), QPointF(x, y + r), QPointF(x - r, y)]))
