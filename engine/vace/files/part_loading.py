"""Builds one part of the model from its configuration and its weight files, every tensor checked by name.

The libraries' own loaders warn of tensors that are missing, and fill them with noise; here that is an error. What
comes out is what ``from_pretrained`` gives: layers that Wan needs in float32 stay in float32.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import WeightsError
from engine.vace.files.safetensors_check import AGAIN, check_shapes
from engine.vace.files.weight_files import StoredTensor, shapes

if TYPE_CHECKING:
    import torch

Change = Mapping[str, Callable[["torch.Tensor"], "torch.Tensor"]]
"""What is added to a weight, by its name, while it is loaded in float32: LoRAs."""


def shipped_config(name: str) -> dict[str, Any]:
    """One of the configurations in ``resources/models``, by its name without ".json"."""
    config: dict[str, Any] = json.loads(files("resources.models").joinpath(f"{name}.json").read_text("utf-8"))
    return config


def empty_part(part_class: Any, config: Mapping[str, Any]) -> torch.nn.Module:
    """The part without weights: its parameters take no memory, what it computes itself (rotary tables) is there."""
    from accelerate import init_empty_weights  # type: ignore[import-untyped]

    with init_empty_weights():
        return part_class.from_config(dict(config))


def fill_part(
    part: torch.nn.Module,
    tensors: Mapping[str, StoredTensor],
    precision: torch.dtype,
    changes: Change | None = None,
    kept_in_float32: Sequence[str] | None = None,
) -> None:
    """Gives an empty part its weights, in ``precision`` but for what its class (or the caller) keeps in float32.

    Raises WeightsError that names the tensor and its file where one is missing, of another shape, or holds NaN or
    infinity. Tensors that the part does not have are left out.
    """
    import torch

    places = _places(tensors)
    expected = _distinct(part)
    check_shapes(shapes(tensors), {name: tuple(weight.shape) for name, weight in expected.items()}, places)
    own = getattr(part, "_keep_in_fp32_modules", None) or ()
    kept = tuple(own if kept_in_float32 is None else kept_in_float32)
    state = {}
    for name in expected:
        stored = tensors[name]
        weight = _loaded(name, stored)
        if changes and name in changes:
            weight = changes[name](weight.float())
        state[name] = weight.to(torch.float32 if _is_kept(name, kept) else precision)
    part.load_state_dict(state, assign=True, strict=False)  # that all are there was checked above, by name
    part.eval().requires_grad_(False)


def _distinct(part: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The part's tensors by name; of one that has several names (a shared table) the first."""
    found: dict[int, tuple[str, torch.Tensor]] = {}
    for name, tensor in part.state_dict(keep_vars=True).items():
        found.setdefault(id(tensor), (name, tensor))
    return dict(found.values())


def _is_kept(name: str, kept: Sequence[str]) -> bool:
    parts = name.split(".")
    return any(module in parts for module in kept)


def _loaded(name: str, stored: StoredTensor) -> torch.Tensor:
    import torch
    from safetensors import SafetensorError

    try:
        weight = stored.load()
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise WeightsError(f"the tensor '{name}' in {stored.path} cannot be read ({error}); {AGAIN}") from error
    if not torch.isfinite(weight).all():
        raise WeightsError(f"the tensor '{name}' in {stored.path} holds NaN or infinity; {AGAIN}")
    return weight


def _places(tensors: Mapping[str, StoredTensor]) -> list[Path]:
    return sorted({tensor.path for tensor in tensors.values()})
