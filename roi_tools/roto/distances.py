"""How far pixels are from the edge of an antialiased matte, to a fraction of a pixel.

A distance transform measures between pixel centres, so a shape that moves by half a pixel would carry a feather that
jumps by a whole one. Coverage says where in its pixel the edge lies (S. Gustavson, R. Strand, "Anti-aliased Euclidean
distance transform", 2011).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.matte import Matte

_FAR_PX = 1e6
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def distances_px(matte: Matte) -> Matte:
    """Of each pixel's centre from what ``matte`` (h, w), 0 to 1, covers; 0 inside. Far away where it covers nothing."""
    solid = matte >= 0.5
    if not solid.any():
        return np.full(matte.shape, _FAR_PX, np.float32)
    if solid.all():
        return np.zeros(matte.shape, np.float32)
    empty = (~solid).astype(np.uint8)
    between = cv2.distanceTransform(empty, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    _, nearest = cv2.distanceTransformWithLabels(empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    # Of what is solid only its rim is nearest to anything.
    rim = cv2.findNonZero(cv2.dilate(empty, _CROSS) & solid.view(np.uint8))[:, 0]
    columns, rows = rim[:, 0], rim[:, 1]
    by_label = np.zeros(int(nearest.max()) + 1, np.float32)
    by_label[nearest[rows, columns]] = _beyond_centres(matte, rows, columns)
    between -= by_label[nearest]
    between[solid] = 0
    return np.asarray(np.maximum(between, 0, out=between), np.float32)


def _beyond_centres(matte: Matte, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.float32]:
    """How far beyond the centres of solid pixels at the rim the edge next to them lies, along its normal."""
    padded = cv2.copyMakeBorder(matte, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    around = {(dy, dx): padded[rows + 1 + dy, columns + 1 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
    across = np.abs(sum(dx * (2 - abs(dy)) * values for (dy, dx), values in around.items()))
    down = np.abs(sum(dy * (2 - abs(dx)) * values for (dy, dx), values in around.items()))
    # A slanted edge sweeps more area per pixel of its way.
    slant = np.maximum((across + down) / np.maximum(np.hypot(across, down), 1e-6), 1.0)
    beside = np.stack([around[place] for place in ((-1, 0), (1, 0), (0, -1), (0, 1))])
    covered_beside = np.where(beside < 0.5, beside, 0).max(axis=0)
    return np.asarray((around[0, 0] - 0.5 + covered_beside) / slant, np.float32)
