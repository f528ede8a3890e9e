"""What a recovered plate leaves to a model: where it is not sure, steady in time, with soft edges in space and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.ofx.effect import SYNTHESISED, UNTOUCHED, RenderedImage
from roi_tools.geometry import Box, Size, union_box
from roi_tools.matte import bounds as matte_bounds

SEAM_PX = 8
"""The model also paints this far around what is left: there plate and model are matched and run into each other."""
SEAM_FRAMES = 4
"""The same in time, before and after; one latent's frames, so that a mask seldom changes within one."""
WEAK = 1.5
"""A pixel whose confidence is below this many times the threshold is left too where it touches one below the threshold
(hysteresis, Canny 1986): what is left does not fray where the plate gets better by and by."""


@dataclass(frozen=True, eq=False)
class Rest:
    """How much of each pixel the model paints: float32 (h, w) of ``box``, 0 to 1; outside of it nothing."""

    box: Box
    weight: NDArray[np.float32]


def uncertain(
    image: RenderedImage, threshold: float, smallest_px: int, size: Size, *, fills_invented: bool = True
) -> Rest | None:
    """Where a plate was invented or is not sure: weight 1, falling to 0 over the seam around. None where nowhere.

    Parts of less than ``smallest_px`` x ``smallest_px`` stay as the plate has them, and so does what was invented
    unless ``fills_invented``. ``size`` is the frame's.
    """
    if image.provenance is None or image.confidence is None:
        return None
    invented = image.provenance == SYNTHESISED
    hole = image.provenance != UNTOUCHED
    if not fills_invented:
        hole, invented = hole & ~invented, np.zeros_like(invented)
    strong = hole & (invented | (image.confidence < threshold))
    weak = hole & (invented | (image.confidence < min(WEAK * threshold, 1.0)))
    core = _large_parts(weak, strong, smallest_px**2)
    return _softened(core, image.window, size) if core.any() else None


def weighed(cores: Mapping[int, Rest | None], frame: int) -> Rest | None:
    """What is left of a frame, given :func:`uncertain` of it and of those up to the seam before and after it."""
    near = [(abs(step), cores.get(frame + step)) for step in range(-SEAM_FRAMES, SEAM_FRAMES + 1)]
    parts = [(1.0 - distance / (SEAM_FRAMES + 1), core) for distance, core in near if core is not None]
    box = union_box(core.box for _, core in parts)
    if box is None:
        return None
    weight = np.zeros((box.height_px, box.width_px), np.float32)
    for share, core in parts:
        place = weight[core.box.shifted(-box.x0, -box.y0).slices]
        np.maximum(place, np.float32(share) * core.weight, out=place)
    return Rest(box, weight)


def needed(rest: Rest, image: RenderedImage) -> Rest | None:
    """The part of ``rest`` in or next to the matte of the frame whose plate ``image`` is; None where it has none in it.

    What neighbouring frames leave may be in the clear on this one.
    """
    inside, around = rest.box.intersected(image.window), rest.box.intersected(image.window.grown(SEAM_PX))
    if inside is None or around is None or image.provenance is None:
        return None
    hole = image.provenance[inside.shifted(-image.window.x0, -image.window.y0).slices] != UNTOUCHED
    if not (hole & (rest.weight[inside.shifted(-rest.box.x0, -rest.box.y0).slices] > 0)).any():
        return None
    return Rest(around, rest.weight[around.shifted(-rest.box.x0, -rest.box.y0).slices])


def _large_parts(weak: NDArray[np.bool_], strong: NDArray[np.bool_], smallest_px: int) -> NDArray[np.bool_]:
    """The connected parts of ``weak`` that hold something strong and are no smaller than ``smallest_px`` pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(weak.view(np.uint8), connectivity=8)
    keep = np.zeros(count, bool)
    keep[np.unique(labels[strong])] = True
    keep &= stats[:, cv2.CC_STAT_AREA] >= smallest_px
    keep[0] = False
    return np.asarray(keep[labels])


def _softened(core: NDArray[np.bool_], window: Box, size: Size) -> Rest | None:
    around = window.grown(SEAM_PX).clipped(size) or window
    outside = np.ones((around.height_px, around.width_px), np.uint8)
    outside[window.shifted(-around.x0, -around.y0).slices] = ~core
    away_px = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    weight = np.clip(1.0 - away_px / SEAM_PX, 0.0, 1.0).astype(np.float32)
    tight = matte_bounds(weight)
    if tight is None:
        return None
    return Rest(tight.shifted(around.x0, around.y0), weight[tight.slices].copy())
