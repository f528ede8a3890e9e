"""The text encoder, UMT5-XXL, and its tokenizer, from folders in transformers' layout or from a single file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import WeightsError
from engine.vace.files.safetensors_check import AGAIN, read_header
from engine.vace.files.text_encoder_file import load_embedded_tokenizer, load_encoder_file
from engine.vace.files.weight_files import files_of

if TYPE_CHECKING:
    import torch


def load_encoder(place: Path) -> torch.nn.Module:
    """The encoder on the CPU in bfloat16, as it was published; raises WeightsError that names a damaged tensor.

    ``place`` is a folder in transformers' layout or a single file.
    """
    return load_encoder_file(place) if place.is_file() else _from_folder(place)


def load_tokenizer(place: Path) -> Any:
    """The tokenizer, from its folder or from the encoder's single file; raises WeightsError."""
    if place.is_file():
        return load_embedded_tokenizer(place)
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(place, local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise WeightsError(f"the tokenizer {place} cannot be loaded ({_first_line(error)}); {AGAIN}") from error


def _from_folder(folder: Path) -> torch.nn.Module:
    import torch
    import transformers
    from safetensors import SafetensorError

    for path in files_of(folder):
        read_header(path)
    transformers.utils.logging.disable_progress_bar()
    try:
        encoder, found = transformers.UMT5EncoderModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.bfloat16,
            ignore_mismatched_sizes=True,  # so that they can be named below
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise WeightsError(f"the text encoder {folder} cannot be loaded ({_first_line(error)}); {AGAIN}") from error
    # Transformers only warns of these, and fills them with noise.
    absent = sorted({*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])})
    if absent:
        raise WeightsError(
            f"the text encoder {folder} lacks the tensor '{absent[0]}' and {len(absent) - 1} more, or has them in "
            f"another shape; {AGAIN}"
        )
    for name, weight in encoder.named_parameters():
        if not torch.isfinite(weight).all():
            raise WeightsError(f"the tensor '{name}' of the text encoder {folder} holds NaN or infinity; {AGAIN}")
    return encoder.eval().requires_grad_(False)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
