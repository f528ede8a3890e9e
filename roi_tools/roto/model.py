"""Shapes as documents: what an artist draws, each number and each point animated on its own. Immutable.

Coordinates are frame px, origin top left; pixel (x, y) covers ``[x, x + 1) x [y, y + 1)``. Frames are media frames.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from roi_tools.errors import ShapeError
from roi_tools.keyframes import Interpolation, Keyframe, Track

Kind: TypeAlias = Literal["rectangle", "ellipse", "bezier", "bspline", "stroke", "brush"]
"""Rectangles and ellipses have parameters; the others points. Strokes (Bezier) and brushes (polyline) are open."""
Mode: TypeAlias = Literal["add", "subtract", "intersect"]
"""How a shape joins what the shapes below it left."""

PARAMETERS: dict[Kind, tuple[str, ...]] = {
    "rectangle": ("center_x", "center_y", "width", "height", "rotation_deg"),
    "ellipse": ("center_x", "center_y", "width", "height", "rotation_deg"),
}
POINT = ("x", "y", "in_x", "in_y", "out_x", "out_y", "feather_x", "feather_y")
"""The numbers of a point: its place; its handles and its feather point, relative to it. B-splines and brushes have no
handles: zeros. Rotation is clockwise as seen, since y points down."""
FEWEST_POINTS: dict[Kind, int] = {"bezier": 2, "bspline": 3, "stroke": 2, "brush": 2}


def constant(*value: float) -> Track:
    """A track that never changes."""
    return Track((Keyframe(0, tuple(map(float, value))),))


OPAQUE, HARD, LINE_WIDTH = constant(1), constant(0), constant(8)
IDENTITY = constant(1, 0, 0, 0, 1, 0, 0, 0, 1)


@dataclass(frozen=True)
class Shape:
    """One shape over time. ``first_frame`` and ``last_frame`` are inclusive; None = open."""

    label: str
    kind: Kind
    tracks: tuple[Track, ...]
    """One track of PARAMETERS, or one track of POINT for each point."""
    mode: Mode = "add"
    is_inverted: bool = False
    opacity: Track = OPAQUE
    feather_px: Track = HARD
    """Soft width around the whole outline: outwards, or inwards where negative. Points' own feather comes on top."""
    width_px: Track = LINE_WIDTH
    """Width of strokes and brushes."""
    transform: Track = IDENTITY
    """Nine numbers, row by row: a matrix that maps the shape to the frame (a surface track, say)."""
    first_frame: int | None = None
    last_frame: int | None = None
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Colour of its outline in the viewer, R'G'B' 0 to 1."""
    is_locked: bool = False
    is_visible: bool = True
    linked_to: str | None = None
    """The label of the shape of its layer that it goes along with (roi_tools.linking); None where it has no leader. A
    label that no shape has means nothing."""

    LENGTHS: ClassVar[dict[str, int]] = {"opacity": 1, "feather_px": 1, "width_px": 1, "transform": 9}

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.mode not in get_args(Mode):
            raise ShapeError(
                f"shape '{self.label}' is a '{self.kind}' to '{self.mode}'; known are {', '.join(get_args(Kind))} "
                f"to {', '.join(get_args(Mode))}"
            )
        self._check_tracks()
        if self.first_frame is not None and self.last_frame is not None and self.last_frame < self.first_frame:
            raise ShapeError(f"shape '{self.label}' lasts from {self.first_frame} to {self.last_frame}: ends too early")
        if len(self.color) != 3 or not all(math.isfinite(part) and 0 <= part <= 1 for part in self.color):
            raise ShapeError(f"shape '{self.label}' has the colour {self.color}; give three numbers from 0 to 1")
        if self.linked_to == self.label:
            raise ShapeError(f"shape '{self.label}' is linked to itself; name its leader, or none")

    def _check_tracks(self) -> None:
        length = len(PARAMETERS.get(self.kind, POINT))
        fewest = FEWEST_POINTS.get(self.kind, 1)
        if len(self.tracks) < fewest or (self.has_parameters and len(self.tracks) != 1):
            raise ShapeError(f"shape '{self.label}' has {len(self.tracks)} points; a {self.kind} needs {fewest}")
        wanted = [("tracks", track, length) for track in self.tracks]
        wanted += [(name, getattr(self, name), count) for name, count in self.LENGTHS.items()]
        for name, track, count in wanted:
            if any(len(key.value) != count for key in track.keys):
                raise ShapeError(f"shape '{self.label}' needs {count} numbers in every keyframe of its '{name}'")

    @property
    def has_parameters(self) -> bool:
        """Whether it is described by PARAMETERS, not by points."""
        return self.kind in PARAMETERS

    @cached_property
    def has_point_feather(self) -> bool:
        """Whether any point of a closed curve is feathered on any frame."""
        if self.has_parameters or self.is_open:
            return False
        return any(any(key.value[6:]) for track in self.tracks for key in track.keys)

    @property
    def is_open(self) -> bool:
        """Whether it is a line with a width."""
        return self.kind in ("stroke", "brush")

    @property
    def key_frames(self) -> tuple[int, ...]:
        """Frames on which anything of it is keyed, rising."""
        tracks = (*self.tracks, self.opacity, self.feather_px, self.width_px, self.transform)
        return tuple(sorted({frame for track in tracks if len(track.keys) > 1 for frame in track.frames}))

    def values_at(self, time: float) -> NDArray[np.float64]:
        """The tracks' values at ``time``: (1, parameters), or (points, 8). The same numbers as track by track."""
        frames = self._shared_frames
        if frames is None:
            return np.array([track.value_at(time) for track in self.tracks], np.float64)
        after = bisect_right(frames, time)
        before = max(after - 1, 0)
        interpolation, left = self._key_values(before)
        if after in (0, len(frames)) or frames[before] == time or interpolation == "hold":
            return left
        if interpolation != "linear":
            return np.array([track.value_at(time) for track in self.tracks], np.float64)
        _, right = self._key_values(after)
        span, done = frames[after] - frames[before], time - frames[before]
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray((left * (span - done) + right * done) / span, np.float64)

    @cached_property
    def _shared_frames(self) -> tuple[int, ...] | None:
        """The keyed frames that all tracks share, as an artist's or a tracker's keyframes do; None where they don't."""
        first = self.tracks[0].frames
        return first if all(track.frames == first for track in self.tracks[1:]) else None

    @cached_property
    def _values_by_key(self) -> dict[int, tuple[Interpolation | None, NDArray[np.float64]]]:
        return {}

    def _key_values(self, index: int) -> tuple[Interpolation | None, NDArray[np.float64]]:
        """How all tracks go on from their keyframe ``index`` (None: not alike), and their values there, read-only."""
        if index not in self._values_by_key:
            keys = [track.keys[index] for track in self.tracks]
            values = np.array([key.value for key in keys], np.float64)
            values.flags.writeable = False
            alike = all(key.interpolation == keys[0].interpolation for key in keys)
            self._values_by_key[index] = keys[0].interpolation if alike else None, values
        return self._values_by_key[index]

    def is_present(self, frame: float) -> bool:
        """Whether it is there on ``frame``; the frame's shutter may open a little before or after it."""
        begun = self.first_frame is None or round(frame) >= self.first_frame
        return self.is_visible and begun and (self.last_frame is None or round(frame) <= self.last_frame)


@dataclass(frozen=True)
class RotoLayer:
    """Shapes from bottom to top, and how they are exposed."""

    name: str
    shapes: tuple[Shape, ...] = ()
    shutter_frames: float = 0.0
    """How long the shutter is open, centred on the frame: 0.5 is 180 degrees; 0: no motion blur."""
    shutter_samples: int = 8

    def __post_init__(self) -> None:
        if not 0 <= self.shutter_frames <= 2 or not 1 <= self.shutter_samples <= 64:
            raise ShapeError(
                f"layer '{self.name}': a shutter of {self.shutter_frames} frames in {self.shutter_samples} samples; "
                "give 0 to 2 frames in 1 to 64 samples"
            )
        labels = [shape.label for shape in self.shapes]
        if len(set(labels)) < len(labels):
            raise ShapeError(f"layer '{self.name}' has two shapes of one label; give each its own")
        linked = {shape.label: shape.linked_to for shape in self.shapes if shape.linked_to in labels}
        for label, leader in linked.items():
            if leader in linked:
                raise ShapeError(
                    f"layer '{self.name}': shape '{label}' is linked to '{leader}', which is linked itself; link it to "
                    f"'{linked[leader]}'"
                )

    def shape(self, label: str) -> Shape:
        """The shape of that label. Raises ShapeError where there is none."""
        for shape in self.shapes:
            if shape.label == label:
                return shape
        raise ShapeError(f"layer '{self.name}' has no shape '{label}'")

    def with_shape(self, shape: Shape) -> RotoLayer:
        """This layer with ``shape`` in place of the one of its label, or on top."""
        if all(other.label != shape.label for other in self.shapes):
            return replace(self, shapes=(*self.shapes, shape))
        return replace(self, shapes=tuple(shape if other.label == shape.label else other for other in self.shapes))

    def moved(self, label: str, position: int) -> RotoLayer:
        """This layer with a shape at another place of the order, 0 = bottom."""
        shape = self.shape(label)
        others = [other for other in self.shapes if other is not shape]
        return replace(self, shapes=(*others[:position], shape, *others[position:]))

    def exposures(self, frame: int) -> tuple[float, ...]:
        """The times, in frames, whose mattes make up the one of ``frame``."""
        if self.shutter_frames == 0 or self.shutter_samples == 1:
            return (float(frame),)
        count = self.shutter_samples
        return tuple(frame + self.shutter_frames * ((index + 0.5) / count - 0.5) for index in range(count))
