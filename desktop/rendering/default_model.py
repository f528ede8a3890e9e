"""The model folder that a person named once for all, put into the request so that it says all that it depends on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from desktop.base.preferences import Preferences, load_preferences
from engine.protocol import ParameterValue

MODEL_VARIABLE = "GRAYPLATE_VACE_MODEL"


def with_default_model(effect: str, parameters: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    """``parameters`` with ``model`` from the environment or else the preferences, for effects with a model that name
    none.

    The engine may have been started before the variable was set, and in another folder. The device of the preferences
    goes with it.
    """
    if effect not in ("vace", "auto"):
        return dict(parameters)
    preferences = load_preferences()
    filled = {**_device(preferences), **parameters}
    folder = "" if parameters.get("model") else os.environ.get(MODEL_VARIABLE) or preferences.vace_model
    return {**filled, "model": str(Path(folder).expanduser().absolute())} if folder else filled


def _device(preferences: Preferences) -> dict[str, ParameterValue]:
    # Which of several GPUs: the engine sees that one alone (desktop.rendering.engine_environment).
    kind = preferences.device.partition(":")[0]
    return {"device": kind} if kind else {}
