"""The one place for the arithmetic between pixels and latents of the Wan 2.1 VAE.

The VAE is causal in time: the first frame alone becomes latent 0, then each group of 4 frames becomes one latent, so
that it takes 4n + 1 frames. In space it compresses 8x8, and the transformer joins 2x2 latents into a token: rasters are
multiples of 16. Wan technical report, arXiv:2503.20314; ``AutoencoderKLWan`` in diffusers.
"""

from __future__ import annotations

import math

TEMPORAL_COMPRESSION = 4
"""Frames per latent, after the first."""
SPATIAL_COMPRESSION = 8
"""Pixels per latent, along each side."""
RASTER_MULTIPLE_PX = 2 * SPATIAL_COMPRESSION
"""Both sides of a raster are multiples of this: latent 8x8 by token 2x2."""


def latent_count(frame_count: int) -> int:
    """Latents that the VAE makes of ``frame_count`` frames, which must be 4n + 1; ValueError otherwise."""
    if frame_count < 1 or (frame_count - 1) % TEMPORAL_COMPRESSION:
        raise ValueError(f"{frame_count} frames are not 4n + 1")
    return (frame_count - 1) // TEMPORAL_COMPRESSION + 1


def padded_frame_count(frame_count: int) -> int:
    """The smallest 4n + 1 that holds ``frame_count`` frames (at least 1)."""
    return TEMPORAL_COMPRESSION * math.ceil((frame_count - 1) / TEMPORAL_COMPRESSION) + 1


def whole_frame_count(frame_count: int) -> int:
    """The largest 4n + 1 within ``frame_count`` frames (at least 1)."""
    return TEMPORAL_COMPRESSION * ((frame_count - 1) // TEMPORAL_COMPRESSION) + 1


def reflected_frames(frame_count: int) -> list[int]:
    """Indices of ``frame_count`` frames padded to 4n + 1 by reflection at the last frame: 0 1 2 -> 0 1 2 1 0.

    The first ``frame_count`` indices are 0, 1, 2, ..., so that cutting the result there gives the frames back. The
    last frame is not repeated; where there are too few frames to mirror, the reflection turns again at the first.
    """
    period = max(2 * (frame_count - 1), 1)
    phases = (index % period for index in range(padded_frame_count(frame_count)))
    return [min(phase, period - phase) if frame_count > 1 else 0 for phase in phases]


def latent_groups(frame_count: int) -> list[range]:
    """The frames that each latent encodes: [0], [1..4], [5..8], ...; ``frame_count`` must be 4n + 1."""
    starts = (TEMPORAL_COMPRESSION * latent - TEMPORAL_COMPRESSION + 1 for latent in range(latent_count(frame_count)))
    return [range(max(start, 0), start + TEMPORAL_COMPRESSION) for start in starts]


def nearest_exact_frames(frame_count: int) -> list[int]:
    """The frame whose mask each latent reads in stock diffusers: ``interpolate(mode="nearest-exact")`` over time.

    ``floor((latent + 1/2) * frame_count / latents)``, in integers. ``frame_count`` must be 4n + 1.
    """
    latents = latent_count(frame_count)
    return [(2 * latent + 1) * frame_count // (2 * latents) for latent in range(latents)]
