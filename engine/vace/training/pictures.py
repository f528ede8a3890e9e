"""Pictures of a training: curves of its loss, and sheets of samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_CURVE_SIZE_PX = (480, 800)
_MARGIN_PX = 56
_SMOOTHED_SHARE = 0.02


def save_curve(path: Path, title: str, values: Sequence[float]) -> None:
    """A loss over the steps, logarithmic, raw in gray and smoothed in blue."""
    height, width = _CURVE_SIZE_PX
    picture = np.full((height, width, 3), 255, np.uint8)
    raw = np.log10(np.maximum(np.asarray(values, np.float64), 1e-9))
    if len(raw) > 1:
        low, high = np.percentile(raw, [0.5, 99.5])
        for series, color in ((raw, (200, 200, 200)), (_smoothed(raw), (200, 80, 0))):
            cv2.polylines(picture, [_points(series, low, high, height, width)], False, color, 1, cv2.LINE_AA)
        for level, y in ((high, _MARGIN_PX), (low, height - _MARGIN_PX)):
            _write(picture, f"{10**level:.3g}", (4, y))
    _write(picture, f"{title}, {len(raw)} steps, last {10 ** _smoothed(raw)[-1]:.4g}" if len(raw) else title, (60, 24))
    cv2.imwrite(str(path), picture)


def save_sheet(
    path: Path, rows: Sequence[Sequence[NDArray[np.float32]]], headings: Sequence[str], scale: int = 2
) -> None:
    """Pictures in rows of equal length, each float32 (H, W, 3) in [-1, 1], with a heading over each column."""
    grid = np.concatenate([np.concatenate([_framed(picture, scale) for picture in row], axis=1) for row in rows])
    top = np.full((28, grid.shape[1], 3), 255, np.uint8)
    for column, heading in enumerate(headings):
        _write(top, heading, (column * grid.shape[1] // len(headings) + 4, 18))
    cv2.imwrite(str(path), np.concatenate([top, grid[..., ::-1]]))


def _framed(picture: NDArray[np.float32], scale: int) -> NDArray[np.uint8]:
    pixels = np.rint((np.clip(picture, -1, 1) + 1) * 127.5).astype(np.uint8)
    large = np.repeat(np.repeat(pixels, scale, axis=0), scale, axis=1)
    return np.pad(large, ((0, 4), (0, 4), (0, 0)), constant_values=255)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    length = max(1, round(len(values) * _SMOOTHED_SHARE))
    padded = np.pad(values, (length - 1, 0), mode="edge")
    return np.convolve(padded, np.ones(length) / length, mode="valid")


def _points(series: NDArray[np.float64], low: float, high: float, height: int, width: int) -> NDArray[np.int32]:
    x = np.linspace(_MARGIN_PX, width - 8, len(series))
    share = (series - low) / max(high - low, 1e-9)
    y = height - _MARGIN_PX - share * (height - 2 * _MARGIN_PX)
    return np.rint(np.stack([x, np.clip(y, 0, height)], axis=1)).astype(np.int32)


def _write(picture: NDArray[np.uint8], text: str, at: tuple[int, int]) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
