"""How one layer of a scene moves: similarities between frames, and a layer followed step by step along a chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.plate.alignment import Matrix, apply_matrix
from engine.plate.analysis import FrameView
from engine.plate.flow import Step
from engine.plate.footage import Footage
from engine.plate.model import Mask, Points
from engine.plate.registration import Ring
from engine.plate.sampling import pick

LEAST_POINTS = 40
"""Fewer points are no layer."""

FEW_POINTS_SPREAD = 50.0 * 20.0**2
"""Like so many further points, 20 px from the middle, that are neither turned nor scaled."""

WORST_CODES = 40.0
"""Points that differ by more count as if by this: the layer is covered there."""

StepOf = Callable[[int, int], Step | None]


@dataclass(frozen=True)
class Layer:
    """What moves together around a hole.

    `frame`: whose hole; `ring`: the points around it that belong to the layer; `ends`: by frame, some frames before or
    after, the 3x3 motion of the layer from `frame` there, in analysis pixels.
    """

    frame: int
    ring: Ring
    ends: dict[int, Matrix]

    def first_guess(self, way: int) -> Matrix:
        """The motion to the next frame (`way` 1) or the one before (-1), if it is even."""
        for end, matrix in self.ends.items():
            if (end > self.frame) == (way > 0):
                return np.asarray(np.eye(3) + (matrix - np.eye(3)) / abs(end - self.frame))
        return np.eye(3)


class LayerSteps:
    """The motion of one layer, asked for step by step along a chain; it has no drift, since each step is registered
    with the first frame."""

    def __init__(self, footage: Footage, layer: Layer) -> None:
        self._footage = footage
        self._layer = layer
        self._now: Matrix = np.eye(3)
        self._last: Matrix | None = None

    def __call__(self, a: int, b: int) -> Step | None:
        """The step from a to its neighbour b with the layer's motion everywhere; None over a cut."""
        step = self._footage.step(a, b)
        if step is None:
            return None
        last = self._layer.first_guess(b - a) if self._last is None else self._last
        view, ring = self._footage.view(b), self._layer.ring
        guesses = [guess @ self._now for guess in (last, step.matrix, self._by_flow(step, a, b))]
        errors = [mean_error(ring.error(view, apply_matrix(guess, ring.small))) for guess in guesses]
        reached = aligned(ring, view, guesses[int(np.argmin(errors))])
        matrix = reached @ np.linalg.inv(self._now)
        self._now, self._last = reached, matrix / matrix[2, 2]
        return Step(self._last, False, None, None, step.colour_offset, step.scale)

    def _by_flow(self, step: Step, a: int, b: int) -> Matrix:
        """The shift that most of the layer's points show."""
        here = apply_matrix(self._now, self._layer.ring.small)
        there, seen = advanced(self._footage, step, (a, b), here)
        matrix = np.eye(3)
        if seen.sum() >= LEAST_POINTS:
            matrix[:2, 2] = np.median((there - here)[seen], axis=0)
        return matrix


def camera_steps(footage: Footage) -> StepOf:
    """Steps of the camera alone, without local motion."""

    def step(a: int, b: int) -> Step | None:
        found = footage.step(a, b)
        return found if found is None or found.residual is None else replace(found, window=None, residual=None)

    return step


def advanced(footage: Footage, step: Step, frames: tuple[int, int], small: Points) -> tuple[Points, Mask]:
    """Where (n, 2) analysis pixels of the first of two frames are in the second; (n,) where that could be measured."""
    scale = np.array(step.scale, np.float32)
    full = (small + np.float32(0.5)) / scale - np.float32(0.5)
    moved = step.advance(full)
    seen = _has_flow(step, small) & _in_sight(footage, frames[0], full) & _in_sight(footage, frames[1], moved)
    return np.asarray((moved + np.float32(0.5)) * scale - np.float32(0.5), np.float32), seen


def aligned(ring: Ring, view: FrameView, matrix: Matrix) -> Matrix:
    """The motion from the ring's frame to another, sharpened by the pictures; as it is where they don't say."""
    there = apply_matrix(matrix, ring.small)
    affine = ring.drift(view, ring.full_size(there))
    if affine is None:
        return matrix
    away = ring.basis(ring.points) @ affine
    model = np.linalg.lstsq(np.column_stack([np.ones(len(there)), there]), away, rcond=None)[0]
    update = np.eye(3)
    update[:2, :2] += model[1:].T
    update[:2, 2] = model[0]
    return np.asarray(update @ matrix)


def similarity(start: Points, end: Points) -> Matrix:
    """3x3 least-squares similarity from (n, 2) to (n, 2) points; little turned or scaled where they are few."""
    here, there = start.mean(axis=0), end.mean(axis=0)
    x, y = (start - here).astype(np.float64).T
    u, v = (end - there - (start - here)).astype(np.float64).T
    square = float((x * x + y * y).sum()) + FEW_POINTS_SPREAD
    scale, turn = float((x * u + y * v).sum()) / square, float((x * v - y * u).sum()) / square
    matrix = np.eye(3)
    matrix[:2, :2] += [[scale, -turn], [turn, scale]]
    matrix[:2, 2] = there - matrix[:2, :2] @ here
    return matrix


def mean_error(error: NDArray[np.float32]) -> float:
    """Mean of the (n,) codes that are finite."""
    seen = error[np.isfinite(error)]
    return float(np.minimum(seen, WORST_CODES).mean()) if len(seen) else WORST_CODES


def _has_flow(step: Step, small: Points) -> Mask:
    """(n,) where the step's local motion was measured; everywhere where it has none."""
    if step.window is None:
        return np.ones(len(small), bool)
    local = small - np.array([step.window.x0, step.window.y0], np.float32)
    limit = np.array([step.window.width_px - 1, step.window.height_px - 1], np.float32)
    return np.asarray(((local >= 0) & (local <= limit)).all(axis=1))


def _in_sight(footage: Footage, frame: int, points: Points) -> Mask:
    """(n,) which of the full-size points lie inside the picture and outside its hole."""
    hidden = footage.hidden(frame)
    height, width = hidden.shape
    limit = np.array([width - 0.5, height - 0.5], np.float32)
    inside = np.asarray(((points > -0.5) & (points < limit)).all(axis=1))
    inside[inside] = ~pick(hidden, points[inside])
    return inside
