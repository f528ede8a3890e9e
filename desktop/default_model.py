"""The model folder that a person named once for all, put into the request so that it says all that it depends on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.protocol import ParameterValue

MODEL_VARIABLE = "GRAYPLATE_VACE_MODEL"


def with_default_model(effect: str, parameters: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    """``parameters`` with ``model`` from the environment, where the effect is ``vace`` and none is given.

    The engine may have been started before the variable was set, and in another folder.
    """
    folder = os.environ.get(MODEL_VARIABLE)
    if effect != "vace" or parameters.get("model") or not folder:
        return dict(parameters)
    return {**parameters, "model": str(Path(folder).expanduser().absolute())}
