"""The transformer and the VAE from single files, as other tools keep them: no configuration beside the weights.

Which model a file holds is read from the shapes of its tensors; the configurations come with Grayplate. A VACE module
(only the VACE layers, as for ComfyUI-WanVideoWrapper) is merged with the text-to-video model that it was made for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import WeightsError
from engine.vace.files.key_names import tensor_names, without_prefix
from engine.vace.files.part_loading import Change, empty_part, fill_part, shipped_config
from engine.vace.files.weight_files import StoredTensor, open_weights, shapes, stored_shapes

if TYPE_CHECKING:
    import torch

SHIPPED_TRANSFORMERS = ("wan2.1-vace-1.3b.transformer", "wan2.1-vace-14b.transformer")
_OTHER_MODELS = {
    "img_emb": "an image-to-video model",
    "condition_embedder.image_embedder": "an image-to-video model",
    "face_adapter": "a Wan Animate model",
    "motion_encoder": "a Wan Animate model",
    "audio_injector": "a speech-to-video model",
    "control_adapter": "a camera-control model",
}


def load_transformer(
    paths: Sequence[Path],
    precision: torch.dtype,
    config: Mapping[str, Any] | None = None,
    changes: Change | None = None,
) -> torch.nn.Module:
    """A WanVACETransformer3DModel from weight files in any known spelling; with ``config`` None one that is shipped.

    Raises WeightsError for files of other models, and with the name of the tensor for damaged ones.
    """
    from diffusers import WanVACETransformer3DModel

    tensors = open_weights(paths, without_prefix)
    _refuse_other_models(tensors, paths)
    part = empty_part(WanVACETransformer3DModel, config or fitting_config(shapes(tensors), paths))
    names = tensor_names(part.state_dict())
    unknown = [name for name in tensors if name not in names and "norm_added_q" not in name]
    if unknown:
        raise WeightsError(
            f"{_listed(paths)}: the tensor '{unknown[0]}' and {len(unknown) - 1} more have no place in Wan VACE; "
            "the file is of another model or of a variant that this version does not know"
        )
    fill_part(part, {names[name]: tensor for name, tensor in tensors.items() if name in names}, precision, changes)
    return part


def load_vae(paths: Sequence[Path], config: Mapping[str, Any] | None = None) -> torch.nn.Module:
    """An AutoencoderKLWan in float32 from diffusers' or the original tensors; raises WeightsError."""
    import torch
    from diffusers import AutoencoderKLWan
    from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers

    tensors: Mapping[str, StoredTensor] = open_weights(paths, without_prefix)
    part = empty_part(AutoencoderKLWan, config or shipped_config("wan2.1.vae"))
    if not part.state_dict().keys() & tensors.keys():
        tensors = convert_wan_vae_to_diffusers(dict(tensors))
    fill_part(part, tensors, torch.float32)
    return part


def transformer_config(paths: Sequence[Path], config: Mapping[str, Any] | None) -> dict[str, Any]:
    """``config`` where it is one of a Wan VACE transformer, otherwise the shipped one that fits the files."""
    if config is not None and config.get("_class_name") == "WanVACETransformer3DModel":
        return dict(config)
    found = stored_shapes(paths, without_prefix)
    _refuse_other_models(found, paths)
    return fitting_config(found, paths)


def fitting_config(tensors: Mapping[str, tuple[int, ...]], paths: Sequence[Path]) -> dict[str, Any]:
    """The shipped configuration whose width and number of layers the tensors' shapes have; raises WeightsError."""
    found = _width(tensors), _count(tensors, "blocks."), _count(tensors, "vace_blocks.")
    _refuse_halves(found, paths)
    for name in SHIPPED_TRANSFORMERS:
        config = shipped_config(name)
        width = config["num_attention_heads"] * config["attention_head_dim"]
        if found == (width, config["num_layers"], len(config["vace_layers"])):
            return config
    raise WeightsError(
        f"{_listed(paths)} has {found[1]} layers and {found[2]} VACE layers of width {found[0]}, which is neither "
        "Wan 2.1 VACE 1.3B (30, 15, 1536) nor 14B (40, 8, 5120); a VACE module fits only a base model of its own size"
    )


def _refuse_other_models(tensors: Iterable[str], paths: Sequence[Path]) -> None:
    for name in tensors:
        for start, model in _OTHER_MODELS.items():
            if name.startswith(start):
                raise WeightsError(f"{_listed(paths)} holds {model} ('{name}'), not Wan VACE; choose a VACE file")
    if not any(name.startswith(("blocks.0.", "vace_blocks.0.")) for name in tensors):
        first = next(iter(tensors), "nothing")
        raise WeightsError(f"{_listed(paths)} is no Wan transformer, its first tensor is '{first}'; choose a VACE file")


def _refuse_halves(found: tuple[int, int, int], paths: Sequence[Path]) -> None:
    if found[1] and not found[2]:
        raise WeightsError(
            f"{_listed(paths)} holds a text-to-video model without VACE layers; set 'model' to the VACE module or to a "
            "whole VACE model, and this file as 'base_model'"
        )
    if found[2] and not found[1]:
        raise WeightsError(
            f"{_listed(paths)} holds a VACE module alone; set 'base_model' to the text-to-video model of the same size"
        )


def _width(tensors: Mapping[str, tuple[int, ...]]) -> int:
    first = next(tensors[name] for name in tensors if name.endswith(("self_attn.norm_q.weight", "attn1.norm_q.weight")))
    return first[0]


def _count(tensors: Iterable[str], prefix: str) -> int:
    return len({name.split(".")[1] for name in tensors if name.startswith(prefix)})


def _listed(paths: Sequence[Path]) -> str:
    return " with ".join(map(str, paths))
