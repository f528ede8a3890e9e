"""Where a companion is while its leader is dragged or tracked: as it will be when that has ended. Without Qt."""

from __future__ import annotations

from dataclasses import replace

from roi_tools.linking import unmoved
from roi_tools.roto.model import RotoLayer
from roi_tools.shapes import AnimatedRectangle, RectF
from timeline.linking import gone_along
from timeline.marking import Marking, RotoMarking


def moved_rect(rect: RectF, before: Marking, after: Marking, frame: int) -> RectF:
    """The box of a companion on ``frame`` whose leader was ``before`` and is ``after``, as :func:`on_frame` gives."""
    found = gone_along(AnimatedRectangle.still(rect, frame), before, after).rect_at(frame)
    return found or rect


def moved_layer(layer: RotoLayer, before: Marking, after: Marking, frame: int) -> RotoLayer:
    """The same for a companion's shapes; ``layer`` itself where they stay."""
    here = on_frame(layer, frame)
    moved = gone_along(here, before, after)
    return moved.layer if moved != here and isinstance(moved, RotoMarking) else layer


def on_frame(seen: RectF | RotoLayer, frame: int) -> Marking:
    """What is seen on ``frame`` as a marking that never changes."""
    if isinstance(seen, RectF):
        return AnimatedRectangle.still(seen, frame)
    return RotoMarking(replace(seen, shapes=tuple(unmoved(shape, frame) for shape in seen.shapes)))
