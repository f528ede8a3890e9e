"""Which box or shape lies under the mouse, and what of it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF

from desktop.viewer.box_handles import Handle, handle_at
from desktop.viewer.overlays import HANDLE_PX, BoxOverlay
from desktop.viewer.roto_hits import REACH_PX, Hit, hit_active, hit_shape
from desktop.viewer.roto_painter import RotoOverlay
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.stage import Stage
from roi_tools.roto.model import Shape


@dataclass(frozen=True)
class RotoHit:
    """A shape under the mouse; ``is_active``: it is the one that is being edited."""

    overlay: RotoOverlay
    shape: Shape
    hit: Hit
    is_active: bool


class UnderMouse:
    """Answers for one viewer. A move of the mouse asks several times: for the cursor, the hint, the hot point."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._last: tuple[tuple[object, ...], tuple[RotoOverlay, ...], RotoHit | None] | None = None
        """What was found last, for which question."""

    def box_at(self, at: Pointer) -> tuple[BoxOverlay | None, Handle | None]:
        """The box under the mouse: the selected one first, then the topmost."""
        if not self._stage.shows_overlays:
            return None, None
        topmost_first = self._stage.boxes[::-1]
        for overlay in sorted(topmost_first, key=lambda box: not box.selected):
            rect = self._stage.view.rect_to_widget(overlay.rect)
            handle = handle_at(rect, at.at.x(), at.at.y(), HANDLE_PX if overlay.selected else 2.0)
            if handle:
                return overlay, handle
        return None, None

    def roto_at(self, at: Pointer) -> RotoHit | None:
        """The roto shape under the mouse: the active one first, then the selected removal's, then the topmost."""
        if not self._stage.shows_overlays:
            return None
        stage, selection = self._stage, self._stage.selection
        key = (at.x, at.y, stage.view.zoom, stage.frame_number, selection.label, selection.points)
        if self._last is None or self._last[0] != key or self._last[1] is not stage.rotos:
            self._last = key, stage.rotos, self._find_roto(at)
        return self._last[2]

    def removal_at(self, x: float, y: float) -> str | None:
        """The removal whose box or shape is at an image point."""
        at = Pointer(x, y, QPointF(*self._stage.view.to_widget(x, y)))
        roto, (box, _) = self.roto_at(at), self.box_at(at)
        if roto is not None:
            return roto.overlay.removal_id
        return box.removal_id if box else None

    def active(self) -> tuple[RotoOverlay, Shape] | None:
        """The shape that can be edited now."""
        frame = self._stage.frame_number
        for overlay in self._stage.rotos:
            for shape in overlay.layer.shapes:
                if self._is_active(overlay, shape) and not shape.is_locked and shape.is_present(frame):
                    return overlay, shape
        return None

    def hit_of(self, shape: Shape, at: Pointer) -> Hit | None:
        """Outline or inside of a shape under the mouse."""
        px, frame = 1 / self._stage.view.zoom, self._stage.frame_number
        if not self._stage.outlines.of(shape, frame).is_near(at.x, at.y, REACH_PX * px):
            return None
        return hit_shape(shape, frame, at.x, at.y, px)

    def _find_roto(self, at: Pointer) -> RotoHit | None:
        frame = self._stage.frame_number
        topmost_first = self._stage.rotos[::-1]
        for overlay in sorted(topmost_first, key=lambda roto: not roto.selected):
            shapes = [shape for shape in overlay.layer.shapes[::-1] if shape.is_present(frame) and not shape.is_locked]
            for shape in sorted(shapes, key=lambda shape: not self._is_active(overlay, shape)):
                active = self._is_active(overlay, shape)
                hit = self._hit_active(shape, at) if active else self.hit_of(shape, at)
                if hit:
                    return RotoHit(overlay, shape, hit, active)
        return None

    def _hit_active(self, shape: Shape, at: Pointer) -> Hit | None:
        points = self._stage.selection.points
        return hit_active(shape, self._stage.frame_number, points, at.x, at.y, 1 / self._stage.view.zoom)

    def _is_active(self, overlay: RotoOverlay, shape: Shape) -> bool:
        return overlay.selected and shape.label == self._stage.selection.label
