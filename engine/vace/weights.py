"""Finds a Wan VACE model on this machine and checks it before anything is loaded. Nothing is ever downloaded here.

A model is a folder in diffusers' layout: ``model_index.json`` names the parts, each part is a sub-folder with its
configuration and its weights as safetensors. Pickled weights can run code and are not accepted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import WeightsError

MODEL_VARIABLE = "GRAYPLATE_VACE_MODEL"
"""Environment variable that names the model folder where the parameter ``model`` is empty."""

_FITTING = ("Wan-AI/Wan2.1-VACE-1.3B-diffusers", "Wan-AI/Wan2.1-VACE-14B-diffusers")
_DOWNLOAD = f"`hf download {_FITTING[0]} --local-dir DIR`"
HOW_TO_GET_A_MODEL = (
    f"{' and '.join(_FITTING)} fit; get one with {_DOWNLOAD} and point to it with --model DIR, "
    f"the parameter 'model' or the environment variable {MODEL_VARIABLE}"
)
_PIPELINE_CLASS = "WanVACEPipeline"
_CONFIGS = {
    "transformer": "config.json",
    "vae": "config.json",
    "text_encoder": "config.json",
    "tokenizer": "tokenizer_config.json",
    "scheduler": "scheduler_config.json",
}
_PARTS_WITH_WEIGHTS = ("transformer", "vae", "text_encoder")
_LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "ftfy")


def find_model(given: str) -> Path:
    """The checked folder of the model: ``given``, or what GRAYPLATE_VACE_MODEL says where that is empty.

    Reads the file names and the small JSON files only. Raises WeightsError, whose message says what is wrong with
    which file and how to get a model that fits.
    """
    name = given.strip() or os.environ.get(MODEL_VARIABLE, "").strip()
    if not name:
        raise WeightsError(f"the vace effect needs a Wan VACE model and none is set: {HOW_TO_GET_A_MODEL}")
    folder = Path(name).expanduser()
    _check_folder(folder)
    _check_index(folder, _read_json(folder / "model_index.json"))
    missing = list(_missing_files(folder))
    if missing:
        raise WeightsError(
            f"the model in {folder} is incomplete, it lacks {', '.join(missing)}; download it again into the same "
            f"folder, which fetches only what is missing: {_DOWNLOAD}"
        )
    return folder


def require_libraries() -> None:
    """Raises WeightsError where torch, diffusers or what they need is not installed; imports none of them."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise WeightsError(
            f"the vace effect needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            "run `pip install 'grayplate[vace]'`; for a GPU read the README's GPU section first"
        )


def _check_folder(folder: Path) -> None:
    if folder.is_file():
        raise WeightsError(
            f"{folder} is a file; the vace effect loads a whole model folder in diffusers' layout: {HOW_TO_GET_A_MODEL}"
        )
    if not folder.is_dir():
        raise WeightsError(f"there is no model folder {folder}: {HOW_TO_GET_A_MODEL}")
    if not (folder / "model_index.json").is_file():
        raise WeightsError(
            f"{folder} is no model folder in diffusers' layout, it has no model_index.json: {HOW_TO_GET_A_MODEL}"
        )


def _check_index(folder: Path, index: Mapping[str, Any]) -> None:
    name = index.get("_class_name")
    if name != _PIPELINE_CLASS:
        raise WeightsError(
            f"{folder} holds a {name or 'nameless pipeline'}, not a {_PIPELINE_CLASS}: {HOW_TO_GET_A_MODEL}"
        )
    if any(index.get("transformer_2") or ()):
        raise WeightsError(
            f"{folder} holds a Wan 2.2 model with two transformers; this version takes Wan 2.1: {HOW_TO_GET_A_MODEL}"
        )


def _missing_files(folder: Path) -> Iterator[str]:
    """What a complete model has and ``folder`` lacks, relative to it."""
    for part, config in _CONFIGS.items():
        if not (folder / part / config).is_file():
            yield f"{part}/{config}"
    for part in _PARTS_WITH_WEIGHTS:
        yield from _missing_weights(folder, part)


def _missing_weights(folder: Path, part: str) -> Iterator[str]:
    for index in sorted((folder / part).glob("*.safetensors.index.json")):
        shards = sorted(set(_read_json(index).get("weight_map", {}).values()))
        yield from (f"{part}/{shard}" for shard in shards if not (folder / part / shard).is_file())
        return
    if not any((folder / part).glob("*.safetensors")):
        yield f"{part}/*.safetensors"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); check its permissions") from error
    except ValueError as error:
        raise WeightsError(f"{path} is damaged ({error}); delete it and download it again: {_DOWNLOAD}") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path} is damaged (no JSON object); delete it and download it again: {_DOWNLOAD}")
    return content
