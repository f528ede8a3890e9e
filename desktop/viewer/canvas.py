"""The picture with its boxes and shapes. What the left mouse button does is up to its tools."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
)
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.roto.selection import RotoSelection
from desktop.viewer.matte_overlay import MatteOverlay
from desktop.viewer.overlays import (
    BoxOverlay,
    draw_box,
    draw_matte,
    to_qrect,
)
from desktop.viewer.picture_view import PictureView
from desktop.viewer.roto_painter import RotoOverlay, draw_name, draw_shape
from desktop.viewer.tools.base import CanvasTool, Pointer, Tool
from desktop.viewer.tools.box_tool import BoxTool, ParametricTool
from desktop.viewer.tools.brush_tool import BrushTool
from desktop.viewer.tools.click_tool import ClickTool, Outline
from desktop.viewer.tools.pen_tool import PenTool
from desktop.viewer.tools.proposal_tool import ProposalTool
from desktop.viewer.tools.select_tool import SelectTool
from roi_tools.roto.model import RotoLayer
from roi_tools.shapes import RectF


@dataclass(frozen=True)
class _Pan:
    last: QPointF


@dataclass(frozen=True)
class _WipeDrag:
    pass


class Canvas(PictureView):
    """Shows one DisplayFrame. It edits nothing itself: a finished gesture of a tool is a signal."""

    box_drawn = Signal(object)
    """A new box: RectF in image px."""
    box_changed = Signal(str, object)
    """Removal id, its RectF on this frame after a drag."""
    box_clicked = Signal(object)
    """Removal id under a click, or None beside all boxes."""
    shape_drawn = Signal(object)
    """A new roto Shape, keyed on the frame shown."""
    layer_changed = Signal(str, object, str, str)
    """Removal id, its RotoLayer after a gesture, the step's name in the Edit menu, its merge key."""
    points_deleted = Signal()
    """The selected points (or else the shape) are to go."""
    proposal_taken = Signal(object, str, bool)
    """A proposed RectF that is accepted (or None), the proposal's name, whether it was the last one."""
    prompted = Signal(object)
    """Prompts of click to matte that have changed; None: they are dropped."""
    prompts_accepted = Signal(object)
    """Prompts whose object is to be followed through the shot."""
    context_requested = Signal(QPoint)
    """A menu is wanted at this place of the screen."""
    hinted = Signal(str)
    """What a click would do where the mouse is."""
    grabbed = Signal()
    """The left button went down on the picture: a drag may follow, the playhead must stay."""

    def __init__(self, selection: RotoSelection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.selection = selection
        selection.changed.connect(self._on_selection)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(tr("Viewer"))
        self._boxes: tuple[BoxOverlay, ...] = ()
        self._rotos: tuple[RotoOverlay, ...] = ()
        self._frame_number = 0
        self._mattes = MatteOverlay()
        self._tool = Tool.SELECT
        self._select, self._proposals, self._clicks = SelectTool(self), ProposalTool(self), ClickTool(self)
        self._live: tuple[str, RectF | None, RotoLayer | None] = ("", None, None)
        self._tools: dict[Tool, CanvasTool] = _make_tools(self, self._select) | {
            Tool.PROPOSAL: self._proposals,
            Tool.CLICK: self._clicks,
        }
        self._gesture: CanvasTool = self._select
        self._hover: Pointer | None = None
        self._hint = ""
        self._overlays, self._matte = True, False
        self._drag: _Pan | _WipeDrag | CanvasTool | None = None
        self._drag_offset = QPointF()

    # --- what is shown ------------------------------------------------------------------------------------------

    @property
    def tool(self) -> Tool:
        """What the left mouse button does."""
        return self._tool

    @property
    def frame_number(self) -> int:
        """The media frame that boxes and shapes are shown, drawn and keyed on."""
        return self._frame_number

    @property
    def boxes(self) -> tuple[BoxOverlay, ...]:
        """The boxes on this frame, the topmost last."""
        return self._boxes

    @property
    def rotos(self) -> tuple[RotoOverlay, ...]:
        """The roto on this frame, the topmost last."""
        return self._rotos

    @property
    def shows_overlays(self) -> bool:
        """Whether boxes and shapes are seen, and can be taken hold of."""
        return self._overlays

    @property
    def hover(self) -> Pointer | None:
        """Where the mouse was last; None outside."""
        return self._hover

    def removal_at(self, x: float, y: float) -> str | None:
        """The removal whose box or shape is at an image point."""
        at = Pointer(x, y, QPointF(*self._view.to_widget(x, y)))
        roto, (box, _) = self._select.roto_at(at), self._select.box_at(at)
        if roto is not None:
            return roto.overlay.removal_id
        return box.removal_id if box else None

    def where_shapes_go(self) -> str:
        """Which removal a new shape becomes part of."""
        selected = next((roto for roto in self._rotos if roto.selected), None)
        return tr("added to '{name}'").format(name=selected.label) if selected else tr("as a new removal")

    def set_boxes(self, boxes: tuple[BoxOverlay, ...]) -> None:
        """The boxes on this frame, the topmost last."""
        self._boxes = boxes
        self.update()

    def set_rotos(self, rotos: tuple[RotoOverlay, ...], frame: int) -> None:
        """The roto on media frame ``frame``, the topmost last."""
        if frame != self._frame_number and self._select.is_busy:
            self._select.cancel()
        self._rotos, self._frame_number = rotos, frame
        self._mattes.keep_only({roto.removal_id for roto in rotos})
        self.update()

    def propose(self, boxes: tuple[RectF, ...], name: str) -> None:
        """Let a person choose among boxes; :attr:`proposal_taken` follows."""
        self.set_tool(Tool.PROPOSAL)
        self._proposals.propose(boxes, name)
        self.setFocus()

    def show_found(self, outlines: tuple[Outline, ...], said: str) -> None:
        """What click to matte has found on the frame of its prompts, and how far it is."""
        self._clicks.show(outlines, said)
        self.update()

    def is_tracked(self, removal_id: str) -> bool:
        """Whether a running track moves a removal just now."""
        return self._live[0] == removal_id

    def set_live(self, removal_id: str, rect: RectF | None, layer: RotoLayer | None) -> None:
        """Where a running track has a removal on the frame shown; an empty id: none runs."""
        self._live = (removal_id, rect, layer)
        self.update()

    def _on_selection(self) -> None:
        self.update()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left mouse button does; what was being drawn is given up."""
        self._tools[self._tool].cancel()
        self._tool = tool
        self._gesture = self._tools[tool]
        self._update_cursor(self._hover)
        self._say_hint(self._hover)
        self.update()

    def set_overlays(self, visible: bool) -> None:
        """Show or hide the boxes."""
        self._overlays = visible
        self.update()

    def set_matte(self, visible: bool) -> None:
        """Show or hide the tint over what is removed."""
        self._matte = visible
        self.update()

    # --- painting -----------------------------------------------------------------------------------------------

    @override
    def paint_over(self, painter: QPainter) -> None:
        if self._matte:
            self._paint_mattes(painter)
        if self._overlays:
            for overlay in self._boxes:
                rect = self._rect_now(overlay.removal_id)
                shown = replace(overlay, rect=rect, keyed=True) if rect else overlay
                draw_box(painter, shown, to_qrect(self._view.rect_to_widget(shown.rect)), sizes=rect is not None)
            for roto in self._rotos:
                self._paint_roto(painter, roto)
        self._gesture.paint(painter)

    def _paint_roto(self, painter: QPainter, roto: RotoOverlay) -> None:
        frame = self._frame_number
        layer = self._layer_now(roto.removal_id) or roto.layer
        for shape in layer.shapes:
            active = roto.selected and shape.label == self.selection.label
            seen = shape.is_present(frame)
            if seen or (active and not shape.is_visible):
                draw_shape(painter, self._view, shape, frame, active=active, enabled=roto.enabled, seen=seen)
        draw_name(painter, self._view, replace(roto, marking=roto.marking.with_layer(layer)), frame)

    def _rect_now(self, removal_id: str) -> RectF | None:
        """A box as a drag or a running track has it; None where the document's counts."""
        return self._live[1] if self._live[0] == removal_id else self._gesture.shown_rect(removal_id)

    def _layer_now(self, removal_id: str) -> RotoLayer | None:
        return self._live[2] if self._live[0] == removal_id else self._gesture.shown_layer(removal_id)

    def _paint_mattes(self, painter: QPainter) -> None:
        color = QColor(theme.FAILED)
        for overlay in self._boxes:
            if overlay.enabled:
                rect = self._rect_now(overlay.removal_id)
                self._paint_matte(painter, replace(overlay, rect=rect) if rect else overlay)
        for roto in self._rotos:
            if roto.enabled and self._size is not None:
                layer = self._layer_now(roto.removal_id) or roto.layer
                self._mattes.paint_roto(painter, self._view, roto.removal_id, roto.marking, layer,
                                        self._frame_number, self._size, roto.grow_px, color)  # fmt: skip

    def _paint_matte(self, painter: QPainter, overlay: BoxOverlay) -> None:
        grown = to_qrect(overlay.rect).adjusted(-overlay.grow_px, -overlay.grow_px, overlay.grow_px, overlay.grow_px)
        rect = RectF(grown.left(), grown.top(), grown.right(), grown.bottom())
        shown = to_qrect(self._view.rect_to_widget(rect)).intersected(self._picture_rect())
        draw_matte(painter, shown, QColor(theme.FAILED))

    # --- mouse --------------------------------------------------------------------------------------------------

    def _pointer(self, event: QMouseEvent, point: QPointF) -> Pointer:
        return Pointer.of(event, point, self._view.to_image(point.x(), point.y()))

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
            self._press(self._pointer(event, self._in_pane(event.position())), double=False)

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._frame is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag_offset = event.position() - self._in_pane(event.position())
            self._press(self._pointer(event, self._in_pane(event.position())), double=True)

    def _press(self, at: Pointer, *, double: bool) -> None:
        if self._on_wipe(at.at):
            self._drag = _WipeDrag()
            return
        self._gesture = self._tool_for(at)
        self._drag = self._gesture
        if double:
            self._gesture.double_click(at)
        else:
            self._gesture.press(at)
        self._say_hint(at)
        self.update()

    def _tool_for(self, at: Pointer) -> CanvasTool:
        """The chosen tool; the selected box can be changed with the box tool as well."""
        overlay, _ = self._select.box_at(at)
        if self._tool is Tool.BOX and overlay is not None and overlay.selected:
            return self._select
        return self._tools[self._tool]

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        # A drag goes on in the pane where it began, even beyond its edge.
        point = event.position() - self._drag_offset if self._drag else self._in_pane(event.position())
        self._probe(point)
        self._hover = at = self._pointer(event, point)
        if isinstance(self._drag, _Pan):
            moved = event.position() - self._drag.last
            self._drag = _Pan(event.position())
            self._fits = False
            self._set_view(self._view.panned(moved.x(), moved.y()))
        elif isinstance(self._drag, _WipeDrag):
            target = self._picture_rect()
            self._wipe = min(max((point.x() - target.left()) / target.width(), 0.0), 1.0)
        elif self._frame is not None:
            (self._drag or self._tools[self._tool]).move(at)
            if self._drag is None:
                self._update_cursor(at)
            self._say_hint(at)
        self.update()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        # What was dragged ends where the mouse was moved to last: a release comes without a move of its own.
        at = self._pointer(event, event.position() - self._drag_offset)
        if isinstance(drag, CanvasTool):
            drag.release(at)
        self._gesture = self._tools[self._tool]
        self._update_cursor(self._pointer(event, self._in_pane(event.position())))
        self.update()

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._frame is not None and not self._tools[self._tool].is_busy:
            point = self._in_pane(QPointF(event.pos()))
            self._select.select_at(Pointer(*self._view.to_image(point.x(), point.y()), point))
            self.context_requested.emit(event.globalPos())

    # --- keys ---------------------------------------------------------------------------------------------------

    @override
    def event(self, event: QEvent) -> bool:
        # Every key press asks first whether it is meant for the widget or is a shortcut.
        is_question = event.type() == QEvent.Type.ShortcutOverride
        if is_question and isinstance(event, QKeyEvent) and self._gesture.wants_key(event):
            event.accept()
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._gesture.wants_key(event):
            self._gesture.key(event)
            self._say_hint(self._hover)
            self.update()
        else:
            super().keyPressEvent(event)

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.probed.emit(None)
        self._say_hint(None)
        self.update()

    def _say_hint(self, at: Pointer | None) -> None:
        hint = self._gesture.hint(at) if at is not None else ""
        if hint != self._hint:
            self._hint = hint
            self.hinted.emit(hint)

    def _update_cursor(self, at: Pointer | None) -> None:
        tool = self._tools[self._tool]
        if at is not None and self._frame is not None:
            if self._on_wipe(at.at):
                self.setCursor(Qt.CursorShape.SplitHCursor)
                return
            tool = self._tool_for(at)
        self.setCursor(tool.cursor(at))


def _make_tools(canvas: Canvas, select: SelectTool) -> dict[Tool, CanvasTool]:
    return {
        Tool.SELECT: select,
        Tool.BOX: BoxTool(canvas),
        Tool.RECTANGLE: ParametricTool(canvas, "rectangle"),
        Tool.ELLIPSE: ParametricTool(canvas, "ellipse"),
        Tool.BEZIER: PenTool(canvas, "bezier"),
        Tool.BSPLINE: PenTool(canvas, "bspline"),
        Tool.STROKE: PenTool(canvas, "stroke"),
        Tool.BRUSH: BrushTool(canvas),
    }
