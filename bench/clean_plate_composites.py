"""Shots whose true background is known because something was put before it: a sprite that crosses a real clip.

The clip itself, with its own grain, compression and light, is the truth. What moves in it by itself no other frame
shows as it stands: where the clip's own mattes mark that, the truth counts as unknown.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bench.clean_plate_cases import Case, Masks, Picture, Video, read_video
from engine.plate.analysis import dilate
from roi_tools.geometry import Box, Size, frame_box

FRAMES = 40
SIZE_SHARES = (0.15, 0.3), (0.25, 0.5)
"""The box's width and height, in parts of the frame's."""

SPEED_SHARES = (0.01, 0.03)
"""How far it goes in a frame, in parts of the frame's width."""

STOP_FRAMES = 12
"""So long every other sprite stands still in the middle of the shot."""

SHADOW = 0.45
"""So much darker the picture is in the middle of a shadow."""

MOVING_GROW_PX = 12
GRAIN_CODES = 3.0


def composite(folder: Path, seed: int, has_shadow: bool = False) -> Case:
    """The clip with a sprite whose size, way and first frame the seed says; the same on every call.

    `has_shadow`: it casts a soft shadow, which leaves its box at the lower edge.
    """
    random = np.random.default_rng(seed)
    clip = read_video(folder / "clip.mp4")
    first = int(random.integers(0, max(len(clip) - FRAMES, 0) + 1))
    truth = clip[first : first + FRAMES]
    size = Size(truth[0].shape[1], truth[0].shape[0])
    boxes = _way(size, len(truth), random)
    shaded = [_with_shadow(image, box) for image, box in zip(truth, boxes, strict=True)] if has_shadow else truth
    source = [_with_sprite(image, box, random) for image, box in zip(shaded, boxes, strict=True)]
    return Case(f"{folder.name} seed {seed}", source, truth, boxes, None, _moving(folder, first, truth))


def _way(size: Size, frames: int, random: np.random.Generator) -> list[Box | None]:
    """Straight through a point near the middle, half of the time with a stop there."""
    width, height = (
        round(random.uniform(*shares) * side)
        for shares, side in zip(SIZE_SHARES, (size.width_px, size.height_px), strict=True)
    )
    speed = random.uniform(*SPEED_SHARES) * size.width_px * random.choice([-1.0, 1.0])
    slope, stops = random.uniform(-0.4, 0.4), random.random() < 0.5
    middle = np.array([random.uniform(0.3, 0.7) * size.width_px, random.uniform(0.35, 0.65) * size.height_px])
    boxes = []
    for n in range(frames):
        away = n - frames / 2
        if stops:
            away = np.sign(away) * max(abs(away) - STOP_FRAMES / 2, 0.0)
        x, y = np.rint(middle + away * speed * np.array([1.0, slope]) - np.array([width, height]) / 2).astype(int)
        boxes.append(Box(int(x), int(y), int(x) + width, int(y) + height).intersected(frame_box(size)))
    return boxes


def _with_sprite(image: Picture, box: Box | None, random: np.random.Generator) -> Picture:
    """A grainy ellipse that fills the box, darker to its edges."""
    if box is None:
        return image
    out = image.astype(np.float32)
    y, x = np.mgrid[: box.height_px, : box.width_px]
    away = (2 * (x + 0.5) / box.width_px - 1) ** 2 + (2 * (y + 0.5) / box.height_px - 1) ** 2
    shown = np.array([60.0, 40.0, 200.0]) * (1.2 - 0.5 * away[..., None])
    shown = shown + random.normal(0.0, GRAIN_CODES, shown.shape)
    out[box.slices] = np.where(away[..., None] < 0.95, shown, out[box.slices])
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _with_shadow(image: Picture, box: Box | None) -> Picture:
    """Darker in a soft ellipse around the middle of the box's lower edge, half of it below."""
    if box is None:
        return image
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    away = ((x - (box.x0 + box.x1) / 2) / (0.45 * box.width_px)) ** 2 + ((y - box.y1) / (0.2 * box.height_px)) ** 2
    shade = SHADOW * np.clip(1.6 - 1.6 * np.sqrt(away), 0.0, 1.0)
    return np.asarray(np.rint(image * (1.0 - shade[..., None])), np.uint8)


def _moving(folder: Path, first: int, truth: Video) -> Masks | None:
    path = folder / "mask.mkv"
    if not path.is_file():
        return None
    marked = read_video(path)[first : first + len(truth)]
    return [dilate(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)) > 0, MOVING_GROW_PX) for image in marked]
