"""Heights of the strip's rows, from the top: ruler, shots, result bar, one lane per removal. Without Qt."""

from __future__ import annotations

RULER_PX = 26.0
SHOT_PX = 58.0
RESULT_PX = 9.0
GAP_PX = 4.0
LANE_PX = 22.0
PADDING_PX = 16.0

SHOTS_TOP = RULER_PX + GAP_PX
RESULT_TOP = SHOTS_TOP + SHOT_PX + 2
LANES_TOP = RESULT_TOP + RESULT_PX + GAP_PX + 2


def lane_top(lane: int) -> float:
    """Upper edge of a removal's lane."""
    return LANES_TOP + lane * LANE_PX


def lane_at(y: float, lanes: int) -> int | None:
    """The lane under a y, or None."""
    lane = int((y - LANES_TOP) // LANE_PX)
    return lane if y >= LANES_TOP and lane < lanes else None


def content_height(lanes: int) -> float:
    """Height of everything, for a shot with ``lanes`` removals."""
    return lane_top(max(lanes, 1)) + GAP_PX
