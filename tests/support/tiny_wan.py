"""A Wan VACE pipeline small enough for a test: the real classes, random weights, built without a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_LETTERS = "abcdefghijklmnopqrstuvwxyz.,"


def build_tiny_wan(folder: Path, **scheduler_options: Any) -> Path:
    """Saves a tiny pipeline as a diffusers folder of under half a megabyte; the same weights every time.

    Compression, channels and layer kinds are those of Wan 2.1 VACE, only widths and depths differ. Leaves torch with
    one thread in this process; a process that renders with the result should be started with OMP_NUM_THREADS=1.
    """
    import torch
    from diffusers import WanVACEPipeline

    # Threads wait for each other longer than such layers take: 20 times as long on a busy machine with two cores.
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = WanVACEPipeline(
            tokenizer=_tokenizer(),
            text_encoder=_text_encoder(),
            vae=_vae(),
            scheduler=_scheduler(**scheduler_options),
            transformer=_transformer(),
        )
    pipeline.save_pretrained(folder)
    return folder


def build_wide_encoder(folder: Path, width: int) -> Path:
    """Saves the tiny tokenizer and a shallow text encoder as wide as a full-size transformer expects it."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _text_encoder(width).to(torch.bfloat16).save_pretrained(folder / "text_encoder")
    _tokenizer().save_pretrained(folder / "tokenizer")
    return folder


def _vae() -> Any:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)


def _transformer() -> Any:
    from diffusers import WanVACETransformer3DModel

    return WanVACETransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        text_dim=32,
        ffn_dim=32,
        num_layers=3,
        vace_layers=[0, 2],
        vace_in_channels=96,
    )


def _text_encoder(width: int = 32) -> Any:
    from transformers import UMT5Config, UMT5EncoderModel

    config = UMT5Config(
        vocab_size=4 + len(_LETTERS),
        d_model=width,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
        dropout_rate=0.0,
    )
    return UMT5EncoderModel(config)


def _tokenizer() -> Any:
    from transformers import T5TokenizerFast

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in _LETTERS)]
    return T5TokenizerFast(vocab=pieces, extra_ids=0)


def _scheduler(**options: Any) -> Any:
    from diffusers import UniPCMultistepScheduler

    defaults = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
    return UniPCMultistepScheduler(**(defaults | options))


_VAE_NAMES = (
    (r"^quant_conv\.", "conv1."),
    (r"^post_quant_conv\.", "conv2."),
    (r"\.conv_in\.", ".conv1."),
    (r"\.conv_out\.", ".head.2."),
    (r"\.norm_out\.", ".head.0."),
    (r"\.mid_block\.resnets\.0\.", ".middle.0."),
    (r"\.mid_block\.resnets\.1\.", ".middle.2."),
    (r"\.mid_block\.attentions\.0\.", ".middle.1."),
    (r"\.down_blocks\.", ".downsamples."),
    (r"\.norm1\.", ".residual.0."),
    (r"\.conv1\.(?=\w+$)(?<=\d\.conv1\.)", ".residual.2."),
    (r"\.norm2\.", ".residual.3."),
    (r"\.conv2\.", ".residual.6."),
    (r"\.conv_shortcut\.", ".shortcut."),
)


def original_vae_name(name: str) -> str:
    """What Wan calls a tensor of the VAE that diffusers calls ``name``, for two residual blocks a stage."""
    name = re.sub(r"\.up_blocks\.(\d+)\.resnets\.(\d+)\.", lambda m: f".upsamples.{4 * int(m[1]) + int(m[2])}.", name)
    name = re.sub(r"\.up_blocks\.(\d+)\.upsamplers\.0\.", lambda m: f".upsamples.{4 * int(m[1]) + 3}.", name)
    for pattern, replacement in _VAE_NAMES:
        name = re.sub(pattern, replacement, name)
    return name
