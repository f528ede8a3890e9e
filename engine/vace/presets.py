"""Presets: named sets of the effect's parameters, as data in ``resources/presets``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from engine.errors import ParameterError
from engine.ofx.parameters import parse_value
from engine.protocol import EffectDescriptor, ParameterValue

_FIELDS = {"name", "effect", "hint", "parameters"}


@dataclass(frozen=True)
class Preset:
    """``parameters`` are those that the preset sets; all others stay as they are."""

    name: str
    effect: str
    hint: str
    parameters: Mapping[str, ParameterValue]


def load_presets(descriptor: EffectDescriptor, folder: Traversable | None = None) -> tuple[Preset, ...]:
    """The presets of an effect, by file name; those that come with Grayplate unless a ``folder`` is given.

    Raises ParameterError, which names the file, for one that the effect would not take.
    """
    folder = folder or files("resources") / "presets"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".json"))
    presets = [_read(folder / name, descriptor) for name in names]
    return tuple(preset for preset in presets if preset.effect == descriptor.identifier)


def _read(file: Traversable, descriptor: EffectDescriptor) -> Preset:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ParameterError(f"the preset {file} cannot be read ({error}); restore or delete it") from error
    if not isinstance(content, dict) or set(content) != _FIELDS or not isinstance(content["parameters"], dict):
        raise ParameterError(
            f"the preset {file} needs exactly the fields {', '.join(sorted(_FIELDS))}; add or rename them"
        )
    preset = Preset(**content)
    if preset.effect != descriptor.identifier:
        return preset
    known = {parameter.name: parameter for parameter in descriptor.parameters}
    unknown = sorted(set(preset.parameters) - set(known))
    if unknown:
        raise ParameterError(f"the preset {file} sets '{unknown[0]}', which {preset.effect} does not have; remove it")
    try:
        values = {name: parse_value(known[name], value) for name, value in preset.parameters.items()}
    except ParameterError as error:
        raise ParameterError(f"the preset {file}: {error}") from error
    return Preset(preset.name, preset.effect, preset.hint, values)
