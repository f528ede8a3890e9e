"""The text encoder, UMT5, from a single file, as other tools keep it, and the tokenizer that such a file may hold.

Its tensors are spelled as transformers has them (ComfyUI's files) or as Wan published them (WanVideoWrapper's), in any
float precision, plain fp8 or scaled fp8. Sizes are read from the shapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import WeightsError
from engine.vace.files.part_loading import fill_part, shipped_config
from engine.vace.files.safetensors_check import AGAIN, read_header
from engine.vace.files.weight_files import open_weights, shapes, stored_shapes

if TYPE_CHECKING:
    import torch

EMBEDDED_TOKENIZER = "spiece_model"
"""The tensor of bytes in which ComfyUI's files hold the SentencePiece model."""
_TRANSFORMERS = (
    (r"^(?:token_embedding|encoder\.embed_tokens)\.", r"shared."),
    (r"^norm\.", r"encoder.final_layer_norm."),
    (r"^blocks\.(\d+)\.(?:attn|norm1|pos_embedding)\.", r"encoder.block.\1.layer.0.\g<0>"),
    (r"^blocks\.(\d+)\.(?:ffn|norm2)\.", r"encoder.block.\1.layer.1.\g<0>"),
    (r"blocks\.\d+\.attn\.", r"SelfAttention."),
    (r"blocks\.\d+\.pos_embedding\.embedding\.", r"SelfAttention.relative_attention_bias."),
    (r"blocks\.\d+\.norm[12]\.", r"layer_norm."),
    (r"blocks\.\d+\.ffn\.gate\.0\.", r"DenseReluDense.wi_0."),
    (r"blocks\.\d+\.ffn\.fc1\.", r"DenseReluDense.wi_1."),
    (r"blocks\.\d+\.ffn\.fc2\.", r"DenseReluDense.wo."),
)
"""Original name (Wan2.1, wan/modules/t5.py) -> transformers', one rule after the other."""
_FIRST = "encoder.block.0.layer."


def load_encoder_file(path: Path) -> torch.nn.Module:
    """A UMT5EncoderModel in bfloat16 on the CPU; raises WeightsError that names a tensor which does not fit."""
    import torch
    from accelerate import init_empty_weights  # type: ignore[import-untyped]
    from transformers import UMT5Config, UMT5EncoderModel

    tensors = {_transformers_name(name): tensor for name, tensor in open_weights([path], _bare).items()}
    with init_empty_weights():
        encoder: Any = UMT5EncoderModel(UMT5Config(**_config(path, shapes(tensors))))
    encoder.encoder.embed_tokens = encoder.shared  # one table, as the files have it
    unknown = sorted(tensors.keys() - encoder.state_dict().keys())
    if unknown:
        raise WeightsError(
            f"{path}: the tensor '{unknown[0]}' and {len(unknown) - 1} more have no place in UMT5; choose its encoder"
        )
    # Its class would keep a layer in float32, which counts for float16 alone.
    fill_part(encoder, tensors, torch.bfloat16, kept_in_float32=())
    part: torch.nn.Module = encoder
    return part


def is_encoder_file(path: Path) -> bool:
    """Whether a .safetensors file holds a UMT5 encoder, by its header; raises WeightsError for a damaged one."""
    names = {_transformers_name(name) for name in stored_shapes([path], _bare)}
    return f"{_FIRST}0.SelfAttention.relative_attention_bias.weight" in names


def has_tokenizer(path: Path) -> bool:
    """Whether the file brings its tokenizer along."""
    return path.suffix.lower() == ".safetensors" and EMBEDDED_TOKENIZER in read_header(path).tensors


def load_embedded_tokenizer(path: Path) -> SentencePieceTokenizer:
    """The tokenizer in the file; raises WeightsError where it is damaged or its package is missing."""
    from safetensors import safe_open

    try:
        import sentencepiece
    except ImportError as error:
        raise WeightsError(
            f"{path} holds a SentencePiece tokenizer, for which the package is missing: pip install sentencepiece"
        ) from error
    model = bytes(safe_open(path, framework="pt").get_tensor(EMBEDDED_TOKENIZER).numpy())
    try:
        return SentencePieceTokenizer(sentencepiece.SentencePieceProcessor(model_proto=model))
    except RuntimeError as error:
        raise WeightsError(f"the tokenizer in {path} is damaged; {AGAIN}") from error


class SentencePieceTokenizer:
    """Answers what diffusers asks of a tokenizer: token numbers and the mask of those that count."""

    def __init__(self, pieces: Any) -> None:
        self._pieces = pieces

    def __call__(self, texts: str | list[str], max_length: int, **_: object) -> Any:
        """Each text cut and padded to ``max_length`` tokens, the end token included."""
        import torch
        from transformers import BatchEncoding

        end, padding = self._pieces.eos_id(), max(self._pieces.pad_id(), 0)
        rows, masks = [], []
        for text in [texts] if isinstance(texts, str) else texts:
            tokens = [*self._pieces.encode(text)[: max_length - 1], end]
            spare = max_length - len(tokens)
            rows.append(tokens + [padding] * spare)
            masks.append([1] * len(tokens) + [0] * spare)
        return BatchEncoding({"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(masks)})


def _config(path: Path, found: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The shipped configuration with the sizes that the tensors have."""
    try:
        vocabulary, width = found["shared.weight"]
        buckets, heads = found[f"{_FIRST}0.SelfAttention.relative_attention_bias.weight"]
        inner_width = found[f"{_FIRST}0.SelfAttention.q.weight"][0]
        hidden_width = found[f"{_FIRST}1.DenseReluDense.wi_0.weight"][0]
    except (KeyError, ValueError) as error:
        first = next(iter(found), "nothing")
        raise WeightsError(
            f"{path} is no UMT5 text encoder, its first tensor is '{first}'; take umt5-xxl, as Wan was trained with"
        ) from error
    sizes = {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": inner_width // heads,
        "d_ff": hidden_width,
        "num_heads": heads,
        "num_layers": len({name.split(".")[2] for name in found if name.startswith("encoder.block.")}),
        "relative_attention_num_buckets": buckets,
    }
    return shipped_config("umt5-xxl.text_encoder") | sizes


def _bare(name: str) -> str:
    """Without what whole checkpoints put before the encoder's names."""
    return re.sub(r"^(text_encoders\.\w+\.)?(transformer|text_encoder)\.", "", name)


def _transformers_name(name: str) -> str:
    """Transformers' name of a tensor, whichever way it is spelled."""
    for pattern, replacement in _TRANSFORMERS:
        name = re.sub(pattern, replacement, name)
    return name
