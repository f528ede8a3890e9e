"""Measures box tracking on clips whose boxes are known, beside OpenCV's own trackers.

    .venv/bin/python -m bench.tracking CLIP_FOLDER... [--sheet SHEET.png] [--only METHOD]...

A clip folder holds clip.mp4 and boxes.json. The box of the first frame where the object is wholly inside the picture is
given; every method follows it from there forwards and backwards through the shot. Mean IoU is over all frames that have
a box; a frame without an answer counts 0. Beside the rate on the clock stands the processor's time per frame, which
others on the machine disturb less. CSRT needs opencv-contrib-python, which is no dependency of the project: run
with another interpreter that has it (and numpy and rich), or its columns are left out. The sheet shows both boxes on
frames of every label: green the true one, yellow the tracked one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from roi_tools.geometry import Box
from roi_tools.roi_file import read_boxes
from roi_tools.shapes import RectF
from roi_tools.tracking.boxes import track_box

Video = list[NDArray[np.uint8]]
"""8-bit R'G'B' frames."""
Edges = tuple[float, float, float, float]
Found = dict[int, Edges]
Method = Callable[[Video, int, Box], Found]

SHEET_COLUMNS = 4
SHEET_WIDTH_PX = 432


@dataclass(frozen=True)
class Case:
    clip: str
    label: str
    frames: Video
    truth: Sequence[Box | None]
    key_frame: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP_FOLDER")
    parser.add_argument("--sheet", type=Path, help="writes a picture of the tracked boxes")
    parser.add_argument("--only", action="append", choices=list(methods()), help="runs this method only")
    given = parser.parse_args()
    chosen = {name: method for name, method in methods().items() if not given.only or name in given.only}
    table = Table(
        "clip", "label", "from", *(column for name in chosen for column in (f"{name} IoU", "frames/s", "CPU ms"))
    )
    rows: list[NDArray[np.uint8]] = []
    means: dict[str, list[float]] = {name: [] for name in chosen}
    for case in (case for folder in given.clips for case in load_cases(folder)):
        cells: list[str] = []
        for name, method in chosen.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            found = method(case.frames, case.key_frame, key_box(case))
            rate = len(case.frames) / (time.perf_counter() - start)
            cpu_ms = 1000 * (time.process_time() - start_cpu) / len(case.frames)
            means[name].append(mean_iou(case, found))
            cells += [f"{means[name][-1]:.3f}", f"{rate:.1f}", f"{cpu_ms:.1f}"]
            if name == "grayplate":
                rows.append(sheet_of(case, found))
        table.add_row(case.clip, case.label, str(case.key_frame), *cells)
    table.add_row("mean", "", "", *(cell for name in chosen for cell in (f"{np.mean(means[name]):.3f}", "", "")))
    Console(width=160).print(table)
    if given.sheet is not None and rows and not cv2.imwrite(str(given.sheet), np.vstack(rows)):
        raise SystemExit(f"cannot write the sheet {given.sheet}; choose a folder that exists and a .png name")


def methods() -> Mapping[str, Method]:
    """What is compared; CSRT where this OpenCV has it."""
    found: dict[str, Method] = {"grayplate": with_grayplate, "MIL": with_opencv("TrackerMIL")}
    if hasattr(cv2, "TrackerCSRT"):
        found["CSRT"] = with_opencv("TrackerCSRT")
    return found


def with_grayplate(frames: Video, key_frame: int, box: Box) -> Found:
    tracked = track_box(lambda n: frames[n], range(len(frames)), {key_frame: RectF.from_box(box)})
    return {entry.frame: entry.rect.as_tuple() for entry in tracked}


def with_opencv(name: str) -> Method:
    def method(frames: Video, key_frame: int, box: Box) -> Found:
        found: Found = {key_frame: RectF.from_box(box).as_tuple()}
        for way in (range(key_frame + 1, len(frames)), range(key_frame - 1, -1, -1)):
            tracker: Any = getattr(cv2, name).create()
            tracker.init(as_bgr(frames[key_frame]), (box.x0, box.y0, box.width_px, box.height_px))
            for frame in way:
                is_found, (x, y, width, height) = tracker.update(as_bgr(frames[frame]))
                if is_found:
                    found[frame] = (float(x), float(y), float(x + width), float(y + height))
        return found

    return method


def load_cases(folder: Path) -> list[Case]:
    frames = read_video(folder / "clip.mp4")
    boxes = read_boxes(folder / "boxes.json")
    return [
        Case(folder.name, track.label, frames, track.boxes, key_frame_of(track.boxes, frames[0]))
        for track in boxes.tracks
    ]


def key_frame_of(boxes: Sequence[Box | None], image: NDArray[np.uint8]) -> int:
    """The first frame where the object is wholly inside the picture; else the one with its largest box."""
    height, width = image.shape[:2]
    whole = [
        n for n, box in enumerate(boxes) if box and box.x0 > 0 and box.y0 > 0 and box.x1 < width and box.y1 < height
    ]
    return whole[0] if whole else max(range(len(boxes)), key=lambda n: ((box := boxes[n]) and box.area_px) or 0)


def key_box(case: Case) -> Box:
    box = case.truth[case.key_frame]
    assert box is not None
    return box


def read_video(path: Path) -> Video:
    capture = cv2.VideoCapture(str(path))
    frames: Video = []
    while True:
        is_read, frame = capture.read()
        if not is_read:
            break
        frames.append(np.ascontiguousarray(frame[..., ::-1], np.uint8))
    if not frames:
        raise SystemExit(f"no frames in {path}; is it a clip folder?")
    return frames


def as_bgr(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image[..., ::-1])


def mean_iou(case: Case, found: Found) -> float:
    height, width = case.frames[0].shape[:2]
    values = [
        iou(clipped(found[n], width, height), box.as_tuple()) if n in found else 0.0
        for n, box in enumerate(case.truth)
        if box is not None
    ]
    return float(np.mean(values))


def clipped(edges: Edges, width: int, height: int) -> Edges:
    x0, y0, x1, y1 = edges
    return max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)


def iou(a: Edges, b: Edges) -> float:
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if across <= 0 or down <= 0:
        return 0.0
    both = across * down
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def sheet_of(case: Case, found: Found) -> NDArray[np.uint8]:
    chosen = np.linspace(0, len(case.frames) - 1, 2 * SHEET_COLUMNS).round().astype(int)
    tiles = [tile_of(case, int(n), found.get(int(n))) for n in chosen]
    rows = [np.hstack(tiles[start : start + SHEET_COLUMNS]) for start in range(0, len(tiles), SHEET_COLUMNS)]
    return np.vstack(rows)


def tile_of(case: Case, frame: int, edges: Edges | None) -> NDArray[np.uint8]:
    image = as_bgr(case.frames[frame])
    truth = case.truth[frame]
    for box, colour in ((truth.as_tuple() if truth else None, (0, 255, 0)), (edges, (0, 255, 255))):
        if box is not None:
            x0, y0, x1, y1 = (round(edge) for edge in box)
            cv2.rectangle(image, (x0, y0), (x1, y1), colour, 2)
    cv2.putText(image, f"{case.clip} {case.label} {frame}", (5, 20), 0, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    height = round(SHEET_WIDTH_PX * 9 / 16)
    return np.asarray(cv2.resize(image, (SHEET_WIDTH_PX, height), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
