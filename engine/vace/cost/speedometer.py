"""Learns from a model's own work how fast this machine is, and how much memory it really takes.

Hooks on the transformer and on the VAE time each forward: the first of a render is left out, since it warms up caches
and compilers. What is learnt serves the predictions of the next render; see ``calibration``.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from engine.vace.cost.calibration import device_name, record
from engine.vace.cost.prediction import (
    ModelShape,
    decode_flop,
    encode_flop,
    forward_flop,
    transformer_bytes,
)
from engine.vace.latent_geometry import SPATIAL_COMPRESSION

if TYPE_CHECKING:
    import torch

_ENOUGH = 4
"""Forwards that make a measurement; the median of them is kept."""
_TOKEN_LATENTS = 4
"""Latents (2 x 2) in a token."""


class Speedometer:
    """Watches one model from its load on. ``weight_bytes``: what stays on the device, as predicted."""

    def __init__(self, device: torch.device, shape: ModelShape, weight_bytes: float) -> None:
        self._device, self._shape, self._weight_bytes = device, shape, weight_bytes
        self._started_s = 0.0
        self._peak_before = 0
        self._transformer: list[float] = []
        self._vae: list[float] = []
        self._factors: list[float] = []
        self._is_warm = {"transformer": False, "vae": False}

    def watch(self, transformers: list[Any], vae: Any) -> None:
        """Attaches to the parts for as long as they live."""
        for transformer in transformers:
            transformer.register_forward_pre_hook(self._start)
            transformer.register_forward_hook(self._end_transformer, with_kwargs=True)
        vae.encoder.register_forward_pre_hook(self._start)
        vae.encoder.register_forward_hook(self._end_encoder)
        vae.decoder.register_forward_pre_hook(self._start)
        vae.decoder.register_forward_hook(self._end_decoder)

    def _start(self, *_: object) -> None:
        if self._device.type == "cuda":
            import torch

            torch.cuda.synchronize(self._device)
            self._peak_before = torch.cuda.max_memory_allocated(self._device)
        self._started_s = time.perf_counter()

    def _end_transformer(self, module: Any, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        latents = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        tokens = latents.shape[2] * latents.shape[3] * latents.shape[4] // _TOKEN_LATENTS
        self._end("transformer", self._transformer, latents.shape[0] * forward_flop(self._shape, tokens))
        if self._device.type == "cuda":
            import torch

            predicted = self._weight_bytes + transformer_bytes(self._shape, tokens, latents.element_size())
            peak = torch.cuda.max_memory_allocated(self._device)
            # Only a new peak is this forward's; resetting the count would spoil it for whoever else reads it.
            if peak > self._peak_before:
                self._factors.append(peak / predicted)
        self._learn()

    def _end_encoder(self, module: Any, args: Any, output: Any) -> None:
        _, _, frames, height, width = args[0].shape
        self._end("vae", self._vae, encode_flop(self._shape, width, height, frames))

    def _end_decoder(self, module: Any, args: Any, output: Any) -> None:
        height, width = (side * SPATIAL_COMPRESSION for side in args[0].shape[3:])
        self._end("vae", self._vae, decode_flop(self._shape, width, height, output.shape[2]))

    def _end(self, part: str, speeds: list[float], flop: float) -> None:
        if self._device.type == "cuda":
            import torch

            torch.cuda.synchronize(self._device)
        elapsed_s = time.perf_counter() - self._started_s
        if self._is_warm[part] and elapsed_s > 0:
            speeds.append(flop / elapsed_s)
        self._is_warm[part] = True

    def _learn(self) -> None:
        """Keeps what is known once there is enough of it; VAE and memory go with the transformer's measurement."""
        if len(self._transformer) < _ENOUGH:
            return
        record(
            device_name(self._device),
            transformer_flop_per_s=statistics.median(self._transformer),
            vae_flop_per_s=statistics.median(self._vae) if self._vae else None,
            memory_factor=max(self._factors) if self._factors else None,
        )
        self._transformer.clear()
        self._vae.clear()
        self._factors.clear()
