"""Reference images: a texture or a hand-painted plate that the model may draw on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import ParameterError
from engine.vace.shot.transfer import to_model
from roi_tools.geometry import Box, Size
from timeline.errors import MediaError
from timeline.media.color import frame_to_rgb
from timeline.media.reader import open_media

_BORDER_TOLERANCE = 3.0 / 255.0
"""How far a flat background may vary: JPEG ringing stays below it."""


def load_reference(path: str, size: Size, *, is_cropped: bool) -> NDArray[np.float32]:
    """An image fitted to the model's raster on white, as Wan was trained: float32 (H, W, 3) in [-1, 1].

    ``is_cropped`` cuts the flat background around the thing away first, so that the thing fills the raster: shown
    small in a full frame, it reaches the model as a few tokens. Raises ParameterError where the image can't be read.
    """
    picture = read_picture(path)
    if is_cropped:
        picture = picture[thing_bounds(picture).slices]
    return _on_white(picture, size)


def read_picture(path: str) -> NDArray[np.float32]:
    """The first frame of an image or movie, (h, w, 3) in [-1, 1]. Raises ParameterError."""
    try:
        with open_media(Path(path).expanduser()) as reader:
            frame = reader.read(0)
    except MediaError as error:
        raise ParameterError(f"parameter 'reference_image': {error}") from error
    return to_model(frame_to_rgb(frame), frame.format.is_float)


def reference_facts(path: str) -> tuple[Size, Box]:
    """Size of a reference image, and the bounds of the thing in it. Raises ParameterError."""
    picture = read_picture(path)
    return Size(picture.shape[1], picture.shape[0]), thing_bounds(picture)


def thing_bounds(picture: NDArray[np.float32]) -> Box:
    """Bounds of what differs from the flat color around it; the whole picture where its border is not flat."""
    height, width = picture.shape[:2]
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    background = np.median(border, axis=0)
    if np.abs(border - background).max() > 2 * _BORDER_TOLERANCE:
        return Box(0, 0, width, height)
    differs = np.abs(picture - background).max(axis=2) > 2 * _BORDER_TOLERANCE
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not rows.size:
        return Box(0, 0, width, height)
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _on_white(picture: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    """Scaled as large as it fits, aspect kept, centred."""
    height, width = picture.shape[:2]
    scale = min(size.width_px / width, size.height_px / height)
    fitted = max(int(width * scale), 1), max(int(height * scale), 1)
    resized = cv2.resize(picture, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    canvas = np.ones((size.height_px, size.width_px, 3), np.float32)
    top, left = (size.height_px - fitted[1]) // 2, (size.width_px - fitted[0]) // 2
    canvas[top : top + fitted[1], left : left + fitted[0]] = np.clip(resized, -1.0, 1.0)
    return canvas
