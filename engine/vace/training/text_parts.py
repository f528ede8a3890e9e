"""A prompt encoder that fits where the model expects one: it spells, and the model does not listen."""

from __future__ import annotations

import string
from typing import Any

_SPELLED = string.ascii_letters + string.digits + string.punctuation
_COMMON_LOG_PROBABILITY, _LETTER_LOG_PROBABILITY = -2.0, -4.0


def new_tokenizer() -> Any:
    """A token for each printable character, in T5's format; made without a network."""
    from transformers import T5TokenizerFast

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", _COMMON_LOG_PROBABILITY)]
    letters = [(letter, _LETTER_LOG_PROBABILITY) for letter in _SPELLED]
    return T5TokenizerFast(vocab=[*special, *letters], extra_ids=0)


def new_text_encoder(width: int) -> Any:
    """An UMT5 encoder of one layer and random weights, as wide as the transformer's ``text_dim``."""
    import torch
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    config = UMT5Config(
        vocab_size=len(new_tokenizer()),
        d_model=width,
        d_kv=8,
        d_ff=2 * width,
        num_layers=1,
        num_heads=4,
        relative_attention_num_buckets=8,
        dropout_rate=0.0,
    )
    return UMT5EncoderModel(config)
