"""Which shape and which of its points are being edited. Without Qt; not part of the document."""

from __future__ import annotations

from collections.abc import Iterable

from psygnal import Signal

from desktop.editing.session import Session
from desktop.roto.commands import roto_of
from roi_tools.roto.model import Shape

DEFAULT_WIDTH_PX = 8.0


class RotoSelection:
    """One shape of the selected removal, or none; it follows the session."""

    changed = Signal()
    """Another shape or other points are selected."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._label: str | None = None
        self._points: frozenset[int] = frozenset()
        self.line_width_px = DEFAULT_WIDTH_PX
        """Width of the next stroke or brush that is drawn."""
        session.project_changed.connect(self._keep_valid)
        session.selection_changed.connect(self._on_removal)

    @property
    def label(self) -> str | None:
        """The shape's name."""
        return self._label

    @property
    def points(self) -> frozenset[int]:
        """The numbers of its selected points."""
        return self._points

    @property
    def shape(self) -> Shape | None:
        """The shape as the document has it."""
        return next((shape for shape in self._shapes() if shape.label == self._label), None)

    def select(self, label: str | None, points: Iterable[int] = ()) -> None:
        """Select a shape of the selected removal and some of its points."""
        points = frozenset(points) if label is not None else frozenset()
        if (label, points) != (self._label, self._points):
            self._label, self._points = label, points
            self.changed.emit()

    def _shapes(self) -> tuple[Shape, ...]:
        marking = roto_of(self._session.removal)
        return marking.layer.shapes if marking else ()

    def _on_removal(self) -> None:
        shapes = self._shapes()
        if all(shape.label != self._label for shape in shapes):
            self.select(shapes[-1].label if len(shapes) == 1 else None)

    def _keep_valid(self) -> None:
        shape = self.shape
        if shape is None:
            self._on_removal()
        elif any(index >= len(shape.tracks) for index in self._points):
            self.select(self._label)
