"""Models and LoRAs that are known to fit, and what a file that somebody already has turns out to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import BadRequestError, WeightsError
from engine.model_registry import InstalledModel, installed_models, register
from engine.protocol import ModelKind
from engine.segment.weights import check_folder, is_segment_folder
from engine.vace.files.key_names import without_prefix
from engine.vace.files.safetensors_check import read_header
from engine.vace.files.text_encoder_file import is_encoder_file
from engine.vace.files.weights import find_model

_VAE_TENSORS = frozenset({"decoder.conv1.weight", "decoder.conv_in.weight"})
"""The same one: as Wan named it, and as diffusers does."""
_PARTS = ("*.json", "*.safetensors", "*.model", "*.txt")


@dataclass(frozen=True)
class CatalogueEntry:
    """One download. ``patterns``: which files of the repository; the size is about what they take together.

    ``memory_gb``: of a GPU for 832x480 and 81 frames, as our own forecast says (engine/vace/cost); ``least_memory_gb``:
    the same with fp8 weights, all blocks swapped and the VAE in tiles. None where it is a part of another model.
    ``unconfirmed``: what could not be compared with the publisher's own pages (last done in July 2026).
    """

    name: str
    kind: ModelKind
    label: str
    repository: str
    patterns: tuple[str, ...]
    licence: str
    size_gb: float
    unconfirmed: tuple[Literal["size", "licence"], ...] = ()
    title: str = ""
    memory_gb: float | None = None
    least_memory_gb: float | None = None


CATALOGUE = (
    CatalogueEntry(
        name="wan2.1-vace-1.3b",
        kind="model",
        label="Paints what no frame shows, at up to 480p; for most GPUs.",
        title="Wan 2.1 VACE 1.3B",
        memory_gb=14,
        least_memory_gb=5,
        repository="Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        patterns=_PARTS,
        licence="Apache-2.0",
        size_gb=19,
        unconfirmed=("size",),
    ),
    CatalogueEntry(
        name="wan2.1-vace-14b",
        kind="model",
        label="Paints what no frame shows, finer, at up to 720p; for large GPUs, or smaller ones that swap blocks.",
        title="Wan 2.1 VACE 14B",
        memory_gb=45,
        least_memory_gb=9,
        repository="Wan-AI/Wan2.1-VACE-14B-diffusers",
        patterns=_PARTS,
        licence="Apache-2.0",
        size_gb=81,
    ),
    CatalogueEntry(
        name="wan2.1-vace-14b-fp16",
        kind="model",
        label="The 14B model's transformer alone, as a single file; text encoder and VAE come from another model.",
        title="Wan 2.1 VACE 14B, transformer",
        memory_gb=45,
        least_memory_gb=9,
        repository="Comfy-Org/Wan_2.1_ComfyUI_repackaged",
        patterns=("split_files/diffusion_models/wan2.1_vace_14B_fp16.safetensors",),
        licence="Apache-2.0",
        size_gb=35,
    ),
    CatalogueEntry(
        name="umt5-xxl-fp8",
        kind="encoder",
        label="Reads prompts, for transformers that come without a text encoder.",
        title="UMT5-XXL text encoder",
        repository="Comfy-Org/Wan_2.1_ComfyUI_repackaged",
        patterns=("split_files/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors",),
        licence="Apache-2.0",
        size_gb=6.7,
        unconfirmed=("licence",),
    ),
    CatalogueEntry(
        name="wan2.1-vae",
        kind="vae",
        label="Turns frames into what the model works on, for transformers that come without one.",
        title="Wan 2.1 VAE",
        repository="Comfy-Org/Wan_2.1_ComfyUI_repackaged",
        patterns=("split_files/vae/wan_2.1_vae.safetensors",),
        licence="Apache-2.0",
        size_gb=0.3,
    ),
    CatalogueEntry(
        name="lightx2v-14b-4step",
        kind="lora",
        label="LoRA for the 14B model: 4 steps at guidance 1 in place of 20, many times faster.",
        title="LightX2V, 4 steps",
        repository="Kijai/WanVideo_comfy",
        patterns=("Wan21_T2V_14B_lightx2v_cfg_step_distill_lora_rank32.safetensors",),
        licence="Apache-2.0",
        size_gb=0.3,
        unconfirmed=("licence",),
    ),
    CatalogueEntry(
        name="causvid-1.3b",
        kind="lora",
        label="LoRA for the 1.3B model: 4 to 8 steps at guidance 1, several times faster.",
        title="CausVid, 4 to 8 steps",
        repository="Kijai/WanVideo_comfy",
        patterns=("Wan21_CausVid_bidirect2_T2V_1_3B_lora_rank32.safetensors",),
        licence="CC BY-NC-SA 4.0 (not for commercial work)",
        size_gb=0.1,
        unconfirmed=("size",),
    ),
    CatalogueEntry(
        name="sam2.1-tiny",
        kind="segment",
        label="Click to matte, on any machine.",
        title="SAM 2.1 tiny",
        repository="facebook/sam2.1-hiera-tiny",
        patterns=_PARTS,
        licence="Apache-2.0",
        size_gb=0.2,
    ),
    CatalogueEntry(
        name="sam2.1-large",
        kind="segment",
        label="Click to matte with finer edges; for GPUs.",
        title="SAM 2.1 large",
        repository="facebook/sam2.1-hiera-large",
        patterns=_PARTS,
        licence="Apache-2.0",
        size_gb=0.9,
    ),
)


def all_entries() -> tuple[CatalogueEntry, ...]:
    """Everything that can be downloaded."""
    return CATALOGUE


def find_entry(name: str) -> CatalogueEntry:
    """The entry of this name; raises BadRequestError, which lists what there is."""
    for entry in CATALOGUE:
        if entry.name == name:
            return entry
    raise BadRequestError(f"no model '{name}' is known; there are: {', '.join(entry.name for entry in CATALOGUE)}")


def add_model(path: Path, name: str = "") -> InstalledModel:
    """Checks a folder or file that is already here and gives it a name; nothing is copied.

    Raises WeightsError where it is damaged or fits neither the vace effect nor click to matte, BadRequestError where
    another model has its name.
    """
    path = path.expanduser().absolute()
    kind = model_kind(path)
    size_bytes = sum(file.stat().st_size for file in _weight_files(path))
    entry = InstalledModel(name or _name(path), kind, str(path), size_bytes)
    known = installed_models().get(entry.name)
    if known is not None and known.path != entry.path:
        raise BadRequestError(f"'{entry.name}' is the name of {known.path} already; give another one with --name")
    register(entry)
    return entry


def model_kind(path: Path) -> ModelKind:
    """What a folder or file is, from its headers alone; raises WeightsError."""
    if path.is_dir() and is_segment_folder(path):
        check_folder(path)
        for file in _weight_files(path):
            read_header(file)
        return "segment"
    find_model(str(path))
    for file in _weight_files(path):
        if file.suffix == ".safetensors":
            header = read_header(file)
    if path.is_dir() or path.suffix.lower() == ".gguf":
        return "model"
    if is_encoder_file(path):
        return "encoder"
    names = {without_prefix(name) for name in header.tensors}
    if names & _VAE_TENSORS:
        return "vae"
    if any(".lora" in name or name.endswith((".diff", ".diff_b")) for name in names):
        return "lora"
    has_vace = any(name.startswith("vace_blocks.") for name in names)
    has_main = any(name.startswith("blocks.") for name in names)
    if not has_vace and not has_main:
        first = next(iter(sorted(names)), "nothing")
        raise WeightsError(
            f"{path} is neither a Wan transformer nor a LoRA, UMT5 or Wan's VAE; its first tensor is '{first}'"
        )
    if has_vace:
        return "model" if has_main else "module"
    return "base"


def _weight_files(path: Path) -> Iterable[Path]:
    return sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]


def _name(path: Path) -> str:
    return path.name if path.is_dir() else path.stem
