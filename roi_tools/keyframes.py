"""Animated values: keyframes sorted by frame, joined by straight lines, held, or joined by curves."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from roi_tools.errors import ShapeError

Interpolation: TypeAlias = Literal["linear", "hold", "smooth", "bezier"]
"""How a value goes on from its keyframe: straight to the next one, unchanged until there, by a curve that never leaves
the range of the two keyframes, or by a cubic Bezier curve with the keyframes' own slopes."""
Slopes: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""Change per frame on arrival at a keyframe and on departure from it: the handles of a Bezier curve, a third of the
way to the neighbouring keyframe long."""


@dataclass(frozen=True)
class Keyframe:
    """The value at one frame, and how it goes on from there. Values are finite."""

    frame: int
    value: tuple[float, ...]
    interpolation: Interpolation = "linear"
    slopes: Slopes | None = None
    """Used where the curve on that side is "bezier"; None: flat."""

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in self.value):
            raise ShapeError(f"the keyframe at frame {self.frame} holds {self.value}; give finite numbers")
        if self.interpolation not in get_args(Interpolation):
            raise ShapeError(
                f"the keyframe at frame {self.frame} has the interpolation '{self.interpolation}'; "
                f"known are {', '.join(get_args(Interpolation))}"
            )
        if self.slopes is not None and any(
            len(side) != len(self.value) or not all(math.isfinite(number) for number in side) for side in self.slopes
        ):
            raise ShapeError(f"the keyframe at frame {self.frame} needs one finite slope per number and side")


@dataclass(frozen=True)
class Track:
    """At least one keyframe, sorted by frame, one per frame, all with equally many numbers. Immutable."""

    keys: tuple[Keyframe, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ShapeError("an animation needs at least one keyframe")
        if any(later.frame <= earlier.frame for earlier, later in pairwise(self.keys)):
            raise ShapeError(f"keyframes must rise by frame, one per frame; found frames {list(self.frames)}")
        if len({len(key.value) for key in self.keys}) > 1:
            raise ShapeError("all keyframes of an animation must hold equally many numbers")

    @classmethod
    def of(cls, keys: Iterable[Keyframe]) -> Track:
        """A track of keyframes in any order. Raises ShapeError for none, or for two on one frame."""
        return cls(tuple(sorted(keys, key=lambda key: key.frame)))

    @property
    def frames(self) -> tuple[int, ...]:
        """The keyed frames, rising."""
        return tuple(key.frame for key in self.keys)

    def key_at(self, frame: int) -> Keyframe | None:
        """The keyframe that sits exactly on ``frame``."""
        return next((key for key in self.keys if key.frame == frame), None)

    def value_at(self, frame: float) -> tuple[float, ...]:
        """The value at ``frame`` (fractions lie between frames); outside the keyframes the nearest one's value."""
        if len(self.keys) == 1:
            return self.keys[0].value
        after = bisect_right(self.keys, frame, key=_frame_of)
        left = self.keys[max(after - 1, 0)]
        if after in (0, len(self.keys)) or left.frame == frame or left.interpolation == "hold":
            return left.value
        right = self.keys[after]
        if left.interpolation == "linear":
            return _lerp(left, right, frame)
        if left.interpolation == "smooth":
            return _hermite(left, right, self._smooth_slopes(after - 1), self._smooth_slopes(after), frame)
        flat = (0.0,) * len(left.value)
        return _hermite(left, right, left.slopes[1] if left.slopes else flat, right.slopes[0] if right.slopes else flat,
                        frame)  # fmt: skip

    def _smooth_slopes(self, index: int) -> tuple[float, ...]:
        """Slopes at a keyframe that keep the curve within its neighbours' range.

        Weighted harmonic mean of the two sides' slopes, flat at extremes and at the ends (Fritsch and Butland 1984).
        """
        key = self.keys[index]
        if index in (0, len(self.keys) - 1):
            return (0.0,) * len(key.value)
        before, after = self.keys[index - 1], self.keys[index + 1]
        h0, h1 = key.frame - before.frame, after.frame - key.frame
        pairs = zip(before.value, key.value, after.value, strict=True)
        return tuple(_harmonic((b - a) / h0, (c - b) / h1, h0, h1) for a, b, c in pairs)

    def with_key(self, key: Keyframe) -> Track:
        """This track with ``key`` added, replacing a keyframe on the same frame."""
        return Track.of([*(other for other in self.keys if other.frame != key.frame), key])

    def without_key(self, frame: int) -> Track:
        """This track without the keyframe on ``frame``. Raises ShapeError for the last one, or where there is none."""
        if self.key_at(frame) is None:
            raise ShapeError(f"there is no keyframe on frame {frame} to remove; keyed are {list(self.frames)}")
        if len(self.keys) == 1:
            raise ShapeError(f"the keyframe on frame {frame} is the only one; remove the whole shape instead")
        return Track(tuple(key for key in self.keys if key.frame != frame))


def _frame_of(key: Keyframe) -> int:
    return key.frame


def _harmonic(arriving: float, leaving: float, h0: int, h1: int) -> float:
    if arriving * leaving <= 0:
        return 0.0
    w0, w1 = 2 * h1 + h0, h1 + 2 * h0
    return (w0 + w1) / (w0 / arriving + w1 / leaving)


def _hermite(
    left: Keyframe, right: Keyframe, leaving: tuple[float, ...], arriving: tuple[float, ...], frame: float
) -> tuple[float, ...]:
    """The cubic that passes through both keyframes with the given slopes per frame."""
    span = right.frame - left.frame
    t = (frame - left.frame) / span
    goes, comes = (1 - t) ** 2 * t * span, (t - 1) * t * t * span
    done = t * t * (3 - 2 * t)
    return tuple(
        a + (b - a) * done + goes * m0 + comes * m1
        for a, b, m0, m1 in zip(left.value, right.value, leaving, arriving, strict=True)
    )


def _lerp(left: Keyframe, right: Keyframe, frame: float) -> tuple[float, ...]:
    # Weighted sum before the one division: exact wherever values and the result are whole pixels.
    span, done = right.frame - left.frame, frame - left.frame
    rest = span - done
    # A list first: a raster asks for thousands of these, and a generator takes twice as long.
    return tuple([(a * rest + b * done) / span for a, b in zip(left.value, right.value, strict=True)])
