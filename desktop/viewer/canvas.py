"""The picture with its boxes and shapes. What the left mouse button does is up to its tools."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from desktop.base.language import tr
from desktop.roto.selection import RotoSelection
from desktop.viewer.marks_painter import MarksPainter
from desktop.viewer.outline_cache import OutlineCache
from desktop.viewer.overlays import BoxOverlay
from desktop.viewer.picture_view import PictureView
from desktop.viewer.roto_painter import RotoOverlay
from desktop.viewer.tools.base import CanvasTool, Tool
from desktop.viewer.tools.click_tool import Outline
from desktop.viewer.tools.gestures import Gestures
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.toolbox import Toolbox
from roi_tools.roto.model import RotoLayer
from roi_tools.shapes import RectF


@dataclass(frozen=True)
class _Pan:
    last: QPointF


@dataclass(frozen=True)
class _WipeDrag:
    pass


class Canvas(PictureView):
    """Shows one DisplayFrame. It edits nothing itself: finished gestures are signals of :attr:`gestures`."""

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
        self.outlines = OutlineCache()
        self._marks = MarksPainter(selection, self.outlines)
        self.gestures = Gestures(self)
        self._tools = Toolbox(self)
        self._tool = Tool.SELECT
        self._gesture: CanvasTool = self._tools.select
        self._hover: Pointer | None = None
        self._hint = ""
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
        return self._marks.frame_number

    @property
    def boxes(self) -> tuple[BoxOverlay, ...]:
        """The boxes on this frame, the topmost last."""
        return self._marks.boxes

    @property
    def rotos(self) -> tuple[RotoOverlay, ...]:
        """The roto on this frame, the topmost last."""
        return self._marks.rotos

    @property
    def shows_overlays(self) -> bool:
        """Whether boxes and shapes are seen, and can be taken hold of."""
        return self._marks.shows_overlays

    @property
    def hover(self) -> Pointer | None:
        """Where the mouse was last; None outside."""
        return self._hover

    def set_boxes(self, boxes: tuple[BoxOverlay, ...]) -> None:
        """The boxes on this frame, the topmost last."""
        self._marks.boxes = boxes
        self.update()

    def set_rotos(self, rotos: tuple[RotoOverlay, ...], frame: int) -> None:
        """The roto on media frame ``frame``, the topmost last."""
        if frame != self.frame_number and self._tools.select.is_busy:
            self._tools.select.cancel()
        self._marks.set_rotos(rotos, frame)
        self.update()

    def propose(self, boxes: tuple[RectF, ...], name: str) -> None:
        """Let a person choose among boxes; the gesture ``proposal_taken`` follows."""
        self.set_tool(Tool.PROPOSAL)
        self._tools.proposals.propose(boxes, name)
        self._say_hint(self._hover)
        self.setFocus()

    def show_found(self, outlines: tuple[Outline, ...], said: str) -> None:
        """What click to matte has found on the frame of its prompts, and how far it is."""
        self._tools.clicks.show(outlines, said)
        self._say_hint(self._hover)
        self.update()

    def is_tracked(self, removal_id: str) -> bool:
        """Whether a running track moves a removal just now."""
        return self._marks.is_tracked(removal_id)

    def set_live(self, removal_id: str, rect: RectF | None, layer: RotoLayer | None) -> None:
        """Where a running track has a removal on the frame shown; an empty id: none runs."""
        self._marks.set_live(removal_id, rect, layer)
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
        self._marks.shows_overlays = visible
        self.update()

    def set_matte(self, visible: bool) -> None:
        """Show or hide the tint over what is removed."""
        self._marks.shows_matte = visible
        self.update()

    @override
    def paint_over(self, painter: QPainter) -> None:
        if self._size is not None:
            self._marks.paint(painter, self._view, self._size, self._gesture)
        self._gesture.paint(painter)

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
        overlay, _ = self._tools.under.box_at(at)
        if self._tool is Tool.BOX and overlay is not None and overlay.selected:
            return self._tools.select
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
            self._tools.select.select_at(Pointer(*self._view.to_image(point.x(), point.y()), point))
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
        hint = self._gesture.hint(at) if at is not None or self._gesture.is_busy else ""
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
