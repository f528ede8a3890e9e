"""Writes the cleaned clip and proves that nothing changed outside the matte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import OutputError, OutputExistsError, RenderFailedError
from engine.ofx.clips import MatteClip
from engine.protocol import Output
from engine.render.clips import Plate
from engine.render.compositing import writable
from timeline.errors import MediaExistsError, MediaWriteError
from timeline.media.frame import Frame
from timeline.media.info import MediaInfo
from timeline.media.reader import open_media
from timeline.media.writer import open_writer
from timeline.time import frames_to_timecode, timecode_to_frames

LARGEST_DIFFERENCE = float(np.finfo(np.float32).max)
"""Stands for "a number here, inf or nan there", which JSON cannot say."""
Step = Callable[[int], None]
"""Called with the number of frames done; raises CancelledError to stop."""


def deliver(output: Output, info: MediaInfo, result: Plate, frames: range, step: Step) -> None:
    """Writes ``frames`` of ``result``; on an error or a cancel nothing half-written stays. Raises OutputError."""
    try:
        with open_writer(output.path, info_from(info, frames.start), overwrite=output.overwrite) as writer:
            for done, frame in enumerate(frames, start=1):
                writer.write(result.native(frame))
                step(done)
    except MediaExistsError as error:
        raise OutputExistsError(str(error)) from error
    except MediaWriteError as error:
        raise OutputError(str(error)) from error


def info_from(info: MediaInfo, start: int) -> MediaInfo:
    """``info`` of a clip that begins at frame ``start``: its timecode and its files' numbers begin there too."""
    if start == 0:
        return info
    timecode = info.timecode
    if timecode is not None:
        first = timecode_to_frames(timecode, info.rate) + start
        timecode = frames_to_timecode(first, info.rate, drop_frame=";" in timecode)
    number = None if info.first_file_number is None else info.first_file_number + start
    return replace(info, timecode=timecode, first_file_number=number)


def outside_difference(
    output: Output, info: MediaInfo, source: Plate, mattes: Sequence[MatteClip], frames: range, step: Step
) -> dict[str, float]:
    """Decodes the output again: the largest |output - source| outside the mattes per plane, in code values.

    Raises RenderFailedError when the output does not hold the frames that were written.
    """
    worst: dict[str, float] = {}
    with open_media(output.path) as written:
        first = _first_index(written.info, info_from(info, frames.start))
        _check_length(written.info, first, len(frames))
        for index, frame in enumerate(frames):
            supports = [matte.image(frame) > 0 for matte in mattes if matte.bounds(frame)]
            found = _differences(written.read(first + index), source.native(frame), supports, output.path)
            worst = {name: max(value, worst.get(name, 0.0)) for name, value in found.items()}
            step(index + 1)
    return worst


def _first_index(written: MediaInfo, wanted: MediaInfo) -> int:
    """Where our first frame is: older files of the same pattern may lie before it."""
    if written.first_file_number is None or wanted.first_file_number is None:
        return 0
    return wanted.first_file_number - written.first_file_number


def _check_length(written: MediaInfo, first: int, count: int) -> None:
    there = written.frame_count - first
    if there < count or (written.kind == "movie" and there != count):
        raise RenderFailedError(f"{written.path} holds {there} frames, but {count} were written; render it again")


def _differences(written: Frame, source: Frame, supports: Sequence[NDArray[np.bool_]], path: str) -> dict[str, float]:
    form = source.format
    if written.format != form or written.size != source.size:
        raise RenderFailedError(
            f"{path} decodes as {written.size} {written.format.name}, but the source is {source.size} {form.name}; "
            "please report this"
        )
    return {
        name: _difference(written.planes[n], source.planes[n], _allowed(source, supports, n))
        for n, name in enumerate(form.plane_names)
    }


def _allowed(source: Frame, supports: Sequence[NDArray[np.bool_]], plane: int) -> NDArray[np.bool_]:
    """Samples of the plane that a pass may have written; alpha never changes."""
    allowed = np.zeros(source.planes[plane].shape, np.bool_)
    if plane < len(source.color_planes):
        for support in supports:
            allowed |= writable(support, source.format.plane_shifts(plane))
    return allowed


def _difference(written: NDArray, source: NDArray, allowed: NDArray[np.bool_]) -> float:
    """Largest difference where nothing may change; floats that are the same bits (inf, nan) do not differ."""
    changed = (written != source) & ~allowed
    if np.issubdtype(source.dtype, np.floating):
        changed &= (written == written) | (source == source)
    if not changed.any():
        return 0.0
    gap = np.abs(written[changed].astype(np.float64) - source[changed].astype(np.float64)).max()
    return float(gap) if np.isfinite(gap) else LARGEST_DIFFERENCE
