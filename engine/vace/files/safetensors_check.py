"""What a safetensors file holds, read from its header and checked before any weight is loaded.

The format: 8 bytes header length (little-endian), the header as JSON (name -> dtype, shape, data_offsets), then the
data, each byte of which belongs to exactly one tensor. https://huggingface.co/docs/safetensors, section "Format".
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import WeightsError

ITEM_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4,
    "F16": 16, "BF16": 16, "I16": 16, "U16": 16, "F32": 32, "I32": 32, "U32": 32, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle"})
_PICKLE_MAGIC = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_LARGEST_HEADER_BYTES = 100_000_000
AGAIN = "delete it and download it again"


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of the header: ``dtype`` in the format's own spelling, ``start`` and ``end`` in bytes of the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True)
class SafetensorsHeader:
    """The checked header of ``path``."""

    path: Path
    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]


def refuse_pickle(path: Path) -> None:
    """Raises WeightsError where ``path`` is a pickle by its name or by its first bytes: loading one can run code."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error
    if path.suffix.lower() in PICKLE_SUFFIXES or magic.startswith(_PICKLE_MAGIC):
        raise WeightsError(
            f"{path} is a pickled checkpoint, which can run code when it is loaded, and is not accepted; "
            "take the same weights as .safetensors"
        )


def read_header(path: Path) -> SafetensorsHeader:
    """The header of ``path``; raises WeightsError that names the tensor where one is cut off or malformed."""
    refuse_pickle(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size_bytes = path.stat().st_size
        if size_bytes < 8 or not 2 <= length <= _LARGEST_HEADER_BYTES:
            raise WeightsError(f"{path} is no safetensors file (its first 8 bytes are no header length); {AGAIN}")
        if size_bytes < 8 + length:
            raise WeightsError(f"{path} is truncated: it ends inside its header; {AGAIN}")
        content = _parsed(path, file.read(length))
    metadata = content.pop("__metadata__", {})
    tensors = {name: _entry(path, name, value) for name, value in content.items()}
    _check_data(path, tensors, size_bytes - 8 - length)
    return SafetensorsHeader(path, tensors, metadata)


def check_shapes(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], where: Iterable[Path] | Path
) -> None:
    """Raises WeightsError naming the first tensor that is missing, or has another shape than the model's."""
    places = ", ".join(map(str, [where] if isinstance(where, Path) else where))
    missing = [name for name in expected if name not in found]
    if missing:
        raise WeightsError(
            f"{places} lacks the tensor '{missing[0]}' and {len(missing) - 1} more of {len(expected)}; "
            "it is incomplete or of another model: download it again or choose the matching one"
        )
    for name, shape in expected.items():
        if tuple(found[name]) != tuple(shape):
            raise WeightsError(
                f"the tensor '{name}' in {places} has the shape {_text(found[name])} where the model has "
                f"{_text(shape)}; the file is of another model or version"
            )


def _parsed(path: Path, header: bytes) -> dict[str, Any]:
    try:
        content = json.loads(header)
    except ValueError as error:
        raise WeightsError(f"the header of {path} is damaged ({error}); {AGAIN}") from error
    if not isinstance(content, dict):
        raise WeightsError(f"the header of {path} is damaged (no JSON object); {AGAIN}")
    return content


def _entry(path: Path, name: str, value: Any) -> TensorEntry:
    try:
        start, end = value["data_offsets"]
        entry = TensorEntry(value["dtype"], tuple(int(side) for side in value["shape"]), int(start), int(end))
        expected = math.prod(entry.shape) * ITEM_BITS[entry.dtype] // 8
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"the header of {path} is damaged at the tensor '{name}' ({error!r}); {AGAIN}") from error
    if entry.start < 0 or entry.end - entry.start != expected:
        raise WeightsError(
            f"the tensor '{name}' in {path} has {entry.end - entry.start} bytes where its shape {_text(entry.shape)} "
            f"of {entry.dtype} takes {expected}; {AGAIN}"
        )
    return entry


def _check_data(path: Path, tensors: Mapping[str, TensorEntry], data_bytes: int) -> None:
    end = 0
    for name, entry in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if entry.start != end:
            raise WeightsError(f"the tensor '{name}' in {path} overlaps another one or leaves a gap; {AGAIN}")
        end = entry.end
        if end > data_bytes:
            present = max(data_bytes - entry.start, 0)
            raise WeightsError(
                f"{path} is truncated: of the tensor '{name}' it holds {present} of {entry.end - entry.start} bytes; "
                f"{AGAIN}"
            )


def _text(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
