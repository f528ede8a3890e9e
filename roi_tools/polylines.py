"""Closed polygons: their corners, their area, and the same with fewer corners within a stated error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]
"""(n, 2): x, y."""


def following(corners: Corners) -> Corners:
    """The next corner of each, around the polygon: a turn by one, in a fifth of np.roll's time for small arrays."""
    return np.concatenate((corners[1:], corners[:1]))


def polygon_area(corners: Corners) -> float:
    """Signed area of a closed polygon in px^2, positive clockwise as seen (the shoelace formula)."""
    x, y = corners.T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def simplified(corners: Corners, error_px: float) -> Corners:
    """Some of the closed polygon's ``corners``, so that no other one lies further than ``error_px`` from its chord.

    Ramer, Douglas and Peucker's splitting; OpenCV's own ends with a step that may exceed the error.
    """
    first = int(np.argmax(distance(corners, corners.mean(axis=0))))
    around = np.roll(corners, -first, axis=0)
    closed = np.vstack([around, around[:1]])
    furthest = int(np.argmax(distance(around, around[0])))
    kept, waiting = {0, furthest}, [(0, furthest), (furthest, len(around))]
    while waiting:
        start, end = waiting.pop()
        if end - start < 2:
            continue
        away = from_chords(closed[start + 1 : end], closed[start], closed[end])
        middle = start + 1 + int(np.argmax(away))
        if away[middle - start - 1] > error_px:
            kept.add(middle)
            waiting += [(start, middle), (middle, end)]
    return np.asarray(around[sorted(kept)])


def distance(points: Corners, others: Corners) -> NDArray[np.float64]:
    """Of each point from its other one, or from the only other one."""
    steps = points - others
    return np.asarray(np.hypot(steps[..., 0], steps[..., 1]))


def from_chords(points: Corners, starts: Corners, ends: Corners) -> NDArray[np.float64]:
    """Of each point from the straight piece between its start and its end, or the only ones."""
    chords, offsets = ends - starts, points - starts
    across, down = chords[..., 0], chords[..., 1]
    along = (offsets[..., 0] * across + offsets[..., 1] * down) / np.maximum(across**2 + down**2, 1e-12)
    return distance(offsets, np.clip(along, 0.0, 1.0)[..., np.newaxis] * chords)


def fewest_keys(places: NDArray[np.float64], error_px: float) -> list[int]:
    """Indices of the frames to key of ``places`` (frames, points, 2).

    On those between two of them straight lines carry every point within ``error_px`` of its place.
    """
    kept, waiting = {0, len(places) - 1}, [(0, len(places) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        done = (np.arange(first + 1, last) - first)[:, np.newaxis, np.newaxis] / (last - first)
        straight = places[first] * (1 - done) + places[last] * done
        away = np.linalg.norm(places[first + 1 : last] - straight, axis=-1).max(axis=1)
        furthest = int(np.argmax(away))
        if away[furthest] > error_px:
            middle = first + 1 + furthest
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    return sorted(kept)
