"""Where pixels came from and how far they can be trusted, as a picture over the result; testable without a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from desktop.base import theme
from desktop.base.language import tr
from desktop.viewer.view_transform import ViewTransform
from roi_tools.geometry import Box
from roi_tools.shapes import RectF
from timeline.errors import MediaError
from timeline.media.frame_maps import GENERATED, SYNTHESISED, UNTOUCHED, FrameMaps

Rgba = NDArray[np.uint8]


class MapKind(Enum):
    """What is drawn over the result."""

    OFF = "No map"
    PROVENANCE = "Provenance"
    CONFIDENCE = "Confidence"
    NEVER_SEEN = "Never seen"


FARTHEST_FRAMES = 60
"""From this distance in time on colours stay the same."""
_ALPHA = 165
_KEPT = (61, 180, 135)
_NEAR_BEFORE, _FAR_BEFORE = (150, 205, 255), (20, 60, 190)
_NEAR_AFTER, _FAR_AFTER = (255, 222, 140), (200, 80, 0)
_SYNTHESISED, _GENERATED = (236, 64, 160), (150, 90, 240)
_STRIPE_PX = 4
"""Width of the stripes over what was invented, in picture px."""
_HEAT: tuple[tuple[int, int, int], ...] = ((165, 0, 38), (244, 109, 67), (254, 224, 139), (102, 189, 99), (0, 104, 55))
"""From no confidence to full; red, yellow and green differ in lightness too, for eyes that take them for one."""


@dataclass(frozen=True)
class LegendEntry:
    """A colour, striped or not, and what it stands for; ``text`` is English, for tr()."""

    color: tuple[int, int, int]
    text: str
    is_striped: bool = False


_LEGENDS: dict[MapKind, tuple[LegendEntry, ...]] = {
    MapKind.PROVENANCE: (
        LegendEntry(_FAR_BEFORE, "long before"),
        LegendEntry(_NEAR_BEFORE, "just before"),
        LegendEntry(_KEPT, "kept as shot"),
        LegendEntry(_NEAR_AFTER, "just after"),
        LegendEntry(_FAR_AFTER, "long after"),
        LegendEntry(_SYNTHESISED, "invented", is_striped=True),
        LegendEntry(_GENERATED, "by the model", is_striped=True),
    ),
    MapKind.CONFIDENCE: (
        LegendEntry(_HEAT[0], "0"),
        LegendEntry(_HEAT[1], "0.25"),
        LegendEntry(_HEAT[2], "0.5"),
        LegendEntry(_HEAT[3], "0.75"),
        LegendEntry(_HEAT[4], "1"),
    ),
    MapKind.NEVER_SEEN: (LegendEntry(_SYNTHESISED, "seen in no frame within reach", is_striped=True),),
}


def legend(kind: MapKind) -> Sequence[LegendEntry]:
    """What the colours of a map stand for."""
    return _LEGENDS.get(kind, ())


def map_rgba(maps: FrameMaps, kind: MapKind, frame: int) -> Rgba | None:
    """(h, w, 4) straight alpha, of ``maps.box``; None where the maps say nothing of this kind.

    What was not marked is transparent. Stripes lie in the frame's own pixels and stand still where boxes move.
    """
    if kind is MapKind.PROVENANCE:
        return _provenance_rgba(maps, frame)
    if kind is MapKind.CONFIDENCE:
        return None if maps.confidence is None else _confidence_rgba(maps, maps.confidence)
    if kind is MapKind.NEVER_SEEN and maps.never_visible is not None:
        return _striped(_filled(maps.never_visible.shape, _SYNTHESISED), maps.never_visible, maps.box, gaps=True)
    return None


def _provenance_rgba(maps: FrameMaps, frame: int) -> Rgba:
    origin = maps.provenance
    distance = origin.astype(np.int64) - frame
    far = np.clip(np.abs(distance) / FARTHEST_FRAMES, 0.0, 1.0)[..., np.newaxis]
    before = _mixed(_NEAR_BEFORE, _FAR_BEFORE, far)
    after = _mixed(_NEAR_AFTER, _FAR_AFTER, far)
    rgb = np.where((distance < 0)[..., np.newaxis], before, after)
    for mark, color in ((frame, _KEPT), (SYNTHESISED, _SYNTHESISED), (GENERATED, _GENERATED)):
        rgb[origin == mark] = color
    rgba = np.dstack([np.rint(rgb), np.where(origin == UNTOUCHED, 0, _ALPHA)]).astype(np.uint8)
    return _striped(rgba, maps.invented, maps.box)


def _confidence_rgba(maps: FrameMaps, confidence: NDArray[np.float32]) -> Rgba:
    steps = np.linspace(0.0, 1.0, len(_HEAT))
    table = np.array(_HEAT, np.float64)
    channels = [np.interp(confidence, steps, table[:, channel]) for channel in range(3)]
    alpha = np.where(maps.provenance == UNTOUCHED, 0, _ALPHA)
    return np.dstack([*channels, alpha]).round().astype(np.uint8)


def _filled(shape: tuple[int, ...], color: tuple[int, int, int]) -> Rgba:
    rgba = np.zeros((*shape, 4), np.uint8)
    rgba[..., :3] = color
    return rgba


def _striped(rgba: Rgba, where: NDArray[np.bool_], box: Box, *, gaps: bool = False) -> Rgba:
    """Diagonal stripes: dark ones over the colour, or the colour's own with gaps in between."""
    rows, columns = np.ogrid[box.y0 : box.y1, box.x0 : box.x1]
    on_stripe = (((rows + columns) // _STRIPE_PX) % 2 == 0) & where
    if gaps:
        rgba[on_stripe, 3] = 220
    else:
        rgba[on_stripe, :3] //= 2
    return rgba


def _mixed(near: tuple[int, int, int], far: tuple[int, int, int], share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(near) + share * (np.array(far, np.float64) - np.array(near))


class MapOverlay:
    """The map of one frame over the picture, with its legend. Reads a file once, as long as it stays the one shown."""

    def __init__(self) -> None:
        self.kind = MapKind.OFF
        self._path: str | None = None
        self._frame = 0
        self._drawn: tuple[tuple[str, MapKind, int], tuple[QImage, Box] | None] | None = None

    def show(self, path: str | None, frame: int) -> None:
        """The maps file of the frame shown; None: there is none."""
        self._path, self._frame = path, frame

    @property
    def image(self) -> tuple[QImage, Box] | None:
        """What is drawn and where, in picture px; None where there is nothing to draw."""
        if self.kind is MapKind.OFF or self._path is None:
            return None
        key = (self._path, self.kind, self._frame)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = key, _read(*key)
        return self._drawn[1]

    def paint(self, painter: QPainter, view: ViewTransform) -> None:
        """Over a picture of one pane, in widget px."""
        if self.kind is MapKind.OFF:
            return
        found = self.image
        if found is not None:
            image, box = found
            at = view.rect_to_widget(RectF(box.x0, box.y0, box.x1, box.y1))
            painter.drawImage(QRectF(at.x0, at.y0, at.x1 - at.x0, at.y1 - at.y0), image)
        _paint_legend(painter, self.kind, is_known=found is not None)


def _read(path: str, kind: MapKind, frame: int) -> tuple[QImage, Box] | None:
    try:
        maps = FrameMaps.load(path)
    except MediaError:  # the engine's cache has let go of it; the result can still be looked at
        return None
    rgba = map_rgba(maps, kind, frame)
    if rgba is None:
        return None
    height, width = rgba.shape[:2]
    data = np.ascontiguousarray(rgba)
    return QImage(data.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy(), maps.box


def _paint_legend(painter: QPainter, kind: MapKind, *, is_known: bool) -> None:
    """In the lower left corner of the pane."""
    entries = legend(kind)
    texts = [tr(entry.text) for entry in entries] if is_known else [tr("Nothing is known of this frame")]
    painter.save()
    painter.setFont(theme.ui_font(11))
    widths = [QFontMetricsF(painter.font()).horizontalAdvance(text) for text in texts]
    swatch, gap, height = (14.0 if is_known else 0.0), 6.0, 22.0
    total = sum(widths) + len(texts) * (swatch + 3 * gap)
    pane = painter.clipBoundingRect() if painter.hasClipping() else QRectF(painter.viewport())
    area = QRectF(pane.left() + 12, pane.bottom() - 12 - height, total, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 170))
    painter.drawRoundedRect(area, 4, 4)
    x = area.left() + gap / 2 + 1
    for index, text in enumerate(texts):
        if is_known:
            _paint_swatch(painter, entries[index], QRectF(x, area.center().y() - 5, swatch, 10))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(QPointF(x + swatch + gap, area.center().y() + 4), text)
        x += swatch + widths[index] + 3 * gap
    painter.restore()


def _paint_swatch(painter: QPainter, entry: LegendEntry, area: QRectF) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*entry.color))
    painter.drawRect(area)
    if entry.is_striped:
        painter.setBrush(QColor(0, 0, 0, 128))
        for left in (area.left() + 2, area.left() + 9):
            painter.drawRect(QRectF(left, area.top(), 3.5, area.height()))
