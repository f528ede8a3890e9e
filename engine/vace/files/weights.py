"""Finds a Wan VACE model on this machine and checks it before anything is loaded. Nothing is ever downloaded here.

A model is a folder in diffusers' layout (``model_index.json`` names the parts, each part is a sub-folder with its
configuration and its weights as safetensors), or the transformer as a single file, with the other parts from such a
folder. Pickled weights can run code and are not accepted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.errors import WeightsError
from engine.model_registry import STARTER_NAME, find_installed, starter_model
from engine.vace.files.safetensors_check import refuse_pickle
from engine.vace.files.text_encoder_file import has_tokenizer
from engine.vace.files.weight_files import files_of
from engine.vace.model_parameters import ModelSettings

MODEL_VARIABLE = "GRAYPLATE_VACE_MODEL"
"""Environment variable that names the model folder where the parameter ``model`` is empty."""

_FITTING = ("Wan-AI/Wan2.1-VACE-1.3B-diffusers", "Wan-AI/Wan2.1-VACE-14B-diffusers")
_DOWNLOAD = f"`hf download {_FITTING[0]} --local-dir DIR`"
HOW_TO_GET_A_MODEL = (
    f"{' and '.join(_FITTING)} fit; get one with `grayplate models get wan2.1-vace-1.3b` and name it with --param "
    "model=wan2.1-vace-1.3b, or point to your own folder or .safetensors file with --model DIR, the parameter 'model' "
    f"or the environment variable {MODEL_VARIABLE}"
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
_SINGLE_FILES = (".safetensors", ".gguf")


@dataclass(frozen=True)
class ModelFiles:
    """Where each part of a model lies. A configuration that is None is found by the shapes of the weights.

    ``transformer_2`` is Wan 2.2's transformer for low noise, below ``boundary_ratio`` of the timesteps; empty in 2.1.
    ``text_encoder`` and ``tokenizer`` are folders or files (the same one where it holds both), or None where there is
    none.
    """

    transformer: tuple[Path, ...]
    transformer_config: Path | None
    vae: tuple[Path, ...]
    vae_config: Path | None
    scheduler_config: Path | None
    text_encoder: Path | None
    tokenizer: Path | None
    transformer_2: tuple[Path, ...] = ()
    transformer_2_config: Path | None = None
    boundary_ratio: float | None = None


def model_files(model: Path, settings: ModelSettings) -> ModelFiles:
    """The files of ``model``, which must have passed ``find_model``; raises WeightsError where a part is missing."""
    if model.is_dir() and settings.base_model:
        raise WeightsError(
            f"'base_model' is {settings.base_model}, but {model} is a whole model; base_model goes with a VACE module "
            "as a single file: leave it empty"
        )
    components = model if model.is_dir() else _components(model, settings)
    encoder, tokenizer = _encoder(settings, components)
    base = (_single_file(settings.base_model),) if settings.base_model.strip() else ()
    vae = _single_file(settings.vae) if settings.vae.strip() else None
    if vae is None and components is None:
        raise WeightsError(
            f"{model} holds the transformer alone; set 'components' to a Wan 2.1 folder in diffusers' layout for the "
            "VAE and the text encoder, or 'vae' and 'text_encoder' to their files"
        )
    beside = model.parent / "config.json"
    second = model / "transformer_2" if model.is_dir() and (model / "transformer_2/config.json").is_file() else None
    return ModelFiles(
        transformer=tuple(files_of(model / "transformer")) if model.is_dir() else (model, *base),
        transformer_config=model / "transformer/config.json" if model.is_dir() else _existing(beside),
        vae=(vae,) if vae else _vae_of(components),
        vae_config=components / "vae/config.json" if components and not vae else None,
        scheduler_config=_existing(components / "scheduler/scheduler_config.json") if components else None,
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer_2=tuple(files_of(second)) if second else (),
        transformer_2_config=second / "config.json" if second else None,
        boundary_ratio=_read_json(model / "model_index.json").get("boundary_ratio") if second else None,
    )


def _encoder(settings: ModelSettings, components: Path | None) -> tuple[Path | None, Path | None]:
    """The text encoder and its tokenizer, which may be the same file; None where there is none."""
    encoder = _existing(components / "text_encoder") if components else None
    tokenizer = _existing(components / "tokenizer") if components else None
    if settings.text_encoder.strip():
        encoder = _encoder_place(settings.text_encoder)
        beside = _existing(encoder.parent / "tokenizer")
        tokenizer = encoder if encoder.is_file() and has_tokenizer(encoder) else beside or tokenizer
    if settings.tokenizer.strip():
        tokenizer = _path(settings.tokenizer)
        if not tokenizer.is_dir():
            raise WeightsError(f"'tokenizer' is {tokenizer}, which is no folder; choose the one of UMT5's tokenizer")
    if settings.text_encoder.strip() and tokenizer is None:
        raise WeightsError(
            f"the text encoder {encoder} brings no tokenizer; set 'tokenizer' to the folder of UMT5's (google/umt5-xxl)"
        )
    return encoder, tokenizer


def _encoder_place(name: str) -> Path:
    path = _path(name)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise WeightsError(f"'text_encoder' is {path}, a folder without config.json; choose umt5-xxl's")
        return path
    if not path.is_file():
        raise WeightsError(f"there is no text encoder {path}; choose a .safetensors file or a folder")
    refuse_pickle(path)
    if path.suffix.lower() != ".safetensors":
        raise WeightsError(f"the text encoder {path} is no .safetensors file; GGUF ones are not read")
    return path


def _vae_of(components: Path | None) -> tuple[Path, ...]:
    return tuple(files_of(components / "vae")) if components else ()


def _components(model: Path, settings: ModelSettings) -> Path | None:
    """The folder with the other parts of a single-file model."""
    given = str(_path(settings.components)) if settings.components.strip() else ""
    if given and not (Path(given) / "vae/config.json").is_file():
        raise WeightsError(
            f"'components' is {given}, which is no Wan 2.1 folder in diffusers' layout (it has no vae/config.json)"
        )
    named = [given] if given else [str(model.parent), str(model.parent.parent), os.environ.get(MODEL_VARIABLE, "")]
    folders = [Path(name).expanduser() for name in named if name.strip()]
    return next((folder for folder in folders if (folder / "vae/config.json").is_file()), None)


def _path(name: str) -> Path:
    """A path as it was given, or the one of an installed model of this name."""
    path = Path(name.strip()).expanduser()
    return path if path.exists() else find_installed(name) or path


def _single_file(name: str) -> Path:
    path = _path(name)
    refuse_pickle(path)
    if path.suffix.lower() not in _SINGLE_FILES:
        raise WeightsError(f"{path} is no weight file; take a .safetensors or .gguf file")
    return path


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None


def find_lora(name: str) -> Path:
    """The file of a LoRA, given by its path or by its name in `grayplate models list`; raises WeightsError."""
    path = _path(name)
    if not path.is_file():
        raise WeightsError(f"there is no LoRA {path}; choose a .safetensors file or a name in `grayplate models list`")
    return _single_file(str(path))


def find_model(given: str) -> Path:
    """The checked folder or file of the model: ``given``, or GRAYPLATE_VACE_MODEL, or the starter model.

    Reads the file names and the small JSON files only. Raises WeightsError, whose message says what is wrong with
    which file and how to get a model that fits.
    """
    name = _named(given) or str(starter_model() or "")
    if not name:
        raise WeightsError(f"the vace effect needs a Wan VACE model and none is set: {HOW_TO_GET_A_MODEL}")
    folder = _path(name)
    if folder.is_file():
        return _single_file(name)
    _check_folder(folder)
    _check_index(folder, _read_json(folder / "model_index.json"))
    missing = list(_missing_files(folder, _read_json(folder / "model_index.json")))
    if missing:
        raise WeightsError(
            f"the model in {folder} is incomplete, it lacks {', '.join(missing)}; download it again into the same "
            f"folder, which fetches only what is missing: {_DOWNLOAD}"
        )
    return folder


def find_better_model(given: str) -> Path:
    """As :func:`find_model`, but where nobody named a model the starter does not count. Raises WeightsError.

    For effects that can do without a model, and then do better than with a study model.
    """
    found = find_model(given)
    if not _named(given):
        raise WeightsError(
            "only the starter model is there, whose pictures are softer than that; to have it paint all the same, name "
            f"it as the model, {STARTER_NAME}: {HOW_TO_GET_A_MODEL}"
        )
    return found


def _named(given: str) -> str:
    return given.strip() or os.environ.get(MODEL_VARIABLE, "").strip()


def require_libraries() -> None:
    """Raises WeightsError where torch, diffusers or what they need is not installed; imports none of them."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise WeightsError(
            f"the vace effect needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            "run `pip install 'grayplate[vace]'`; for a GPU read the README's GPU section first"
        )


def _check_folder(folder: Path) -> None:
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
    if any(index.get("transformer_2") or ()) and index.get("boundary_ratio") is None:
        raise WeightsError(
            f"{folder} has two transformers, but its model_index.json has no boundary_ratio to say when each runs; "
            "delete it and download it again"
        )


def _missing_files(folder: Path, index: Mapping[str, Any]) -> Iterator[str]:
    """What a complete model has and ``folder`` lacks, relative to it."""
    second = ("transformer_2",) if any(index.get("transformer_2") or ()) else ()
    for part, config in (*_CONFIGS.items(), *((part, "config.json") for part in second)):
        if not (folder / part / config).is_file():
            yield f"{part}/{config}"
    for part in (*_PARTS_WITH_WEIGHTS, *second):
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
