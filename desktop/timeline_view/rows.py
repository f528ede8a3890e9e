"""Heights of the strip's rows: ruler, markers, tracks (the uppermost first), graph, removals. Without Qt."""

from __future__ import annotations

from dataclasses import dataclass

RULER_PX = 26.0
MARKERS_PX = 18.0
SHOT_PX = 58.0
NAME_PX = 26.0
"""The upper part of a shot, with its name."""
RESULT_PX = 9.0
GRAPH_PX = 32.0
LEGEND_PX = 13.0
"""Above the graph: over a curve it would hide what one looks for."""
GAP_PX = 4.0
LANE_PX = 22.0
PADDING_PX = 16.0

_SHARED_PX, _LOWEST_PX, _HIGHEST_PX = 130.0, 18.0, 40.0
"""What the shots of several tracks share, so that the removals stay in sight."""


@dataclass(frozen=True)
class Rows:
    """``tracks`` rows of shots, each with its result bar; ``has_markers`` and ``has_graph`` add a row each."""

    tracks: int = 1
    lanes: int = 0
    has_markers: bool = False
    has_graph: bool = False

    @property
    def shot_px(self) -> float:
        """Height of a shot."""
        return SHOT_PX if self.tracks <= 1 else min(max(_SHARED_PX / self.tracks, _LOWEST_PX), _HIGHEST_PX)

    def shots_top(self, track: int = 0) -> float:
        """Upper edge of the shots of a track; track 0 is the lowest one."""
        track_px = self.shot_px + 2 + RESULT_PX + GAP_PX
        return RULER_PX + GAP_PX + (MARKERS_PX if self.has_markers else 0) + (self.tracks - 1 - track) * track_px

    def result_top(self, track: int = 0) -> float:
        """Upper edge of a track's result bar."""
        return self.shots_top(track) + self.shot_px + 2

    def track_at(self, y: float) -> int | None:
        """The track whose shots or result bar lie under a y."""
        return next((t for t in range(self.tracks) if self.shots_top(t) <= y < self.result_top(t) + RESULT_PX), None)

    def is_in_markers(self, y: float) -> bool:
        """Whether a y lies in the markers' row."""
        return self.has_markers and RULER_PX <= y < RULER_PX + MARKERS_PX

    @property
    def graph_top(self) -> float:
        """Upper edge of the graph; its legend lies above."""
        return self.result_top(0) + RESULT_PX + GAP_PX + (LEGEND_PX if self.has_graph else 0)

    @property
    def lanes_top(self) -> float:
        """Upper edge of the first removal's lane."""
        return self.graph_top + (GRAPH_PX + GAP_PX if self.has_graph else 0) + 2

    def lane_top(self, lane: int) -> float:
        """Upper edge of a removal's lane."""
        return self.lanes_top + lane * LANE_PX

    def lane_at(self, y: float) -> int | None:
        """The lane under a y, or None."""
        lane = int((y - self.lanes_top) // LANE_PX)
        return lane if y >= self.lanes_top and lane < self.lanes else None

    @property
    def content_px(self) -> float:
        """Height of everything."""
        return self.lane_top(max(self.lanes, 1)) + GAP_PX
