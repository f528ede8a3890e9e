"""What a render will take, from the configurations alone: floating-point operations, bytes, and so time and memory.

Operations are counted by formula, a product-and-sum as two, and agree with torch's counter on the real architecture to
a thousandth (VAE: a fiftieth). Memory is the weights plus the most that lives at one time of a forward, whose factors
were read off the real architecture on the meta device. A machine's speed, and what its allocator adds, are learnt from
its own renders: see ``calibration``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.protocol import ParameterValue
from engine.vace.latent_geometry import RASTER_MULTIPLE_PX, latent_count, whole_frame_count
from engine.vace.model_parameters import ModelSettings

TEXT_TOKENS = 512
_VAE_BASE_WIDTH = 96
_ENCODE_FLOP_PER_PX_FRAME = 5.19e6
_DECODE_FLOP_PER_PX_FRAME = 8.70e6
"""Of the VAE with 96 base channels; they grow with the square of the width."""
_ENCODE_BYTES_PER_PX, _DECODE_BYTES_PER_PX = 14_300, 19_700
"""What lives while the VAE works on one latent frame, in float32; it grows with the width."""
_FRAME_BYTES_PER_PX = 3 * 4
_VAE_WEIGHTS = 127e6
_TILE_PX = 256 * 256
_ATTENTION_COPIES, _FFN_COPIES = 12.2, 5.4
"""Copies of the hidden state, in the transformer's precision, at the widest place of attention and of feed-forward."""
_TEXT_BYTES, _TEXT_COPIES = 10, 5
_RUNTIME_BYTES = {"cuda": 0.7e9}
"""What the CUDA context and its libraries take before anything is allocated."""
_ITEM_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
_SMALLEST_WINDOW_FRAMES = 17
GB = 1e9


@dataclass(frozen=True)
class ModelShape:
    """The sizes that decide what a model costs."""

    width: int
    ffn_width: int
    layers: int
    vace_layers: int
    text_width: int = 4096
    latent_channels: int = 16
    control_channels: int = 96
    vae_base_width: int = _VAE_BASE_WIDTH
    experts: int = 1

    @classmethod
    def from_configs(
        cls, transformer: Mapping[str, Any], vae: Mapping[str, Any] | None = None, experts: int = 1
    ) -> ModelShape:
        """From diffusers' configurations of the transformer and the VAE; ``experts``: 2 for Wan 2.2."""
        return cls(
            width=transformer["num_attention_heads"] * transformer["attention_head_dim"],
            ffn_width=transformer["ffn_dim"],
            layers=transformer["num_layers"],
            vace_layers=len(transformer["vace_layers"]),
            text_width=transformer["text_dim"],
            latent_channels=transformer["in_channels"],
            control_channels=transformer["vace_in_channels"],
            vae_base_width=(vae or {}).get("base_dim", _VAE_BASE_WIDTH),
            experts=experts,
        )

    @property
    def blocks(self) -> int:
        """Main and VACE blocks."""
        return self.layers + self.vace_layers

    @property
    def block_weights(self) -> int:
        """Numbers in one block: two attentions and the feed-forward."""
        return 8 * self.width**2 + 2 * self.width * self.ffn_width

    @property
    def weights(self) -> int:
        """Numbers in one transformer."""
        projections = (self.vace_layers + 1) * self.width**2
        embeddings = 4 * self.width * (2 * self.latent_channels + self.control_channels)
        conditions = self.width * (self.text_width + 256 + 8 * self.width)
        return self.blocks * self.block_weights + projections + embeddings + conditions


@dataclass(frozen=True)
class Workload:
    """One render. ``window_frames``: frames that the model sees together, 4n + 1. ``frames``: all that pass the VAE.

    ``forwards``: transformer forwards of one window's size: steps x windows x (2 where guidance counts).
    ``encodes``: how often all frames are encoded: 2, or 1 where all of the mask's inside is gray.
    """

    width_px: int
    height_px: int
    window_frames: int
    frames: int
    forwards: int
    encodes: int = 1

    @property
    def tokens(self) -> int:
        """Of one forward."""
        rows, columns = math.ceil(self.height_px / RASTER_MULTIPLE_PX), math.ceil(self.width_px / RASTER_MULTIPLE_PX)
        return latent_count(whole_frame_count(self.window_frames)) * rows * columns


@dataclass(frozen=True)
class Calibration:
    """What a machine's own renders taught. ``flop_per_s`` of transformer and VAE; 0 where nothing is known yet.

    ``memory_factor``: measured peak over predicted peak.
    """

    transformer_flop_per_s: float = 0.0
    vae_flop_per_s: float = 0.0
    memory_factor: float = 1.0


@dataclass(frozen=True)
class Prediction:
    """What a render takes. ``seconds`` is None until this machine has rendered once."""

    weight_bytes: float
    peak_bytes: float
    transformer_flop: float
    vae_flop: float
    seconds: float | None

    def __str__(self) -> str:
        work = f"{(self.transformer_flop + self.vae_flop) / 1e12:.0f} TFLOP"
        time = "time unknown until the first steps" if self.seconds is None else f"about {_duration(self.seconds)}"
        return f"{self.peak_bytes / GB:.1f} GB of memory, {work}, {time}"


def forward_flop(shape: ModelShape, tokens: int) -> float:
    """Operations of one transformer forward over ``tokens`` tokens and a prompt of 512."""
    n, m, d = tokens, TEXT_TOKENS, shape.width
    self_attention = 8 * n * d**2 + 4 * n**2 * d
    cross_attention = 4 * (n + m) * d**2 + 4 * n * m * d
    blocks = shape.blocks * (self_attention + cross_attention + 4 * n * d * shape.ffn_width)
    projections = 2 * n * d**2 * (shape.vace_layers + 1)
    ends = 2 * n * d * 4 * (2 * shape.latent_channels + shape.control_channels)
    return blocks + projections + ends + 2 * m * (shape.text_width * d + d**2)


def encode_flop(shape: ModelShape, width_px: int, height_px: int, frames: int) -> float:
    """Operations of the VAE's encoder."""
    return width_px * height_px * frames * _ENCODE_FLOP_PER_PX_FRAME * (shape.vae_base_width / _VAE_BASE_WIDTH) ** 2


def decode_flop(shape: ModelShape, width_px: int, height_px: int, frames: int) -> float:
    """Operations of the VAE's decoder."""
    return width_px * height_px * frames * _DECODE_FLOP_PER_PX_FRAME * (shape.vae_base_width / _VAE_BASE_WIDTH) ** 2


def vae_flop(shape: ModelShape, work: Workload) -> float:
    """Operations of encoding and decoding all frames."""
    size = (work.width_px, work.height_px, work.frames)
    return work.encodes * encode_flop(shape, *size) + decode_flop(shape, *size)


def transformer_bytes(shape: ModelShape, tokens: int, item_bytes: int) -> float:
    """The most that lives in one forward beside the weights: all VACE hints, and the widest place of a block."""
    ffn = 2 * shape.ffn_width / shape.width + _FFN_COPIES
    copies = shape.vace_layers + max(_ATTENTION_COPIES, ffn)
    return tokens * shape.width * item_bytes * copies + TEXT_TOKENS * shape.width * (
        _TEXT_BYTES + _TEXT_COPIES * item_bytes
    )


def vae_bytes(shape: ModelShape, work: Workload, is_tiled: bool) -> float:
    """The most that lives while the VAE works, the frames themselves included."""
    pixels = work.width_px * work.height_px
    at_once = min(pixels, _TILE_PX) if is_tiled else pixels
    widest = max(_ENCODE_BYTES_PER_PX, _DECODE_BYTES_PER_PX) * shape.vae_base_width / _VAE_BASE_WIDTH
    return at_once * widest + 2 * pixels * work.window_frames * _FRAME_BYTES_PER_PX


def weight_bytes(shape: ModelShape, settings: ModelSettings, precision: str) -> float:
    """Weights that stay on the device: transformers, without swapped blocks but for two in flight, and the VAE."""
    item_bytes = 1 if settings.storage == "fp8" else _ITEM_BYTES[precision]
    swapped = min(settings.blocks_to_swap, shape.blocks)
    absent = max(swapped - 2, 0) * shape.block_weights
    return shape.experts * (shape.weights - absent) * item_bytes + _vae_weight_bytes(shape)


def predict_weights(shape: ModelShape, settings: ModelSettings, device: str) -> float:
    """Bytes of the weights that stay on a ``device`` ("cuda", "mps", "cpu")."""
    return weight_bytes(shape, settings, _precision(settings, device))


def _precision(settings: ModelSettings, device: str) -> str:
    if settings.precision != "auto":
        return settings.precision
    return "bf16" if device == "cuda" else "fp32"


def predict(
    shape: ModelShape,
    work: Workload,
    settings: ModelSettings,
    device: str,
    calibration: Calibration | None = None,
) -> Prediction:
    """What ``work`` takes on a ``device`` ("cuda", "mps", "cpu")."""
    known = calibration or Calibration()
    precision = _precision(settings, device)
    weights = weight_bytes(shape, settings, precision)
    sampling = transformer_bytes(shape, work.tokens, _ITEM_BYTES[precision])
    activations = max(sampling, vae_bytes(shape, work, settings.vae_tiling))
    transformer, vae = work.forwards * forward_flop(shape, work.tokens), vae_flop(shape, work)
    seconds = None
    if known.transformer_flop_per_s and known.vae_flop_per_s:
        seconds = transformer / known.transformer_flop_per_s + vae / known.vae_flop_per_s
    peak = (weights + activations) * known.memory_factor + _RUNTIME_BYTES.get(device, 0.0)
    return Prediction(weights, peak, transformer, vae, seconds)


@dataclass(frozen=True)
class Proposal:
    """Settings, and frames seen together, that fit where the wanted ones do not."""

    settings: ModelSettings
    window_frames: int
    prediction: Prediction

    def changes_from(self, settings: ModelSettings, window_frames: int) -> dict[str, ParameterValue]:
        """The parameters to set."""
        changed: dict[str, ParameterValue] = {}
        if self.settings.vae_tiling != settings.vae_tiling:
            changed["vae_tiling"] = self.settings.vae_tiling
        if self.settings.storage != settings.storage:
            changed["weights_storage"] = self.settings.storage
        if self.settings.blocks_to_swap != settings.blocks_to_swap:
            changed["blocks_to_swap"] = self.settings.blocks_to_swap
        if self.window_frames != window_frames:
            changed["context_frames"] = self.window_frames
        return changed


def cheapest_fit(
    shape: ModelShape,
    work: Workload,
    settings: ModelSettings,
    device: str,
    available_bytes: float,
    calibration: Calibration | None = None,
) -> Proposal | None:
    """The settings, like the wanted ones or thriftier, that cost the least time and fit; None where nothing does.

    A shorter window comes last: it changes the result the most.
    """
    for window_frames in _windows(work.window_frames):
        shorter = replace(work, window_frames=window_frames)
        for candidate in _thriftier(settings, shape):
            prediction = predict(shape, shorter, candidate, device, calibration)
            if prediction.peak_bytes <= available_bytes:
                return Proposal(candidate, window_frames, prediction)
    return None


def _windows(wanted: int) -> Iterator[int]:
    yield wanted
    yield from range(whole_frame_count(max(wanted - 16, 1)), _SMALLEST_WINDOW_FRAMES - 1, -16)


def _thriftier(settings: ModelSettings, shape: ModelShape) -> Iterator[ModelSettings]:
    """``settings`` and what saves more, in the order of what it costs in time."""
    half, whole = shape.blocks // 2, shape.blocks
    tiled = replace(settings, vae_tiling=True)
    yield settings
    yield tiled
    yield replace(settings, storage="fp8")
    yield replace(tiled, storage="fp8")
    for swapped in (half, whole):
        blocks = max(swapped, settings.blocks_to_swap)
        yield replace(settings, blocks_to_swap=blocks)
        yield replace(tiled, blocks_to_swap=blocks)
        yield replace(tiled, blocks_to_swap=blocks, storage="fp8")


def _vae_weight_bytes(shape: ModelShape) -> float:
    return 4 * _VAE_WEIGHTS * (shape.vae_base_width / _VAE_BASE_WIDTH) ** 2


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
