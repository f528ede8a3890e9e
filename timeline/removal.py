"""A removal: what goes away from a shot, and which effect takes it away."""

from __future__ import annotations

import math
import reprlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from roi_tools.keyframes import Track
from timeline.errors import EditError
from timeline.marking import Marking

ParameterValue: TypeAlias = bool | int | float | str

_LARGEST_INT = 2**63


@dataclass(frozen=True)
class Removal:
    """What is marked on a shot, and the parameters of the effect that fills it.

    The shape's frames are media frames (0 = the media's first), so trimming or splitting the shot moves nothing.
    ``parameters`` holds what differs from the effect's defaults; it is copied and read-only.
    ``otio_json`` is the OTIO effect that it was loaded from: what Grayplate does not know survives in it.
    """

    id: str
    label: str
    shape: Marking
    effect: str = "clean-plate"
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    enabled: bool = True
    parameter_tracks: Mapping[str, Track] = field(default_factory=dict)
    """Parameters whose value changes over the media's frames, one number a keyframe; they count instead of
    ``parameters``. Copied and read-only."""
    otio_json: str = field(default="", compare=False, repr=False)
    linked_to: str = ""
    """The ``id`` of the removal of its shot that its shape goes along with (timeline.linking); empty for none. An
    identifier that the shot does not have means nothing."""

    tracked_keys: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    """Keyframes of a box as a track set them, by frame; all others, and those whose value is another one now, are the
    artist's. Copied and read-only."""

    def __post_init__(self) -> None:
        for name, value in self.parameters.items():
            _require_storable(name, value)
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        for name, track in self.parameter_tracks.items():
            if len(track.keys[0].value) != 1:
                raise EditError(f"the keyframes of parameter '{name}' hold several numbers; give one each")
        object.__setattr__(self, "parameter_tracks", MappingProxyType(dict(self.parameter_tracks)))
        for frame, numbers in self.tracked_keys.items():
            if not all(math.isfinite(number) for number in numbers):
                raise EditError(f"the tracked keyframe on frame {frame} is {numbers}; give finite numbers")
        object.__setattr__(self, "tracked_keys", MappingProxyType(dict(self.tracked_keys)))


def new_id() -> str:
    """An identifier that no other shot or removal has."""
    return uuid.uuid4().hex[:12]


def _require_storable(name: str, value: object) -> None:
    if not isinstance(value, (bool, int, float, str)):
        raise EditError(f"parameter '{name}' is {reprlib.repr(value)}; give true or false, a number or text")
    if isinstance(value, float) and not math.isfinite(value):
        raise EditError(f"parameter '{name}' is {value}; give a finite number")
    if isinstance(value, int) and not -_LARGEST_INT <= value < _LARGEST_INT:
        raise EditError(f"parameter '{name}' is {value}, which does not fit in 64 bits; give a smaller number")
