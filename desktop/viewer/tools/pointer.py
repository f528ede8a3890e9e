"""Where the mouse is, for a tool."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent


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
