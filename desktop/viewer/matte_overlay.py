"""The tint over what is removed: boxes as whole pixels, roto as its true matte, soft edges and all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter

from desktop.viewer.view_transform import ViewTransform
from roi_tools.geometry import Box, Size
from roi_tools.roto.model import RotoLayer
from timeline.marking import RotoMarking

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
            kept = (key, _raster(shown, frame, size, scale, grow_px))
            self._kept[removal_id] = kept
        if kept[1] is not None:
            _paint(painter, view, kept[1], color)

    def keep_only(self, removal_ids: set[str]) -> None:
        """Forget mattes of removals that are not shown any more."""
        for gone in set(self._kept) - removal_ids:
            del self._kept[gone]


def _raster(marking: RotoMarking, frame: int, size: Size, scale: float, grow_px: float) -> _Drawn | None:
    from roi_tools.matte import grow  # loads OpenCV; not before there is a matte to show
    from roi_tools.roto.raster import layer_matte

    marked = marking.box_at(frame, size)
    if marked is None:
        return None
    margin = max(0, math.ceil(grow_px))
    box = marked.grown(margin).clipped(size) or marked
    raster = Size(max(1, math.ceil(size.width_px * scale)), max(1, math.ceil(size.height_px * scale)))
    window = Box(math.floor(box.x0 * scale), math.floor(box.y0 * scale),
                 math.ceil(box.x1 * scale), math.ceil(box.y1 * scale)).clipped(raster)  # fmt: skip
    if window is None:
        return None
    matte = layer_matte(marking.shown_layer(), frame, raster, window, scale)
    if grow_px > 0:
        matte = grow(matte, round(grow_px * scale))
    values = np.ascontiguousarray(np.rint(matte * 255).astype(np.uint8))
    height, width = values.shape
    return _Drawn(QImage(values.data, width, height, width, QImage.Format.Format_Alpha8).copy(), window, scale)


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
