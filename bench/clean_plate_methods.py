"""Simple ways to fill a box, to compare the clean plate with; each returns the whole clip."""

from __future__ import annotations

import shutil
import subprocess

import cv2
import numpy as np

from bench.clean_plate_cases import Case, Picture, Video
from engine.plate.analysis import box_around
from engine.plate.model import OUTSIDE_HOLE, PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from roi_tools.geometry import Box

MEDIAN_REACH_FRAMES = 40


def with_telea(case: Case) -> Video:
    return per_frame(case, cv2.INPAINT_TELEA)


def with_navier_stokes(case: Case) -> Video:
    return per_frame(case, cv2.INPAINT_NS)


def per_frame(case: Case, method: int) -> Video:
    return [
        np.asarray(cv2.inpaint(image, case.hole(n).view(np.uint8), 3.0, method), np.uint8) if case.boxes[n] else image
        for n, image in enumerate(case.source)
    ]


def with_temporal_median(case: Case) -> Video:
    """Of what the frames around show at the same place; Telea where none shows anything."""
    result = with_telea(case)
    holes = [case.hole(n) for n in range(len(case.source))]
    for n, box in enumerate(case.boxes):
        if box is None:
            continue
        near = range(max(n - MEDIAN_REACH_FRAMES, 0), min(n + MEDIAN_REACH_FRAMES + 1, len(case.source)))
        seen = np.stack([~holes[m][box.slices] for m in near])
        stack = np.ma.array(
            np.stack([case.source[m][box.slices] for m in near]), mask=np.repeat(~seen[..., None], 3, axis=3)
        )
        shown = seen.any(axis=0) & holes[n][box.slices]
        median = np.ma.median(stack, axis=0).filled(0.0)
        result[n] = result[n].copy()
        result[n][box.slices][shown] = np.rint(median).astype(np.uint8)[shown]
    return result


def find_ffmpeg() -> str | None:
    """An ffmpeg program with delogo: the one on the search path, or that of the `bench` extra; None without either.

    PyAV's FFmpeg is built without the GPL, and so without this filter.
    """
    programs = [shutil.which("ffmpeg"), _ffmpeg_of_the_extra()]
    return next((program for program in programs if program is not None and _has_delogo(program)), None)


def _ffmpeg_of_the_extra() -> str | None:
    try:
        import imageio_ffmpeg
    except ImportError:
        return None
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def _has_delogo(program: str) -> bool:
    listed = subprocess.run([program, "-hide_banner", "-filters"], capture_output=True, text=True, check=True)
    return " delogo " in listed.stdout


def with_delogo(case: Case, program: str) -> Video:
    """ffmpeg's delogo over the box around the hole. It needs a pixel of picture on every side, so a box at the frame's
    edge keeps its outermost row."""
    height, width = case.source[0].shape[:2]
    inner = Box(1, 1, width - 1, height - 1)
    filters = ["format=yuv444p"]
    for n, box in enumerate(case.boxes):
        area = None if box is None else box.intersected(inner)
        if area is not None:
            place = f"x={area.x0}:y={area.y0}:w={area.width_px}:h={area.height_px}"
            filters.append(f"delogo={place}:enable='eq(n,{n})'")
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24"]
    command = [program, "-v", "error", *raw, "-s", f"{width}x{height}", "-i", "-", "-vf", ",".join(filters), *raw, "-"]
    done = subprocess.run(command, input=b"".join(image.tobytes() for image in case.source), capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"{program} failed on {case.name}: {done.stderr.decode(errors='replace').strip()}")
    filled = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    return [_pasted(image, filled[n], case.hole(n)) for n, image in enumerate(case.source)]


def _pasted(below: Picture, filled: Picture, hole: np.ndarray) -> Picture:
    return below if box_around(hole) is None else np.where(hole[..., None], filled, below)


def with_clean_plate(case: Case) -> Video:
    return [image for image, _ in clean_plates(case)]


def clean_plates(case: Case) -> list[tuple[Picture, RecoveredFrame]]:
    """Every frame cleaned, with the plate's own account of it."""
    frames = range(len(case.source))
    cleaned = []
    for done in recover(case, frames, frames, PlateSettings(), lambda share: None):
        image = case.source[done.frame].copy()
        if done.box is not None:
            codes = np.clip(np.rint(done.rgb[..., ::-1] * 255.0), 0, 255).astype(np.uint8)
            inside = done.provenance != OUTSIDE_HOLE
            image[done.box.slices][inside] = codes[inside]
        cleaned.append((image, done))
    return cleaned
