"""What walks by behind a hole, bent to meet what its own frame shows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.agreement import differing
from engine.plate.analysis import dilate, largest
from engine.plate.inventions import Painted
from engine.plate.model import FloatImage, Mask, ProvenanceMap
from engine.plate.photometric import pull_push

KEPT_CODES, KEPT_CONTRAST = 0.05, 0.4
MOST_BEND_PX = 8.0
BLUR_PX = 1.5
KEPT_PX = 5
"""Own pixels are kept where they differ from the mover by less than so much of the range, and by so much of what it
differs from the background by, a little blurred, once it has been bent by less than that, in working pixels; in pieces
at least that large."""

FAINT_SURE = 1e-3
"""Where nothing is known of how it is bent it is bent like what is around, and a little less."""

SCRAP, SCRAP_PX = 0.25, 40
"""Pieces smaller than this part of the largest, with fewer pixels outside the hole, are left away."""

FEATHER_PX = 1.2
HALF_TRUST = 0.03
"""As in confidence.py."""

LEAST_FLOW_PX = 16
"""In smaller pictures no flow is measured."""


@dataclass(frozen=True)
class Layer:
    """What walks by behind one frame's hole, (h, w) of the painted window: colour, how much it covers, the frames that
    lent, and the confidence."""

    colour: FloatImage
    alpha: FloatImage
    frames: ProvenanceMap
    trust: FloatImage

    def over(self, painted: Painted) -> Painted:
        """The frame with the mover in front of its background."""
        change = self.alpha > 0.0
        plate = np.where(change[..., None], painted.plate + self.alpha[..., None] * (self.colour - painted.plate), 0.0)
        plate = np.where(change[..., None], plate, painted.plate).astype(np.float32)
        shown = self.alpha > 0.5
        provenance = np.where(shown, self.frames, painted.provenance).astype(np.int32)
        lower = np.minimum(painted.confidence, self.trust)
        confidence = np.where(shown, self.trust, np.where(change, lower, painted.confidence)).astype(np.float32)
        return replace(painted, plate=plate, provenance=provenance, confidence=confidence)


def fitted(layer: Layer, painted: Painted, own: FloatImage, scale: float) -> Layer:
    """The layer bent to meet what the frame itself, (h, w, 3), shows of the mover, in and around its hole.

    A box holds more than the object. What shows the background is no mover; what shows the mover is kept. `scale`: of
    the working size over the full one.
    """
    kept, off, flow = _met(layer, painted, own, MOST_BEND_PX / scale)
    alpha, colour, trust = bent(layer.alpha, flow), bent(layer.colour, flow), bent(layer.trust, flow)
    frames = bent(layer.frames.astype(np.float32), flow, cv2.INTER_NEAREST).astype(np.int32)
    background = painted.hole & ~differing(painted.plate, own, painted.unseen) & ~kept
    alpha = _without_scraps(np.minimum(alpha, 1.0 - _feathered(background)), painted.hole)
    keep = _feathered(kept)
    alpha = np.where(painted.hole, np.maximum(alpha, keep), np.float32(0.0))
    return Layer(
        np.where(keep[..., None] > 0.0, colour + keep[..., None] * (own - colour), colour).astype(np.float32),
        np.where(alpha > 0.02, alpha, np.float32(0.0)).astype(np.float32),
        np.where(kept, painted.frame, frames).astype(np.int32),
        np.where(kept, HALF_TRUST / (HALF_TRUST + off), trust).astype(np.float32),
    )


def _met(layer: Layer, painted: Painted, own: FloatImage, most_bend_px: float) -> tuple[Mask, FloatImage, FloatImage]:
    """(h, w) where the frame itself shows the mover, and by how much it differs there; (h, w, 2) how the layer must be
    bent to meet it, continued to where it is hidden."""
    front = painted.plate + layer.alpha[..., None] * (layer.colour - painted.plate)
    flow = _flow(own, front)
    there = bent(front, flow)
    off, contrast = _blurred_largest(there - own), _blurred_largest(there - painted.plate)
    kept = (bent(layer.alpha, flow) > 0.5) & (np.hypot(flow[..., 0], flow[..., 1]) < most_bend_px)
    kept &= (off < KEPT_CODES) & (off < KEPT_CONTRAST * contrast)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (KEPT_PX, KEPT_PX))
    kept = cv2.morphologyEx(kept.view(np.uint8), cv2.MORPH_OPEN, disc).astype(bool)
    sure = (kept | (~painted.hole & (off < KEPT_CODES))).astype(np.float32)
    amount = sure + np.float32(FAINT_SURE)
    even = np.dstack([pull_push(np.asarray(flow[..., n] * sure, np.float32), amount) for n in range(2)])
    return kept, off, np.asarray(even, np.float32)


def _feathered(mask: Mask) -> FloatImage:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), FEATHER_PX), np.float32)


def _without_scraps(alpha: FloatImage, hole: Mask) -> FloatImage:
    """The (h, w) alpha without small pieces that hang together with nothing outside the hole."""
    count, label, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.5).view(np.uint8))
    area = stats[:, cv2.CC_STAT_AREA]
    stays = (np.bincount(label[~hole], minlength=count) >= SCRAP_PX) | (area >= SCRAP * area[1:].max(initial=0))
    stays[0] = False
    return np.where(dilate(stays[label], math.ceil(3 * FEATHER_PX)), alpha, np.float32(0.0)).astype(np.float32)


def bent(picture: FloatImage, flow: FloatImage, how: int = cv2.INTER_LINEAR) -> FloatImage:
    """The (h, w, ...) picture, read where the (h, w, 2) flow points to."""
    row, column = np.indices(flow.shape[:2], np.float32)
    x = np.asarray(column + flow[..., 0], np.float32)
    y = np.asarray(row + flow[..., 1], np.float32)
    return np.asarray(cv2.remap(picture, x, y, how, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _flow(here: FloatImage, there: FloatImage) -> FloatImage:
    """(h, w, 2) from one picture to the other."""
    if min(here.shape[:2]) < LEAST_FLOW_PX:
        return np.zeros((*here.shape[:2], 2), np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((*here.shape[:2], 2), np.float32)
    return np.asarray(dis.calc(_luma_8bit(here), _luma_8bit(there), start), np.float32)


def _luma_8bit(rgb: FloatImage) -> NDArray[np.uint8]:
    luma = cv2.cvtColor(np.ascontiguousarray(np.nan_to_num(rgb), np.float32), cv2.COLOR_RGB2GRAY)
    return np.clip(luma * 255.0, 0.0, 255.0).astype(np.uint8)


def _blurred_largest(off: FloatImage) -> FloatImage:
    return np.asarray(cv2.GaussianBlur(largest(np.abs(off)), (0, 0), BLUR_PX), np.float32)
