"""LoRAs: low-rank changes of the transformer's weights, added while it is loaded.

W' = W + strength * alpha / rank * B A (arXiv:2106.09685), in float32, before the weights are rounded to their precision
or stored as fp8: adding to fp8 weights would lose most of it. Whole differences ("diff", "diff_b", "diff_m" as in
distilled LoRAs) are added the same way. Names are read in the styles of ComfyUI, Kijai, lightx2v, musubi, kohya, PEFT
and diffusers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import WeightsError
from engine.vace.files.key_names import layer_names, tensor_names, without_prefix
from engine.vace.files.safetensors_check import SafetensorsHeader, read_header

if TYPE_CHECKING:
    import torch

_SUFFIX = re.compile(
    r"^(?P<layer>.+?)\.(?:(?P<down>lora_A|lora_down|lora\.down)|(?P<up>lora_B|lora_up|lora\.up))"
    r"(?:\.default)?(?:\.(?P<kind>weight|bias))?$"
)
_DIFFERENCE = re.compile(r"^(?P<layer>.+?)\.(?P<kind>diff|diff_b|diff_m)$")
_UNKNOWN_KINDS = ("hada_", "lokr_", "dora_scale", "oft_", "glora")
_LEAST_SHARE = 0.5
"""Of its layers that must exist in the model; below it a LoRA is for another one."""


@dataclass(frozen=True)
class LoraChoice:
    """A LoRA by its path or the name of an installed one; strength 1 is as trained, below 0 turns it around."""

    name: str
    strength: float = 1.0


@dataclass
class _Layer:
    down: str = ""
    up: str = ""
    alpha: str = ""
    tensors: dict[str, str] = field(default_factory=dict)
    """Model tensor -> name in the file of a whole difference."""


@dataclass(frozen=True)
class LoraReport:
    """What of a LoRA was used: how many layers it changes, and which of its tensors have no place in the model."""

    path: Path
    strength: float
    layers: int
    unused: tuple[str, ...]

    def __str__(self) -> str:
        text = f"LoRA {self.path.name} at {self.strength:g} changes {self.layers} layers"
        return text + (f"; {len(self.unused)} of its tensors have no place in the model" if self.unused else "")


class LoraSet:
    """The LoRAs of one model, checked against its shapes: ``changes`` for ``fill_part``, ``reports`` for the person.

    Raises WeightsError for a file that is no LoRA, is of a kind that is not known, or was made for another model.
    """

    def __init__(self, loras: Sequence[tuple[Path, float]], model_shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._parts: dict[str, list[Callable[[], torch.Tensor]]] = {}
        self.reports = tuple(self._read(path, strength, model_shapes) for path, strength in loras)

    @property
    def changes(self) -> Mapping[str, Callable[[torch.Tensor], torch.Tensor]]:
        """By the name of the weight: float32 in, float32 with all LoRAs added out."""
        return {name: self._adder(parts) for name, parts in self._parts.items()}

    @staticmethod
    def _adder(parts: Sequence[Callable[[], torch.Tensor]]) -> Callable[[torch.Tensor], torch.Tensor]:
        def add(weight: torch.Tensor) -> torch.Tensor:
            for part in parts:
                weight = weight + part().reshape(weight.shape)
            return weight

        return add

    def _read(self, path: Path, strength: float, model_shapes: Mapping[str, tuple[int, ...]]) -> LoraReport:
        from safetensors import safe_open

        header = read_header(path)
        layers, unused = _grouped(header, model_shapes)
        _check_fit(header, layers, unused, model_shapes)
        file = safe_open(path, framework="pt")
        scales = _Scales(header)
        for name, layer in layers.items():
            if layer.up:
                scale = scales.of(name, layer, file) * strength
                self._parts.setdefault(f"{name}.weight", []).append(_product(path, file, layer, scale))
            for tensor, stored in layer.tensors.items():
                self._parts.setdefault(tensor, []).append(_difference(path, file, stored, strength))
        return LoraReport(path, strength, len(layers), tuple(unused))


def _grouped(
    header: SafetensorsHeader, model_shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, _Layer], list[str]]:
    """The file's tensors by the layer of the model that they change, and those that change none."""
    names, tensors = layer_names(model_shapes), tensor_names(model_shapes)
    layers: dict[str, _Layer] = {}
    unused = []
    for stored in header.tensors:
        if any(kind in stored for kind in _UNKNOWN_KINDS):
            raise WeightsError(
                f"{header.path} is a LoHa, LoKr, DoRA or OFT, not a plain LoRA ('{stored}'); take a LoRA"
            )
        bare = without_prefix(stored.removeprefix("lora_unet_"))
        if not _placed(bare, stored, names, tensors, layers):
            unused.append(stored)
    return layers, unused


def _placed(
    bare: str, stored: str, names: Mapping[str, str], tensors: Mapping[str, str], layers: dict[str, _Layer]
) -> bool:
    """Puts one tensor where it belongs; False where the model has no such layer, or it means nothing."""
    if match := _DIFFERENCE.match(bare):
        spelled = match["layer"]
        kinds = {"diff": ("weight", ""), "diff_b": ("bias",), "diff_m": ("modulation", "")}[match["kind"]]
        wanted = (f"{spelled}.{kind}".rstrip(".") for kind in kinds)
        tensor = next((tensors[name] for name in wanted if name in tensors), None)
        if tensor is not None:
            layers.setdefault(tensor.rpartition(".")[0], _Layer()).tensors[tensor] = stored
        return tensor is not None
    layer, _, last = bare.rpartition(".")
    if last == "alpha":
        if layer in names:
            layers.setdefault(names[layer], _Layer()).alpha = stored
        return layer in names
    match = _SUFFIX.match(bare)
    if match is None or match["layer"] not in names:
        return False
    name = names[match["layer"]]
    if match["kind"] == "bias":
        if not match["up"] or f"{name}.bias" not in tensors:
            return False
        layers.setdefault(name, _Layer()).tensors[f"{name}.bias"] = stored
        return True
    setattr(layers.setdefault(name, _Layer()), "down" if match["down"] else "up", stored)
    return True


def _check_fit(
    header: SafetensorsHeader,
    layers: Mapping[str, _Layer],
    unused: Sequence[str],
    model_shapes: Mapping[str, tuple[int, ...]],
) -> None:
    path = header.path
    strangers = {name.rsplit(".lora", 1)[0].removesuffix(".alpha") for name in unused if "norm" not in name}
    if not layers or len(layers) < _LEAST_SHARE * (len(layers) + len(strangers)):
        first = unused[0] if unused else "nothing"
        raise WeightsError(
            f"the LoRA {path} is for another model or is none: only {len(layers)} of its "
            f"{len(layers) + len(strangers)} layers exist in Wan VACE (not, for example, '{first}'); "
            "take one for Wan 2.1"
        )
    for name, layer in layers.items():
        for stored, found, expected in _compared(header, name, layer, model_shapes):
            if found != expected:
                raise WeightsError(
                    f"the LoRA {path} is for a model of another size: '{stored}' fits a layer of {found}, "
                    f"the model's '{name}' has {expected}; take the LoRA for this size (1.3B or 14B)"
                )


def _compared(
    header: SafetensorsHeader, name: str, layer: _Layer, model_shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, int, int]]:
    """(tensor, numbers found, numbers expected) for everything that must agree."""
    if layer.up or layer.down:
        if not (layer.up and layer.down):
            raise WeightsError(
                f"the LoRA {header.path} is incomplete: '{layer.up or layer.down}' lacks its other half; "
                "download it again"
            )
        rows, *columns = model_shapes[f"{name}.weight"]
        down, up = header.tensors[layer.down].shape, header.tensors[layer.up].shape
        yield layer.down, _count(down[1:]), _count(columns)
        yield layer.up, up[0], rows
        yield layer.up, _count(up[1:]), down[0]
    for tensor, stored in layer.tensors.items():
        yield stored, _count(header.tensors[stored].shape), _count(model_shapes[tensor])


def _count(shape: Sequence[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


class _Scales:
    """alpha / rank of each layer: from the file's alphas, or from what diffusers and PEFT write into its metadata."""

    def __init__(self, header: SafetensorsHeader) -> None:
        try:
            noted: Any = json.loads(header.metadata.get("lora_adapter_metadata", "{}"))
        except ValueError:
            noted = {}
        noted = {str(key).removeprefix("transformer."): value for key, value in noted.items()}
        self._alpha: float | None = noted.get("lora_alpha")
        self._alpha_by_layer: Mapping[str, float] = noted.get("alpha_pattern") or {}
        self._header = header

    def of(self, name: str, layer: _Layer, file: Any) -> float:
        rank = self._header.tensors[layer.down].shape[0]
        if layer.alpha:
            return float(file.get_tensor(layer.alpha).float().reshape(-1)[0]) / rank
        alpha = self._alpha_by_layer.get(name, self._alpha)
        return 1.0 if alpha is None else float(alpha) / rank


def _product(path: Path, file: Any, layer: _Layer, scale: float) -> Callable[[], torch.Tensor]:
    def load() -> torch.Tensor:
        up, down = (_finite(path, file, stored).flatten(1) for stored in (layer.up, layer.down))
        return scale * (up @ down)

    return load


def _difference(path: Path, file: Any, stored: str, strength: float) -> Callable[[], torch.Tensor]:
    return lambda: strength * _finite(path, file, stored)


def _finite(path: Path, file: Any, stored: str) -> torch.Tensor:
    import torch

    tensor: torch.Tensor = file.get_tensor(stored).float()
    if not torch.isfinite(tensor).all():
        raise WeightsError(f"the tensor '{stored}' in the LoRA {path} holds NaN or infinity; download it again")
    return tensor
