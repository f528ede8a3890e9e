"""What is marked on the frame shown, and how it is drawn: boxes, roto, the tint over what is removed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from desktop.base import theme
from desktop.roto.selection import RotoSelection
from desktop.viewer.companion_preview import moved_layer, moved_rect, on_frame
from desktop.viewer.link_painter import Place, draw_link, rect_middle
from desktop.viewer.matte_overlay import MatteOverlay
from desktop.viewer.outline_cache import OutlineCache
from desktop.viewer.overlays import BoxOverlay, draw_box, draw_matte, to_qrect
from desktop.viewer.roto_painter import RotoOverlay, draw_name, draw_shape
from desktop.viewer.view_transform import ViewTransform
from roi_tools.geometry import Size
from roi_tools.roto.model import RotoLayer, Shape
from roi_tools.shapes import RectF
from timeline.marking import Marking


class Preview(Protocol):
    """A gesture that goes on."""

    def shown_layer(self, removal_id: str) -> RotoLayer | None:
        """The shapes of a removal as it has them now; None where the document's count."""

    def shown_rect(self, removal_id: str) -> RectF | None:
        """The box of a removal as it has it now; None where the document's counts."""


@dataclass(frozen=True)
class _Live:
    """Where a running track has a removal."""

    removal_id: str = ""
    rect: RectF | None = None
    layer: RotoLayer | None = None

    def shown_layer(self, removal_id: str) -> RotoLayer | None:
        return self.layer if removal_id == self.removal_id else None

    def shown_rect(self, removal_id: str) -> RectF | None:
        return self.rect if removal_id == self.removal_id else None


@dataclass(frozen=True)
class _Drawn:
    """One shape as it is drawn."""

    shape: Shape
    is_active: bool
    is_enabled: bool
    is_seen: bool


class MarksPainter:
    """Boxes and roto of one frame. It draws in widget px."""

    def __init__(self, selection: RotoSelection, outlines: OutlineCache) -> None:
        self._selection, self._outlines = selection, outlines
        self.boxes: tuple[BoxOverlay, ...] = ()
        self.rotos: tuple[RotoOverlay, ...] = ()
        self.frame_number = 0
        self.shows_overlays, self.shows_matte = True, False
        self._live = _Live()
        self._mattes = MatteOverlay()
        self._sheet = _Sheet()

    def set_rotos(self, rotos: tuple[RotoOverlay, ...], frame: int) -> None:
        """The roto on media frame ``frame``, the topmost last."""
        self.rotos, self.frame_number = rotos, frame
        self._mattes.keep_only({roto.removal_id for roto in rotos})

    def set_live(self, removal_id: str, rect: RectF | None, layer: RotoLayer | None) -> None:
        """Where a running track has a removal; an empty id: none runs."""
        self._live = _Live(removal_id, rect, layer)

    def is_tracked(self, removal_id: str) -> bool:
        """Whether a running track moves a removal just now."""
        return self._live.removal_id == removal_id

    def paint(self, painter: QPainter, view: ViewTransform, size: Size, gesture: Preview) -> None:
        """Draw all of it over a picture of ``size`` that lies at ``view``."""
        if self.shows_matte:
            self._paint_mattes(painter, view, size, gesture)
        if not self.shows_overlays:
            return
        for overlay in self.boxes:
            rect = self._shown(overlay.removal_id, gesture).shown_rect(overlay.removal_id)
            shown = replace(overlay, rect=rect or self._rect(overlay, gesture), keyed=overlay.keyed or rect is not None)
            draw_box(painter, shown, to_qrect(view.rect_to_widget(shown.rect)), sizes=rect is not None)
        self._paint_shapes(painter, view, gesture)
        self._paint_links(painter, view, gesture)

    def _shown(self, removal_id: str, gesture: Preview) -> Preview:
        """What a running track says comes before what a gesture does."""
        return self._live if self._live.removal_id == removal_id else gesture

    def _rect(self, overlay: BoxOverlay, gesture: Preview) -> RectF:
        """A box as it is now: dragged, tracked, or gone along with its leader."""
        shown = self._shown(overlay.removal_id, gesture).shown_rect(overlay.removal_id)
        leader = self._leader_moved(overlay.linked_to, gesture)
        if shown is None and leader is not None:
            return moved_rect(overlay.rect, *leader, self.frame_number)
        return shown or overlay.rect

    def _layer(self, roto: RotoOverlay, gesture: Preview) -> RotoLayer:
        """Shapes as they are now: dragged, tracked, or gone along with their leader."""
        shown = self._shown(roto.removal_id, gesture).shown_layer(roto.removal_id)
        leader = self._leader_moved(roto.linked_to, gesture)
        if shown is None and leader is not None:
            return moved_layer(roto.layer, *leader, self.frame_number)
        return shown or roto.layer

    def _leader_moved(self, removal_id: str, gesture: Preview) -> tuple[Marking, Marking] | None:
        """What a leader marks, in the document and just now; None where it rests."""
        preview, frame = self._shown(removal_id, gesture), self.frame_number
        seen: list[tuple[RectF | RotoLayer, RectF | RotoLayer | None]] = []
        seen += [(box.rect, preview.shown_rect(removal_id)) for box in self.boxes if box.removal_id == removal_id]
        seen += [(roto.layer, preview.shown_layer(removal_id)) for roto in self.rotos if roto.removal_id == removal_id]
        moved = [(on_frame(before, frame), on_frame(after, frame)) for before, after in seen if after is not None]
        return moved[0] if moved else None

    # --- shapes -------------------------------------------------------------------------------------------------

    def _paint_shapes(self, painter: QPainter, view: ViewTransform, gesture: Preview) -> None:
        """First what rests, from a sheet where it was drawn before; over it what moves just now."""
        resting: list[_Drawn] = []
        moving: list[_Drawn] = []
        names: list[tuple[RotoOverlay, RotoLayer]] = []
        for roto in self.rotos:
            layer = self._layer(roto, gesture)
            known = set(map(id, roto.layer.shapes))
            for drawn in self._drawn(roto, layer):
                (resting if id(drawn.shape) in known else moving).append(drawn)
            names.append((roto, layer))
        self._sheet.paint(painter, view, self.frame_number, tuple(resting), self._draw)
        for drawn in moving:
            self._draw(painter, view, drawn)
        for roto, layer in names:
            draw_name(painter, view, roto, layer, self.frame_number, self._outlines)

    def _drawn(self, roto: RotoOverlay, layer: RotoLayer) -> list[_Drawn]:
        found = []
        for shape in layer.shapes:
            active = roto.selected and shape.label == self._selection.label
            seen = shape.is_present(self.frame_number)
            if seen or (active and not shape.is_visible):
                found.append(_Drawn(shape, active, roto.enabled, seen))
        return found

    def _draw(self, painter: QPainter, view: ViewTransform, drawn: _Drawn) -> None:
        outlines = self._outlines.of(drawn.shape, self.frame_number)
        draw_shape(painter, view, outlines, active=drawn.is_active, enabled=drawn.is_enabled, seen=drawn.is_seen)

    # --- links --------------------------------------------------------------------------------------------------

    def _paint_links(self, painter: QPainter, view: ViewTransform, gesture: Preview) -> None:
        """A line from each companion to its leader."""
        places: dict[str, Place] = {}
        linked: list[tuple[str, str, bool]] = []
        for box in self.boxes:
            places[box.removal_id] = rect_middle(self._rect(box, gesture))
            linked.append((box.removal_id, box.linked_to, box.selected))
        for roto in self.rotos:
            layer = self._layer(roto, gesture)
            shapes = {shape.label: shape for shape in layer.shapes if shape.is_present(self.frame_number)}
            middles = {label: self._middle(shape) for label, shape in shapes.items()}
            if middles:
                places[roto.removal_id] = next(iter(middles.values()))
                linked.append((roto.removal_id, roto.linked_to, roto.selected))
            for label, shape in shapes.items():
                if shape.linked_to in middles:
                    strong = roto.selected and self._selection.label in (label, shape.linked_to)
                    draw_link(painter, view, middles[label], middles[shape.linked_to], strong=strong)
        chosen = {name for name, _, selected in linked if selected}
        for name, leader, _ in linked:
            if leader in places:
                draw_link(painter, view, places[name], places[leader], strong=bool(chosen & {name, leader}))

    def _middle(self, shape: Shape) -> Place:
        return rect_middle(RectF(*self._outlines.of(shape, self.frame_number).bounds))

    # --- mattes -------------------------------------------------------------------------------------------------

    def _paint_mattes(self, painter: QPainter, view: ViewTransform, size: Size, gesture: Preview) -> None:
        color = QColor(theme.FAILED)
        for overlay in self.boxes:
            if overlay.enabled:
                _paint_box_matte(painter, view, size, self._rect(overlay, gesture), overlay.grow_px, color)
        for roto in self.rotos:
            if roto.enabled:
                self._mattes.paint_roto(painter, view, roto.removal_id, roto.marking, self._layer(roto, gesture),
                                        self.frame_number, size, roto.grow_px, color)  # fmt: skip


def _paint_box_matte(
    painter: QPainter, view: ViewTransform, size: Size, rect: RectF, grow_px: float, color: QColor
) -> None:
    grown = RectF(rect.x0 - grow_px, rect.y0 - grow_px, rect.x1 + grow_px, rect.y1 + grow_px)
    picture = to_qrect(view.rect_to_widget(RectF(0, 0, float(size.width_px), float(size.height_px))))
    draw_matte(painter, to_qrect(view.rect_to_widget(grown)).intersected(picture), color)


class _DrawOne(Protocol):
    def __call__(self, painter: QPainter, view: ViewTransform, drawn: _Drawn) -> None: ...


class _Sheet:
    """Shapes that rest while others are dragged, drawn once. What is new is drawn as it is; seen again, it is kept."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._shapes: tuple[_Drawn, ...] = ()
        self._pixmap: QPixmap | None = None

    def paint(
        self, painter: QPainter, view: ViewTransform, frame: int, shapes: tuple[_Drawn, ...], draw: _DrawOne
    ) -> None:
        device = painter.device()
        area, ratio = QSize(device.width(), device.height()), device.devicePixelRatio()
        key = (view, frame, area.width(), area.height(), ratio)
        if key != self._key or not _same(shapes, self._shapes):
            self._key, self._shapes, self._pixmap = key, shapes, None
            for drawn in shapes:
                draw(painter, view, drawn)
            return
        if self._pixmap is None:
            self._pixmap = QPixmap(area * ratio)
            self._pixmap.setDevicePixelRatio(ratio)
            self._pixmap.fill(Qt.GlobalColor.transparent)
            own = QPainter(self._pixmap)
            for drawn in shapes:
                draw(own, view, drawn)
            own.end()
        painter.drawPixmap(QRectF(0, 0, area.width(), area.height()).topLeft(), self._pixmap)


def _same(shapes: tuple[_Drawn, ...], others: tuple[_Drawn, ...]) -> bool:
    """Shapes are compared by identity: their numbers would take longer than drawing them."""
    return len(shapes) == len(others) and all(
        a.shape is b.shape and (a.is_active, a.is_enabled, a.is_seen) == (b.is_active, b.is_enabled, b.is_seen)
        for a, b in zip(shapes, others, strict=True)
    )
