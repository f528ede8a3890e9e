"""Pixels that no frame ever showed."""

from __future__ import annotations

import cv2
import numpy as np

from engine.plate.analysis import box_around
from engine.plate.model import FloatImage, Mask
from roi_tools.geometry import Size

RADIUS_PX = 4.0

CODE_RANGE = 65535.0
"""cv2.inpaint adds a gradient term of about one code value, made for integers: in [0, 1] it would be all one sees."""


def fill_never_seen(rgb: FloatImage, unknown: Mask) -> FloatImage:
    """The (H, W, 3) image with `unknown` filled from its surroundings (Telea 2004), in float: nothing is clipped.

    Where nothing at all is known, mid-gray: there is no surrounding to continue.
    """
    box = box_around(unknown)
    if box is None:
        return rgb
    if unknown.all():
        return np.full_like(rgb, 0.5)
    height, width = unknown.shape
    window = (box.grown(int(RADIUS_PX) + 4).clipped(Size(width, height)) or box).slices
    mask = unknown[window].astype(np.uint8)
    filled = rgb.copy()
    for channel in range(3):
        codes = np.where(mask > 0, 0.0, rgb[window][..., channel]).astype(np.float32) * np.float32(CODE_RANGE)
        done = cv2.inpaint(codes, mask, RADIUS_PX, cv2.INPAINT_TELEA) / np.float32(CODE_RANGE)
        filled[window][..., channel] = np.where(mask > 0, done, rgb[window][..., channel])
    return filled
