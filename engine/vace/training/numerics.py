"""Small arithmetic that both trainings share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from engine.vace.training.configuration import Configuration

_WHITE_TO_BLACK = 2.0


@contextmanager
def computing(configuration: Configuration) -> Iterator[None]:
    """The context in which matrix products are computed in the configured precision."""
    import torch

    device = torch.device(configuration.device).type
    with torch.autocast(device, torch.bfloat16, enabled=configuration.precision == "bf16"):
        yield


@contextmanager
def plain_attention(configuration: Configuration) -> Iterator[None]:
    """On a CPU, attention as plain products: kernels for long sequences take twice as long for a hundred tokens."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if torch.device(configuration.device).type != "cpu":
        yield
        return
    with sdpa_kernel(SDPBackend.MATH):
        yield


def learning_rate_share(step: int, steps: int, warmup_steps: int, decay_share: float) -> float:
    """Rises linearly to 1 over the warm-up, stays there, and falls linearly to 0 over the last ``decay_share``."""
    rising = (step + 1) / warmup_steps if warmup_steps else 1.0
    falling = (steps - step) / max(decay_share * steps, 1)
    return min(1.0, rising, falling)


def psnr(result: torch.Tensor, truth: torch.Tensor, where: torch.Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [-1, 1]; ``where``: of these values only."""
    squared = (result.float() - truth.float()).square()
    error = float(squared.mean() if where is None else squared[where.expand_as(squared)].mean())
    return 10 * math.log10(_WHITE_TO_BLACK**2 / max(error, 1e-12))
