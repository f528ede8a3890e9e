"""What a model's own folder says of how it wants to be used: ``grayplate.json``, beside ``model_index.json``.

Wan's models know nothing of the file. A smaller one, trained at a size and a length of its own, answers with noise at
those of Wan; its file names the most that makes sense, and what a person should know of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import WeightsError
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor
from engine.vace.files.weights import find_model

NATIVE_FILE = "grayplate.json"


@dataclass(frozen=True)
class NativeSettings:
    """``limits``: the most that parameters may be, by name. ``notice``: told at each render; empty: nothing to tell."""

    limits: Mapping[str, int] = field(default_factory=dict)
    notice: str = ""


def native_settings(model: str) -> NativeSettings:
    """What the folder of ``model`` (the parameter's value) says; nothing where it is silent or cannot be found.

    Raises WeightsError where the file is damaged.
    """
    try:
        path = find_model(model) / NATIVE_FILE
    except WeightsError:
        # Told by the render itself, where it can be told with its remedy.
        return NativeSettings()
    if not path.is_file():
        return NativeSettings()
    try:
        content = json.loads(path.read_text("utf-8"))
        limits = {str(name): int(limit) for name, limit in content["limits"].items()}
        return NativeSettings(limits, str(content["notice"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path} is damaged ({error!r}); install Grayplate or the model again") from error


def fitted(parameters: ParameterSet, descriptor: EffectDescriptor, native: NativeSettings) -> ParameterSet:
    """The values, none above what the model can do. Raises ParameterError for a limit on what is no parameter."""
    capped = {name: min(limit, parameters.integer(name)) for name, limit in native.limits.items() if name in parameters}
    return ParameterSet(descriptor, {**parameters, **native.limits, **capped})
