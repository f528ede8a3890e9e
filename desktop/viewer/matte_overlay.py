"""The tint over what is removed: boxes as whole pixels, roto as its true matte, soft edges and all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter

from desktop.viewer.view_transform import ViewTransform
from roi_tools.geometry import Box, Size
from roi_tools.roto.model import RotoLayer, Shape
from timeline.marking import RotoMarking, shape_bounds

if TYPE_CHECKING:
    from roi_tools.matte import Matte  # loads OpenCV

_TINT_ALPHA, _LINE_ALPHA = 95, 110


@dataclass(frozen=True)
class _Drawn:
    """A matte raster: ``box`` is where it lies in the raster at ``scale``."""

    image: QImage
    box: Box
    scale: float


class MatteOverlay:
    """Draws mattes, and keeps each one as long as it is asked for again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[object, ...], _Drawn | None]] = {}
        self._shapes: dict[str, _ShapeMattes] = {}

    def paint_roto(
        self, painter: QPainter, view: ViewTransform, removal_id: str, marking: RotoMarking, layer: RotoLayer,
        frame: int, size: Size, grow_px: float, color: QColor,
    ) -> None:  # fmt: skip
        """Tint what ``layer`` marks on ``frame``; ``grow_px`` is what the effect adds around it."""
        # Magnified, the picture's own pixels are seen, and so are the matte's.
        scale = min(1.0, view.zoom)
        key = (layer, frame, size, scale, grow_px)
        kept = self._kept.get(removal_id)
        if kept is None or kept[0] != key:
            shown = marking.with_layer(layer)
            shapes = self._shapes.setdefault(removal_id, _ShapeMattes())
            kept = (key, _raster(shown, frame, size, scale, grow_px, shapes))
            self._kept[removal_id] = kept
        if kept[1] is not None:
            _paint(painter, view, kept[1], color)

    def keep_only(self, removal_ids: set[str]) -> None:
        """Forget mattes of removals that are not shown any more."""
        for gone in set(self._kept) - removal_ids:
            del self._kept[gone]
            self._shapes.pop(gone, None)


def _raster(
    marking: RotoMarking, frame: int, size: Size, scale: float, grow_px: float, shapes: _ShapeMattes
) -> _Drawn | None:
    from roi_tools.matte import grow  # loads OpenCV; not before there is a matte to show

    if not marking.is_present(frame):
        return None
    raster = Size(max(1, math.ceil(size.width_px * scale)), max(1, math.ceil(size.height_px * scale)))
    layer = marking.layer
    own = shapes.of(layer, frame, raster, scale) if _is_sum(layer) else None
    if own is None:
        window = _window(marking, frame, size, raster, scale, grow_px)
    else:
        window = _grown_window([box for box, _ in own], raster, grow_px * scale)
    if window is None:
        return None
    matte = _layer_matte(layer, frame, raster, window, scale) if own is None else _joined(own, window)
    if grow_px > 0:
        matte = grow(matte, round(grow_px * scale))
    values = np.ascontiguousarray(np.rint(matte * 255).astype(np.uint8))
    height, width = values.shape
    return _Drawn(QImage(values.data, width, height, width, QImage.Format.Format_Alpha8).copy(), window, scale)


def _is_sum(layer: RotoLayer) -> bool:
    """Whether the layer's matte is the largest of its shapes' own: each can be kept while another one is dragged."""
    return layer.shutter_frames == 0 and all(shape.mode == "add" and not shape.is_inverted for shape in layer.shapes)


def _layer_matte(layer: RotoLayer, frame: int, raster: Size, window: Box, scale: float) -> Matte:
    from roi_tools.roto.raster import layer_matte

    return layer_matte(layer, frame, raster, window, scale)


def _window(marking: RotoMarking, frame: int, size: Size, raster: Size, scale: float, grow_px: float) -> Box | None:
    marked = marking.box_at(frame, size)
    if marked is None:
        return None
    box = marked.grown(max(0, math.ceil(grow_px))).clipped(size) or marked
    return _scaled(box, scale).clipped(raster)


def _grown_window(boxes: list[Box], raster: Size, grow_px: float) -> Box | None:
    if not boxes:
        return None
    edges = np.array([box.as_tuple() for box in boxes])
    around = Box(*map(int, (*edges[:, :2].min(axis=0), *edges[:, 2:].max(axis=0))))
    return around.grown(max(0, math.ceil(grow_px))).clipped(raster)


def _scaled(box: Box, scale: float) -> Box:
    return Box(math.floor(box.x0 * scale), math.floor(box.y0 * scale),
               math.ceil(box.x1 * scale), math.ceil(box.y1 * scale))  # fmt: skip


def _joined(mattes: list[tuple[Box, Matte]], window: Box) -> Matte:
    whole = np.zeros((window.height_px, window.width_px), np.float32)
    for box, matte in mattes:
        part = whole[box.y0 - window.y0 : box.y1 - window.y0, box.x0 - window.x0 : box.x1 - window.x0]
        np.maximum(part, matte, out=part)
    return whole


class _ShapeMattes:
    """Mattes of single shapes, each in its own box of the raster; shapes are known by their identity."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._kept: dict[int, tuple[Shape, Box, Matte]] = {}

    def of(self, layer: RotoLayer, frame: int, raster: Size, scale: float) -> list[tuple[Box, Matte]]:
        """Those of the layer's shapes that mark anything on ``frame``."""
        key = (frame, raster, scale)
        known = self._kept if key == self._key else {}
        self._key, self._kept = key, {}
        for shape in layer.shapes:
            entry = known.get(id(shape)) or _shape_matte(shape, frame, raster, scale)
            if entry is not None:
                self._kept[id(shape)] = entry
        return [(box, matte) for _, box, matte in self._kept.values()]


def _shape_matte(shape: Shape, frame: int, raster: Size, scale: float) -> tuple[Shape, Box, Matte] | None:
    bounds = shape_bounds(shape, frame) if shape.is_present(frame) else None
    window = _scaled(bounds.outer_box().grown(1), scale).clipped(raster) if bounds else None
    if window is None:
        return None
    return shape, window, _layer_matte(RotoLayer("shape", (shape,)), frame, raster, window, scale)


def _paint(painter: QPainter, view: ViewTransform, drawn: _Drawn, color: QColor) -> None:
    """The tint and its lines on a sheet of the screen's pixels, cut to the matte."""
    box, step = drawn.box, view.zoom / drawn.scale
    target = QRectF(box.x0 * step + view.left, box.y0 * step + view.top, box.width_px * step, box.height_px * step)
    shown = target.intersected(painter.clipBoundingRect() if painter.hasClipping() else painter.viewport())
    if shown.isEmpty():
        return
    ratio = painter.device().devicePixelRatio()
    place = shown.toAlignedRect()
    sheet = QImage(place.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    sheet.setDevicePixelRatio(ratio)
    sheet.fill(Qt.GlobalColor.transparent)
    own = QPainter(sheet)
    own.translate(-place.topLeft())
    tint, lines = QColor(color), QColor(color).lighter(140)
    tint.setAlpha(_TINT_ALPHA)
    lines.setAlpha(_LINE_ALPHA)
    own.fillRect(shown, tint)
    own.fillRect(shown, QBrush(lines, Qt.BrushStyle.BDiagPattern))
    own.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
    own.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.zoom < 2)
    own.drawImage(target, drawn.image)
    own.end()
    painter.drawImage(place.topLeft(), sheet)
