"""The noise that a clip begins as."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def initial_noise(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """Drawn on the CPU, so that a seed means the same on every machine; float32."""
    import torch

    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=torch.float32)


def free_noise(noise: torch.Tensor, length: int, overlap: int, seed: int) -> torch.Tensor:
    """Noise whose windows begin alike, (1, channels, latents, h, w): FreeNoise, arXiv:2310.15169.

    The first ``length`` latents are kept. Each block of ``length - overlap`` latents after them is the block as far
    before, shuffled, so that every window draws on the same noise and its pictures vary less.
    """
    import torch

    result, block = noise.clone(), max(length - overlap, 1)
    generator = torch.Generator("cpu").manual_seed(seed)
    for start in range(length, noise.shape[2], block):
        order = torch.randperm(min(block, length), generator=generator) + start - length
        count = min(len(order), noise.shape[2] - start)
        result[:, :, start : start + count] = result[:, :, order[:count]]
    return result
