"""Several parameters of the selected removal at once: presets and remedies. Without Qt; each is one undo step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from desktop.session import Session
from engine.protocol import EffectDescriptor, ParameterValue, Preset
from timeline import edits
from timeline.removal import Removal

_OF_THE_MACHINE = frozenset({"Model", "Memory"})
"""Groups of parameters that say where and how fast, not what: a preset for other machines leaves them out."""


def apply_parameters(
    session: Session, label: str, effect: EffectDescriptor, values: Mapping[str, ParameterValue]
) -> None:
    """Give the selected removal these values; a default is not kept, so that a better one later takes effect."""
    shot, removal = session.shot, session.removal
    if not (shot and removal) or removal.effect != effect.identifier:
        return
    defaults = {parameter.name: parameter.default for parameter in effect.parameters}
    merged = {**removal.parameters, **values}
    kept = {name: value for name, value in merged.items() if name not in defaults or value != defaults[name]}
    session.end_gesture()
    session.apply(label, edits.update_removal(session.project, shot.id, replace(removal, parameters=kept)))
    session.end_gesture()


def values_of(effect: EffectDescriptor, removal: Removal) -> dict[str, ParameterValue]:
    """All values of a removal, defaults included."""
    return {
        parameter.name: removal.parameters.get(parameter.name, parameter.default) for parameter in effect.parameters
    }


def preset_values(effect: EffectDescriptor, removal: Removal) -> dict[str, ParameterValue]:
    """What a preset made from a removal sets: all but what belongs to this machine."""
    portable = {parameter.name for parameter in effect.parameters if parameter.group not in _OF_THE_MACHINE}
    return {name: value for name, value in values_of(effect, removal).items() if name in portable}


def chosen_preset(presets: Sequence[Preset], effect: EffectDescriptor, removal: Removal) -> Preset | None:
    """The preset whose values the removal has, the fullest where several fit; None where it has values of its own."""
    values = values_of(effect, removal)
    fitting = [
        preset
        for preset in presets
        if preset.effect == effect.identifier
        and all(values.get(name) == value for name, value in preset.parameters.items())
    ]
    return max(fitting, key=lambda preset: len(preset.parameters), default=None)
