"""Strokes that are painted one after the other are one thing: each one joins what was painted before it. Without Qt.

A go lasts while the same removal is painted on the same frame and nothing else changes what was painted. Taking a
stroke back takes it out of the go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from desktop.base.language import tr
from desktop.editing.session import Session
from desktop.roto import commands as roto_commands
from desktop.roto.selection import RotoSelection
from roi_tools.roto.model import RotoLayer, Shape
from timeline.marking import shape_bounds

_ERROR_SHARE = 0.02
_FINEST_PX, _COARSEST_PX = 0.5, 1.5
"""How far the edge of what is joined may lie from the strokes': a share of the thinnest one's width, within these."""


@dataclass(frozen=True)
class _Painted:
    """The strokes so far, and the shapes that they are in the document."""

    removal_id: str
    frame: int
    lines: tuple[Shape, ...]
    shapes: tuple[Shape, ...]


class BrushGo:
    """What one brush paints into one session."""

    def __init__(self, session: Session, selection: RotoSelection) -> None:
        self._session, self._selection = session, selection
        self._done: list[_Painted] = []

    def end(self) -> None:
        """The next stroke begins something new."""
        self._done.clear()

    def paint(self, line: Shape, effect: str) -> None:
        """Add a stroke, or take it away where its mode subtracts; one undo step.

        ``effect`` is that of a new removal. A stroke whose joining would change what other shapes show stays alone.
        """
        self._forget_what_changed()
        if self._done and not (line.mode == "subtract" and self._touches_others(line)) and self._joined(line):
            return
        self.end()
        if line.mode == "subtract" and roto_commands.roto_of(self._session.removal) is None:
            return
        self._selection.select(roto_commands.add_shape(self._session, line, effect))
        removal, place, shape = self._session.removal, self._session.place, self._selection.shape
        if line.mode == "add" and removal and place and shape:
            self._done = [_Painted(removal.id, place.media_frame, (shape,), (shape,))]

    def _layer(self) -> RotoLayer | None:
        marking = roto_commands.roto_of(self._session.removal)
        return marking.layer if marking else None

    def _forget_what_changed(self) -> None:
        """Back to the last stroke whose shapes are in the document as they were painted."""
        removal, place, layer = self._session.removal, self._session.place, self._layer()
        known = {id(shape) for shape in layer.shapes} if layer else set()
        while self._done:
            last = self._done[-1]
            here = removal is not None and place is not None and (removal.id, place.media_frame) == (
                last.removal_id, last.frame)  # fmt: skip
            if here and all(id(shape) in known for shape in last.shapes):
                return
            self._done.pop()

    def _touches_others(self, changed: Shape) -> bool:
        """Whether a shape that takes away reaches shapes that were not painted in this go."""
        layer, last = self._layer(), self._done[-1]
        reach = shape_bounds(changed, last.frame)
        if layer is None or reach is None:
            return False
        own = set(map(id, last.shapes))
        others = [shape for shape in layer.shapes if id(shape) not in own and shape.is_present(last.frame)]
        bounds = [found for shape in others if (found := shape_bounds(shape, last.frame))]
        return any(
            reach.x0 < other.x1 and other.x0 < reach.x1 and reach.y0 < other.y1 and other.y0 < reach.y1
            for other in bounds
        )

    def _joined(self, line: Shape) -> bool:
        """Join a stroke with those before it; False where a hole of what comes of it would go through other shapes."""
        from roi_tools.roto.joining import joined_lines  # loads OpenCV

        layer, last = self._layer(), self._done[-1]
        assert layer is not None  # what was painted is in it
        lines = (*last.lines, line)
        joined = joined_lines(lines, last.frame, last.lines[0].label, _error_px(lines, last.frame))
        if any(shape.mode == "subtract" and self._touches_others(shape) for shape in joined):
            return False
        own = set(map(id, last.shapes))
        position = next(number for number, shape in enumerate(layer.shapes) if id(shape) in own)
        below = [shape for shape in layer.shapes[:position] if id(shape) not in own]
        above = [shape for shape in layer.shapes[position:] if id(shape) not in own]
        named = _named(joined, [*below, *above])
        step = tr("Erase") if line.mode == "subtract" else tr("Paint")
        roto_commands.set_layer(self._session, last.removal_id, replace(layer, shapes=(*below, *named, *above)), step)
        self._selection.select(named[0].label if named else None)
        self._done = [*self._done, replace(last, lines=lines, shapes=named)] if named else []
        return True


def _error_px(lines: tuple[Shape, ...], frame: int) -> float:
    thinnest = min(line.width_px.value_at(frame)[0] for line in lines)
    return min(max(_ERROR_SHARE * thinnest, _FINEST_PX), _COARSEST_PX)


def _named(joined: tuple[Shape, ...], others: list[Shape]) -> tuple[Shape, ...]:
    """The first keeps its name, which it has had; the others get free ones."""
    named: list[Shape] = []
    for shape in joined:
        taken = [*others, *named]
        clashes = any(other.label == shape.label for other in taken)
        named.append(replace(shape, label=roto_commands.free_label(shape.label, taken)) if clashes else shape)
    return tuple(named)
