"""What steers the VACE branch: latents of the known part, latents of the part to repaint, and the mask itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.vace.latent_geometry import latent_groups, padded_frame_count, reflected_frames
from engine.vace.sampling.conditioning import ConditionedFrame, MaskFolder, MaskTiming
from engine.vace.sampling.preview import ColorFit
from engine.vace.sampling.vae_stream import Encoder, gray_latents

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKLWan

    from engine.vace.model import VaceModel

FrameSource: TypeAlias = Callable[[int], ConditionedFrame]
"""``source(index)``: the frame of this index in the clip, from 0. Asked for in rising order, but for the padding."""


@dataclass(frozen=True)
class Control:
    """``tensor``: (1, 16 + 16 + 64, references + latents, H / 8, W / 8) in the transformer's precision, on the CPU.

    ``references`` come first, one latent each. ``colors`` tells what a latent looks like.
    """

    tensor: torch.Tensor
    references: int = 0
    colors: ColorFit = field(default_factory=ColorFit)

    @property
    def latent_count(self) -> int:
        """Latents of the clip, without the references."""
        return int(self.tensor.shape[2]) - self.references


def encode_control(
    model: VaceModel,
    source: FrameSource,
    frame_count: int,
    timing: MaskTiming,
    references: Sequence[NDArray[np.float32]] = (),
) -> Control:
    """Encodes a clip of ``frame_count`` frames, padded to 4n + 1 by reflection, a chunk of frames at a time.

    ``references`` are pictures, (H, W, 3) in [-1, 1]. VACE: arXiv:2503.07598.
    """
    import torch

    device, precision = model.device, model.pipeline.transformer.dtype
    folder, colors = MaskFolder(padded_frame_count(frame_count), timing), ColorFit()
    # Each is put before all that is there already, as in diffusers.
    lead = [_reference(model.pipeline.vae, picture, device) for picture in reversed(references)]
    latents: list[torch.Tensor] = []
    halves: _Halves | None = None
    for video, mask in _chunks(source, frame_count, folder):
        halves = halves or _Halves(model.pipeline.vae, *video.shape[1:3])
        on_device = torch.from_numpy(video).permute(3, 0, 1, 2)[None].to(device)
        where = torch.from_numpy(mask)[None, None].to(device, torch.float32)
        inactive, reactive = halves.latents(on_device * (1 - where), on_device * where)
        colors.add(inactive[0, :, 0].float().cpu().numpy(), np.where(mask[..., None], np.float32(0), video))
        latents.append(torch.cat([inactive, reactive], dim=1).cpu())
    joined = torch.cat([*lead, *latents], dim=2).to(precision)
    folded = torch.from_numpy(folder.folded())[None].to(precision)
    folded = torch.cat([torch.zeros_like(folded[:, :, :1])] * len(lead) + [folded], dim=2)
    return Control(torch.cat([joined, folded], dim=1), len(lead), colors)


def _chunks(
    source: FrameSource, frame_count: int, folder: MaskFolder
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """The frames that each latent encodes, (1 or 4, H, W, 3) and (1 or 4, H, W); their masks go to the folder too."""
    order = reflected_frames(frame_count)
    for group in latent_groups(len(order)):
        frames = [source(order[index]) for index in group]
        for index, frame in zip(group, frames, strict=True):
            folder.add(index, frame.mask)
        yield np.stack([frame.video for frame in frames]), np.stack([frame.mask for frame in frames])


def _reference(vae: AutoencoderKLWan, picture: NDArray[np.float32], device: torch.device) -> torch.Tensor:
    """A reference is known all over: its latent, and zeros in place of a part to repaint."""
    import torch

    frame = torch.from_numpy(picture).permute(2, 0, 1)[None, :, None].to(device)
    latent = Encoder(vae, *picture.shape[:2]).latent(frame).cpu()
    return torch.cat([latent, torch.zeros_like(latent)], dim=1)


class _Halves:
    """Encodes the known part and the part to repaint side by side.

    While the latter is gray alone, which is the rule, its latents come from memory: half of the work is saved.
    """

    def __init__(self, vae: AutoencoderKLWan, height_px: int, width_px: int) -> None:
        self._vae, self._size = vae, (height_px, width_px)
        self._inactive = Encoder(vae, height_px, width_px)
        self._reactive: Encoder | None = None
        self._gray_count = 0

    def latents(self, inactive: torch.Tensor, reactive: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self._inactive.latent(inactive), self._reactive_latent(reactive)

    def _reactive_latent(self, chunk: torch.Tensor) -> torch.Tensor:
        if self._reactive is None and not chunk.any():
            self._gray_count += 1
            return gray_latents(self._vae, *self._size, self._gray_count)[-1].to(chunk.device)
        if self._reactive is None:
            self._reactive = Encoder(self._vae, *self._size)
            for index in range(self._gray_count):
                self._reactive.latent(chunk.new_zeros(1, 3, 4 if index else 1, *self._size))
        return self._reactive.latent(chunk)
