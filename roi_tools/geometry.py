"""Integer pixel geometry: sizes and half-open boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from roi_tools.errors import ShapeError


@dataclass(frozen=True, order=True)
class Size:
    """A raster's size in whole pixels, both sides at least 1."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if self.width_px < 1 or self.height_px < 1:
            raise ShapeError(f"a size of {self.width_px}x{self.height_px} has no pixels; give at least 1x1")

    def __str__(self) -> str:
        return f"{self.width_px}x{self.height_px}"


@dataclass(frozen=True, order=True)
class Box:
    """Whole pixels ``x0 <= x < x1``, ``y0 <= y < y1``; origin top left, ``x1`` and ``y1`` exclusive, never empty."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise ShapeError(
                f"box {self.as_tuple()} is empty or inverted; write it as x0, y0, x1, y1 with x0 < x1 and y0 < y1"
            )

    @property
    def width_px(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height_px(self) -> int:
        """Rows."""
        return self.y1 - self.y0

    @property
    def size(self) -> Size:
        """Columns and rows."""
        return Size(self.width_px, self.height_px)

    @property
    def area_px(self) -> int:
        """Number of pixels."""
        return self.width_px * self.height_px

    @property
    def slices(self) -> tuple[slice, slice]:
        """``(rows, columns)`` to index an array of shape (H, W, ...)."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def as_tuple(self) -> tuple[int, int, int, int]:
        """``(x0, y0, x1, y1)``."""
        return self.x0, self.y0, self.x1, self.y1

    def grown(self, margin_px: int) -> Box:
        """This box with ``margin_px`` more on every side (it may leave the frame: see :meth:`clipped`)."""
        return Box(self.x0 - margin_px, self.y0 - margin_px, self.x1 + margin_px, self.y1 + margin_px)

    def shifted(self, dx_px: int, dy_px: int) -> Box:
        """This box moved by whole pixels."""
        return Box(self.x0 + dx_px, self.y0 + dy_px, self.x1 + dx_px, self.y1 + dy_px)

    def united(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def intersected(self, other: Box) -> Box | None:
        """What both hold, or None where they do not meet."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        x1, y1 = min(self.x1, other.x1), min(self.y1, other.y1)
        return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def clipped(self, size: Size) -> Box | None:
        """The part inside a frame of ``size``, or None where nothing is."""
        return self.intersected(frame_box(size))

    def contains(self, other: Box) -> bool:
        """Whether ``other`` lies wholly inside."""
        return self.x0 <= other.x0 and self.y0 <= other.y0 and self.x1 >= other.x1 and self.y1 >= other.y1


def frame_box(size: Size) -> Box:
    """The box of a whole frame."""
    return Box(0, 0, size.width_px, size.height_px)


def union_box(boxes: Iterable[Box]) -> Box | None:
    """The smallest box that holds all of ``boxes``; None for none."""
    result: Box | None = None
    for box in boxes:
        result = box if result is None else result.united(box)
    return result
