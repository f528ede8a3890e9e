"""What a drag does to a box: which handle lies under the cursor, and the rectangle that follows. Without Qt."""

from __future__ import annotations

from enum import Enum

from roi_tools.geometry import Size
from roi_tools.shapes import RectF

MINIMUM_SIDE_PX = 2.0
"""Shortest side that a drag leaves, in image px: something to grab again."""


class Handle(Enum):
    """What a drag takes hold of: (moves left edge, top edge, right edge, bottom edge)."""

    TOP_LEFT = (1, 1, 0, 0)
    TOP = (0, 1, 0, 0)
    TOP_RIGHT = (0, 1, 1, 0)
    RIGHT = (0, 0, 1, 0)
    BOTTOM_RIGHT = (0, 0, 1, 1)
    BOTTOM = (0, 0, 0, 1)
    BOTTOM_LEFT = (1, 0, 0, 1)
    LEFT = (1, 0, 0, 0)
    INSIDE = (1, 1, 1, 1)


_CORNERS_FIRST = (
    Handle.TOP_LEFT,
    Handle.TOP_RIGHT,
    Handle.BOTTOM_RIGHT,
    Handle.BOTTOM_LEFT,
    Handle.TOP,
    Handle.RIGHT,
    Handle.BOTTOM,
    Handle.LEFT,
)


def handle_points(rect: RectF) -> dict[Handle, tuple[float, float]]:
    """The eight handles' centres, in the rectangle's own coordinates."""
    middle_x, middle_y = (rect.x0 + rect.x1) / 2, (rect.y0 + rect.y1) / 2
    return {
        handle: (
            rect.x0 if handle.value[0] else rect.x1 if handle.value[2] else middle_x,
            rect.y0 if handle.value[1] else rect.y1 if handle.value[3] else middle_y,
        )
        for handle in _CORNERS_FIRST
    }


def handle_at(rect: RectF, x: float, y: float, reach: float) -> Handle | None:
    """The handle within ``reach`` of (x, y), INSIDE for the rest of the rectangle, or None. One unit for all."""
    for handle, (handle_x, handle_y) in handle_points(rect).items():
        if abs(x - handle_x) <= reach and abs(y - handle_y) <= reach:
            return handle
    edge = _near_edge(rect, x, y, reach / 2)
    if edge is not None:
        return edge
    return Handle.INSIDE if rect.x0 <= x < rect.x1 and rect.y0 <= y < rect.y1 else None


def _near_edge(rect: RectF, x: float, y: float, reach: float) -> Handle | None:
    inside_x = rect.x0 <= x <= rect.x1
    inside_y = rect.y0 <= y <= rect.y1
    if inside_x and abs(y - rect.y0) <= reach:
        return Handle.TOP
    if inside_x and abs(y - rect.y1) <= reach:
        return Handle.BOTTOM
    if inside_y and abs(x - rect.x0) <= reach:
        return Handle.LEFT
    if inside_y and abs(x - rect.x1) <= reach:
        return Handle.RIGHT
    return None


def dragged(rect: RectF, handle: Handle, dx_px: float, dy_px: float) -> RectF:
    """``rect`` after its ``handle`` moved by whole image pixels; an edge dragged past its opposite turns it over."""
    left, top, right, bottom = handle.value
    dx, dy = round(dx_px), round(dy_px)
    return spanned(rect.x0 + left * dx, rect.y0 + top * dy, rect.x1 + right * dx, rect.y1 + bottom * dy)


def spanned(x0: float, y0: float, x1: float, y1: float) -> RectF:
    """The rectangle between two opposite corners in any order, at least MINIMUM_SIDE_PX on each side."""
    left, right = sorted((x0, x1))
    top, bottom = sorted((y0, y1))
    return RectF(left, top, max(right, left + MINIMUM_SIDE_PX), max(bottom, top + MINIMUM_SIDE_PX))


def drawn(start: tuple[float, float], end: tuple[float, float], size: Size) -> RectF | None:
    """A new box between two image points: on whole pixels, inside the frame; None if it is too small to be meant."""
    x0, x1 = sorted(min(max(round(x), 0), size.width_px) for x in (start[0], end[0]))
    y0, y1 = sorted(min(max(round(y), 0), size.height_px) for y in (start[1], end[1]))
    if x1 - x0 < MINIMUM_SIDE_PX or y1 - y0 < MINIMUM_SIDE_PX:
        return None
    return RectF(float(x0), float(y0), float(x1), float(y1))
