"""The thing that is to be removed: a figure, a blob or a box in its own colors, walking through the frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vace.training.textures import SIDE_PX, random_texture

_SUBPIXEL_BITS = 4
_SHADOW_REACH = 3.0
"""A shadow's darkness is cut to exactly 0 below this share (percent) of full black, or mattes would fill the frame."""


@dataclass(frozen=True)
class Sprite:
    """``cover``, ``shadow``: (frames, H, W) in [0, 1]; ``color``: (frames, H, W, 3) in [0, 1]."""

    cover: NDArray[np.float32]
    shadow: NDArray[np.float32]
    color: NDArray[np.float32]


def random_sprite(random: np.random.Generator, height_px: int, width_px: int, frame_count: int) -> Sprite:
    """A sprite of a third to two thirds of the frame's shorter side, in motion, seen at least in the middle."""
    half = min(height_px, width_px) * random.uniform(0.16, 0.36)
    outlines = _random_outlines(random)
    centres = _path(random, height_px, width_px, frame_count)
    texture, shift = random_texture(random), random.integers(0, SIDE_PX, 2)
    pace = random.uniform(0, 1.2)
    shadow_strength = random.uniform(0.2, 0.6) if random.random() < 0.35 else 0.0
    covers, shadows, colors = [], [], []
    for frame, centre in enumerate(centres):
        covers.append(_drawn(outlines, centre, half, np.sin(pace * frame), (height_px, width_px)))
        shadows.append(_shadow(centre, half, shadow_strength, (height_px, width_px)))
        moved = np.roll(texture, np.rint(centre).astype(int)[::-1] + shift, axis=(0, 1))
        rows, columns = np.arange(height_px) % SIDE_PX, np.arange(width_px) % SIDE_PX
        colors.append(moved[rows[:, np.newaxis], columns])
    return Sprite(np.stack(covers), np.stack(shadows), np.stack(colors))


def _path(random: np.random.Generator, height_px: int, width_px: int, frame_count: int) -> NDArray[np.float64]:
    """Centres (frames, 2) as x, y: straight or in a gentle curve, through a point near the middle of the frame."""
    time = np.arange(frame_count) - (frame_count - 1) / 2
    middle = np.array([width_px, height_px]) * random.uniform(0.3, 0.7, 2)
    speed = random.normal(0, 1, 2) * (width_px / 64, height_px / 128) * (random.random() < 0.85)
    bob = np.stack([np.zeros(frame_count), np.sin(time * random.uniform(0.3, 1)) * random.uniform(0, 1.5)], axis=1)
    return middle + speed * time[:, np.newaxis] + bob


def _random_outlines(random: np.random.Generator) -> list[NDArray[np.float64]]:
    """Polygons in [-1, 1] x [-1, 1]; the last one sways as the sprite moves."""
    kind = random.random()
    if kind < 0.45:
        return _figure(random)
    if kind < 0.8:
        return [_blob(random)]
    width = random.uniform(0.4, 1)
    return [np.array([[-width, -1], [width, -1], [width, 1], [-width, 1]])]


def _blob(random: np.random.Generator) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = np.ones(40)
    for wave in range(2, 6):
        radius += random.normal(0, 0.35 / wave) * np.cos(wave * angle + random.uniform(0, 6))
    radius = np.clip(radius, 0.3, None) / radius.max()
    return np.stack([radius * np.cos(angle) * random.uniform(0.6, 1), radius * np.sin(angle)], axis=1)


def _figure(random: np.random.Generator) -> list[NDArray[np.float64]]:
    """A head, a trunk and legs."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    head = np.stack([0.17 * np.cos(angle), 0.2 * np.sin(angle) - 0.8], axis=1)
    shoulder, waist = random.uniform(0.22, 0.42), random.uniform(0.16, 0.36)
    trunk = np.array([[-shoulder, -0.58], [shoulder, -0.58], [waist, 0.2], [-waist, 0.2]])
    legs = np.array(
        [[-waist, 0.15], [waist, 0.15], [waist + 0.1, 1], [0.06, 1], [0, 0.35], [-0.06, 1], [-waist - 0.1, 1]]
    )
    return [head, trunk, legs]


def _drawn(
    outlines: list[NDArray[np.float64]], centre: NDArray[np.float64], half: float, sway: float, size: tuple[int, int]
) -> NDArray[np.float32]:
    cover = np.zeros(size, np.uint8)
    for index, outline in enumerate(outlines):
        swaying = outline * (1 + 0.3 * sway * (index == len(outlines) - 1), 1)
        points = (swaying * half + centre) * 2**_SUBPIXEL_BITS
        cv2.fillPoly(cover, [np.rint(points).astype(np.int32)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return (cover / 255).astype(np.float32)


def _shadow(centre: NDArray[np.float64], half: float, strength: float, size: tuple[int, int]) -> NDArray[np.float32]:
    """A soft ellipse at the sprite's foot."""
    if not strength:
        return np.zeros(size, np.float32)
    y, x = np.mgrid[: size[0], : size[1]]
    distance = ((x - centre[0]) / half) ** 2 + ((y - centre[1] - half) / (0.25 * half)) ** 2
    dark = strength * np.exp(-distance)
    return np.where(dark * 100 > _SHADOW_REACH, dark, 0).astype(np.float32)
