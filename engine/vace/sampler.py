"""One context window through the model: encode, denoise, decode.

The same arithmetic as ``WanVACEPipeline.__call__`` in diffusers, bit by bit, from the pipeline's own parts; but the
video reaches the VAE as it is (the pipeline's pre-processing resizes, rounds and guesses value ranges), the mask can
be timed by group maximum, and a render can be stopped inside a model forward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import RenderFailedError
from engine.vace.conditioning import Conditioning, MaskTiming, latent_mask
from engine.vace.model import VaceModel

if TYPE_CHECKING:
    import torch

Progress: TypeAlias = Callable[[float, float], None]
"""``progress(steps done, steps)``; whatever it raises ends the sampling and leaves the model usable."""


@dataclass(frozen=True)
class SamplerSettings:
    """What decides a result besides the pictures; see the parameters of the ``vace`` effect."""

    steps: int = 20
    guidance_scale: float = 5.0
    seed: int = 0
    prompt: str = ""
    negative_prompt: str = ""
    flow_shift: float = 3.0
    conditioning_scale: float = 1.0
    mask_timing: MaskTiming = "group_max"

    @property
    def is_guided(self) -> bool:
        """Whether guidance changes anything: with the same prompt on both sides it computes one thing twice."""
        return self.guidance_scale > 1.0 and self.prompt.split() != self.negative_prompt.split()


def inpaint(
    model: VaceModel, conditioning: Conditioning, settings: SamplerSettings, progress: Progress
) -> NDArray[np.float32]:
    """The window with its masked part generated: float32 (frame_count, H, W, 3) in [-1, 1], padding cut off.

    All of the picture has been through the VAE, what is not masked too; composite it. Raises RenderFailedError where
    memory does not suffice or the model answers with not-a-numbers, and whatever ``progress`` raises.
    """
    import torch

    try:
        with torch.no_grad(), _reporting(model, settings, progress):
            control = encode_control(model, conditioning, settings.mask_timing)
            video = decode(model, denoise(model, control, settings))
    except torch.OutOfMemoryError as error:
        height, width = conditioning.mask.shape[1:]
        raise RenderFailedError(
            f"out of GPU memory at {width}x{height}, {len(conditioning.mask)} frames; "
            "lower pixel_budget_px or context_frames, or use the 1.3B model"
        ) from error
    if not np.isfinite(video).all():
        raise RenderFailedError(
            f"the model in {model.folder} answered with not-a-numbers; its weights may be damaged: download it again"
        )
    return video[: conditioning.frame_count]


def encode_control(model: VaceModel, conditioning: Conditioning, timing: MaskTiming) -> torch.Tensor:
    """What steers the VACE branch: latents of the unmasked part, of the masked part, and the mask itself.

    (1, 16 + 16 + 64, latents, H / 8, W / 8) in the transformer's precision. VACE: arXiv:2503.07598.
    """
    import torch

    pipeline, device = model.pipeline, model.device
    video = torch.from_numpy(conditioning.video).permute(3, 0, 1, 2)[None].to(device)
    mask = torch.from_numpy(conditioning.mask)[None, None].to(device)
    latents = pipeline.prepare_video_latents(video, mask, [[]], None, device)
    folded = torch.from_numpy(latent_mask(conditioning.mask, timing))[None].to(device)
    return torch.cat([latents, folded], dim=1).to(pipeline.transformer.dtype)


def denoise(model: VaceModel, control: torch.Tensor, settings: SamplerSettings) -> torch.Tensor:
    """From noise to latents, (1, 16, latents, H / 8, W / 8) float32, along the folder's own scheduler."""
    import torch

    transformer = model.pipeline.transformer
    scheduler = _scheduler(model.pipeline.scheduler, settings.flow_shift)
    scheduler.set_timesteps(settings.steps, device=model.device)
    scale = torch.full((len(transformer.config.vace_layers),), settings.conditioning_scale).to(control)

    def predict(latents: torch.Tensor, timestep: torch.Tensor, prompt: str) -> torch.Tensor:
        return transformer(
            hidden_states=latents.to(control.dtype),
            timestep=timestep.expand(1),
            encoder_hidden_states=model.embedding(prompt),
            control_hidden_states=control,
            control_hidden_states_scale=scale,
            return_dict=False,
        )[0]

    latents = _noise((1, transformer.config.in_channels, *control.shape[2:]), settings.seed).to(model.device)
    for timestep in scheduler.timesteps:
        prediction = predict(latents, timestep, settings.prompt)
        if settings.is_guided:
            unguided = predict(latents, timestep, settings.negative_prompt)
            prediction = unguided + settings.guidance_scale * (prediction - unguided)
        latents = scheduler.step(prediction, timestep, latents, return_dict=False)[0]
    return latents


def decode(model: VaceModel, latents: torch.Tensor) -> NDArray[np.float32]:
    """Latents as pictures: float32 (T, H, W, 3) in [-1, 1], in memory of the CPU."""
    import torch

    vae = model.pipeline.vae
    latents = latents.to(vae.dtype)
    mean, deviation = (
        torch.tensor(values).view(1, -1, 1, 1, 1).to(latents)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    # Divided by the reciprocal, as in diffusers: a product would differ in the last bit.
    video = vae.decode(latents / (1.0 / deviation) + mean, return_dict=False)[0]
    return np.ascontiguousarray(video[0].permute(1, 2, 3, 0).float().cpu().numpy())


def _noise(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """Drawn on the CPU, so that a seed means the same on every machine."""
    import torch

    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=torch.float32)


def _scheduler(published: Any, flow_shift: float) -> Any:
    """A fresh scheduler like the folder's: sampling leaves state behind, and the shift is the artist's choice."""
    name = "flow_shift" if "flow_shift" in published.config else "shift"
    return type(published).from_config(published.config, **{name: flow_shift})


@contextmanager
def _reporting(model: VaceModel, settings: SamplerSettings, progress: Progress) -> Iterator[None]:
    """Calls ``progress`` before each part of the model that takes a while, so that a cancel need not wait long.

    A forward of the 14B model takes a minute and more on a small GPU, its 48 blocks about a second each; the VAE
    comes by once per latent frame.
    """
    transformer, vae = model.pipeline.transformer, model.pipeline.vae
    blocks = [*transformer.vace_blocks, *transformer.blocks]
    block_share = 1.0 / (len(blocks) * (2 if settings.is_guided else 1))
    done = 0.0

    def report(added: float) -> None:
        nonlocal done
        progress(min(done, settings.steps), settings.steps)
        done += added

    with (
        _called_before(blocks, lambda: report(block_share)),
        _called_before((vae.encoder, vae.decoder), lambda: report(0)),
    ):
        try:
            yield
        finally:
            # A stopped encode or decode leaves its features behind, which take as much memory as a few frames.
            vae.clear_cache()


@contextmanager
def _called_before(modules: Iterable[torch.nn.Module], callback: Callable[[], None]) -> Iterator[None]:
    def hook(*_: object) -> None:
        callback()

    handles = [module.register_forward_pre_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
