"""Tensors by name from one or several weight files: safetensors in any float precision, fp8 with scales, GGUF.

Quantised tensors come out as floats: that costs memory while they are loaded, but LoRAs, precision and fp8 storage then
work the same for every file. Nothing is read before it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import WeightsError
from engine.vace.files.safetensors_check import AGAIN, SafetensorsHeader, TensorEntry, read_header, refuse_pickle

if TYPE_CHECKING:
    import torch

_FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
_FP8 = frozenset({"F8_E4M3", "F8_E5M2"})
_SCALES = ("scale_weight", "weight_scale")
"""What ComfyUI and diffusers call the factor of an fp8 weight: <layer>.scale_weight, <layer>.weight_scale."""
_IGNORED = ("scale_input", "input_scale", "scaled_fp8", "comfy_quant", "spiece_model", *_SCALES)
"""Entries that are no weights: scales (read with their weight), hints for fp8 arithmetic, a tokenizer."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file: ``load()`` gives it as floats on the CPU, float32 where it was quantised."""

    path: Path
    shape: tuple[int, ...]
    load: Callable[[], torch.Tensor]


def open_weights(paths: Sequence[Path], rename: Callable[[str], str]) -> Mapping[str, StoredTensor]:
    """All tensors of ``paths`` under their renamed names.

    Raises WeightsError for pickles, damaged files, quantisations that are unknown or lack their scales, and for names
    that two files share: which of the two would count is not for chance to say.
    """
    found: dict[str, StoredTensor] = {}
    for path in paths:
        refuse_pickle(path)
        tensors = _open_gguf(path) if path.suffix.lower() == ".gguf" else _open_safetensors(read_header(path))
        for name, tensor in tensors.items():
            name = rename(name)
            if name in found:
                raise WeightsError(
                    f"{found[name].path} and {path} both hold '{name}'; a VACE module goes with a base model that "
                    "has no VACE layers of its own: give only one of the two"
                )
            found[name] = tensor
    return found


def stored_shapes(paths: Sequence[Path], rename: Callable[[str], str]) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors under their renamed names, from the files' headers: loads neither weights nor torch."""
    found: dict[str, tuple[int, ...]] = {}
    for path in paths:
        refuse_pickle(path)
        if path.suffix.lower() == ".gguf":
            found |= {rename(name): tensor.shape for name, tensor in _open_gguf(path).items()}
        else:
            entries = read_header(path).tensors.items()
            found |= {rename(name): entry.shape for name, entry in entries if name.rpartition(".")[2] not in _IGNORED}
    return found


# --- safetensors ------------------------------------------------------------------------------------------------


def _open_safetensors(header: SafetensorsHeader) -> dict[str, StoredTensor]:
    from safetensors import safe_open

    weights = [name for name in header.tensors if name.rpartition(".")[2] not in _IGNORED]
    scales = {name: _scale_of(header, name) for name in weights}
    file = safe_open(header.path, framework="pt")
    return {
        name: StoredTensor(header.path, header.tensors[name].shape, _loader(file, name, scales[name]))
        for name in weights
    }


def _scale_of(header: SafetensorsHeader, name: str) -> str | None:
    """The name of the tensor's scale, where it has one; raises WeightsError for what cannot be dequantised."""
    dtype = header.tensors[name].dtype
    layer = name.removesuffix(".weight")
    scale = next((f"{layer}.{kind}" for kind in _SCALES if f"{layer}.{kind}" in header.tensors), None)
    if dtype in _FLOATS:
        return None
    if dtype not in _FP8:
        raise WeightsError(
            f"the tensor '{name}' in {header.path} is stored as {dtype}, a quantisation that this version cannot "
            "undo; take the fp16, bf16, fp8 or GGUF file of the same model"
        )
    if scale is not None:
        _check_scale(header, name, header.tensors[scale])
    elif "scaled_fp8" in header.tensors and name.endswith(".weight"):
        raise WeightsError(
            f"{header.path} says that it is scaled fp8 but has no scale for '{name}', so it would be noise; {AGAIN}"
        )
    return scale


def _check_scale(header: SafetensorsHeader, name: str, scale: TensorEntry) -> None:
    try:
        _scale_layout(header.tensors[name].shape, scale.shape)
    except ValueError as error:
        raise WeightsError(
            f"the scale of '{name}' in {header.path} has a shape that fits no known layout ({error}); "
            "take the fp16, bf16 or plain fp8 file of the same model"
        ) from error


def _scale_layout(weight: tuple[int, ...], scale: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which the weight takes the scale: one for all, one a row, or one for each block of a row.

    Returns () for a scalar, (rows, 1) or (rows, blocks, 1). Raises ValueError for anything else.
    """
    sides = tuple(side for side in scale if side != 1)
    if not sides:
        return ()
    if len(weight) == 2 and sides == weight[:1]:
        return (weight[0], 1)
    if len(weight) == 2 and len(sides) == 2 and sides[0] == weight[0] and weight[1] % sides[1] == 0:
        return (weight[0], sides[1], 1)
    raise ValueError(f"{scale} for a weight of {weight}")


def _loader(file: Any, name: str, scale_name: str | None) -> Callable[[], torch.Tensor]:
    def load() -> torch.Tensor:
        tensor = file.get_tensor(name)
        if tensor.element_size() > 1:
            return tensor
        tensor = tensor.float()
        return tensor if scale_name is None else _scaled(tensor, file.get_tensor(scale_name).float())

    return load


def _scaled(weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    layout = _scale_layout(tuple(weight.shape), tuple(scale.shape))
    if len(layout) < 3:
        return weight * scale.reshape(layout)
    rows, blocks, _ = layout
    return (weight.view(rows, blocks, -1) * scale.reshape(layout)).view_as(weight)


# --- GGUF -------------------------------------------------------------------------------------------------------


def _open_gguf(path: Path) -> dict[str, StoredTensor]:
    try:
        import gguf
    except ImportError as error:
        raise WeightsError(f"{path} is a GGUF file, for which the package gguf is missing: pip install gguf") from error
    try:
        reader = gguf.GGUFReader(path)
    except (ValueError, IndexError, OverflowError, OSError) as error:
        raise WeightsError(f"{path} is no GGUF file or is truncated ({error}); {AGAIN}") from error
    return {tensor.name: _gguf_tensor(path, reader, tensor) for tensor in reader.tensors}


def _gguf_tensor(path: Path, reader: Any, tensor: Any) -> StoredTensor:
    # GGUF names the fastest side first, and holds at most 4 sides: converters note the shape of the others.
    noted = reader.get_field(f"comfy.gguf.orig_shape.{tensor.name}")
    shape = tuple(int(noted.parts[index][0]) for index in noted.data) if noted else tuple(map(int, tensor.shape[::-1]))

    def load() -> torch.Tensor:
        import gguf
        import torch

        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        return torch.from_numpy(values.copy()).reshape(shape)

    return StoredTensor(path, shape, load)


def shapes(tensors: Mapping[str, StoredTensor]) -> dict[str, tuple[int, ...]]:
    """The shapes by name."""
    return {name: tensor.shape for name, tensor in tensors.items()}


def files_of(folder: Path) -> list[Path]:
    """The safetensors files in a folder of one part of a model, sorted; those that an index names, if there is one."""
    # The shortest name: a variant such as .fp16. beside it is another copy of the same weights.
    index = min(folder.glob("*.safetensors.index.json"), key=lambda path: len(path.name), default=None)
    if index is not None:
        return sorted({folder / shard for shard in _shards(index)})
    return sorted(folder.glob("*.safetensors"), key=lambda path: len(path.name))[:1]


def _shards(index: Path) -> Iterable[str]:
    try:
        return [str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise WeightsError(f"{index} is damaged ({error!r}); {AGAIN}") from error
