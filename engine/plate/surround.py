"""What the surroundings of a hole, which most frames show, say about each frame that lends pixels to it.

The same points are read in the target and in a lender. Their difference says how the light has changed, and how far
the lender's pixels are off; the differences between lenders say what each adds to the others. From these come the
weights of the mean: the linear prediction of least expected error (ordinary kriging, Matheron 1963, here in time).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.plate.light import MIN_SPREAD, Light, fit_light
from engine.plate.model import SYNTHESISED, FloatImage, Mask, Points
from engine.plate.overhang import departing

MIN_POINTS = 60
"""Fewer say nothing about a frame."""

OUTLIER = 3.0
"""A point that is so many standard deviations off shows a passer-by."""

DRIFT = 0.03
"""What each frame further away adds to the variance, beside what the surroundings show: light also changes where they
don't."""

RIDGE = 0.1
"""Part of the mean variance that every lender has for itself: no weight rests on a small difference alone."""

UNKNOWN_ERROR = 0.05**2
"""Of a lender, in mean square, where nothing is to be seen around the hole: as that of one that is outvoted."""

LEAST_WEIGHT = 0.001
MAX_INTERPOLATION_LOSS = 20.0

Square = NDArray[np.float64]


@dataclass
class Surround:
    """The (K, 3) colours around one target's hole, and those of its lenders at the same places."""

    frame: int
    truth: FloatImage
    _error: dict[int, FloatImage] = field(default_factory=dict)
    _fits: dict[int, Mask] = field(default_factory=dict)
    _sums: list[tuple[float, float, float]] = field(default_factory=list)
    _luma: list[tuple[FloatImage, Mask]] = field(default_factory=list)

    def light(self, frame: int, rgb: FloatImage, seen: Mask, points: Points, expected: FloatImage) -> Light:
        """How the light of a lender differs; notes how well the lender fits.

        `rgb`: (K, 3) its colours, read at the (K, 2) `points`; `seen`: (K,) where it shows the surroundings;
        `expected`: (3,) the offset to fall back on where they are too few.
        """
        from engine.plate.surround_loops import loss_sums, misfit, readable

        seen, found, true = readable(rgb, self.truth, seen)
        if len(found) < MIN_POINTS:
            return Light(np.ones(3, np.float32), np.asarray(expected, np.float32))
        light = fit_light(found, true)
        error, luma, fits = misfit(rgb, self.truth, seen, light.gain, light.offset, OUTLIER, MIN_SPREAD)
        self._error[frame], self._fits[frame] = error.T, fits
        self._luma.append((luma, seen))
        self._sums.append(loss_sums(error, fits, between_pixels(points)))
        return light

    @property
    def interpolation_loss(self) -> float:
        """What one unit of `between_pixels` adds to a lender's squared error, in parts of that without."""
        if not self._sums:
            return 0.0
        along, spread, total = np.array(self._sums).sum(axis=0)
        mean = total / len(self._sums)
        if spread < 1e-3 or mean <= 0.0:
            return 0.0
        share = along / spread / mean
        # Half of the error is the target's own grain.
        return float(np.clip(2.0 * share / max(1.0 - share, 0.1), 0.0, MAX_INTERPOLATION_LOSS))

    def departing(self) -> Mask:
        """(K,) which points look different in the target than in its lenders."""
        if not self._luma:
            return np.zeros(len(self.truth), bool)
        error, seen = zip(*self._luma, strict=True)
        return departing(np.stack(error), np.stack(seen))

    def weights(self, frames: NDArray[np.int32]) -> FloatImage:
        """(S, N) what each of a pixel's lenders, (S, N) frames or SYNTHESISED for none, counts in the mean."""
        from engine.plate.surround_loops import columns, rows_of

        # Many pixels have the same lenders: those are weighed once.
        first, which = columns(frames)
        choices = frames[:, first]
        lenders = np.unique(choices[choices != SYNTHESISED])
        if not len(lenders):
            return np.zeros(frames.shape, np.float32)
        index = np.where(choices == SYNTHESISED, -1, np.searchsorted(lenders, choices))
        return rows_of(kriging_weights(*self._semivariances(lenders), index.T).astype(np.float32), which)

    def errors(self, frames: NDArray[np.int32]) -> FloatImage:
        """(N,) the mean square error, points that don't fit left out, of N lenders; of an unknown one the largest."""
        known = {n: float(np.square(self._error[n][fits]).mean()) for n, fits in self._fits.items() if fits.any()}
        lenders, which = np.unique(frames, return_inverse=True)
        largest_error = max(known.values(), default=UNKNOWN_ERROR)
        return np.array([known.get(n, largest_error) for n in lenders.tolist()], np.float32)[which]

    def _semivariances(self, lenders: NDArray[np.int32]) -> tuple[Square, NDArray[np.float64]]:
        """(L, L) half the mean square differences between lenders, and (L,) to the target."""
        from engine.plate.surround_loops import squares_apart

        nothing = np.zeros_like(self.truth), np.zeros(len(self.truth), bool)
        error = np.ascontiguousarray(np.stack([self._error.get(n, nothing[0]).T for n in lenders.tolist()]))
        fits = np.stack([self._fits.get(n, nothing[1]) for n in lenders.tolist()]).astype(np.float32)
        # Points that flicker, leaves say, must not drown what the calm ones tell.
        unrest = np.square(error).sum(axis=(0, 1)) / np.maximum(3.0 * fits.sum(axis=0), 1.0)
        error /= np.sqrt(unrest + MIN_SPREAD**2).astype(np.float32)
        own = fits.sum(axis=1)
        to_target = np.square(error).sum(axis=(1, 2), dtype=np.float64) / np.maximum(own, 1.0) / 6.0
        known = own >= MIN_POINTS
        to_target[~known] = to_target[known].max() if known.any() else 1.0
        apart, both = squares_apart(error, fits)
        apart /= 6.0 * np.maximum(both, 1.0)
        between = np.where(both >= MIN_POINTS, apart, to_target[:, None] + to_target[None, :])
        between += DRIFT * np.abs(lenders[:, None] - lenders[None, :])
        np.fill_diagonal(between, 0.0)
        return between, to_target + DRIFT * np.abs(lenders - self.frame)


def between_pixels(points: Points) -> FloatImage:
    """(n,) 0 at pixel centres, 2 half-way between four: interpolation loses the finest detail by about as much."""
    return np.asarray(np.square(np.sin(np.pi * points)).sum(axis=1), np.float32)


def kriging_weights(between: Square, to_target: NDArray[np.float64], index: NDArray[np.intp]) -> Square:
    """(U, S) weights of least expected square error for U choices of up to S among L lenders; each row sums to 1.

    `between`: (L, L) semivariances of the lenders; `to_target`: (L,) to the target; `index`: (U, S), -1 for none.
    """
    empty = index < 0
    chosen = np.where(empty, 0, index)
    count, places = index.shape
    ceiling = float(max(between.max(), to_target.max()))
    covariance = ceiling - between[chosen[:, :, None], chosen[:, None, :]]
    covariance[empty[:, :, None] | empty[:, None, :]] = 0.0
    diagonal = np.arange(places)
    covariance[:, diagonal, diagonal] += np.where(empty, 1.0, RIDGE * float(to_target.mean()) + 1e-7)
    # The last row and column hold the condition that the weights sum to 1 (a Lagrange multiplier).
    system = np.zeros((count, places + 1, places + 1))
    system[:, :places, :places] = covariance
    system[:, :places, places] = system[:, places, :places] = ~empty
    nobody = np.asarray(empty.all(axis=1))
    system[nobody, places, places] = 1.0
    wanted = np.concatenate([np.where(empty, 0.0, ceiling - to_target[chosen]), ~nobody[:, None]], axis=1)
    weight = np.maximum(np.linalg.solve(system, wanted[..., None])[:, :places, 0], LEAST_WEIGHT)
    weight[empty] = 0.0
    return np.asarray(weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12))
