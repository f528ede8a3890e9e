"""The loop over the points that a step moves; see flow.py. Compiled: to be imported inside functions only."""

from __future__ import annotations

import numpy as np

from engine.plate.alignment import Matrix
from engine.plate.compiled import compiled
from engine.plate.model import FloatImage, Points


@compiled
def advance(
    points: Points, matrix: Matrix, residual: FloatImage, window: tuple[int, int, int, int], scale: tuple[float, float]
) -> Points:
    """(N, 2) full-size positions, moved by the residual where they are in its window, then by the homography.

    `residual`: (h, w, 2), empty for none, as coarse as it is; `window`: its x0, y0, x1, y1 at the analysis size, which
    is `scale` times the full one.
    """
    out = np.empty(points.shape, np.float32)
    rows, columns = residual.shape[:2]
    x0, y0, x1, y1 = window
    for n in range(points.shape[0]):
        x, y = (points[n, 0] + 0.5) * scale[0] - 0.5, (points[n, 1] + 0.5) * scale[1] - 0.5
        if rows > 0 and x >= x0 and y >= y0 and x <= x1 - 1 and y <= y1 - 1:
            across = min(max((x - x0 + 0.5) * columns / (x1 - x0) - 0.5, 0.0), columns - 1.0)
            down = min(max((y - y0 + 0.5) * rows / (y1 - y0) - 0.5, 0.0), rows - 1.0)
            left, top = int(across), int(down)
            right, bottom = across - left, down - top
            next_left, next_top = min(left + 1, columns - 1), min(top + 1, rows - 1)
            by = np.zeros(2)
            for axis in range(2):
                upper = residual[top, left, axis] * (1.0 - right) + residual[top, next_left, axis] * right
                lower = residual[next_top, left, axis] * (1.0 - right) + residual[next_top, next_left, axis] * right
                by[axis] = upper * (1.0 - bottom) + lower * bottom
            x, y = x + by[0], y + by[1]
        away = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
        out[n, 0] = ((matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / away + 0.5) / scale[0] - 0.5
        out[n, 1] = ((matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / away + 0.5) / scale[1] - 0.5
    return out
