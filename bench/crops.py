"""Measures the vace effect's crops on things that cross the picture, on shots whose truth is known.

    .venv/bin/python -m bench.crops CLIPS_FOLDER [--model starter-vace] [--steps 8] [--sheet SHEET.png]

A flat box is painted over a part of each clip that SHOTS names (see bench.hybrid) and crosses it; what is under it is
the truth. Per crop: its size and what the model works at, PSNR, SSIM and flicker in the box, how much the window's
speed changes at most (px per frame and frame), and the seconds that the render took.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.hybrid import Case, Shot, codes, load, measured
from bench.recipe_cases import Silence, Video
from engine.effects.vace import Vace
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterValue
from engine.vace.shot.crops import planned_crop
from roi_tools.crop_path import CropPath
from roi_tools.geometry import Box, Size
from roi_tools.gliding_crop import GlidingCropPath

SHOTS = (
    Shot("bear", 10, Box(40, 40, 110, 130), (22, 2)),
    Shot("bear", 10, Box(40, 40, 110, 130), (14, 1), frames=49),
    Shot("dog-path", 20, Box(430, 60, 500, 160), (18, 10)),
    Shot("dog-path", 20, Box(430, 60, 500, 160), (7, 3), frames=49),
    Shot("tennis", 10, Box(480, 150, 550, 250), (17, 4)),
)
KINDS = ("static", "following", "gliding")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, metavar="CLIPS_FOLDER")
    parser.add_argument("--model", default="starter-vace")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--sheet", type=Path, help="writes the middle frame of every line")
    given = parser.parse_args()
    table, rows = Table("clip", "crop", "window", "works at", "PSNR dB", "SSIM", "flicker", "bends", "s"), []
    for case in (load(given.clips, shot) for shot in SHOTS):
        row = [codes(case.filmed[len(case.filmed) // 2])]
        for kind in KINDS:
            values: dict[str, ParameterValue] = {"crop": kind, "model": given.model, "steps": given.steps}
            effect = Vace(ParameterSet(Vace.describe(), {**values, "preview": False}), case.clips, Silence())
            start = time.perf_counter()
            made = rendered(case, effect)
            seconds = time.perf_counter() - start
            size = Size(case.truth.shape[2], case.truth.shape[1])
            crop = planned_crop(dict(enumerate(case.boxes)), size, effect.parameters)
            got = measured(case, made)
            figures = (f"{got.psnr_db:.2f}", f"{got.ssim:.4f}", f"{got.flicker:.2f}", f"{bends(crop, len(made)):.2f}")
            table.add_row(
                f"{case.name}, {len(made)} frames",
                kind,
                str(crop.window.size),
                str(crop.working_size),
                *figures,
                f"{seconds:.1f}",
            )
            row.append(codes(made[len(made) // 2]))
        rows.append(np.hstack(row))
    Console(width=110).print(table)
    if given.sheet:
        width = max(row.shape[1] for row in rows)
        padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows]
        if not cv2.imwrite(str(given.sheet), np.vstack(padded)[..., ::-1]):
            raise SystemExit(f"cannot write {given.sheet}; choose a folder that exists and a .png name")


def rendered(case: Case, effect: Vace) -> Video:
    frames = range(len(case.truth))
    made = case.filmed.copy()
    effect.begin_sequence_render(frames)
    for frame in frames:
        image = effect.render(frame)
        made[frame][image.window.slices] = np.clip(image.rgb, 0, 1)
    effect.end_sequence_render()
    return made


def bends(crop: CropPath, frames: int) -> float:
    """The largest change of the window's speed."""
    if isinstance(crop, GlidingCropPath):
        corners = [crop.corner_at(frame) for frame in range(frames)]
    else:
        windows = [crop.window_at(frame) for frame in range(frames)]
        corners = [(float(window.x0), float(window.y0)) for window in windows]
    return float(np.abs(np.diff(np.array(corners), 2, axis=0)).max())


if __name__ == "__main__":
    main()
