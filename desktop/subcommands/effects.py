"""``grayplate effects``: what the engine can do, from the effects' own descriptors."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from engine.protocol import EffectDescriptor, ParameterDescriptor, Preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``grayplate effects``."""
    parser.add_argument("--json", action="store_true", help="print the descriptors as JSON")


def run(options: argparse.Namespace) -> int:
    """Ask the engine for its effects and print them; raises engine errors."""
    from desktop.subcommands.engine_session import engine_session

    with engine_session() as client:
        effects, presets = client.effects(), client.presets()
    if options.json:
        print(json.dumps([effect.model_dump(mode="json") for effect in effects], indent=2))
    else:
        print("\n\n".join(describe(effect, presets) for effect in effects))
    return 0


def describe(effect: EffectDescriptor, presets: Sequence[Preset] = ()) -> str:
    """An effect, its presets and its parameters as text, one parameter a paragraph."""
    head = f"{effect.identifier}  {effect.label} {effect.version}\n    {effect.hint}"
    own = [preset for preset in presets if preset.effect == effect.identifier]
    return "\n".join(
        [head, *map(_describe_preset, own), *(_describe_parameter(parameter) for parameter in effect.parameters)]
    )


def _describe_preset(preset: Preset) -> str:
    owner = "   (your own)" if preset.is_own else ""
    return f"  --preset '{preset.name}'{owner}" + (f"\n      {preset.hint}" if preset.hint else "")


def _describe_parameter(parameter: ParameterDescriptor) -> str:
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"  --param {parameter.name}={parameter.default}{unit}   {_range(parameter)}\n      {parameter.hint}"


def _range(parameter: ParameterDescriptor) -> str:
    if parameter.choices:
        return " | ".join(parameter.choices)
    if parameter.kind == "bool":
        return "true | false"
    low, high = parameter.minimum, parameter.maximum
    if low is None and high is None:
        return parameter.kind
    return f"{_bound(low)} .. {_bound(high)}".strip()


def _bound(value: float | None) -> str:
    return "" if value is None else str(int(value) if value.is_integer() else value)
