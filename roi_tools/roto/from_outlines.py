"""From the outlines of a matte on each frame to shapes that a person can edit: few points, few keyframes.

Outlines that overlap from one frame to the next are one shape. It has as many points as the most intricate of its
outlines needs. On each frame those of the outline's own corners are taken that lie near the places of the points on the
frame before, and whose chords lie near the outline: a shortest path around it. Frames that straight lines between
others carry near enough are not keyed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from roi_tools.errors import ShapeError
from roi_tools.keyframes import Keyframe, Track
from roi_tools.polylines import fewest_keys, from_chords, polygon_area, simplified
from roi_tools.roto.model import Mode, Shape
from roi_tools.roto.outlines import Polygon

_FEWEST_POINTS = 3
_LONGEST_CHORD = 48
"""In corners: further apart two neighbouring points are not looked for."""
_CORNERS_PER_POINT = 2
"""An outline with fewer corners gets some along its sides, so that points can stay where they were."""
_MOST_FOLLOWED = 400
"""In points: hair and the like, with more, is cut anew on each frame; to follow it takes long and saves no keyframe."""
_TOO_FAR = 1e6
"""Cost of a chord that lies further from the outline than allowed: taken only where there is no other."""
_STAYING = 0.02
"""Cost of moving away from where the point was expected, per error^2, against that of leaving the outline."""
_PLACES_SHARE = 0.75
"""Of the error, for fewer points; the rest for fewer keyframes, which a form that changes needs anyway."""
_SAME_OBJECT = 0.1
"""Overlap (intersection over union) of the boxes of two outlines on neighbouring frames that makes them one shape."""

Places = NDArray[np.float64]
"""(frames, points, 2): places of the points of one shape."""


@dataclass
class _Run:
    """One outline followed over neighbouring frames."""

    first_frame: int
    is_hole: bool
    outlines: list[Polygon] = field(default_factory=list)

    @property
    def area_px(self) -> float:
        return float(np.mean([abs(polygon_area(outline)) for outline in self.outlines]))


def shapes_from_outlines(
    outlines: Mapping[int, Sequence[Polygon]], label: str, error_px: float = 1.0, smallest_px: float = 16.0
) -> tuple[Shape, ...]:
    """Shapes whose edges lie within ``error_px`` of the outlines, by frame, that roi_tools.contours finds in mattes.

    The shapes are there on the frames that have outlines; holes subtract. Outlines of less than ``smallest_px`` px^2
    are left out. The first shape is called ``label``, further ones have a number too; they come in the order in which
    a layer joins them. Raises ShapeError for an error that is not above 0.
    """
    if error_px <= 0:
        raise ShapeError(f"shapes cannot lie within {error_px} px of a matte; give a number above 0")
    runs = sorted(_runs(outlines, smallest_px), key=lambda run: -run.area_px)
    return tuple(
        _shape(run, label if number == 1 else f"{label} {number}", error_px) for number, run in enumerate(runs, 1)
    )


def _runs(outlines: Mapping[int, Sequence[Polygon]], smallest_px: float) -> list[_Run]:
    done: list[_Run] = []
    open_runs: list[_Run] = []
    last = None
    for frame in sorted(outlines):
        before: list[_Run] = open_runs if last == frame - 1 else []
        open_runs, last = [], frame
        for outline in outlines[frame]:
            area = polygon_area(outline)
            if abs(area) < smallest_px:
                continue
            candidates = [(_overlap(run.outlines[-1], outline), run) for run in before if run.is_hole == (area < 0)]
            overlap, run = max(candidates, key=lambda found: found[0], default=(0.0, None))
            if run is None or overlap < _SAME_OBJECT:
                run = _Run(frame, area < 0)
                done.append(run)
            else:
                before = [other for other in before if other is not run]
            run.outlines.append(outline)
            open_runs.append(run)
    return done


def _overlap(one: Polygon, other: Polygon) -> float:
    low = np.maximum(one.min(axis=0), other.min(axis=0))
    high = np.minimum(one.max(axis=0), other.max(axis=0))
    common = float(np.prod(np.maximum(high - low, 0)))
    areas = float(np.prod(np.ptp(one, axis=0))) + float(np.prod(np.ptp(other, axis=0)))
    return common / max(areas - common, 1e-9)


def _shape(run: _Run, label: str, error_px: float) -> Shape:
    places = _places(run.outlines, _PLACES_SHARE * error_px)
    keyed = fewest_keys(places, (1 - _PLACES_SHARE) * error_px)
    tracks = tuple(
        Track(tuple(_key(run.first_frame + index, places[index, point]) for index in keyed))
        for point in range(places.shape[1])
    )
    last_frame = run.first_frame + len(run.outlines) - 1
    mode: Mode = "subtract" if run.is_hole else "add"
    return Shape(label, "bezier", tracks, mode, first_frame=run.first_frame, last_frame=last_frame)


def _key(frame: int, place: NDArray[np.float64]) -> Keyframe:
    return Keyframe(frame, (float(place[0]), float(place[1]), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))


def _places(outlines: Sequence[Polygon], error_px: float) -> Places:
    """The points of each outline: equally many, each near where it was on the frame before."""
    simple = [_simplified(outline, error_px) for outline in outlines]
    count = max(_FEWEST_POINTS, *(len(outline) for outline in simple))
    places = [_subdivided(simple[0], count)]
    for outline, fallback in zip(outlines[1:], simple[1:], strict=True):
        expected = places[-1] + (_middle(outline) - _middle(places[-1]))
        path = None
        if count <= _MOST_FOLLOWED:
            path = _nearest_path(_subdivided(outline, _CORNERS_PER_POINT * count), expected, error_px)
        places.append(_turned(_subdivided(fallback, count), expected) if path is None else path)
    return np.stack(places)


def _turned(points: Polygon, expected: Polygon) -> Polygon:
    """``points``, counted from where they lie nearest to ``expected``."""
    # The sum of the squared distances is least where the correlation is largest.
    spectrum = np.fft.fft(points, axis=0) * np.conj(np.fft.fft(expected, axis=0))
    turn = int(np.argmax(np.fft.ifft(spectrum.sum(axis=1)).real))
    return np.roll(points, -turn, axis=0)


def _simplified(outline: Polygon, error_px: float) -> Polygon:
    simple = simplified(outline, error_px)
    return simple if len(simple) >= _FEWEST_POINTS else outline


def _subdivided(outline: Polygon, count: int) -> Polygon:
    """The outline with corners on its longest sides, until it has at least ``count``."""
    missing = count - len(outline)
    if missing <= 0:
        return outline
    sides = np.roll(outline, -1, axis=0) - outline
    lengths = np.linalg.norm(sides, axis=1)
    pieces = np.ones(len(outline), np.int64)
    for _ in range(missing):
        pieces[np.argmax(lengths / pieces)] += 1
    return np.vstack(
        [
            start + side * (np.arange(number) / number)[:, np.newaxis]
            for start, side, number in zip(outline, sides, pieces, strict=True)
        ]
    )


def _middle(outline: Polygon) -> NDArray[np.float64]:
    """Centre of the outline's box: unlike the mean of its corners it does not depend on where these are."""
    return np.asarray((outline.min(axis=0) + outline.max(axis=0)) / 2)


def _nearest_path(corners: Polygon, expected: Polygon, error_px: float) -> Polygon | None:
    """As many of ``corners``, in their order, as ``expected`` has points: near them, with chords near the outline.

    The cheapest path around the outline that starts at the corner next to the first expected point (Bellman); None
    where every such path leaves the outline.
    """
    first = int(np.argmin(((corners - expected[0]) ** 2).sum(axis=1)))
    around = np.roll(corners, -first, axis=0)
    around = np.vstack([around, around[:1]])
    size, count = len(corners), len(expected)
    longest = max(_LONGEST_CHORD, 3 * math.ceil(size / count))
    chords = _chord_costs(around, min(longest, size - count + 1), error_px).T.copy()
    # By where the last chord ends (row) and how many corners it has (column), from the longest to one.
    chords = chords[:, ::-1]
    longest = chords.shape[1]
    padded = np.full(longest + size + 1, np.inf)
    padded[longest] = 0.0
    before = sliding_window_view(padded[:-1], longest)
    steps = np.zeros((count, size + 1), np.int16)
    rows = np.arange(size + 1)
    for point in range(1, count + 1):
        reached = before + chords
        best = reached.argmin(axis=1)
        steps[point - 1] = longest - 1 - best
        away = around - expected[point % count]
        padded[longest:] = reached[rows, best] + _STAYING * np.einsum("ij,ij->i", away, away) / error_px**2
    cost = padded[longest:]
    if cost[size] >= _TOO_FAR * error_px:
        return None
    at, path = size, []
    for point in range(count - 1, -1, -1):
        at -= int(steps[point, at]) + 1
        path.append(at)
    return np.asarray(around[path[::-1]])


def _chord_costs(around: Polygon, longest: int, error_px: float) -> NDArray[np.float64]:
    """(longest, corners + 1): cost of the chord of ``row + 1`` corners that ends at ``column``."""
    costs = np.zeros((longest, len(around)))
    for length in range(2, longest + 1):
        start, end = around[:-length, np.newaxis], around[length:, np.newaxis]
        between = sliding_window_view(around[1:-1], length - 1, axis=0).swapaxes(1, 2)
        furthest = from_chords(between, start, end).max(axis=1)
        costs[length - 1, length:] = np.where(furthest > error_px, _TOO_FAR * furthest, (furthest / error_px) ** 2)
    return costs
