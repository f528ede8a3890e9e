"""Boxes from motion: what moves against the camera on a frame, proposed to the artist."""

from __future__ import annotations

import cv2
import numpy as np

from roi_tools.shapes import RectF
from roi_tools.tracking.camera import Camera
from roi_tools.tracking.outline import departure_threshold
from roi_tools.tracking.working import FrameSource, WorkingFrames

_JOIN_PX = 9
"""Parts of one thing (a leg, a wheel) lie closer than this at the working scale."""
_SOLID_PX = 3


def moving_boxes(
    source: FrameSource, span: range, frame: int, smallest_share: float = 0.002, margin_px: float = 8.0
) -> tuple[RectF, ...]:
    """Boxes (source px) around what departs from the background on ``frame``, the largest first.

    The background is what the frames of ``span`` around it show, moved by the camera. Smaller things than
    ``smallest_share`` of the picture are left out; ``margin_px`` is added on every side, clipped to the picture.
    """
    frames = WorkingFrames(source)
    camera = Camera(frames, span)
    moves = (np.nan_to_num(camera.departure(frame)) > departure_threshold(camera.noise(frame))).astype(np.uint8)
    solid = cv2.morphologyEx(moves, cv2.MORPH_OPEN, np.ones((_SOLID_PX, _SOLID_PX), np.uint8))
    joined = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((_JOIN_PX, _JOIN_PX), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(joined, np.uint8), connectivity=8)
    large = [row for row in stats[1:] if row[cv2.CC_STAT_AREA] >= smallest_share * moves.size]
    large.sort(key=lambda row: -int(row[cv2.CC_STAT_AREA]))
    height, width = moves.shape
    limits = np.array([width, height, width, height]) / frames.scale
    result = []
    for left, top, columns, rows, _ in large:
        edges = np.array([left, top, left + columns, top + rows]) / frames.scale
        edges = np.clip(edges + margin_px * np.array([-1, -1, 1, 1]), 0, limits)
        result.append(RectF(*map(float, edges)))
    return tuple(result)
