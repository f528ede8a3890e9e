"""Lines painted one after the other, joined into closed shapes: what they cover together is one thing to edit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roi_tools.contours import outlines_of
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.keyframes import Keyframe, Track
from roi_tools.polylines import polygon_area
from roi_tools.roto.model import HARD, IDENTITY, OPAQUE, RotoLayer, Shape
from roi_tools.roto.outlines import Polygon, outline_at
from roi_tools.roto.raster import layer_matte

_LARGEST_RASTER_PX = 4e6
_FINEST_SCALE = 4.0


def joined_lines(lines: Sequence[Shape], frame: int, label: str, error_px: float = 0.5) -> tuple[Shape, ...]:
    """Closed Bezier shapes that cover what ``lines``, strokes and brushes, cover together on ``frame``.

    One for each part that hangs together, the largest first, called ``label``; holes are shapes that subtract and come
    behind what they are in, before what is in them. Edges lie within ``error_px`` of the lines' (a little more on lines
    that take up more than 4 megapixels). Keyed on ``frame``; there as long as any of the lines; colour, opacity,
    feather and what they follow are those of the first. Lines behind the first may subtract: they take away from what
    those before them cover. Raises ShapeError for lines that are none, that do neither, that are keyed on several
    frames, or that follow different things.
    """
    _check(lines, error_px)
    still = tuple(
        replace(line, label=str(number), transform=IDENTITY, opacity=OPAQUE, is_visible=True, linked_to=None,
                first_frame=None, last_frame=None)
        for number, line in enumerate(lines)
    )  # fmt: skip
    outlines = _outlines(still, frame, error_px)
    starts, ends = [line.first_frame for line in lines], [line.last_frame for line in lines]
    first = None if None in starts else min(start for start in starts if start is not None)
    last = None if None in ends else max(end for end in ends if end is not None)
    return tuple(
        replace(
            lines[0],
            label=label if number == 1 else f"{label} {number}",
            kind="bezier",
            tracks=tuple(Track((Keyframe(frame, (float(x), float(y), *(0.0,) * 6)),)) for x, y in outline),
            mode="add" if polygon_area(outline) > 0 else "subtract",
            first_frame=first,
            last_frame=last,
        )
        for number, outline in enumerate(outlines, 1)
    )


def _outlines(lines: tuple[Shape, ...], frame: int, error_px: float) -> list[Polygon]:
    """Those around what is covered, and those of the holes; what is around others comes before them."""
    pieces = [piece for line in lines for piece in outline_at(line, frame)]
    if not pieces:
        return []
    points = np.vstack(pieces)
    (left, top), (right, bottom) = np.floor(points.min(axis=0)) - 1, np.ceil(points.max(axis=0)) + 1
    scale = min(_FINEST_SCALE, math.sqrt(_LARGEST_RASTER_PX / ((right - left) * (bottom - top))))
    size = Size(math.ceil((right - left) * scale), math.ceil((bottom - top) * scale))
    window = Box(0, 0, size.width_px, size.height_px)
    hard = RotoLayer("lines", tuple(replace(line, feather_px=HARD) for line in lines))
    matte = layer_matte(hard, frame, size, window, scale, (-left * scale, -top * scale))
    # A border of pixels lies up to half of one beside the edge that it stands for.
    found = outlines_of(matte >= 0.5, max(error_px * scale - 0.5, 0.5))
    return sorted((outline / scale + (left, top) for outline in found), key=lambda outline: -abs(polygon_area(outline)))


def _check(lines: Sequence[Shape], error_px: float) -> None:
    if error_px <= 0:
        raise ShapeError(f"shapes cannot lie within {error_px} px of the lines; give a number above 0")
    are_lines = all(line.is_open and line.mode != "intersect" and not line.is_inverted for line in lines)
    if not lines or lines[0].mode != "add" or not are_lines:
        raise ShapeError("only strokes and brushes that add can be joined; choose some of these")
    for line in lines:
        if any(len(track.keys) > 1 for track in (*line.tracks, line.width_px)):
            raise ShapeError(f"shape '{line.label}' is keyed on several frames; join lines before they are animated")
        if line.transform != lines[0].transform:
            raise ShapeError(
                f"shape '{line.label}' follows something else than '{lines[0].label}'; clear the tracks, or join "
                "before tracking"
            )
