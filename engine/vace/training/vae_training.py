"""Trains the VAE: from its closed-form start, on clips of drawn shots, some with a gray box."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.vace.sampling.conditioning import GRAY, box_mask
from engine.vace.training.configuration import Configuration, VaeTraining
from engine.vace.training.numerics import computing, learning_rate_share, psnr
from engine.vace.training.pictures import save_sheet
from engine.vace.training.run_state import RunState
from engine.vace.training.scenes import random_shot
from engine.vace.training.vae_start import fit_start

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKLWan

Z_CHANNELS = 16
_VALIDATION_SHOTS = 32
_CHROMA_WEIGHT = 0.5
_log = logging.getLogger(__name__)


def train_vae(configuration: Configuration, folder: Path) -> AutoencoderKLWan:
    """Trains from where the last run ended, to the end; the VAE with its latents' statistics measured.

    Everything is kept in ``folder``: the state, a curve of the loss, a sheet of reconstructions.
    """
    import torch

    settings = configuration.vae
    clips = _pool(folder, settings, configuration.seed)
    validation, training = clips[:_VALIDATION_SHOTS], clips[_VALIDATION_SHOTS:]
    vae = new_vae(settings)
    if not (folder / "vae.pt").is_file():
        fit_start(vae, _tensor(training[: settings.fitted_shots, :5]))
        _log.info("vae: %.2f dB before the first step", _validate(vae, validation))
    vae.to(configuration.device)
    optimiser = torch.optim.AdamW(vae.parameters(), lr=settings.learning_rate, weight_decay=1e-4)
    state = RunState(folder, "vae", {"weights": vae, "optimiser": optimiser}, configuration.checkpoint_seconds)
    while state.step < settings.steps:
        state.add(_step(vae, optimiser, training, configuration, state.step))
    state.save()
    measure_statistics(vae, validation)
    _log.info("vae: %.2f dB at the end", _validate(vae, validation, folder / "vae-samples.png"))
    return vae


def new_vae(settings: VaeTraining) -> AutoencoderKLWan:
    """One with random weights: Wan's 4x8x8 compression without residual blocks on the way in."""
    import torch
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    return AutoencoderKLWan(
        base_dim=settings.base_dim,
        decoder_base_dim=settings.decoder_base_dim,
        z_dim=Z_CHANNELS,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=0,
        latents_mean=[0.0] * Z_CHANNELS,
        latents_std=[1.0] * Z_CHANNELS,
    )


def measure_statistics(vae: AutoencoderKLWan, clips: NDArray[np.uint8]) -> None:
    """Sets the latents' mean and deviation, per channel, over some clips."""
    import torch

    with torch.no_grad():
        latents = vae.encode(_tensor(clips).to(vae.device)).latent_dist.mode()
    vae.register_to_config(
        latents_mean=latents.mean(dim=(0, 2, 3, 4)).tolist(), latents_std=latents.std(dim=(0, 2, 3, 4)).tolist()
    )


def _pool(folder: Path, settings: VaeTraining, seed: int) -> NDArray[np.uint8]:
    """The clips that training draws from, (shots, frames, H, W, 3); drawn once and kept."""
    path, size = folder / "vae-clips.npy", settings.size
    if path.is_file():
        return np.asarray(np.load(path))
    folder.mkdir(parents=True, exist_ok=True)
    clips = np.stack([_clip(np.random.default_rng([seed, 0, n]), settings) for n in range(settings.shots)])
    np.save(path, clips)
    _log.info("vae: drew %d clips of %dx%d", len(clips), size.width_px, size.height_px)
    return clips


def _clip(random: np.random.Generator, settings: VaeTraining) -> NDArray[np.uint8]:
    shot = random_shot(random, settings.size.height_px, settings.size.width_px, settings.size.frames)
    return np.rint(shot.filmed * 255).astype(np.uint8)


def _tensor(clips: NDArray[np.uint8]) -> torch.Tensor:
    """(n, frames, H, W, 3) in 8 bits -> (n, 3, frames, H, W) in [-1, 1]."""
    import torch

    return torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def _batch(clips: NDArray[np.uint8], settings: VaeTraining, random: np.random.Generator) -> torch.Tensor:
    """Clips turned about in every way that keeps them clips, some of them with a gray box."""
    import torch

    batch = _tensor(clips[random.integers(0, len(clips), settings.batch)])
    turned = []
    for clip in batch:
        flips = [axis for axis in (1, 2, 3) if random.random() < 0.5]
        clip = clip[random.permutation(3)].flip(flips)
        if random.random() < 0.5 and clip.shape[2] == clip.shape[3]:
            clip = clip.transpose(2, 3)
        if random.random() < 0.3:
            clip = -clip
        if random.random() < settings.gray_share:
            clip = torch.where(torch.from_numpy(_random_box(random, clip.shape[2], clip.shape[3])), GRAY, clip)
        turned.append(clip)
    return torch.stack(turned)


def _random_box(random: np.random.Generator, height_px: int, width_px: int) -> NDArray[np.bool_]:
    marked = np.zeros((height_px, width_px), np.float32)
    y, x = random.integers(0, height_px, 2), random.integers(0, width_px, 2)
    marked[y.min() : y.max() + 1, x.min() : x.max() + 1] = 1
    return box_mask(marked)


def _step(
    vae: AutoencoderKLWan,
    optimiser: torch.optim.Optimizer,
    clips: NDArray[np.uint8],
    configuration: Configuration,
    step: int,
) -> float:
    import torch

    settings = configuration.vae
    torch.manual_seed(configuration.seed * 2**20 + step)
    video = _batch(clips, settings, np.random.default_rng([configuration.seed, 1, step])).to(vae.device)
    share = learning_rate_share(step, settings.steps, settings.warmup_steps, settings.decay_share)
    for group in optimiser.param_groups:
        group["lr"] = settings.learning_rate * share
    with computing(configuration):
        latents = vae.encode(video).latent_dist.mode()
        decoded = vae.decode(latents + settings.noise * torch.randn_like(latents)).sample
    loss = _loss(decoded.float(), video)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _loss(decoded: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
    """Absolute error, that of the colors without the light once more, and squared error."""
    error = decoded - video
    chroma = error - error.mean(dim=1, keepdim=True)
    return error.abs().mean() + _CHROMA_WEIGHT * chroma.abs().mean() + error.square().mean()


def _validate(vae: AutoencoderKLWan, clips: NDArray[np.uint8], sheet: Path | None = None) -> float:
    """PSNR of the reconstruction in dB, the mean over clips."""
    import torch

    video = _tensor(clips).to(vae.device)
    with torch.no_grad():
        decoded = vae.decode(vae.encode(video).latent_dist.mode()).sample
    if sheet:
        shown = [torch.stack([video[n], decoded[n]]).permute(0, 2, 3, 4, 1).cpu().numpy() for n in range(8)]
        save_sheet(sheet, [[v[0], d[0], v[-1], d[-1]] for v, d in shown], ["first", "decoded", "last", "decoded"])
    return float(np.mean([psnr(a, b) for a, b in zip(decoded, video, strict=True)]))
