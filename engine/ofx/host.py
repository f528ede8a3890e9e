"""Finds installed effects and makes instances of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from engine.errors import EffectNotFoundError
from engine.ofx.effect import ImageEffect
from engine.protocol import EffectDescriptor

ENTRY_POINT_GROUP = "grayplate.effects"

_log = logging.getLogger(__name__)


@cache
def installed_effects() -> Mapping[str, type[ImageEffect]]:
    """Effect classes by identifier, ``clean-plate`` first, then by name. A broken plug-in is logged and left out."""
    found = {}
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: (p.name != "clean-plate", p.name)):
        effect = _load(point)
        if effect is not None:
            found[point.name] = effect
    return found


def _load(point: EntryPoint) -> type[ImageEffect] | None:
    # A third party's plug-in may fail in any way while it is imported or asked; the others must still work.
    try:
        effect = point.load()
        if not (isinstance(effect, type) and issubclass(effect, ImageEffect)):
            raise TypeError("it is no ImageEffect")
        if effect.describe().identifier != point.name:
            raise ValueError(f"it calls itself '{effect.describe().identifier}'")
    except Exception as error:
        _log.warning("effect '%s' (%s) cannot be loaded: %s; reinstall or remove it", point.name, point.value, error)
        return None
    return effect


def find_effect(identifier: str) -> type[ImageEffect]:
    """The effect class of this identifier; raises EffectNotFoundError, which lists what there is."""
    effects = installed_effects()
    if identifier not in effects:
        raise EffectNotFoundError(f"no effect '{identifier}'; installed are: {', '.join(effects)}")
    return effects[identifier]


def describe_all() -> tuple[EffectDescriptor, ...]:
    """The descriptors of all installed effects."""
    return tuple(effect.describe() for effect in installed_effects().values())
