"""From outlines per frame, as click to matte finds them, to keyframed shapes that an artist can edit. Without Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import Mode, Shape

Outline: TypeAlias = NDArray[np.float64]
"""(n, 2), closed; a positive area (see :func:`signed_area`) is solid, a negative one a hole."""

SPACING_PX = 6.0
"""Distance between a shape's points along its outline."""
_FEWEST, _MOST = 8, 96
_STARTS = 4
"""Places to begin, per point, when an outline is laid over the one before."""
_SMALLEST_PX2 = 16.0
_NO_FEATURES = (0.0,) * 6


@dataclass
class _Chain:
    """One outline from frame to frame."""

    is_hole: bool
    outlines: dict[int, Outline] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return max(self.outlines)


def shapes_of_outlines(found: Mapping[int, Sequence[Outline]], label: str) -> tuple[Shape, ...]:
    """Shapes, the largest first and holes last, with a keyframe on every frame where their outline was found.

    Outlines of following frames that overlap most are one shape; where one ends its shape ends. Points lie about
    SPACING_PX apart and keep their places along the outline, so that they move as little as can be.
    """
    chains: list[_Chain] = []
    for frame in sorted(found):
        _link(chains, frame, [one for one in found[frame] if abs(signed_area(one)) >= _SMALLEST_PX2])
    chains.sort(key=lambda chain: (chain.is_hole, -max(abs(signed_area(one)) for one in chain.outlines.values())))
    return tuple(_shape(chain, f"{label} {number}") for number, chain in enumerate(chains, 1))


def signed_area(outline: Outline) -> float:
    """Signed area, px^2: positive clockwise as seen."""
    x, y = outline.T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _link(chains: list[_Chain], frame: int, outlines: Sequence[Outline]) -> None:
    """Give each outline to the chain that it goes on, or to a new one; the largest choose first."""
    free = [chain for chain in chains if chain.last == frame - 1]
    for outline in sorted(outlines, key=lambda one: -abs(signed_area(one))):
        is_hole = signed_area(outline) < 0
        alike = [(_overlap(chain.outlines[frame - 1], outline), chain) for chain in free if chain.is_hole is is_hole]
        best = max(alike, key=lambda pair: pair[0], default=(0.0, None))
        if best[1] is not None and best[0] > 0:
            chain = best[1]
            free.remove(chain)
        else:
            chain = _Chain(is_hole)
            chains.append(chain)
        chain.outlines[frame] = outline


def _overlap(one: Outline, other: Outline) -> float:
    """Intersection over union of the bounds."""
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    both = float(np.prod(np.maximum(high - low, 0)))
    return both / max(float(np.prod(np.ptp(one, axis=0)) + np.prod(np.ptp(other, axis=0))) - both, 1e-9)


def _shape(chain: _Chain, label: str) -> Shape:
    longest = max(_length(outline) for outline in chain.outlines.values())
    count = min(max(math.ceil(longest / SPACING_PX), _FEWEST), _MOST)
    rows: dict[int, Outline] = {}
    before: Outline | None = None
    for frame in sorted(chain.outlines):
        before = rows[frame] = _aligned(chain.outlines[frame], count, before)
    tracks = tuple(Track(tuple(_key(frame, row[n]) for frame, row in rows.items())) for n in range(count))
    mode: Mode = "subtract" if chain.is_hole else "add"
    return Shape(label, "bezier", tracks, mode, first_frame=min(rows), last_frame=max(rows))


def _key(frame: int, place: Outline) -> Keyframe:
    return Keyframe(frame, (float(place[0]), float(place[1]), *_NO_FEATURES))


def _length(outline: Outline) -> float:
    return float(np.hypot(*(np.roll(outline, -1, axis=0) - outline).T).sum())


def resampled(outline: Outline, count: int) -> Outline:
    """``count`` points in equal distances along a closed outline, the first one where it begins."""
    closed = np.vstack([outline, outline[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.arange(count) / count * along[-1]
    return np.column_stack([np.interp(at, along, closed[:, 0]), np.interp(at, along, closed[:, 1])])


def _aligned(outline: Outline, count: int, before: Outline | None) -> Outline:
    """The points, begun where they are nearest to those of the frame before, both seen from their middles."""
    if before is None:
        return resampled(outline, count)
    dense = resampled(outline, count * _STARTS)
    choices = [np.roll(dense, -start, axis=0)[::_STARTS] for start in range(len(dense))]
    there = before - before.mean(axis=0)
    return min(choices, key=lambda here: float(((here - here.mean(axis=0) - there) ** 2).sum()))
