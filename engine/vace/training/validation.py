"""How good a model is on shots that it never trained on, and what its answers look like."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.vace.sampling.vae_stream import statistics
from engine.vace.training.configuration import Configuration, ShotSize
from engine.vace.training.flow import sample
from engine.vace.training.latent_cache import encoded, folded
from engine.vace.training.numerics import psnr
from engine.vace.training.pictures import save_sheet
from engine.vace.training.scenes import Shot, random_shot
from engine.vace.training.tasks import Example, make_example

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKLWan

VALIDATION_SEED = 1_000_003
"""Far from every training's own."""
_STEPS = 4
_log = logging.getLogger(__name__)


def validation_shots(size: ShotSize, count: int) -> list[Shot]:
    """The same shots for everyone, none of which is in a training."""
    random = [np.random.default_rng([VALIDATION_SEED, number]) for number in range(count)]
    return [random_shot(each, size.height_px, size.width_px, size.frames) for each in random]


def validate(
    transformer: Any, vae: AutoencoderKLWan, configuration: Configuration, size: ShotSize, count: int, sheet: Path
) -> float:
    """In-box PSNR in dB of box + gray, the mean over shots; a sheet of the middle frames."""
    shots = validation_shots(size, count)
    examples = [make_example("box", shot, np.random.default_rng(0)) for shot in shots]
    decoded = generated(transformer, vae, examples, configuration.transformer.sigma_shift)
    found = [_in_box(made, example) for made, example in zip(decoded, examples, strict=True)]
    middle = size.frames // 2
    rows = [
        [example.video[middle], made[middle].numpy(), example.target[middle]]
        for made, example in zip(decoded, examples, strict=True)
    ]
    save_sheet(sheet, rows[:10], ["seen", "made", "truth"])
    _log.info("validation: %.2f dB in the box", float(np.mean(found)))
    return float(np.mean(found))


def generated(transformer: Any, vae: AutoencoderKLWan, examples: Sequence[Example], shift: float) -> torch.Tensor:
    """The model's answers, (n, frames, H, W, 3) in [-1, 1], in four steps."""
    import torch

    inputs = encoded(vae, examples)
    masks = torch.from_numpy(np.stack([folded(example.mask) for example in examples])).float()
    control = torch.cat([inputs["halves"].float(), masks], dim=1).to(vae.device)
    latents = sample(transformer, control, shift, _STEPS, seed=0)
    mean, deviation = statistics(vae, vae.device)
    with torch.no_grad():
        video = vae.decode(latents * deviation + mean).sample
    return video.permute(0, 2, 3, 4, 1).float().cpu()


def _in_box(made: torch.Tensor, example: Example) -> float:
    import torch

    return psnr(made, torch.from_numpy(example.target), torch.from_numpy(example.mask)[..., None])
