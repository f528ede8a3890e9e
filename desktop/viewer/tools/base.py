"""What every tool of the viewer offers."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QPainter

from desktop.base.language import tr
from desktop.viewer.tools.pointer import Pointer
from desktop.viewer.tools.stage import Stage
from roi_tools.roto.model import RotoLayer
from roi_tools.shapes import RectF


class Tool(Enum):
    """What the left mouse button does."""

    SELECT = "select"
    BOX = "box"
    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    BEZIER = "bezier"
    BSPLINE = "bspline"
    STROKE = "stroke"
    BRUSH = "brush"
    CLICK = "click"
    PROPOSAL = "proposal"


class CanvasTool:
    """A tool in one viewer. It edits nothing itself: a finished gesture is one of the stage's signals."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def is_busy(self) -> bool:
        """Whether a gesture or a drawing goes on."""
        return False

    def press(self, at: Pointer) -> None:
        """The left button went down."""

    def move(self, at: Pointer) -> None:
        """The mouse moved, with or without the button."""

    def release(self, at: Pointer) -> None:
        """The left button went up."""

    def double_click(self, at: Pointer) -> None:
        """The left button went down for the second time."""
        self.press(at)

    def wants_key(self, event: QKeyEvent) -> bool:
        """Whether this key is for the tool although the window may have a shortcut on it."""
        return False

    def key(self, event: QKeyEvent) -> None:
        """A key that the tool wants went down."""

    def cancel(self) -> None:
        """Give the gesture or the drawing up."""

    def paint(self, painter: QPainter) -> None:
        """Draw over the picture, in widget px."""

    def cursor(self, at: Pointer | None) -> Qt.CursorShape:
        """The mouse cursor."""
        return Qt.CursorShape.CrossCursor

    def hint(self, at: Pointer | None) -> str:
        """One line on what a click does here."""
        return ""

    def shown_layer(self, removal_id: str) -> RotoLayer | None:
        """The shapes of a removal as a drag has them now; None where the document's count."""
        return None

    def shown_rect(self, removal_id: str) -> RectF | None:
        """The box of a removal as a drag has it now; None where the document's counts."""
        return None

    def px(self) -> float:
        """The size of a widget px in image px."""
        return 1 / self._stage.view.zoom

    def where_shapes_go(self) -> str:
        """Which removal a new shape becomes part of."""
        selected = next((roto for roto in self._stage.rotos if roto.selected), None)
        return tr("added to '{name}'").format(name=selected.label) if selected else tr("as a new removal")


def is_undo(event: QKeyEvent) -> bool:
    """Whether a key takes the last edit back: in a drawing, its last point."""
    return event.key() == Qt.Key.Key_Z and event.modifiers() == Qt.KeyboardModifier.ControlModifier


def plain_key(event: QKeyEvent) -> bool:
    """Whether a key comes without modifiers (the keypad's own one aside)."""
    return event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
