"""Makes the figure of docs/clean-plate.md from the sample shot: a frame, its clean plate, and the plate's two maps.

.venv/bin/python -m bench.clean_plate_figure docs/images/clean-plate.jpg
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.clean_plate_cases import Case, Picture, read_video
from engine.plate.model import OUTSIDE_HOLE, PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from roi_tools.geometry import Box

SAMPLE = Path(__file__).resolve().parents[1] / "resources" / "sample"
FRAME = 24
PANEL_PX = (480, 270)
QUALITY = 88


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", type=Path, help="the picture to write, .jpg or .png")
    given = parser.parse_args()
    case = sample_case()
    frames = range(len(case.source))
    (found,) = recover(case, [FRAME], frames, PlateSettings(), lambda share: None)
    if found.box is None:
        raise SystemExit(f"frame {FRAME} of the sample has no box; choose another")
    panels = [
        ("the frame and its box", framed(case.source[FRAME], found.box)),
        ("clean plate", patched(case.source[FRAME], found)),
        ("which frame lent: blue before, red after, gray its own", on_gray(case.source[FRAME], found, lenders(found))),
        ("confidence: dark is low", on_gray(case.source[FRAME], found, confidence(found))),
    ]
    done = [labelled(cv2.resize(picture, PANEL_PX, interpolation=cv2.INTER_AREA), text) for text, picture in panels]
    figure = np.vstack([np.hstack(done[:2]), np.hstack(done[2:])])
    if not cv2.imwrite(str(given.figure), figure, [cv2.IMWRITE_JPEG_QUALITY, QUALITY]):
        raise SystemExit(f"cannot write {given.figure}; choose a folder that exists and a .jpg or .png name")


def sample_case() -> Case:
    boxes = json.loads((SAMPLE / "walkby_boxes.json").read_text())["boxes"]
    source, truth = (read_video(SAMPLE / name) for name in ("walkby.mp4", "walkby_plate.mp4"))
    return Case("sample", source, truth, [None if box is None else Box(*box) for box in boxes])


def framed(picture: Picture, box: Box) -> Picture:
    out = picture.copy()
    cv2.rectangle(out, (box.x0, box.y0), (box.x1 - 1, box.y1 - 1), (0, 220, 255), 3)
    return out


def patched(picture: Picture, found: RecoveredFrame) -> Picture:
    out = picture.copy()
    assert found.box is not None
    out[found.box.slices] = np.clip(np.rint(found.rgb[..., ::-1] * 255.0), 0, 255).astype(np.uint8)
    return out


def lenders(found: RecoveredFrame) -> Picture:
    """(h, w, 3) blue for earlier frames, red for later ones, the stronger the further; gray for the frame itself."""
    away = found.provenance - found.frame
    strength = np.clip(80 + 12 * np.abs(away), 80, 255)
    colour = np.full((*away.shape, 3), 128, np.uint8)
    for channel, chosen in ((0, away < 0), (2, away > 0)):
        colour[chosen] = 40
        colour[chosen, channel] = strength[chosen]
    return colour


def confidence(found: RecoveredFrame) -> Picture:
    return np.repeat(np.rint(found.confidence * 255.0).astype(np.uint8)[..., None], 3, axis=2)


def on_gray(picture: Picture, found: RecoveredFrame, shown: Picture) -> Picture:
    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None] // 3
    out = np.repeat(gray, 3, axis=2)
    assert found.box is not None
    inside = found.provenance != OUTSIDE_HOLE
    out[found.box.slices][inside] = shown[inside]
    return np.asarray(out, np.uint8)


def labelled(picture: NDArray, text: str) -> Picture:
    out = np.asarray(picture, np.uint8).copy()
    cv2.rectangle(out, (0, 0), (out.shape[1], 22), (30, 30, 30), -1)
    cv2.putText(out, text, (8, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
    return out


if __name__ == "__main__":
    main()
