"""The Wan VAE chunk by chunk: 1 frame, then 4 at a time, one latent each, so that memory doesn't grow with a shot.

``AutoencoderKLWan`` in diffusers works through a clip in the same chunks and remembers two frames per convolution, but
takes the whole clip and gives the whole result. Here the memory lies outside of it, and a chunk comes out as soon as
it went in; the values are the same, bit by bit, tiled too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKLWan


class Encoder:
    """Frames to normalised latents. The first chunk has 1 frame, all others have 4."""

    def __init__(self, vae: AutoencoderKLWan, height_px: int, width_px: int) -> None:
        self._vae = vae
        self._tiles = _Tiles(vae, vae.encoder, (height_px, width_px), is_encoding=True)

    def latent(self, chunk: torch.Tensor) -> torch.Tensor:
        """(1, 3, 1 or 4, H, W) in [-1, 1] -> (1, 16, 1, H / 8, W / 8), float32, the most likely one."""
        vae = self._vae
        moments = self._tiles.run(chunk.to(vae.dtype), lambda half, part: vae.quant_conv(half(part)))
        mean, deviation = statistics(vae, moments.device)
        normalised: torch.Tensor = (moments.chunk(2, dim=1)[0].float() - mean) * (1.0 / deviation)
        return normalised

    def is_settled(self, earlier: list[Any]) -> bool:
        """Whether all that the next chunk depends on is what it was: the same chunk will give the same latent."""
        return all(_same(a, b) for a, b in zip(self.remembered(), earlier, strict=True))

    def remembered(self) -> list[Any]:
        """All that the next chunk depends on besides its frames."""
        return [value for memory in self._tiles.memories.values() for value in memory.features]


def decoded(vae: AutoencoderKLWan, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """Normalised latents, (1, 16, n, h, w), to frames: (1, 3, 1, H, W) in [-1, 1], then 4 frames at a time."""
    import torch

    device = next(vae.parameters()).device
    tiles = _Tiles(vae, vae.decoder, (latents.shape[3], latents.shape[4]), is_encoding=False)
    mean, deviation = (value.to(vae.dtype) for value in statistics(vae, device))
    for index in range(latents.shape[2]):
        # Divided by the reciprocal, as in diffusers: a product would differ in the last bit.
        latent = latents[:, :, index : index + 1].to(device, vae.dtype) / (1.0 / deviation) + mean
        is_first = index == 0

        def frames(memory: _Memory, part: torch.Tensor, is_first: bool = is_first) -> torch.Tensor:
            return memory(vae.post_quant_conv(part), first_chunk=is_first)

        with torch.no_grad():
            chunk = tiles.run(latent, frames)
        yield chunk.clamp(-1.0, 1.0)


_gray: WeakKeyDictionary[Any, dict[tuple[int, int, bool], tuple[list[torch.Tensor], bool]]] = WeakKeyDictionary()


def gray_latents(vae: AutoencoderKLWan, height_px: int, width_px: int, count: int) -> list[torch.Tensor]:
    """The first latents of an endless clip of exact gray, in the CPU's memory; at most ``count``.

    There are fewer where the VAE has settled: the last one stands for all that follow. Kept per size, because every
    shot that is filled with gray needs them.
    """
    import torch

    kept, key = _gray.setdefault(vae, {}), (height_px, width_px, bool(vae.use_tiling))
    known, is_settled = kept.get(key, ([], False))
    if len(known) < count and not is_settled:
        known, is_settled = [], False
        encoder = Encoder(vae, height_px, width_px)
        device = next(vae.parameters()).device
        while len(known) < count and not is_settled:
            before = encoder.remembered()
            chunk = torch.zeros(1, 3, 4 if known else 1, height_px, width_px, device=device)
            known.append(encoder.latent(chunk).cpu())
            is_settled = len(known) > 1 and encoder.is_settled(before)
        kept[key] = known, is_settled
    return known[:count]


def statistics(vae: AutoencoderKLWan, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the VAE's latents over Wan's training data, each (1, 16, 1, 1, 1) float32."""
    import torch

    mean, deviation = (
        torch.tensor(values, device=device, dtype=torch.float32).view(1, -1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, deviation


def _same(a: Any, b: Any) -> bool:
    import torch

    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and torch.equal(a, b)
    return a is b or (isinstance(a, str) and a == b)


class _Memory:
    """One half of the VAE on one tile, and what it remembers between two chunks."""

    def __init__(self, half: torch.nn.Module, is_parked: bool) -> None:
        from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d

        self.features: list[Any] = [None] * sum(isinstance(module, WanCausalConv3d) for module in half.modules())
        self._half, self._is_parked = half, is_parked

    def __call__(self, chunk: torch.Tensor, **options: Any) -> torch.Tensor:
        held = self._moved(chunk.device) if self._is_parked else self.features[:]
        result: torch.Tensor = self._half(chunk, feat_cache=held, feat_idx=[0], **options)
        self.features = held
        if self._is_parked:
            self.features = self._moved("cpu")
        return result

    def _moved(self, device: Any) -> list[Any]:
        return [value.to(device) if hasattr(value, "to") else value for value in self.features]


@dataclass(frozen=True)
class _Axis:
    """Tiles along one side, in the half's input; ``blend`` and ``kept`` are in its output."""

    starts: range
    length: int
    blend: int
    kept: int

    @classmethod
    def of(cls, side: int, tile_px: int, stride_px: int, is_tiled: bool, compression: int, is_encoding: bool) -> _Axis:
        if not is_tiled:
            return cls(range(0, side, side), side, 0, side * compression)
        small = tile_px // compression, stride_px // compression
        (length, stride), (out_length, kept) = (
            ((tile_px, stride_px), small) if is_encoding else (small, (tile_px, stride_px))
        )
        return cls(range(0, side, stride), length, out_length - kept, kept)


class _Tiles:
    """One half of the VAE on overlapping tiles, as many as its tiling asks for; each has its own memory."""

    def __init__(self, vae: AutoencoderKLWan, half: Any, sides: tuple[int, int], *, is_encoding: bool) -> None:
        self._vae = vae
        compression = vae.spatial_compression_ratio
        tile = vae.tile_sample_min_height, vae.tile_sample_min_width
        stride = vae.tile_sample_stride_height, vae.tile_sample_stride_width
        unit = 1 if is_encoding else compression
        is_tiled = vae.use_tiling and any(side > length // unit for side, length in zip(sides, tile, strict=True))
        self._rows, self._columns = (
            _Axis.of(side, length, step, is_tiled, compression, is_encoding)
            for side, length, step in zip(sides, tile, stride, strict=True)
        )
        self._output = tuple(side // compression if is_encoding else side * compression for side in sides)
        # With many tiles, what is remembered waits in the CPU's memory: tiling is asked for where the GPU's is short.
        self.memories = {(y, x): _Memory(half, is_tiled) for y in self._rows.starts for x in self._columns.starts}

    def run(self, chunk: torch.Tensor, half: Callable[[_Memory, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """The chunk through ``half(memory, part)``, tile by tile, blended as diffusers does it."""
        import torch

        above: list[torch.Tensor] = []
        rows = []
        for y in self._rows.starts:
            tiles: list[torch.Tensor] = []
            for index, x in enumerate(self._columns.starts):
                part = chunk[..., y : y + self._rows.length, x : x + self._columns.length]
                tile = half(self.memories[y, x], part)
                if above:
                    tile = self._vae.blend_v(above[index], tile, self._rows.blend)
                if tiles:
                    tile = self._vae.blend_h(tiles[-1], tile, self._columns.blend)
                tiles.append(tile)
            rows.append(torch.cat([tile[..., : self._rows.kept, : self._columns.kept] for tile in tiles], dim=-1))
            above = tiles
        height, width = self._output
        return torch.cat(rows, dim=3)[..., :height, :width]
