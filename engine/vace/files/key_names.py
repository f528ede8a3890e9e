"""Names of the transformer's tensors: as Wan published them, as others prefix them, and as diffusers has them.

Diffusers' own converter replaces fragments wherever they occur. Here each of the model's names has one original name,
so that a name that belongs to nothing is noticed, and the names of LoRAs, which have no "weight" at their end or
underscores for dots, are read through the same table. The two are compared in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.", "base_model.model.", "model.")
"""What checkpoints and LoRAs put before a name: ComfyUI's, diffusers', PEFT's."""

_ORIGINAL = (
    (r"^condition_embedder\.(time|text)_embedder\.linear_1\.", r"\1_embedding.0."),
    (r"^condition_embedder\.(time|text)_embedder\.linear_2\.", r"\1_embedding.2."),
    (r"^condition_embedder\.time_proj\.", r"time_projection.1."),
    (r"^proj_out\.", r"head.head."),
    (r"^scale_shift_table$", r"head.modulation"),
    (r"\.scale_shift_table$", r".modulation"),
    (r"\.proj_in\.", r".before_proj."),
    (r"\.proj_out\.", r".after_proj."),
    (r"\.attn1\.", r".self_attn."),
    (r"\.attn2\.", r".cross_attn."),
    (r"\.to_(q|k|v)\.", r".\1."),
    (r"\.to_out\.0\.", r".o."),
    (r"\.ffn\.net\.0\.proj\.", r".ffn.0."),
    (r"\.ffn\.net\.2\.", r".ffn.2."),
    (r"\.norm2\.", r".norm3."),
)
"""Diffusers -> original. Diffusers numbers the norms in the order of their use; only its norm2 has weights."""


def original_name(name: str) -> str:
    """The original name of one of diffusers' names."""
    for pattern, replacement in _ORIGINAL:
        name = re.sub(pattern, replacement, name)
    return name


def without_prefix(name: str) -> str:
    """``name`` without what checkpoints put before it."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return without_prefix(name.removeprefix(prefix))
    return name


def tensor_names(model_names: Iterable[str]) -> Mapping[str, str]:
    """Every spelling of the model's tensors, prefixes removed -> diffusers' name."""
    names: dict[str, str] = {}
    for name in model_names:
        names[name] = names[original_name(name)] = name
    return names


def layer_names(model_names: Iterable[str]) -> Mapping[str, str]:
    """Every spelling of the layers that a LoRA may change -> diffusers' name of the layer, without ".weight".

    Musubi and kohya write the original names, and some diffusers', with underscores for dots.
    """
    layers: dict[str, str] = {}
    for name in model_names:
        layer, _, kind = name.rpartition(".")
        if kind != "weight":
            continue
        original = original_name(name).removesuffix(".weight")
        for spelling in (layer, original):
            layers[spelling] = layers[spelling.replace(".", "_")] = layer
    return layers
