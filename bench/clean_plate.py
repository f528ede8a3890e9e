"""Measures the clean-plate recovery on clips whose true background is known, beside simpler methods.

    .venv/bin/python -m bench.clean_plate [CASE_FOLDER...] [--matte] [--made] [--sheet SHEET.png]

A case folder holds src.mp4 (with the object), gt.mp4 (the true background) and boxes.json,
{"boxes": [[x0, y0, x1, y1] or null per frame]}; the whole box is the hole. With --matte it is mask.mkv, the object's
own matte, grown by 4 px. --made adds the shots of bench/clean_plate_shots.py. Per case and method: mean PSNR (capped at
60 dB a frame) and SSIM inside the boxes, flicker (mean absolute change of the error from frame to frame, in 8-bit
codes), and seconds per frame. The sheet shows, for each case, the three worst frames: source, recovered, truth.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.clean_plate_shots import made_shots
from engine.plate.analysis import dilate
from engine.plate.model import OUTSIDE_HOLE, PlateSettings
from engine.plate.recover import recover
from roi_tools.geometry import Box

Video = list[NDArray[np.uint8]]
"""8-bit B'G'R' frames, as OpenCV decodes them."""

SHEET_ROWS = 3
MATTE_GROW_PX = 4
MEDIAN_REACH_FRAMES = 40
PSNR_CAP_DB = 60.0


@dataclass(frozen=True)
class Case:
    """One clip with its truth."""

    name: str
    source: Video
    truth: Video
    boxes: list[Box | None]
    mattes: list[NDArray[np.bool_]] | None = None

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See PlateSource."""
        image = self.source[frame] if window is None else self.source[frame][window.slices]
        return np.asarray(image[..., ::-1], np.float32) / np.float32(255.0)

    def hole(self, frame: int) -> NDArray[np.bool_]:
        """See PlateSource."""
        if self.mattes is not None:
            return self.mattes[frame]
        mask = np.zeros(self.source[frame].shape[:2], bool)
        box = self.boxes[frame]
        if box is not None:
            mask[box.slices] = True
        return mask


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
    parser.add_argument("--sheet", type=Path, help="writes a picture of the worst frames")
    given = parser.parse_args()
    table = Table("case", "method", "PSNR dB", "SSIM", "flicker", "s/frame", "time : Telea")
    rows: list[NDArray[np.uint8]] = []
    cases = [load_case(folder, given.matte) for folder in given.cases]
    cases += [Case(*shot) for shot in made_shots()] if given.made else []
    for case in cases:
        telea_s = 0.0
        for name, method in METHODS.items():
            result, seconds = timed(method, case)
            got = score(case, result)
            telea_s = telea_s or seconds
            figures = f"{got.psnr_db:.2f}", f"{got.ssim:.4f}", f"{got.flicker:.2f}", f"{seconds:.3f}"
            table.add_row(case.name, name, *figures, f"{seconds / telea_s:.1f}")
            if method is with_clean_plate:
                rows += sheet_rows(case, result, got.worst)
    Console().print(table)
    if given.sheet is not None and not cv2.imwrite(str(given.sheet), stacked(rows)):
        raise SystemExit(f"cannot write the sheet {given.sheet}; choose a folder that exists and a .png name")


def load_case(folder: Path, with_matte: bool) -> Case:
    boxes = json.loads((folder / "boxes.json").read_text())["boxes"]
    return Case(
        folder.name,
        read_video(folder / "src.mp4"),
        read_video(folder / "gt.mp4"),
        [None if box is None else Box(*box) for box in boxes],
        [dilate(image[..., 0] > 0, MATTE_GROW_PX) for image in read_video(folder / "mask.mkv")] if with_matte else None,
    )


def read_video(path: Path) -> Video:
    capture = cv2.VideoCapture(str(path))
    frames: Video = []
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        frames.append(np.asarray(frame, np.uint8))
    if not frames:
        raise SystemExit(f"no frames in {path}; is it a case folder?")
    return frames


def timed(method: Callable[[Case], Video], case: Case) -> tuple[Video, float]:
    """The result and the seconds per frame."""
    start = time.perf_counter()
    result = method(case)
    return result, (time.perf_counter() - start) / len(case.source)


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


def with_clean_plate(case: Case) -> Video:
    frames = range(len(case.source))
    result = [image.copy() for image in case.source]
    for done in recover(case, frames, frames, PlateSettings(), lambda share: None):
        if done.box is not None:
            codes = np.clip(np.rint(done.rgb[..., ::-1] * 255.0), 0, 255).astype(np.uint8)
            inside = done.provenance != OUTSIDE_HOLE
            result[done.frame][done.box.slices][inside] = codes[inside]
    return result


METHODS: dict[str, Callable[[Case], Video]] = {
    "Telea": with_telea,
    "Navier-Stokes": with_navier_stokes,
    "temporal median": with_temporal_median,
    "clean-plate": with_clean_plate,
}


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


def ssim_map(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """SSIM of the luma per pixel (Wang et al. 2004: Gaussian window of 11, sigma 1.5)."""
    x, y = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float64) for image in (a, b))
    mean_x, mean_y, xx, yy, xy = (cv2.GaussianBlur(v, (11, 11), 1.5) for v in (x, y, x * x, y * y, x * y))
    c1, c2 = 6.5025, 58.5225
    covariance, variances = xy - mean_x * mean_y, xx - mean_x**2 + yy - mean_y**2
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return np.asarray(top / ((mean_x**2 + mean_y**2 + c1) * (variances + c2)), np.float64)


def sheet_rows(case: Case, result: Video, worst: list[int]) -> list[NDArray[np.uint8]]:
    rows = []
    for n in worst[:SHEET_ROWS]:
        row = np.hstack([case.source[n], result[n], case.truth[n]])
        cv2.putText(row, f"{case.name} {n}", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 255, 255), 2)
        rows.append(row)
    return rows


def stacked(rows: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The rows under each other, brought to one width."""
    width = max(row.shape[1] for row in rows)
    scaled = [cv2.resize(row, (width, round(row.shape[0] * width / row.shape[1]))) for row in rows]
    return np.asarray(np.vstack(scaled), np.uint8)


if __name__ == "__main__":
    main()
