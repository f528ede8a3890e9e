"""What VACE is conditioned on: a frame with the thing painted over, the inference mask, and the mask in latent form.

The recipe that removes instead of repainting: a box as mask (a silhouette says what stood there), and gray in it
instead of the thing. Gray is exactly 0.0, the middle of [-1, 1], so it is filled in after the conversion to float: no
8-bit value is in the middle (127 gives -0.0039, 128 gives +0.0039). The other modes are there for comparison and for
LoRAs that were trained differently. All arrays are NumPy; torch comes in afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vace.latent_geometry import RASTER_MULTIPLE_PX, SPATIAL_COMPRESSION, latent_groups, nearest_exact_frames

MaskMode: TypeAlias = Literal["box", "shape", "hull", "none", "all", "nothing"]
FillMode: TypeAlias = Literal["gray", "source", "plate"]
MaskTiming: TypeAlias = Literal["group_max", "nearest"]
Picture: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]

GRAY = 0.0
MASKED_MINIMUM_PX = RASTER_MULTIPLE_PX
"""A masked part thinner than one token (a wire) vanishes in the VAE's 8x8 compression."""


@dataclass(frozen=True)
class ConditionedFrame:
    """One frame for the model. ``video``: float32 (H, W, 3) in [-1, 1]; ``mask``: (H, W), True where to generate."""

    video: Picture
    mask: Mask


@dataclass(frozen=True)
class MaskSettings:
    """How a matte becomes an inference mask, and what is painted there; see the parameters of the ``vace`` effect."""

    mode: MaskMode = "box"
    dilate_px: int = 0
    fill: FillMode = "gray"


def condition(
    picture: Picture, matte: NDArray[np.float32], settings: MaskSettings, plate: Picture | None
) -> ConditionedFrame:
    """A marked frame, (H, W, 3) in [-1, 1] with coverage (H, W), as the settings say.

    ``all`` generates the whole frame from nothing. ``none`` is VACE without a mask, where all counts as to be
    repainted, and ``nothing`` has the gray patch count as known; in both only the box is painted over. ``plate`` is
    what the fill ``plate`` shows.
    """
    painted = np.ones(matte.shape, bool) if settings.mode == "all" else painted_region(matte, settings)
    mask = painted
    if settings.mode in ("none", "nothing"):
        mask = np.full(matte.shape, settings.mode == "none")
    return ConditionedFrame(_filled(picture, painted, settings.fill, plate), mask)


def _filled(picture: Picture, painted: Mask, fill: FillMode, plate: Picture | None) -> Picture:
    if fill == "source":
        return picture
    under = np.float32(GRAY) if fill == "gray" or plate is None else plate
    return np.where(painted[..., np.newaxis], under, picture)


def painted_region(matte: NDArray[np.float32], settings: MaskSettings) -> Mask:
    """Where the thing is painted over, (H, W): boxes, outlines or convex hulls of the matte's parts, widened."""
    marked = matte > 0
    if settings.dilate_px and marked.any():
        side = 2 * settings.dilate_px + 1
        marked = cv2.dilate(marked.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    if settings.mode == "shape":
        return marked
    return _hulls(marked) if settings.mode == "hull" else box_mask(marked.astype(np.float32))


def box_mask(matte: NDArray[np.float32]) -> Mask:
    """Hard-edged boxes around the parts of a matte, (H, W) coverage -> (H, W), each at least 16 px in both directions.

    A connected part counts wherever its coverage is above 0, so that a soft or scaled edge lies inside its box.
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats((matte > 0).astype(np.uint8), connectivity=8)
    mask = np.zeros(matte.shape, bool)
    for x, y, width, height, _ in stats[1:count]:
        mask[_widened(y, height, matte.shape[0]), _widened(x, width, matte.shape[1])] = True
    return mask


def _hulls(marked: Mask) -> Mask:
    outlines, _ = cv2.findContours(marked.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    mask = marked.astype(np.uint8)
    for outline in outlines:
        cv2.fillConvexPoly(mask, cv2.convexHull(outline), 1)
    return mask.astype(bool)


def _widened(start: int, length: int, limit: int) -> slice:
    """``length`` pixels from ``start``, widened evenly to the minimum and kept inside ``[0, limit)``."""
    wanted = max(length, min(MASKED_MINIMUM_PX, limit))
    first = min(max(start - (wanted - length) // 2, 0), limit - wanted)
    return slice(first, first + wanted)


def box_share(matte: NDArray[np.float32]) -> float:
    """Of each connected part of a matte, the share of its bounding box that it fills; the smallest one, 1 for a box."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((matte > 0).astype(np.uint8), connectivity=8)
    return min((area / (width * height) for _, _, width, height, area in stats[1:count]), default=1.0)


def thinnest_px(mask: Mask) -> int:
    """Width of the thinnest connected part, in pixels: twice the largest distance to its edge. 0 for an empty mask."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count == 1:
        return 0
    # The frame's border is no edge.
    around = np.pad(mask.astype(np.uint8), 1, mode="edge")
    inside_px = cv2.distanceTransform(around, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return min(round(2 * float(inside_px[labels == label].max())) - 1 for label in range(1, count))


class MaskFolder:
    """The mask as the transformer reads it, built frame by frame: each latent becomes (64, H / 8, W / 8).

    Each 8x8 block of pixels becomes 64 channels, so nothing is lost in space. In time, ``group_max`` marks a latent
    where any of the frames it encodes is marked; ``nearest`` reads the one frame that stock diffusers reads.
    """

    def __init__(self, frame_count: int, timing: MaskTiming) -> None:
        """``frame_count`` must be 4n + 1."""
        groups = latent_groups(frame_count)
        read = groups if timing == "group_max" else [range(n, n + 1) for n in nearest_exact_frames(frame_count)]
        self._latents_of = _inverted(read)
        self._timed: list[Mask | None] = [None] * len(groups)

    def add(self, frame: int, mask: Mask) -> None:
        """The mask of a frame, (H, W); frames come in any order."""
        for latent in self._latents_of.get(frame, ()):
            known = self._timed[latent]
            self._timed[latent] = mask if known is None else known | mask

    def folded(self) -> Mask:
        """(64, latents, H / 8, W / 8), once all frames are in."""
        block = SPATIAL_COMPRESSION
        timed = np.stack([mask for mask in self._timed if mask is not None])
        _, height, width = timed.shape
        blocks = timed.reshape(-1, height // block, block, width // block, block).transpose(2, 4, 0, 1, 3)
        return np.ascontiguousarray(blocks.reshape(block * block, -1, height // block, width // block))


def _inverted(read: list[range]) -> dict[int, list[int]]:
    latents_of: dict[int, list[int]] = {}
    for latent, frames in enumerate(read):
        for frame in frames:
            latents_of.setdefault(frame, []).append(latent)
    return latents_of
