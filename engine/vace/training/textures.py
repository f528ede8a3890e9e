"""Tileable textures drawn from random numbers: what the walls, grounds and coats of training scenes are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Texture: TypeAlias = NDArray[np.float32]
"""float32 (SIDE_PX, SIDE_PX, 3) in [0, 1]; opposite edges meet."""
Pattern: TypeAlias = NDArray[np.float32]

SIDE_PX = 128


def random_texture(random: np.random.Generator) -> Texture:
    """A pattern of any kind between two or three colors, mottled a little."""
    pattern = _PATTERNS[random.integers(len(_PATTERNS))](random)
    first, second, third = _palette(random)
    weight = pattern[..., np.newaxis]
    color = first + (second - first) * weight
    mottle = noise(random, random.uniform(0.8, 1.8))[..., np.newaxis]
    color = color + (third - color) * mottle * random.uniform(0.05, 0.4)
    return np.clip(color, 0, 1).astype(np.float32)


def noise(random: np.random.Generator, exponent: float) -> Pattern:
    """Fractal noise in [0, 1] whose amplitude falls with frequency to the power of ``-exponent``."""
    frequency = np.hypot(np.fft.fftfreq(SIDE_PX)[:, np.newaxis], np.fft.rfftfreq(SIDE_PX)[np.newaxis]) * SIDE_PX
    spectrum = np.fft.rfft2(random.standard_normal((SIDE_PX, SIDE_PX))) / np.maximum(frequency, 1) ** exponent
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (SIDE_PX, SIDE_PX))
    return np.clip(0.5 + field / (5 * field.std() + 1e-9), 0, 1).astype(np.float32)


def _palette(random: np.random.Generator) -> NDArray[np.float32]:
    """Three related colors: light varies more than hue, as in most footage."""
    base = random.uniform(0.25, 0.75) + random.normal(0, 0.1, 3)
    light = random.uniform(-0.35, 0.35, (3, 1))
    return np.clip(base + light + random.normal(0, 0.06, (3, 3)), 0.03, 0.97).astype(np.float32)


def _bricks(random: np.random.Generator) -> Pattern:
    rows, columns = int(2 * random.integers(2, 9)), int(random.integers(2, 9))
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    row = np.floor(y * rows)
    across = x * columns + 0.5 * (row % 2)
    joint = random.uniform(0.06, 0.2)
    mortar = ((y * rows) % 1 < joint) | (across % 1 < joint * columns / rows)
    shade = random.uniform(0.4, 1, (rows, columns + 1))[row.astype(int), np.floor(across).astype(int) % columns]
    return np.where(mortar, 0, shade).astype(np.float32)


def _grid(random: np.random.Generator) -> Pattern:
    count = int(random.integers(2, 11))
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX * count
    line = random.uniform(0.08, 0.3)
    shade = random.uniform(0.6, 1, (count, count))[y.astype(int), x.astype(int)]
    return np.where((y % 1 < line) | (x % 1 < line), 0, shade).astype(np.float32)


def _stripes(random: np.random.Generator) -> Pattern:
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX] / SIDE_PX
    across, along = random.integers(-8, 9), random.integers(0, 9)
    wave = np.sin(2 * np.pi * (across * x + along * y + random.uniform()))
    return np.clip(0.5 + wave * random.uniform(0.5, 3), 0, 1).astype(np.float32)


def _foliage(random: np.random.Generator) -> Pattern:
    tiled = np.zeros((3 * SIDE_PX, 3 * SIDE_PX), np.float32)
    for _ in range(int(random.integers(60, 160))):
        x, y = random.integers(0, SIDE_PX, 2)
        axes = int(random.integers(4, 14)), int(random.integers(2, 6))
        shade, angle = float(random.uniform(0.2, 1)), float(random.uniform(0, 180))
        for shift_y in (0, SIDE_PX, 2 * SIDE_PX):
            for shift_x in (0, SIDE_PX, 2 * SIDE_PX):
                cv2.ellipse(tiled, (int(x + shift_x), int(y + shift_y)), axes, angle, 0, 360, shade, -1, cv2.LINE_AA)
    return tiled[SIDE_PX : 2 * SIDE_PX, SIDE_PX : 2 * SIDE_PX]


def _pebbles(random: np.random.Generator) -> Pattern:
    field = noise(random, random.uniform(1.5, 2.5))
    return np.clip(0.5 + 4 * np.abs(field - 0.5) * random.choice([-1, 1]), 0, 1).astype(np.float32)


def _gradient(random: np.random.Generator) -> Pattern:
    return noise(random, random.uniform(2.5, 4))


def _rough(random: np.random.Generator) -> Pattern:
    return noise(random, random.uniform(0.8, 2))


_PATTERNS: tuple[Callable[[np.random.Generator], Pattern], ...] = (
    _bricks,
    _grid,
    _stripes,
    _foliage,
    _pebbles,
    _gradient,
    _gradient,
    _rough,
    _rough,
)
