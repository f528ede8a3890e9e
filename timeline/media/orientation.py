"""Upright pictures from cameras that store them turned (phones held upright)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from timeline.media.frame import Frame, PixelFormat, pixel_format

_TURNED_CHROMA = {"422": "440", "440": "422"}


def turned(frame: Frame, quarter_turns: int) -> Frame:
    """``frame`` turned counter-clockwise by ``quarter_turns`` times 90 degrees; samples move, none changes."""
    if quarter_turns % 4 == 0:
        return frame
    pixels = frame.format if quarter_turns % 2 == 0 else _turned_format(frame.format)
    return replace(frame, planes=tuple(np.rot90(plane, quarter_turns) for plane in frame.planes), format=pixels)


def can_turn(pixels: PixelFormat) -> bool:
    """Whether a quarter turn has a pixel format: 4:1:1 has none."""
    return pixels.chroma_shift_x < 2 or pixels.chroma_shift_x == pixels.chroma_shift_y


def _turned_format(pixels: PixelFormat) -> PixelFormat:
    for chroma, other in _TURNED_CHROMA.items():
        if chroma in pixels.name:
            return pixel_format(pixels.name.replace(chroma, other, 1))
    return pixels
