"""Animated values: keyframes sorted by frame, joined by straight lines or held."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from roi_tools.errors import ShapeError

Interpolation: TypeAlias = Literal["linear", "hold"]
"""How a value goes on from its keyframe: straight to the next one, or unchanged until there."""


@dataclass(frozen=True)
class Keyframe:
    """The value at one frame, and how it goes on from there. Values are finite."""

    frame: int
    value: tuple[float, ...]
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in self.value):
            raise ShapeError(f"the keyframe at frame {self.frame} holds {self.value}; give finite numbers")
        if self.interpolation not in get_args(Interpolation):
            raise ShapeError(
                f"the keyframe at frame {self.frame} has the interpolation '{self.interpolation}'; "
                f"known are {', '.join(get_args(Interpolation))}"
            )


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

    def value_at(self, frame: int) -> tuple[float, ...]:
        """The value at ``frame``; before the first keyframe its value, after the last one that one's."""
        after = bisect_right(self.frames, frame)
        left = self.keys[max(after - 1, 0)]
        if after in (0, len(self.keys)) or left.frame == frame or left.interpolation == "hold":
            return left.value
        return _lerp(left, self.keys[after], frame)

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


def _lerp(left: Keyframe, right: Keyframe, frame: int) -> tuple[float, ...]:
    # Weighted sum before the one division: exact wherever values and the result are whole pixels.
    span, done = right.frame - left.frame, frame - left.frame
    return tuple((a * (span - done) + b * done) / span for a, b in zip(left.value, right.value, strict=True))
