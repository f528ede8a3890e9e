"""The maps of finished frames: from an effect's image to the frame cache, and out as image sequences."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import OutputError
from engine.ofx.clips import MatteClip
from engine.ofx.effect import GENERATED, SYNTHESISED, UNTOUCHED, RenderedImage
from engine.render.frame_cache import FrameStatistics
from roi_tools.geometry import Size
from timeline.media.frame_maps import FrameMaps, confidence_codes

_DEFLATE = 8
"""TIFF compression "Adobe deflate", which every reader of 32-bit TIFF knows."""


def maps_of(image: RenderedImage, matte: MatteClip, frame: int) -> FrameMaps | None:
    """What the effect says of its image, inside the matte only; None where it says nothing."""
    if image.provenance is None:
        return None
    bounds = matte.bounds(frame) or image.window
    place = bounds.shifted(-image.window.x0, -image.window.y0).slices
    inside = matte.image(frame, bounds) > 0
    provenance = np.where(inside, image.provenance[place], UNTOUCHED).astype(np.int32)
    confidence = never = None
    if image.confidence is not None:
        confidence = np.where(inside, image.confidence[place], 1.0).astype(np.float32)
    if image.never_visible is not None:
        never = image.never_visible[place] & inside
    return FrameMaps(bounds, provenance, confidence, never)


def statistics_of(image: RenderedImage, matte: MatteClip, frame: int) -> FrameStatistics:
    """How many of the matte's pixels came from where, and how sure they are."""
    inside = matte.image(frame, image.window) > 0
    marked = int(np.count_nonzero(inside))
    if image.provenance is None:
        return FrameStatistics(marked)
    origin = image.provenance[inside]
    kept, generated = origin == frame, origin == GENERATED
    return FrameStatistics(
        marked,
        recovered_px=int(np.count_nonzero((origin >= 0) & ~kept)),
        kept_px=int(np.count_nonzero(kept)),
        synthesised_px=int(np.count_nonzero((origin == SYNTHESISED) | generated)),
        generated_px=int(np.count_nonzero(generated)),
        never_visible_px=None if image.never_visible is None else int(np.count_nonzero(image.never_visible[inside])),
        confidence_px=None if image.confidence is None else float(image.confidence[inside].sum(dtype=np.float64)),
    )


def total(parts: Sequence[FrameStatistics]) -> FrameStatistics:
    """The sum over frames; what one of them does not say is unknown."""

    def summed(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if known and len(known) == len(parts) else None

    counts = {field.name: summed(getattr(part, field.name) for part in parts) for field in fields(FrameStatistics)}
    return FrameStatistics(**{**counts, "matte_px": sum(part.matte_px for part in parts)})  # type: ignore[arg-type]


class MapSequences:
    """Writes maps as image sequences of the frame's size, one file per map and frame, each atomically.

    ``provenance.######.tif``: 32-bit float, the number of the source frame, -1 invented, -2 not marked,
    -3 invented by a model.
    ``confidence.######.png``: 16-bit gray, 65535 = 1; what was not marked is 1. ``never_visible.######.png``: 8-bit
    gray, 255 where no frame within reach shows what is behind. Numbers are those of the source's own files, or count
    from 0 for a movie (``first_number``), in names and in provenance.
    """

    def __init__(self, folder: Path, size: Size, first_number: int) -> None:
        self._folder, self._size, self._first = folder, size, first_number

    def write(self, frame: int, maps: FrameMaps | None) -> None:
        """Writes the maps of one frame; None: nothing is marked on it. Raises OutputError."""
        for name, ending, picture in self._pictures(maps):
            parameters = (
                [cv2.IMWRITE_TIFF_COMPRESSION, _DEFLATE] if ending == "tif" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
            )
            ok, data = cv2.imencode(f".{ending}", picture, parameters)
            if not ok:
                raise OutputError(f"a {self._size} map cannot be encoded as .{ending}; please report this")
            _write(self._folder / f"{name}.{self._first + frame:06d}.{ending}", data.tobytes())

    def _pictures(self, maps: FrameMaps | None) -> list[tuple[str, str, NDArray]]:
        shape = self._size.height_px, self._size.width_px
        provenance = np.full(shape, UNTOUCHED, np.float32)
        confidence, never = np.ones(shape, np.float32), np.zeros(shape, np.uint8)
        if maps is not None:
            place, origin = maps.box.slices, maps.provenance
            provenance[place] = np.where(origin >= 0, origin + self._first, origin)
            # What was invented has no confidence, whether or not the effect says so.
            confidence[place] = np.where(maps.invented, 0.0, 1.0) if maps.confidence is None else maps.confidence
            if maps.never_visible is not None:
                never[place] = np.where(maps.never_visible, 255, 0)
        return [
            ("provenance", "tif", provenance),
            ("confidence", "png", confidence_codes(confidence)),
            ("never_visible", "png", never),
        ]


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(
            f"the map {path} cannot be written: {error.strerror}; choose another maps folder; the clip itself is done"
        ) from error
