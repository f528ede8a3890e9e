"""What tools have finished. They edit nothing: who listens makes a command of it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class Gestures(QObject):
    """The finished gestures of one viewer's tools."""

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
