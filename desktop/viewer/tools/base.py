"""What every tool of the viewer offers to the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from roi_tools.roto.model import RotoLayer
from roi_tools.shapes import RectF

if TYPE_CHECKING:
    from desktop.viewer.canvas import Canvas


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


@dataclass(frozen=True)
class Pointer:
    """Where the mouse is: image px (x, y), widget px ``at`` (in the left pane), and the modifier keys."""

    x: float
    y: float
    at: QPointF
    shift: bool = False
    control: bool = False
    alt: bool = False

    @classmethod
    def of(cls, event: QMouseEvent, at: QPointF, image: tuple[float, float]) -> Pointer:
        """The pointer of a mouse event whose place in the pane and in the image is known."""
        held = event.modifiers()
        return cls(
            *image,
            at,
            bool(held & Qt.KeyboardModifier.ShiftModifier),
            bool(held & Qt.KeyboardModifier.ControlModifier),
            bool(held & Qt.KeyboardModifier.AltModifier),
        )


class CanvasTool:
    """A tool of one canvas. It edits nothing itself: a finished gesture is one of the canvas' signals."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

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
        return 1 / self._canvas.view.zoom


def is_undo(event: QKeyEvent) -> bool:
    """Whether a key takes the last edit back: in a drawing, its last point."""
    return event.key() == Qt.Key.Key_Z and event.modifiers() == Qt.KeyboardModifier.ControlModifier


def plain_key(event: QKeyEvent) -> bool:
    """Whether a key comes without modifiers (the keypad's own one aside)."""
    return event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
