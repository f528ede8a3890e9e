"""Measures how pictures are continued over holes in single frames, where the truth is known.

    .venv/bin/python -m bench.inventions [CLIP_FOLDER...] [--only WORD] [--sheets FOLDER]

The holes are cut from the sample's plate and, for the clip folders named in HOLES, from these clips (clip.mp4; what
moves, by mask.mkv or UNMARKED, is filled as well, and isn't judged). Per hole and method: PSNR, SSIM and error of the
gradients' length (8-bit codes) inside the hole; detail, the strength of the Laplacian over the truth's (1 is as sharp
as it was); seam, the mean step across the hole's edge over the truth's; and seconds, those of the first hole with the
compiling. An invention need not be what was there, so PSNR says little: the sheets show each hole's frame, the methods
and the truth at 1:1. Look at lines that enter the hole on both sides, and for seams.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.clean_plate_cases import MATTE_GROW_PX, Picture, read_video
from engine.plate.analysis import dilate
from engine.plate.synthesis.telea import fill_never_seen
from engine.plate.synthesis.texture import continue_texture
from roi_tools.geometry import Box

SAMPLE = Path(__file__).parent.parent / "resources" / "sample" / "walkby_plate.mp4"
HOLES: dict[str, list[tuple[int, tuple[float, float, float, float]]]] = {
    "walkby_plate": [
        (0, (0.02, 0.35, 0.22, 0.90)),
        (0, (0.42, 0.30, 0.62, 0.90)),
        (0, (0.30, 0.65, 0.75, 0.97)),
        (0, (0.05, 0.05, 0.30, 0.60)),
    ],
    "bear": [(81, (0.44, 0.05, 0.74, 0.35)), (81, (0.55, 0.40, 0.85, 0.72)), (0, (0.55, 0.35, 0.78, 0.80))],
    "bmx-trees": [(79, (0.45, 0.45, 0.90, 0.75)), (0, (0.58, 0.50, 0.92, 0.85))],
    "car-road": [(71, (0.20, 0.20, 0.70, 0.70)), (24, (0.60, 0.30, 0.90, 0.80))],
    "dog-path": [(79, (0.32, 0.45, 0.62, 0.80)), (79, (0.41, 0.02, 0.59, 0.50)), (79, (0.78, 0.20, 0.98, 0.65))],
    "dogs-jump": [(0, (0.58, 0.55, 0.92, 0.92)), (0, (0.60, 0.20, 0.95, 0.95)), (65, (0.05, 0.50, 0.35, 0.92))],
    "paragliding-launch": [(79, (0.10, 0.60, 0.40, 0.97)), (79, (0.60, 0.10, 0.95, 0.60))],
    "person-room": [(0, (0.15, 0.35, 0.42, 0.85)), (0, (0.62, 0.10, 0.90, 0.50)), (0, (0.05, 0.60, 0.45, 0.95))],
    "schoolgirls": [(0, (0.80, 0.05, 0.98, 0.50)), (79, (0.02, 0.25, 0.27, 0.70)), (0, (0.18, 0.02, 0.44, 0.32))],
    "tennis": [
        (0, (0.62, 0.40, 0.92, 0.75)),
        (0, (0.00, 0.50, 0.30, 0.85)),
        (69, (0.60, 0.60, 0.95, 0.95)),
        (69, (0.10, 0.35, 0.35, 0.80)),
    ],
}
"""Per clip: frame, and the box as shares of the width and height. Away from what moves; 8 to 26 % of the frame."""

UNMARKED: dict[str, list[tuple[float, float, float, float]]] = {
    "bear": [(0.06, 0.34, 0.54, 0.98)],
    "dog-path": [(0.17, 0.08, 0.36, 0.82)],
}
"""Objects of clips without mattes, on the frames used."""

GUARD_PX = 4
"""So near a hole nothing is copied, as in a render."""

Bools = NDArray[np.bool_]
Method = Callable[[NDArray[np.float32], Bools, Bools], NDArray[np.float32]]


@dataclass(frozen=True)
class Hole:
    """One picture, B'G'R' (H, W, 3), 8-bit; what is to be filled; of it, what is looked at."""

    name: str
    picture: Picture
    unknown: Bools
    judged: Bools


@dataclass(frozen=True)
class Score:
    psnr_db: float
    ssim: float
    gradient: float
    detail: float
    seam: float
    seconds: float


def telea(rgb: NDArray[np.float32], unknown: Bools, lends: Bools) -> NDArray[np.float32]:
    return fill_never_seen(rgb, unknown)


def patches(rgb: NDArray[np.float32], unknown: Bools, lends: Bools) -> NDArray[np.float32]:
    filled = continue_texture(rgb, unknown, lends, lambda: None)
    return telea(rgb, unknown, lends) if filled is None else filled


METHODS: dict[str, Method] = {"Telea": telea, "clean plate": patches}


def holes(folders: list[Path], only: str) -> Iterator[Hole]:
    clips = {folder.name: folder / "clip.mp4" for folder in folders} | {SAMPLE.stem: SAMPLE}
    for name, places in HOLES.items():
        if name not in clips:
            continue
        video = read_video(clips[name])
        masks = clips[name].parent / "mask.mkv"
        mattes = read_video(masks) if name != SAMPLE.stem and masks.exists() else None
        for n, (frame, place) in enumerate(places):
            if only in f"{name} {n}":
                marked = _boxes(video[frame], UNMARKED.get(name, []))
                if mattes is not None:
                    marked |= dilate(mattes[frame].max(axis=2) > 0, MATTE_GROW_PX)
                box = _boxes(video[frame], [place])
                yield Hole(f"{name} {n}", video[frame], box | marked, box & ~marked)


def _boxes(picture: Picture, places: Sequence[tuple[float, float, float, float]]) -> Bools:
    height, width = picture.shape[:2]
    inside = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in places:
        inside[Box(round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)).slices] = True
    return inside


def fill(hole: Hole, method: Method) -> tuple[Picture, float]:
    """8-bit, and the seconds that it took."""
    rgb = np.asarray(hole.picture[..., ::-1], np.float32) / np.float32(255.0)
    started = time.perf_counter()
    lends = ~dilate(hole.unknown, GUARD_PX)
    filled = method(np.where(hole.unknown[..., None], np.float32(0.0), rgb), hole.unknown, lends)
    took = time.perf_counter() - started
    return np.clip(np.rint(filled[..., ::-1] * 255.0), 0, 255).astype(np.uint8), took


def score(hole: Hole, filled: Picture, seconds: float) -> Score:
    inside = hole.judged
    mine, truth = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY).astype(np.float32) for p in (filled, hole.picture))
    error = np.square(filled[inside].astype(np.float32) - hole.picture[inside]).mean()
    lengths = [np.hypot(cv2.Sobel(g, -1, 1, 0, scale=0.25), cv2.Sobel(g, -1, 0, 1, scale=0.25)) for g in (mine, truth)]
    detail = [float(np.abs(cv2.Laplacian(g, -1))[inside].mean()) for g in (mine, truth)]
    return Score(
        float(10.0 * np.log10(255.0**2 / max(error, 1e-3))),
        float(_ssim(mine, truth)[inside].mean()),
        float(np.abs(lengths[0] - lengths[1])[inside].mean()),
        detail[0] / max(detail[1], 1e-6),
        _step(mine, inside) / max(_step(truth, inside), 1e-6),
        seconds,
    )


def _ssim(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    def blur(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.float32)

    mean_a, mean_b = blur(a), blur(b)
    spread = blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2
    shared = blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return np.asarray(
        (2 * mean_a * mean_b + c1) * (2 * shared + c2) / ((mean_a**2 + mean_b**2 + c1) * (spread + c2)), np.float32
    )


def _step(gray: NDArray[np.float32], inside: Bools) -> float:
    """Mean step from the pixels outside the hole's edge to those inside it."""
    steps = []
    for axis in (0, 1):
        crosses = np.diff(inside, axis=axis)
        steps.append(np.abs(np.diff(gray, axis=axis))[crosses])
    return float(np.concatenate(steps).mean())


def sheet(hole: Hole, filled: dict[str, Picture]) -> Picture:
    """The frame with the hole, the methods, and the truth, around the hole."""
    marked = hole.picture.copy()
    marked[hole.unknown] = 128
    panels = {hole.name: marked} | filled | {"truth": hole.picture}
    labelled = []
    for name, picture in panels.items():
        panel = cv2.copyMakeBorder(picture, 20, 4, 0, 4, cv2.BORDER_CONSTANT)
        cv2.putText(panel, name, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
        labelled.append(panel)
    across = 2 if len(labelled) == 4 else 3
    while len(labelled) % across:
        labelled.append(np.zeros_like(labelled[0]))
    rows = [np.hstack(labelled[n : n + across]) for n in range(0, len(labelled), across)]
    return np.asarray(np.vstack(rows), np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure inventions on holes whose truth is known.")
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP_FOLDER")
    parser.add_argument("--only", default="", help="holes whose name contains this")
    parser.add_argument("--sheets", type=Path, help="a folder for one PNG per hole")
    asked = parser.parse_args()
    table = Table("hole", "method", "PSNR dB", "SSIM", "gradient", "detail", "seam", "s")
    all_scores: dict[str, list[Score]] = {name: [] for name in METHODS}
    for hole in holes(asked.clips, asked.only):
        filled = {}
        for name, method in METHODS.items():
            filled[name], seconds = fill(hole, method)
            found = score(hole, filled[name], seconds)
            all_scores[name].append(found)
            table.add_row(hole.name, name, *_cells(found))
        if asked.sheets is not None:
            asked.sheets.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(asked.sheets / f"{hole.name.replace(' ', '_')}.png"), sheet(hole, filled))
    for name, scores in all_scores.items():
        if scores:
            values = np.mean([[*vars(s).values()] for s in scores], axis=0)
            table.add_row("mean", name, *_cells(Score(*map(float, values))))
    Console(width=120).print(table)


def _cells(found: Score) -> list[str]:
    numbers = (found.psnr_db, found.ssim, found.gradient, found.detail, found.seam, found.seconds)
    return [f"{value:.{digits}f}" for value, digits in zip(numbers, (1, 3, 2, 2, 2, 1), strict=True)]


if __name__ == "__main__":
    main()
