"""Mattes as media: gray movies and sequences, in and out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box, frame_box
from timeline.media.frame import ColorTags, Frame, pixel_format
from timeline.media.info import MediaInfo
from timeline.media.writer import delivery_for, open_writer

_CODES = pixel_format("gray16le"), ColorTags(None, None, None, True)
_FLOATS = pixel_format("grayf32le"), ColorTags("bt709", "linear", None, True)


def frame_coverage(frame: Frame, window: Box | None = None) -> NDArray[np.float32]:
    """Coverage from a matte's frame: its gray, luma or red, green, blue maximum as 0 to 1. (h, w) of ``window``.

    YUV counts as limited range (16 to 235 at 8 bits) unless it is tagged full; gray and RGB use all codes.
    """
    form = frame.format
    part = (window or frame_box(frame.size)).slices
    planes = frame.planes[: 3 if form.family == "rgb" else 1]
    drawn = np.max([plane[part] for plane in planes], axis=0).astype(np.float32)
    if form.is_float:
        return np.clip(np.nan_to_num(drawn), 0.0, 1.0)
    limited = form.family == "yuv" and not frame.color.full_range
    black = 16 << (form.bit_depth - 8) if limited else 0
    white = 235 << (form.bit_depth - 8) if limited else form.max_code
    return np.asarray(np.clip((drawn - black) / (white - black), 0.0, 1.0), np.float32)


def write_mattes(
    path: str | os.PathLike[str], mattes: Iterable[NDArray[np.float32]], clip: MediaInfo, *, overwrite: bool = False
) -> None:
    """Write mattes (H, W), 0 to 1, one per frame of ``clip``, as any movie or sequence that can be delivered.

    16-bit gray where the delivery holds it, float in EXR. They are taken one after the other. Raises MediaError and
    its subclasses.
    """
    # Coverage is a share of an area, not light: as light, codes would be bent on their way into a float file.
    form, color = _FLOATS if delivery_for(path).kind == "exr" else _CODES
    info = replace(clip, format=form, stored_format=form.name, color=color, path=os.fspath(path))
    with open_writer(path, info, overwrite=overwrite) as writer:
        for matte in mattes:
            covered = np.clip(matte, 0.0, 1.0)
            codes = covered if form.is_float else np.rint(covered * form.max_code)
            writer.write(Frame((codes.astype(form.dtype),), form, color))
