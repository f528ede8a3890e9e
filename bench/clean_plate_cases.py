"""The clips that the clean-plate benchmark measures: with their true background, or without."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.plate.analysis import box_around, dilate
from roi_tools.geometry import Box
from roi_tools.roi_file import read_boxes

Picture = NDArray[np.uint8]
Video = list[Picture]
"""8-bit B'G'R' frames, as OpenCV decodes them."""

Masks = list[NDArray[np.bool_]]

MATTE_GROW_PX = 4


@dataclass(frozen=True)
class Case:
    """One clip, and its true background where that is known. A PlateSource.

    `boxes`: what is scored, around all that is removed; `mattes`: what is removed, the boxes themselves if None.
    `unknown`: where the truth is not to be had from other frames, since something moves there; nowhere if None.
    """

    name: str
    source: Video
    truth: Video
    boxes: list[Box | None]
    mattes: Masks | None = None
    unknown: Masks | None = None

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


def load_case(folder: Path, with_matte: bool) -> Case:
    boxes = json.loads((folder / "boxes.json").read_text())["boxes"]
    return Case(
        folder.name,
        read_video(folder / "src.mp4"),
        read_video(folder / "gt.mp4"),
        [None if box is None else Box(*box) for box in boxes],
        [dilate(image[..., 0] > 0, MATTE_GROW_PX) for image in read_video(folder / "mask.mkv")] if with_matte else None,
    )


def load_real(folder: Path) -> Case:
    """A clip without truth: clip.mp4, and all the boxes of boxes.json, whole, as the hole."""
    source = read_video(folder / "clip.mp4")
    marked = read_boxes(folder / "boxes.json", len(source)).boxes
    mattes: Masks = []
    for boxes in marked:
        mask = np.zeros(source[0].shape[:2], bool)
        for box in boxes:
            mask[box.slices] = True
        mattes.append(mask)
    return Case(folder.name, source, [], [box_around(mask) for mask in mattes], mattes)


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
