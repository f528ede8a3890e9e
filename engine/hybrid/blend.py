"""Puts what a model painted into the plate: matched in colour along the seam, mixed over it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.hybrid.rest import Rest
from engine.ofx.effect import GENERATED, SYNTHESISED, UNTOUCHED, RenderedImage
from engine.plate.coding import decode_scene_linear, encode_scene_linear
from engine.plate.photometric import pull_push

SMOOTH_PX = 4.0
MOST_CORRECTION = 0.2
"""A larger difference on the seam is another thing, not another colour."""
FEWEST_PX = 20
_GENERATED_FROM = 0.5
"""A pixel counts as painted by the model from this share on."""


def blended(
    plate: RenderedImage,
    known: NDArray[np.float32],
    generated: RenderedImage,
    rest: Rest,
    *,
    is_scene_linear: bool,
) -> RenderedImage:
    """The plate with the model's picture where something is left. All images are in the source's own coding.

    ``known`` and ``generated.rgb`` are (h, w, 3) of ``rest.box``: the plate in its surroundings, and the model's
    picture. Outside of ``rest`` the plate's pixels are returned as they are.
    """
    common = plate.window.intersected(rest.box)
    if common is None:
        return plate
    here, there = common.shifted(-plate.window.x0, -plate.window.y0), common.shifted(-rest.box.x0, -rest.box.y0)
    below = encode_scene_linear(known) if is_scene_linear else known
    above = encode_scene_linear(generated.rgb) if is_scene_linear else generated.rgb
    trust = np.ones(rest.weight.shape, np.float32)
    if plate.provenance is not None and plate.confidence is not None:
        trust[there.slices] = _trust(plate.provenance[here.slices], plate.confidence[here.slices])
    above = above + seam_light(below - above, np.where((rest.weight > 0) & (rest.weight < 1), trust, np.float32(0)))
    weight = rest.weight[..., np.newaxis]
    mixed = (below + weight * (np.maximum(above, 0.0) - below)).astype(np.float32)
    if is_scene_linear:
        mixed = decode_scene_linear(mixed)
    rgb = plate.rgb.copy()
    painted = rest.weight[there.slices] > 0
    rgb[here.slices] = np.where(painted[..., np.newaxis], mixed[there.slices], rgb[here.slices])
    return _with_maps(replace(plate, rgb=rgb), here.slices, rest.weight[there.slices])


def _trust(provenance: NDArray[np.int32], confidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far a pixel of the plate may say which colour is right: the source itself wholly, what was invented not."""
    recovered = np.where(provenance == SYNTHESISED, np.float32(0), np.square(confidence))
    return np.where(provenance == UNTOUCHED, np.float32(1), recovered)


def seam_light(error: NDArray[np.float32], trust: NDArray[np.float32]) -> NDArray[np.float32]:
    """A smooth (h, w, 3) correction that follows ``error`` on the seam and goes on from there to all the rest.

    ``trust`` is (h, w): above 0 on the seam, the more the surer the plate is there. The pull-push scheme of Gortler et
    al. (The Lumigraph, 1996). Zero where the seam is too short to tell.
    """
    usable = np.where(np.abs(error).max(axis=2) < MOST_CORRECTION, trust, np.float32(0))
    if np.count_nonzero(usable) < FEWEST_PX:
        return np.zeros_like(error)
    total = cv2.GaussianBlur(usable[..., np.newaxis] * error, (0, 0), SMOOTH_PX)
    amount = cv2.GaussianBlur(usable, (0, 0), SMOOTH_PX)
    return pull_push(np.asarray(total, np.float32), np.asarray(amount, np.float32))


def _with_maps(image: RenderedImage, here: tuple[slice, slice], weight: NDArray[np.float32]) -> RenderedImage:
    """Says of the model's pixels that they are its own, and that nothing is known of them."""
    if image.provenance is None or image.confidence is None:
        return image
    provenance, confidence = image.provenance.copy(), image.confidence.copy()
    hole = provenance[here] != UNTOUCHED
    provenance[here] = np.where(hole & (weight >= _GENERATED_FROM), GENERATED, provenance[here])
    confidence[here] = np.where(hole, confidence[here] * (1.0 - weight), confidence[here])
    return replace(image, provenance=provenance, confidence=confidence)
