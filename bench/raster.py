"""Measures how long 50 animated Bezier shapes of 20 points take on a 1920x1080 frame.

    .venv/bin/python -m bench.raster [--feathered] [--sheet SHEET.png]

Prints the median and the best time of 20 frames: on the clock, and of the processor (others don't disturb it).
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from pathlib import Path

import cv2
import numpy as np

from roi_tools.geometry import Size
from roi_tools.keyframes import Keyframe, Track
from roi_tools.roto.model import RotoLayer, Shape, constant
from roi_tools.roto.raster import layer_matte

SIZE = Size(1920, 1080)
SHAPES, POINTS, FRAMES = 50, 20, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feathered", action="store_true", help="with a feather of 10 px on every shape")
    parser.add_argument("--sheet", type=Path, help="writes the last matte")
    given = parser.parse_args()
    layer = example(10.0 if given.feathered else 0.0)
    clock, processor = [], []
    for frame in range(FRAMES):
        start, start_processor = time.perf_counter(), time.process_time()
        matte = layer_matte(layer, frame, SIZE)
        clock.append((time.perf_counter() - start) * 1000)
        processor.append((time.process_time() - start_processor) * 1000)
    print(f"clock ms: median {statistics.median(clock):.1f}, best {min(clock):.1f}")
    print(f"processor ms: median {statistics.median(processor):.1f}, best {min(processor):.1f}")
    if given.sheet is not None and not cv2.imwrite(str(given.sheet), (matte * 255).astype(np.uint8)):
        raise SystemExit(f"cannot write the sheet {given.sheet}; choose a folder that exists and a .png name")


def example(feather_px: float) -> RotoLayer:
    """Round blobs of 60 to 140 px radius that move and wobble."""
    random = np.random.default_rng(0)
    shapes = []
    for number in range(SHAPES):
        center = random.uniform((100, 100), (SIZE.width_px - 100, SIZE.height_px - 100))
        tracks = [wobbling_point(random, center, 2 * math.pi * index / POINTS) for index in range(POINTS)]
        shapes.append(Shape(f"blob {number}", "bezier", tuple(tracks), feather_px=constant(feather_px)))
    return RotoLayer("blobs", tuple(shapes))


def wobbling_point(random: np.random.Generator, center: np.ndarray, angle: float) -> Track:
    keys = []
    for frame in (0, FRAMES):
        direction = np.array([math.cos(angle), math.sin(angle)])
        x, y = center + random.uniform(60, 140) * direction
        handle_x, handle_y = 15 * np.array([-direction[1], direction[0]])
        keys.append(Keyframe(frame, (float(x), float(y), -handle_x, -handle_y, handle_x, handle_y, 0.0, 0.0)))
    return Track(tuple(keys))


if __name__ == "__main__":
    main()
