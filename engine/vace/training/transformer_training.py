"""Trains the transformer on cached latents by flow matching, with VACE's conditioning."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.vace.training.configuration import Configuration, TransformerTraining
from engine.vace.training.flow import flow_loss
from engine.vace.training.latent_cache import LatentBatch, LatentCache
from engine.vace.training.numerics import computing, learning_rate_share, plain_attention
from engine.vace.training.run_state import RunState
from engine.vace.training.vae_training import Z_CHANNELS

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKLWan, WanVACETransformer3DModel

_MASK_CHANNELS = 64
_log = logging.getLogger(__name__)


def train_transformer(configuration: Configuration, folder: Path, vae: AutoencoderKLWan) -> WanVACETransformer3DModel:
    """Trains from where the last run ended, to the end; the transformer with its averaged weights."""
    import torch

    settings = configuration.transformer
    transformer = new_transformer(settings).to(configuration.device)
    trained = [weight for weight in transformer.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    averaged = averaged_model(transformer, settings)
    holders = {"weights": transformer, "averaged": averaged, "optimiser": optimiser}
    state = RunState(folder, "transformer", holders, configuration.checkpoint_seconds)
    cache = LatentCache(folder / "latents", vae, configuration)
    while state.step < settings.steps:
        batch = _next_batch(cache, configuration, state.step)
        state.add(_step(transformer, optimiser, batch, configuration, state.step))
        averaged.update_parameters(transformer)
    state.save()
    result: WanVACETransformer3DModel = averaged.module
    return result


def averaged_model(transformer: WanVACETransformer3DModel, settings: TransformerTraining) -> Any:
    """Holds the exponential average of the weights, which samples better than the last ones."""
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    return AveragedModel(transformer, multi_avg_fn=get_ema_multi_avg_fn(settings.average))


def new_transformer(settings: TransformerTraining) -> WanVACETransformer3DModel:
    """One with random weights and a muted prompt: its attention adds exactly 0, and never learns to add more."""
    import torch
    from diffusers import WanVACETransformer3DModel

    torch.manual_seed(0)
    transformer = WanVACETransformer3DModel(
        num_attention_heads=settings.heads,
        attention_head_dim=settings.head_dim,
        text_dim=settings.text_dim,
        ffn_dim=settings.ffn_dim,
        num_layers=settings.layers,
        vace_layers=list(settings.vace_layers),
        vace_in_channels=2 * Z_CHANNELS + _MASK_CHANNELS,
    )
    with torch.no_grad():
        for block in (*transformer.blocks, *transformer.vace_blocks):
            block.attn2.requires_grad_(False)
            block.attn2.to_out[0].weight.zero_()
            block.attn2.to_out[0].bias.zero_()
        transformer.proj_out.weight.zero_()
    return transformer


def _next_batch(cache: LatentCache, configuration: Configuration, step: int) -> LatentBatch:
    settings = configuration.transformer
    stage = settings.stage(step)
    random = np.random.default_rng([configuration.seed, 3, step])
    turns, count = settings.step_in_stage(step) // settings.steps_per_shard, len(stage.sizes)
    for place, size in enumerate(stage.sizes):
        cache.provide(size, settings.first_shards + (turns + count - 1 - place) // count)
    # The one that is due next.
    if step + settings.steps_per_shard < stage.until_step:
        cache.prepare(stage.sizes[turns % count], settings.first_shards + turns // count)
    size = stage.sizes[int(random.integers(len(stage.sizes)))]
    return cache.batch(random, size, int(random.choice(stage.latents)))


def _step(
    transformer: WanVACETransformer3DModel,
    optimiser: torch.optim.Optimizer,
    batch: LatentBatch,
    configuration: Configuration,
    step: int,
) -> float:
    import torch

    settings, device = configuration.transformer, configuration.device
    torch.manual_seed(configuration.seed * 2**20 + step)
    share = learning_rate_share(step, settings.steps, settings.warmup_steps, settings.decay_share)
    for group in optimiser.param_groups:
        group["lr"] = settings.learning_rate * share
    on_device = LatentBatch(batch.target.to(device), batch.control.to(device), batch.mask.to(device))
    with computing(configuration), plain_attention(configuration):
        loss = flow_loss(transformer, on_device, settings.sigma_shift, settings.mask_weight)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(transformer.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())
