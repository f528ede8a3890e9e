"""Shows boxes that were proposed; a click takes one, Enter takes all, Esc none."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from typing_extensions import override

from desktop.base import theme
from desktop.base.language import tr
from desktop.viewer.overlays import draw_tag, to_qrect
from desktop.viewer.tools.base import CanvasTool
from desktop.viewer.tools.pointer import Pointer
from roi_tools.shapes import RectF

_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ProposalTool(CanvasTool):
    """Chosen by the window while there are proposals."""

    _boxes: tuple[RectF, ...] = ()
    _name = ""

    @property
    def boxes(self) -> tuple[RectF, ...]:
        """What is still proposed."""
        return self._boxes

    def propose(self, boxes: tuple[RectF, ...], name: str) -> None:
        """Show these boxes, the most likely one first."""
        self._boxes, self._name = boxes, name

    def _under(self, at: Pointer) -> RectF | None:
        """The smallest box under the mouse."""
        found = [box for box in self._boxes if box.x0 <= at.x < box.x1 and box.y0 <= at.y < box.y1]
        return min(found, key=lambda box: box.width_px * box.height_px, default=None)

    @override
    def press(self, at: Pointer) -> None:
        box = self._under(at)
        if box is not None:
            self._take(box)

    def _take(self, box: RectF) -> None:
        self._boxes = tuple(other for other in self._boxes if other is not box)
        self._stage.gestures.proposal_taken.emit(box, self._name, not self._boxes)

    @override
    def wants_key(self, event: QKeyEvent) -> bool:
        return event.key() in _KEYS

    @override
    def key(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._boxes = ()
            self._stage.gestures.proposal_taken.emit(None, self._name, True)
            return
        for box in self._boxes:
            self._take(box)

    @override
    def cancel(self) -> None:
        self._boxes = ()

    @override
    def paint(self, painter: QPainter) -> None:
        hover = self._stage.hover
        under = self._under(hover) if hover is not None else None
        for number, box in enumerate(self._boxes, 1):
            rect = to_qrect(self._stage.view.rect_to_widget(box))
            painter.setBrush(QColor(255, 255, 255, 40) if box is under else Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(0, 0, 0, 170), 3.5))
            painter.drawRect(rect)
            painter.setPen(QPen(QColor(theme.ACCENT), 1.5, Qt.PenStyle.DashLine))
            painter.drawRect(rect)
            text = self._name or tr("Proposal {number}").format(number=number)
            place = rect.topLeft() - QPointF(0, 21) if rect.top() > 22 else rect.topLeft()
            draw_tag(painter, text, place, QColor(theme.ACCENT), QColor("#101010"))

    @override
    def cursor(self, at: Pointer | None) -> Qt.CursorShape:
        on_box = at is not None and self._under(at) is not None
        return Qt.CursorShape.PointingHandCursor if on_box else Qt.CursorShape.ArrowCursor

    @override
    def hint(self, at: Pointer | None) -> str:
        if self._name:
            return tr("Click it or press Enter: it is removed, too, and goes along with its object; Esc: no")
        return tr("Click a proposal to accept it; Enter: all, Esc: none")
