"""Measures the clean-plate recovery on clips whose true background is known, beside simpler methods.

    .venv/bin/python -m bench.clean_plate [CASE_FOLDER...] [--matte] [--made] [--sheet SHEET.png]
    .venv/bin/python -m bench.clean_plate --real CLIP_FOLDER... --sheets FOLDER

A case folder holds src.mp4 (with the object), gt.mp4 (the true background) and boxes.json,
{"boxes": [[x0, y0, x1, y1] or null per frame]}; the whole box is the hole. With --matte it is mask.mkv, the object's
own matte, grown by 4 px. --made adds the shots of bench/clean_plate_shots.py. Per case and method: mean PSNR (capped at
60 dB a frame) and SSIM inside the boxes, flicker (mean absolute change of the error from frame to frame, in 8-bit
codes), and seconds per frame. The sheet shows, for each case, the three worst frames: source, recovered, truth.

delogo needs an ffmpeg program: the one on the search path, or `pip install -e .[bench]`. Without one it is left out.

--real takes clips without truth, clip.mp4 and boxes.json, and writes a sheet of the five worst frames of each, judged
by bench/clean_plate_real.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.clean_plate_cases import Case, Picture, Video, load_case, load_real
from bench.clean_plate_methods import (
    find_ffmpeg,
    with_clean_plate,
    with_delogo,
    with_navier_stokes,
    with_telea,
    with_temporal_median,
)
from bench.clean_plate_real import clean, sheet, worst_frames
from bench.clean_plate_shots import made_shots

SHEET_ROWS = 3
PSNR_CAP_DB = 60.0

Method = Callable[[Case], Video]


@dataclass(frozen=True)
class Score:
    """How near a result comes to the truth; `worst` lists its frames, worst first."""

    psnr_db: float
    ssim: float
    flicker: float
    worst: list[int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", type=Path, metavar="CASE_FOLDER")
    parser.add_argument("--matte", action="store_true", help="the grown mask.mkv is the hole, not the whole box")
    parser.add_argument("--made", action="store_true", help="also the shots that the benchmark makes itself")
    parser.add_argument("--seed", type=int, default=7, help="of the made shots' grain")
    parser.add_argument("--sheet", type=Path, help="writes a picture of the worst frames")
    parser.add_argument("--real", nargs="+", type=Path, default=[], metavar="CLIP_FOLDER", help="clips without truth")
    parser.add_argument("--sheets", type=Path, help="the folder for the sheets of --real, one per clip")
    given = parser.parse_args()
    if given.real and given.sheets is None:
        parser.error("--real needs --sheets FOLDER, where the sheets are written")
    cases = [load_case(folder, given.matte) for folder in given.cases]
    cases += [Case(*shot) for shot in made_shots(given.seed)] if given.made else []
    if cases:
        compare(cases, given.sheet)
    for folder in given.real:
        show_worst(folder, given.sheets)


def show_worst(folder: Path, sheets: Path) -> None:
    """Renders a clip without truth and writes its sheet."""
    case = load_real(folder)
    worst = worst_frames(clean(case))
    for found in worst:
        Console().print(f"{case.name} frame {found.cleaned.frame}: {found.measure} {found.value:.2f}")
    sheets.mkdir(parents=True, exist_ok=True)
    write_picture(sheets / f"{case.name}.png", sheet(case.name, worst))


def compare(cases: list[Case], sheet_path: Path | None) -> None:
    """Prints the table, all methods in one run."""
    table = Table("case", "method", "PSNR dB", "SSIM", "flicker", "s/frame", "time : Telea")
    rows: list[Picture] = []
    for case in cases:
        telea_s = 0.0
        for name, method in methods().items():
            result, seconds = timed(method, case)
            got = score(case, result)
            telea_s = telea_s or seconds
            figures = f"{got.psnr_db:.2f}", f"{got.ssim:.4f}", f"{got.flicker:.2f}", f"{seconds:.3f}"
            table.add_row(case.name, name, *figures, f"{seconds / telea_s:.1f}")
            if method is with_clean_plate:
                rows += sheet_rows(case, result, got.worst)
    Console().print(table)
    if sheet_path is not None:
        write_picture(sheet_path, stacked(rows))


def methods() -> dict[str, Method]:
    """What is compared; delogo where an ffmpeg program has it."""
    program = find_ffmpeg()
    if program is None:
        Console().print("no ffmpeg with delogo here: pip install -e .[bench], or put ffmpeg on the search path")
    delogo: dict[str, Method] = {} if program is None else {"delogo": partial(with_delogo, program=program)}
    return {
        "Telea": with_telea,
        "Navier-Stokes": with_navier_stokes,
        **delogo,
        "temporal median": with_temporal_median,
        "clean-plate": with_clean_plate,
    }


def write_picture(path: Path, picture: Picture) -> None:
    if not cv2.imwrite(str(path), picture):
        raise SystemExit(f"cannot write the sheet {path}; choose a folder that exists and a .png name")


def timed(method: Method, case: Case) -> tuple[Video, float]:
    """The result and the seconds per frame."""
    start = time.perf_counter()
    result = method(case)
    return result, (time.perf_counter() - start) / len(case.source)


def score(case: Case, result: Video) -> Score:
    psnr: dict[int, float] = {}
    ssim: list[float] = []
    flicker: list[float] = []
    for n, box in enumerate(case.boxes):
        if box is None:
            continue
        error = result[n].astype(np.float64) - case.truth[n]
        mean_square = float(np.square(error[box.slices]).mean())
        psnr[n] = min(10 * np.log10(255**2 / max(mean_square, 1e-9)), PSNR_CAP_DB)
        ssim.append(float(ssim_map(result[n], case.truth[n])[box.slices].mean()))
        if n > 0:
            before = result[n - 1].astype(np.float64) - case.truth[n - 1]
            flicker.append(float(np.abs(error - before)[box.slices].mean()))
    worst = sorted(psnr, key=lambda n: psnr[n])
    return Score(float(np.mean(list(psnr.values()))), float(np.mean(ssim)), float(np.mean(flicker or [0.0])), worst)


def ssim_map(a: Picture, b: Picture) -> NDArray[np.float64]:
    """SSIM of the luma per pixel (Wang et al. 2004: Gaussian window of 11, sigma 1.5)."""
    x, y = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float64) for image in (a, b))
    mean_x, mean_y, xx, yy, xy = (cv2.GaussianBlur(v, (11, 11), 1.5) for v in (x, y, x * x, y * y, x * y))
    c1, c2 = 6.5025, 58.5225
    covariance, variances = xy - mean_x * mean_y, xx - mean_x**2 + yy - mean_y**2
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return np.asarray(top / ((mean_x**2 + mean_y**2 + c1) * (variances + c2)), np.float64)


def sheet_rows(case: Case, result: Video, worst: list[int]) -> list[Picture]:
    rows = []
    for n in worst[:SHEET_ROWS]:
        row = np.hstack([case.source[n], result[n], case.truth[n]])
        cv2.putText(row, f"{case.name} {n}", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 255, 255), 2)
        rows.append(row)
    return rows


def stacked(rows: list[Picture]) -> Picture:
    """The rows under each other, brought to one width."""
    width = max(row.shape[1] for row in rows)
    scaled = [cv2.resize(row, (width, round(row.shape[0] * width / row.shape[1]))) for row in rows]
    return np.asarray(np.vstack(scaled), np.uint8)


if __name__ == "__main__":
    main()
