"""Shapes that an artist draws: rectangles with sub-pixel edges, animated by keyframes."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.keyframes import Interpolation, Keyframe, Track
from roi_tools.keyframes_json import is_int, track_from_list, track_to_list

MINIMUM_SIDE_PX = 1e-3
"""Shortest side of a rectangle: far below what anyone can draw, far above rounding errors between keyframes."""
LARGEST_COORDINATE_PX = 1e6
"""Largest distance of an edge from the origin: far beyond any raster."""


@dataclass(frozen=True)
class RectF:
    """A rectangle with sub-pixel edges in px, origin top left; pixel (x, y) covers ``[x, x + 1) x [y, y + 1)``."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not all(abs(edge) <= LARGEST_COORDINATE_PX for edge in self.as_tuple()):  # NaN compares False
            raise ShapeError(f"rectangle {self.as_tuple()} lies beyond {LARGEST_COORDINATE_PX:.0f} px or is not finite")
        if min(self.width_px, self.height_px) < MINIMUM_SIDE_PX * 0.5:  # half: room for rounding between keyframes
            raise ShapeError(
                f"rectangle {self.as_tuple()} is empty or inverted; give x0 < x1 and y0 < y1, at least "
                f"{MINIMUM_SIDE_PX} px apart"
            )

    @classmethod
    def from_box(cls, box: Box) -> RectF:
        """The same region with float edges."""
        return cls(*map(float, box.as_tuple()))

    @property
    def width_px(self) -> float:
        """Width in px."""
        return self.x1 - self.x0

    @property
    def height_px(self) -> float:
        """Height in px."""
        return self.y1 - self.y0

    def as_tuple(self) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)``."""
        return self.x0, self.y0, self.x1, self.y1

    def shifted(self, dx_px: float, dy_px: float) -> RectF:
        """This rectangle moved."""
        return RectF(self.x0 + dx_px, self.y0 + dy_px, self.x1 + dx_px, self.y1 + dy_px)

    def outer_box(self) -> Box:
        """The smallest box of whole pixels that holds this rectangle."""
        return Box(math.floor(self.x0), math.floor(self.y0), math.ceil(self.x1), math.ceil(self.y1))


@dataclass(frozen=True)
class AnimatedRectangle:
    """A rectangle over time. ``first_frame`` and ``last_frame`` (both inclusive; None = open) say when it is there."""

    track: Track
    first_frame: int | None = None
    last_frame: int | None = None

    def __post_init__(self) -> None:
        for key in self.track.keys:
            _require_drawable(key)
        if self.first_frame is not None and self.last_frame is not None and self.last_frame < self.first_frame:
            raise ShapeError(
                f"the rectangle lasts from frame {self.first_frame} to {self.last_frame}: it ends before it starts"
            )

    @classmethod
    def still(cls, rect: RectF, frame: int = 0) -> AnimatedRectangle:
        """A rectangle with one keyframe, there on all frames."""
        return cls(Track((Keyframe(frame, rect.as_tuple()),)))

    @property
    def key_frames(self) -> tuple[int, ...]:
        """The keyed frames, rising."""
        return self.track.frames

    def is_present(self, frame: int) -> bool:
        """Whether the rectangle is there on ``frame``."""
        starts = self.first_frame is None or frame >= self.first_frame
        return starts and (self.last_frame is None or frame <= self.last_frame)

    def rect_at(self, frame: int) -> RectF | None:
        """The rectangle on ``frame``, or None where it is not there."""
        if not self.is_present(frame):
            return None
        x0, y0, x1, y1 = self.track.value_at(frame)
        # Curved keyframes may cross in between: the rectangle then is as thin as a rectangle can be.
        return RectF(x0, y0, max(x1, x0 + MINIMUM_SIDE_PX), max(y1, y0 + MINIMUM_SIDE_PX))

    def box_at(self, frame: int, size: Size) -> Box | None:
        """The whole pixels that it touches on ``frame``: rounded outward, clipped to ``size``; None for none."""
        rect = self.rect_at(frame)
        return None if rect is None else rect.outer_box().clipped(size)

    def with_rect(self, frame: int, rect: RectF, interpolation: Interpolation | None = None) -> AnimatedRectangle:
        """This shape with a keyframe on ``frame``; an existing one keeps its interpolation unless one is given."""
        existing = self.track.key_at(frame)
        kept = existing.interpolation if existing else "linear"
        return replace(self, track=self.track.with_key(Keyframe(frame, rect.as_tuple(), interpolation or kept)))

    def without_key(self, frame: int) -> AnimatedRectangle:
        """This shape without the keyframe on ``frame``. Raises ShapeError for the only one, or where there is none."""
        return replace(self, track=self.track.without_key(frame))

    def with_range(self, first_frame: int | None, last_frame: int | None) -> AnimatedRectangle:
        """This shape, there from ``first_frame`` to ``last_frame`` (both inclusive; None = open)."""
        return replace(self, first_frame=first_frame, last_frame=last_frame)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: ``{"type": "rectangle", "keyframes": [...], "first_frame": n | null, "last_frame": n | null}``."""
        return {
            "type": "rectangle",
            "keyframes": track_to_list(self.track),
            "first_frame": self.first_frame,
            "last_frame": self.last_frame,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AnimatedRectangle:
        """The inverse of :meth:`to_dict`. Raises ShapeError that says what is missing or wrong."""
        if data.get("type") != "rectangle":
            raise ShapeError(
                f"a shape of type {reprlib.repr(data.get('type'))} is not known; this version reads 'rectangle'"
            )
        track = track_from_list(data.get("keyframes"), "a rectangle", "[x0, y0, x1, y1]")
        return cls(track, _frame_or_none(data, "first_frame"), _frame_or_none(data, "last_frame"))


def _require_drawable(key: Keyframe) -> None:
    if len(key.value) != 4:
        raise ShapeError(f"the keyframe at frame {key.frame} holds {len(key.value)} numbers; a rectangle has 4")
    rect = RectF(*key.value)
    if min(rect.width_px, rect.height_px) < MINIMUM_SIDE_PX:
        raise ShapeError(f"the rectangle at frame {key.frame} is thinner than {MINIMUM_SIDE_PX} px; draw it larger")


def _frame_or_none(data: Mapping[str, Any], name: str) -> int | None:
    frame = data.get(name)
    if frame is not None and not is_int(frame):
        raise ShapeError(f"a rectangle's '{name}' must be a whole number or null, not {reprlib.repr(frame)}")
    return frame
