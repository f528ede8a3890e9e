"""Finds a SAM 2 video model on this machine and checks it before anything is loaded. Nothing is downloaded here.

A model is a folder as transformers saves it: ``config.json`` and the weights as safetensors. Pickled weights can run
code and are not accepted.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import WeightsError
from engine.model_registry import find_installed, installed_models

MODEL_VARIABLE = "GRAYPLATE_SAM2_MODEL"
"""Environment variable that names the model folder where a request names none."""
HOW_TO_GET_A_MODEL = (
    "get one with `grayplate models get sam2.1-tiny` (facebook/sam2.1-hiera-tiny, 0.2 GB, Apache-2.0), or add a folder "
    "with its config.json and .safetensors files: `grayplate models add DIR`"
)
MODEL_TYPE = "sam2_video"
_LIBRARIES = ("torch", "transformers", "safetensors")


def find_model(given: str) -> Path:
    """The checked folder of the model: ``given`` (a folder or an installed model's name), or else the one that
    GRAYPLATE_SAM2_MODEL names, or else the installed one.

    Reads the small files only. Raises WeightsError, whose message says what to get and where to put it.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise WeightsError(f"click to matte needs {', '.join(missing)}: run `pip install 'grayplate[vace]'`")
    name = given.strip() or os.environ.get(MODEL_VARIABLE, "").strip()
    folder = _folder(name) if name else _installed()
    if folder is None:
        raise WeightsError(f"click to matte needs a SAM 2 model and none is installed: {HOW_TO_GET_A_MODEL}")
    if not folder.is_dir():
        raise WeightsError(f"there is no model folder {folder}: {HOW_TO_GET_A_MODEL}")
    check_folder(folder)
    return folder


def is_segment_folder(folder: Path) -> bool:
    """Whether ``folder`` says that it is a SAM 2 model."""
    return _config(folder).get("model_type") == MODEL_TYPE


def check_folder(folder: Path) -> None:
    """Raises WeightsError unless ``folder`` holds a SAM 2 video model with safetensors."""
    if not is_segment_folder(folder):
        found = _config(folder).get("model_type", "nothing")
        raise WeightsError(
            f"{folder} is no SAM 2 model (its config.json says '{found}', not '{MODEL_TYPE}'): {HOW_TO_GET_A_MODEL}"
        )
    if not any(folder.glob("*.safetensors")):
        raise WeightsError(f"{folder} has no .safetensors file; pickled weights are not accepted: {HOW_TO_GET_A_MODEL}")


def _folder(name: str) -> Path:
    path = Path(name).expanduser()
    return path if path.exists() else find_installed(name) or path


def _installed() -> Path | None:
    """The model that was installed first."""
    return next((Path(entry.path) for entry in installed_models().values() if entry.kind == "segment"), None)


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
