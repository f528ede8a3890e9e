"""Enhance-A-Video: steadier motion by strengthening attention that links frames (arXiv:2502.07508).

In each self-attention of the main branch, every place of the picture attends to itself across the latent frames; the
mean of that attention away from the diagonal, times (frames + weight) and never below 1, scales the layer's output.
No training, no other weights. Wiring, around the denoising of one clip::

    with enhancing(model, EnhanceSettings.from_parameters(parameters), flow_shift):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterDescriptor

if TYPE_CHECKING:
    import torch

    from engine.vace.model import VaceModel

_TRAINING_TIMESTEPS = 1000.0

ENHANCE_PARAMETERS = (
    ParameterDescriptor(
        name="enhance_weight",
        label="Steady motion",
        hint="Enhance-A-Video: strengthens what links the frames, against flicker and drift; 0 turns it off, 1 to 4 "
        "is usual, too much freezes motion.",
        kind="double",
        default=0.0,
        minimum=0.0,
        maximum=20.0,
        group="Sampling",
        advanced=True,
    ),
    ParameterDescriptor(
        name="enhance_start",
        label="Steady from",
        hint="Share of the denoising after which it begins: 0 is the start, when large shapes form.",
        kind="double",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        group="Sampling",
        advanced=True,
    ),
    ParameterDescriptor(
        name="enhance_end",
        label="Steady until",
        hint="Share of the denoising at which it ends: 1 is the end, when detail forms.",
        kind="double",
        default=1.0,
        minimum=0.0,
        maximum=1.0,
        group="Sampling",
        advanced=True,
    ),
)


@dataclass(frozen=True)
class EnhanceSettings:
    """``weight`` 0 is off. ``start`` and ``end``: shares of the denoising, 0 to 1, both included."""

    weight: float = 0.0
    start: float = 0.0
    end: float = 1.0

    @classmethod
    def from_parameters(cls, values: ParameterSet) -> EnhanceSettings:
        """What an instance's values say."""
        return cls(values.double("enhance_weight"), values.double("enhance_start"), values.double("enhance_end"))


def denoised_share(timestep: float, flow_shift: float) -> float:
    """How much of the denoising lies behind at a timestep in [0, 1000], on the scale before the flow shift.

    The shift makes sigma = s t / (1 + (s - 1) t) of an even t; this is 1 - t.
    """
    sigma = timestep / _TRAINING_TIMESTEPS
    return 1.0 - sigma / (flow_shift - (flow_shift - 1.0) * sigma)


def enhancement(query: torch.Tensor, key: torch.Tensor, frames: int, weight: float) -> torch.Tensor:
    """The factor, a scalar of at least 1, for queries and keys (batch, frames x places, heads, channels)."""
    import torch

    queries, keys = (
        tensor.unflatten(1, (frames, -1)).permute(0, 2, 3, 1, 4).float() for tensor in (query, key)
    )  # (batch, places, heads, frames, channels)
    attention = (queries @ keys.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)
    diagonal = attention.diagonal(dim1=-2, dim2=-1).sum(-1)
    mean = ((attention.sum((-2, -1)) - diagonal) / (frames * frames - frames)).mean()
    return torch.clamp(mean * (frames + weight), min=1.0)


@contextmanager
def enhancing(model: VaceModel, settings: EnhanceSettings, flow_shift: float) -> Iterator[None]:
    """Scales the self-attention of the model's main blocks while this is entered; nothing happens at weight 0."""
    from engine.vace.model import experts

    with ExitStack() as stack:
        if settings.weight > 0:
            for transformer in experts(model.pipeline):
                stack.enter_context(_hooked(transformer, settings, flow_shift))
        yield


@contextmanager
def _hooked(transformer: Any, settings: EnhanceSettings, flow_shift: float) -> Iterator[None]:
    frames = 0
    """Latent frames of the forward that is running; 0 where it is not to be changed."""

    def begin(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        nonlocal frames
        share = denoised_share(float(kwargs["timestep"].flatten()[0]), flow_shift)
        count = kwargs["hidden_states"].shape[2]
        frames = count if count > 1 and settings.start <= share <= settings.end else 0

    def scale(attention: Any, args: Any, output: torch.Tensor) -> torch.Tensor | None:
        if not frames:
            return None
        query, key = _rotated(attention, args[0], args[3])
        return output * enhancement(query, key, frames, settings.weight).to(output.dtype)

    handles = [transformer.register_forward_pre_hook(begin, with_kwargs=True)]
    handles += [block.attn1.register_forward_hook(scale) for block in transformer.blocks]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _rotated(attention: Any, hidden: torch.Tensor, rotary: tuple[torch.Tensor, torch.Tensor]) -> list[torch.Tensor]:
    """Queries and keys with their positions, as the attention computes them: (batch, tokens, heads, channels)."""
    projected = (attention.norm_q(attention.to_q(hidden)), attention.norm_k(attention.to_k(hidden)))
    cosine, sine = rotary[0][..., 0::2], rotary[1][..., 1::2]
    rotated = []
    for tensor in projected:
        even, odd = tensor.unflatten(2, (attention.heads, -1)).unflatten(-1, (-1, 2)).unbind(-1)
        pairs = (even * cosine - odd * sine, even * sine + odd * cosine)
        rotated.append(_interleaved(pairs, hidden.dtype))
    return rotated


def _interleaved(pairs: tuple[torch.Tensor, torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
    import torch

    return torch.stack(pairs, dim=-1).flatten(-2).to(dtype)
