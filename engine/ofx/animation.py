"""Parameters whose values change from frame to frame, as the host samples them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.errors import ParameterError
from engine.ofx.parameters import ParameterSet, parse_value
from engine.protocol import EffectDescriptor, ParameterKey
from roi_tools.errors import ShapeError
from roi_tools.keyframes import Keyframe, Track


class Animation:
    """The values of an instance's parameters at a frame: sampled where they have keyframes, else as they are."""

    def __init__(
        self,
        descriptor: EffectDescriptor,
        values: ParameterSet,
        keyframes: Mapping[str, Sequence[ParameterKey]] | None = None,
    ) -> None:
        """Raises ParameterError for parameters that do not animate and for keyframes that make no sense."""
        self._values = values
        known = {parameter.name: parameter for parameter in descriptor.parameters}
        self._tracks: dict[str, Track] = {}
        for name, keys in (keyframes or {}).items():
            if name not in known or not known[name].animates:
                can = ", ".join(parameter.name for parameter in descriptor.parameters if parameter.animates) or "none"
                raise ParameterError(
                    f"parameter '{name}' of effect '{descriptor.identifier}' takes no keyframes; those that do: {can}"
                )
            for key in keys:
                parse_value(known[name], key.value)
            self._tracks[name] = _track(name, keys)

    def number(self, name: str, frame: int, default: float = 0.0) -> float:
        """The value at a frame of the source; ``default`` where the effect has no such parameter."""
        if name in self._tracks:
            return self._tracks[name].value_at(frame)[0]
        return float(self._values.get(name, default))


def _track(name: str, keys: Sequence[ParameterKey]) -> Track:
    try:
        return Track.of(Keyframe(key.frame, (key.value,), key.interpolation) for key in keys)
    except ShapeError as error:
        raise ParameterError(f"the keyframes of parameter '{name}': {error}") from error
