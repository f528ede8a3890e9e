"""Examples as latents, cached in shards: encoding costs more than training on them once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.vace.sampling.conditioning import MaskFolder
from engine.vace.sampling.vae_stream import statistics
from engine.vace.training.configuration import Configuration, ShotSize
from engine.vace.training.numerics import computing
from engine.vace.training.scenes import random_shot
from engine.vace.training.tasks import Example, make_example, random_task

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKLWan

_ENCODED_AT_ONCE = 16
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LatentBatch:
    """Examples of one size. ``target``: (n, 16, latents, h, w), normalised; ``control``: (n, 96, latents, h, w);
    ``mask``: (n, 1, latents, h, w), the share of pixels to generate.
    """

    target: torch.Tensor
    control: torch.Tensor
    mask: torch.Tensor


class LatentCache:
    """Shards of examples in a folder; a shard's examples depend on its number and the seed alone."""

    def __init__(self, folder: Path, vae: AutoencoderKLWan, configuration: Configuration) -> None:
        self._folder, self._vae, self._configuration = folder, vae, configuration
        self._shards: dict[ShotSize, list[dict[str, Any]]] = {}
        self._prepared: dict[tuple[ShotSize, int], Future[None]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def provide(self, size: ShotSize, count: int) -> None:
        """Sees to it that there are ``count`` shards of this size: reads them, makes them or waits for them."""
        import torch

        shards = self._shards.setdefault(size, [])
        while len(shards) < count:
            path, prepared = self._path(size, len(shards)), self._prepared.pop((size, len(shards)), None)
            if prepared is not None:
                prepared.result()
            elif not path.is_file():
                make_shard(path, self._vae, self._configuration, size, len(shards))
            shards.append(torch.load(path, map_location="cpu", weights_only=True))

    def prepare(self, size: ShotSize, number: int) -> None:
        """Begins to make the shard of this number in another process, where that has not begun yet.

        Which examples a step trains on never depends on how fast that process is. A thread would not do: drawing and
        training both are made of small calls, which would wait for each other all the time.
        """
        path = self._path(size, number)
        if (size, number) not in self._prepared and not path.is_file():
            task = (path, self._vae_folder, self._configuration, size, number)
            self._prepared[size, number] = self._worker.submit(_make_elsewhere, *task)

    def _path(self, size: ShotSize, number: int) -> Path:
        return self._folder / f"{size.height_px}x{size.width_px}x{size.frames}-{number:03}.pt"

    @cached_property
    def _worker(self) -> ProcessPoolExecutor:
        import torch

        self._vae.save_pretrained(self._vae_folder)
        return ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, (torch.get_num_threads(),))

    @property
    def _vae_folder(self) -> Path:
        return self._folder / "vae"

    def batch(self, random: np.random.Generator, size: ShotSize, latents: int) -> LatentBatch:
        """Examples from one shard, cut to their first ``latents``: those don't depend on later ones."""
        import torch

        shards = self._shards[size]
        shard = shards[int(random.integers(len(shards)))]
        chosen = random.integers(0, len(shard["target"]), self._configuration.transformer.batch)
        target = shard["target"][chosen, :, :latents].float()
        halves = shard["halves"][chosen, :, :latents].float()
        folded = _unpacked(shard["mask"][chosen])[:, :, :latents]
        return LatentBatch(target, torch.cat([halves, folded], dim=1), folded.mean(dim=1, keepdim=True))


def make_shard(path: Path, vae: AutoencoderKLWan, configuration: Configuration, size: ShotSize, number: int) -> None:
    """Draws, encodes and writes the examples of one shard."""
    import torch

    seed, count = configuration.seed, configuration.transformer.shard_samples
    made: list[dict[str, Any]] = []
    for start in range(0, count, _ENCODED_AT_ONCE):
        indices = range(number * count + start, number * count + min(start + _ENCODED_AT_ONCE, count))
        sides = [seed, 2, size.height_px, size.width_px]
        examples = [_example(np.random.default_rng([*sides, index]), size) for index in indices]
        with computing(configuration):
            made.append(encoded(vae, examples))
    temporary = path.with_suffix(".writing")
    torch.save({name: torch.cat([part[name] for part in made]) for name in made[0]}, temporary)
    temporary.replace(path)
    _log.info("cache: %s", path.name)


def _make_elsewhere(path: Path, vae_folder: Path, configuration: Configuration, size: ShotSize, number: int) -> None:
    from diffusers import AutoencoderKLWan

    vae = AutoencoderKLWan.from_pretrained(vae_folder).to(configuration.device)
    make_shard(path, vae, configuration, size, number)


def _example(random: np.random.Generator, size: ShotSize) -> Example:
    task = random_task(random)
    return make_example(task, random_shot(random, size.height_px, size.width_px, size.frames), random)


def encoded(vae: AutoencoderKLWan, examples: Sequence[Example]) -> dict[str, Any]:
    """Latents of examples of one size: ``target`` (16 channels) and ``halves`` (known and to repaint, 32) in fp16,
    and ``mask``, folded and packed to bits.
    """
    import torch

    video, target = (_stacked(vae, [getattr(example, name) for example in examples]) for name in ("video", "target"))
    where = torch.from_numpy(np.stack([example.mask for example in examples]))[:, None].to(vae.device)
    halves = [latents_of(vae, video * ~where), latents_of(vae, video * where)]
    return {
        "target": latents_of(vae, target).half().cpu(),
        "halves": torch.cat(halves, dim=1).half().cpu(),
        "mask": torch.from_numpy(np.stack([np.packbits(folded(example.mask), axis=0) for example in examples])),
    }


def folded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(frames, H, W) -> (64, latents, h, w), as the engine folds it."""
    folder = MaskFolder(len(mask), "group_max")
    for frame, marked in enumerate(mask):
        folder.add(frame, marked)
    return folder.folded()


def latents_of(vae: AutoencoderKLWan, video: torch.Tensor) -> torch.Tensor:
    """(n, 3, frames, H, W) -> (n, 16, latents, h, w), normalised; what is gray all over is encoded once."""
    import torch

    mean, deviation = statistics(vae, vae.device)
    is_gray = ~video.flatten(1).any(dim=1)
    wanted = video[~is_gray] if not is_gray.any() else torch.cat([video[~is_gray], torch.zeros_like(video[:1])])
    with torch.no_grad():
        moments = (vae.encode(wanted).latent_dist.mode().float() - mean) / deviation
    result = moments.new_zeros(len(video), *moments.shape[1:])
    if is_gray.any():
        result[is_gray] = moments[-1]
        moments = moments[:-1]
    result[~is_gray] = moments
    return result


def _stacked(vae: AutoencoderKLWan, videos: Sequence[NDArray[np.float32]]) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.stack(videos)).permute(0, 4, 1, 2, 3).to(vae.device)


def _unpacked(packed: torch.Tensor) -> torch.Tensor:
    """(n, 8, latents, h, w) bytes -> (n, 64, latents, h, w) of 0 and 1."""
    import torch

    return torch.from_numpy(np.unpackbits(packed.numpy(), axis=1)).float()
