"""What VACE is conditioned on: the gray-filled video, the inference mask, and the mask in latent time and space.

The recipe that removes instead of repainting: a box as mask (a silhouette says what stood there), and gray in it
instead of the thing. Gray is exactly 0.0, the middle of [-1, 1], so it is filled in after the conversion to float: no
8-bit value is in the middle (127 gives -0.0039, 128 gives +0.0039). All arrays are NumPy; torch comes in afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vace.latent_geometry import (
    RASTER_MULTIPLE_PX,
    SPATIAL_COMPRESSION,
    latent_groups,
    nearest_exact_frames,
    reflected_frames,
)

MaskTiming: TypeAlias = Literal["group_max", "nearest"]

GRAY = 0.0
MASKED_MINIMUM_PX = RASTER_MULTIPLE_PX
"""A masked part thinner than one token (a wire) vanishes in the VAE's 8x8 compression; boxes are at least this wide."""


@dataclass(frozen=True)
class Conditioning:
    """One context window, padded to 4n + 1 frames.

    ``video``: float32 (T, H, W, 3) in [-1, 1], exactly 0.0 where the mask is 1. ``mask``: float32 (T, H, W), 0 or 1.
    ``frame_count``: how many of the T frames are real; the rest is padding to cut off.
    """

    video: NDArray[np.float32]
    mask: NDArray[np.float32]
    frame_count: int


def gray_box_conditioning(video: NDArray[np.float32], mask: NDArray[np.bool_]) -> Conditioning:
    """The recipe for frames ``video``, (N, H, W, 3) in [-1, 1], to be generated where ``mask``, (N, H, W), is True.

    H and W are multiples of 16. Both are padded to 4n + 1 frames by reflection, so the padding is moving picture too.
    """
    order = reflected_frames(len(video))
    filled = np.where(mask[..., np.newaxis], np.float32(GRAY), video)
    return Conditioning(filled[order], mask[order].astype(np.float32), len(video))


def box_mask(matte: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Hard-edged boxes around the parts of a matte, (H, W) coverage -> (H, W), each at least 16 px in both directions.

    A connected part counts wherever its coverage is above 0, so that a soft or scaled edge lies inside its box.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats((matte > 0).astype(np.uint8), connectivity=8)
    mask = np.zeros(matte.shape, bool)
    for x, y, width, height, _ in stats[1:count]:
        mask[_widened(y, height, matte.shape[0]), _widened(x, width, matte.shape[1])] = True
    return mask


def _widened(start: int, length: int, limit: int) -> slice:
    """``length`` pixels from ``start``, widened evenly to the minimum and kept inside ``[0, limit)``."""
    wanted = max(length, min(MASKED_MINIMUM_PX, limit))
    first = min(max(start - (wanted - length) // 2, 0), limit - wanted)
    return slice(first, first + wanted)


def latent_mask(mask: NDArray[np.float32], timing: MaskTiming) -> NDArray[np.float32]:
    """The mask as the transformer reads it: (T, H, W) -> (64, latents, H / 8, W / 8).

    Each 8x8 block of pixels becomes 64 channels, so nothing is lost in space. In time, ``group_max`` marks a latent
    where any of the frames it encodes is marked; ``nearest`` reads the one frame that stock diffusers reads.
    """
    frames, height, width = mask.shape
    if timing == "group_max":
        timed = np.stack([mask[group.start : group.stop].max(axis=0) for group in latent_groups(frames)])
    else:
        timed = mask[nearest_exact_frames(frames)]
    block = SPATIAL_COMPRESSION
    blocks = timed.reshape(-1, height // block, block, width // block, block).transpose(2, 4, 0, 1, 3)
    return np.ascontiguousarray(blocks.reshape(block * block, -1, height // block, width // block))
