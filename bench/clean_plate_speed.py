"""Measures how fast whole clips are cleaned: decoding, recovery, compositing, storing, encoding and verifying.

    .venv/bin/python -m bench.clean_plate_speed CASE_FOLDER... [--width PX...] [--quarter] [--frames N]

A case folder holds src.mp4 and boxes.json, as for bench.clean_plate; the whole box is the hole. --width enlarges or
reduces the clips first (--width 640 1280 measures both); --quarter resizes the boxes around their centres until they
hold a quarter of the frame in the mean; --frames measures the first N frames alone. What the command line does is done
in this process: opening the program takes no part, and a first frame is rendered unmeasured, since it compiles.

Per clip: frames a second, processor seconds per frame on all cores together, the same in parts of what OpenCV's Telea
takes per frame in the same run, and the seconds of the stages. On a busy machine only the ratio says something.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.clean_plate_cases import Case, Video, read_video
from bench.clean_plate_methods import with_telea
from engine.protocol import FrameRange, MediaSource, Output, RenderPass, RenderRequest
from engine.render.job_link import JobLink
from engine.render.shot_render import render_shot
from roi_tools.geometry import Box
from roi_tools.roi_file import read_boxes

TELEA_FRAMES = 4
QUARTER = 0.25


@dataclass(frozen=True)
class Speed:
    """Of one clip: seconds per frame on the clock and of the processor, Telea's, and the report's stages."""

    clock_s: float
    processor_s: float
    telea_s: float
    stages_s: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", type=Path, metavar="CASE_FOLDER")
    parser.add_argument("--width", nargs="+", type=int, metavar="PX", help="the width to measure at; default: as it is")
    parser.add_argument("--quarter", action="store_true", help="boxes of a quarter of the frame")
    parser.add_argument("--frames", type=int, metavar="N", help="the first N frames alone")
    given = parser.parse_args()
    table = Table("clip", "size", "box", "frames/s", "processor s/frame", "processor : Telea", "stages, s/frame")
    for folder in given.cases:
        case = load(folder, given.frames)
        for width_px in given.width or [case.source[0].shape[1]]:
            clip = resized(case, width_px)
            clip = with_quarter(clip) if given.quarter else clip
            speed = measure(clip)
            height, width = clip.source[0].shape[:2]
            stages = "\n".join(f"{name} {seconds / len(clip.source):.3f}" for name, seconds in speed.stages_s.items())
            table.add_row(
                clip.name,
                f"{width}x{height}",
                f"{share(clip):.0%}",
                f"{1.0 / speed.clock_s:.1f}",
                f"{speed.processor_s:.3f}",
                f"{speed.processor_s / speed.telea_s:.2f}",
                stages,
            )
    Console().print(table)


def load(folder: Path, count: int | None) -> Case:
    source = read_video(folder / "src.mp4")
    marked = read_boxes(folder / "boxes.json", len(source)).boxes
    return Case(folder.name, source[:count], [], [boxes[0] if boxes else None for boxes in marked[:count]])


def resized(case: Case, width_px: int) -> Case:
    """The case at another width, a multiple of 2 high."""
    height, width = case.source[0].shape[:2]
    size = (width_px, 2 * round(height * width_px / width / 2))
    if size == (width, height):
        return case
    source: Video = [np.asarray(cv2.resize(v, size, interpolation=cv2.INTER_CUBIC), np.uint8) for v in case.source]
    by_x, by_y = size[0] / width, size[1] / height
    boxes = [
        box and Box(*(round(v * by) for v, by in zip(box.as_tuple(), (by_x, by_y) * 2, strict=True)))
        for box in case.boxes
    ]
    return replace(case, source=source, boxes=boxes)


def with_quarter(case: Case) -> Case:
    """The case with boxes that hold a quarter of the frame in the mean, before they are cut off at its edges."""
    height, width = case.source[0].shape[:2]
    by = math.sqrt(QUARTER / share(case))

    def grown(box: Box | None) -> Box | None:
        if box is None:
            return None
        x, y, half_w, half_h = box.x0 + box.x1, box.y0 + box.y1, box.width_px * by, box.height_px * by
        low_x, low_y = max(round((x - half_w) / 2), 0), max(round((y - half_h) / 2), 0)
        return Box(low_x, low_y, min(round((x + half_w) / 2), width), min(round((y + half_h) / 2), height))

    return replace(case, boxes=[grown(box) for box in case.boxes])


def share(case: Case) -> float:
    """Of the frame that the boxes hold, in the mean over the frames that have one."""
    height, width = case.source[0].shape[:2]
    return float(np.mean([box.width_px * box.height_px for box in case.boxes if box])) / (width * height)


def measure(case: Case) -> Speed:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "src.mp4"
        write(source, case.source)
        first = next(n for n, box in enumerate(case.boxes) if box)
        render(case, source, range(first, first + 1), folder / "first")
        clock, processor = time.perf_counter(), time.process_time()
        stages = render(case, source, range(len(case.source)), folder / "all")
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    chosen = [n for n, box in enumerate(case.boxes) if box][:: max(len(case.source) // TELEA_FRAMES, 1)]
    few = replace(case, source=[case.source[n] for n in chosen], boxes=[case.boxes[n] for n in chosen])
    telea = time.process_time()
    with_telea(few)
    telea = time.process_time() - telea
    return Speed(clock / len(case.source), processor / len(case.source), telea / len(chosen), stages)


def write(path: Path, frames: Video) -> None:
    """As lossless H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"qp": "0", "preset": "fast"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))


def render(case: Case, source: Path, frames: range, folder: Path) -> dict[str, float]:
    """The report's seconds per stage."""
    folder.mkdir()
    boxes = tuple((box.as_tuple(),) if box else () for box in case.boxes)
    request = RenderRequest(
        source=MediaSource(path=str(source)),
        frames=FrameRange(start=frames.start, end_exclusive=frames.stop),
        passes=(RenderPass(effect="clean-plate", boxes=boxes, boxes_start=0),),
        output=Output(path=str(folder / "out.mkv")),
    )
    return render_shot(request, JobLink("speed", lambda event: None, lambda: False), folder).seconds


if __name__ == "__main__":
    # As in the engine's worker.
    cv2.setNumThreads(max((os.cpu_count() or 2) // 2, 1))
    main()
