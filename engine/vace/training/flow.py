"""Flow matching: straight lines from a clip's latents to noise, and walking back along them.

x(sigma) = (1 - sigma) clip + sigma noise, and the model predicts dx/dsigma = noise - clip. Lipman et al.,
arXiv:2210.02747; the shift of the noise levels is Esser et al.'s, arXiv:2403.03206.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from engine.vace.training.latent_cache import LatentBatch

TIMESTEPS = 1000
_LEAST_SIGMA_WEIGHT = 0.3


def shifted(uniform: torch.Tensor, shift: float) -> torch.Tensor:
    """Noise levels from uniform numbers in [0, 1], moved towards 1 by ``shift`` above 1."""
    return shift * uniform / (1 + (shift - 1) * uniform)


def predict(transformer: Any, noisy: torch.Tensor, sigma: torch.Tensor, control: torch.Tensor) -> torch.Tensor:
    """The velocity. ``sigma``: (n,). The prompt is left out: its attention is muted, see ``transformer_training``."""
    text = noisy.new_zeros(len(noisy), 1, transformer.config.text_dim)
    velocity: torch.Tensor = transformer(
        hidden_states=noisy,
        timestep=sigma * TIMESTEPS,
        encoder_hidden_states=text,
        control_hidden_states=control,
        return_dict=False,
    )[0]
    return velocity.float()


def flow_loss(transformer: Any, batch: LatentBatch, shift: float, mask_weight: float) -> torch.Tensor:
    """Squared error of the velocity, weighted towards what is to be generated and towards high noise.

    Four steps of sampling spend most of their way where there is much noise.
    """
    import torch

    sigma = shifted(torch.rand(len(batch.target), device=batch.target.device), shift)
    noise = torch.randn_like(batch.target)
    level = sigma.view(-1, 1, 1, 1, 1)
    velocity = predict(transformer, (1 - level) * batch.target + level * noise, sigma, batch.control)
    weight = (1 + (mask_weight - 1) * batch.mask) * (_LEAST_SIGMA_WEIGHT + level)
    error = (velocity - (noise - batch.target)).square().mean(dim=1, keepdim=True)
    return (weight * error).sum() / weight.sum()


def sample(transformer: Any, control: torch.Tensor, shift: float, steps: int, seed: int) -> torch.Tensor:
    """Latents, (n, 16, latents, h, w), by Euler's method from noise."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(len(control), 16, *control.shape[2:], generator=generator).to(control.device)
    sigmas = shifted(torch.linspace(1, 0, steps + 1), shift)
    with torch.no_grad():
        for sigma, after in pairwise(sigmas.tolist()):
            level = control.new_full((len(control),), sigma)
            latents = latents + (after - sigma) * predict(transformer, latents, level, control)
    return latents
