"""The model folder that a person named once for all, put into the request so that it says all that it depends on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from desktop.preferences import load_preferences
from engine.protocol import ParameterValue

MODEL_VARIABLE = "GRAYPLATE_VACE_MODEL"


def with_default_model(effect: str, parameters: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    """``parameters`` with ``model`` from the environment or else the preferences, for ``vace`` that names none.

    The engine may have been started before the variable was set, and in another folder.
    """
    if effect != "vace" or parameters.get("model"):
        return dict(parameters)
    folder = os.environ.get(MODEL_VARIABLE) or load_preferences().vace_model
    if not folder:
        return dict(parameters)
    return {**parameters, "model": str(Path(folder).expanduser().absolute())}
