"""Shots that nobody filmed: layers of texture under a moving camera, and something that passes before them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.vace.training.sprites import Sprite, random_sprite
from engine.vace.training.textures import SIDE_PX, Texture, noise, random_texture

_REFERENCE_SIDE_PX = 64
"""Speeds and sizes below are in pixels of a frame whose shorter side is this long."""


@dataclass(frozen=True)
class Shot:
    """``clean`` and ``filmed``: float32 (frames, H, W, 3) in [0, 1]; ``matte``: (frames, H, W) coverage in [0, 1].

    The two differ only where the matte is above 0.
    """

    clean: NDArray[np.float32]
    filmed: NDArray[np.float32]
    matte: NDArray[np.float32]


@dataclass(frozen=True)
class _Camera:
    """Where the camera looks, for each frame: offset in px (frames, 2), and a zoom and an angle (frames,)."""

    offset: NDArray[np.float64]
    zoom: NDArray[np.float64]
    angle: NDArray[np.float64]


@dataclass(frozen=True)
class _Layer:
    """A texture, how fast it passes by, and what of it can be seen (None: all)."""

    texture: Texture
    scale: float
    angle: float
    parallax: float
    cover: NDArray[np.float32] | None


def random_shot(random: np.random.Generator, height_px: int, width_px: int, frame_count: int) -> Shot:
    """A shot drawn from ``random`` alone: the same generator state gives the same shot."""
    unit = min(height_px, width_px) / _REFERENCE_SIDE_PX
    camera = _random_camera(random, frame_count, unit)
    layers = _random_layers(random, unit)
    clean = np.stack([_composed(layers, camera, n, height_px, width_px) for n in range(frame_count)])
    sprite = random_sprite(random, height_px, width_px, frame_count)
    filmed, matte = _with_sprite(clean, sprite)
    light, grain = _light(random, clean.shape), random.normal(0, random.uniform(0, 0.012), clean.shape)
    # One light and one grain for both: they must differ nowhere else than under the matte.
    clean, filmed = (np.clip(video * light + grain, 0, 1).astype(np.float32) for video in (clean, filmed))
    return Shot(clean, filmed, matte)


def _random_camera(random: np.random.Generator, frame_count: int, unit: float) -> _Camera:
    time = np.arange(frame_count, dtype=np.float64)
    speed = random.normal(0, 0.8, 2) * (random.random() < 0.7) * unit
    shake = random.normal(0, 0.25, (frame_count, 2)) * (random.random() < 0.3) * unit
    sway = np.sin(time[:, np.newaxis] * random.uniform(0.1, 0.5) + random.uniform(0, 6, 2)) * random.uniform(0, 1.5)
    offset = speed * time[:, np.newaxis] + shake + sway * (random.random() < 0.4) * unit
    zoom = np.exp(time * random.normal(0, 0.006) * (random.random() < 0.4))
    return _Camera(offset, zoom, time * random.normal(0, 0.004) * (random.random() < 0.3))


def _random_layers(random: np.random.Generator, unit: float) -> list[_Layer]:
    layers = [_random_layer(random, unit, 1.0, None)]
    if random.random() < 0.4:
        layers.append(_random_layer(random, unit, 1.0, _below_horizon(random)))
    if random.random() < 0.3:
        layers.append(_random_layer(random, unit, random.uniform(1.1, 1.8), _islands(random)))
    return layers


def _random_layer(
    random: np.random.Generator, unit: float, parallax: float, cover: NDArray[np.float32] | None
) -> _Layer:
    angle = random.uniform(-0.1, 0.1) if random.random() < 0.7 else random.uniform(-3, 3)
    return _Layer(random_texture(random), random.uniform(0.7, 2.0) * unit, angle, parallax, cover)


def _below_horizon(random: np.random.Generator) -> NDArray[np.float32]:
    """A ground: everything below a line."""
    rows = np.linspace(0, 1, SIDE_PX, dtype=np.float32)[:, np.newaxis]
    line = random.uniform(0.3, 0.7)
    return np.broadcast_to(np.clip((rows - line) * SIDE_PX, 0, 1), (SIDE_PX, SIDE_PX)).copy()


def _islands(random: np.random.Generator) -> NDArray[np.float32]:
    """Bushes or posts before the rest."""
    if random.random() < 0.5:
        return np.clip((noise(random, 2.5) - random.uniform(0.55, 0.7)) * 20, 0, 1)
    columns = np.arange(SIDE_PX) / SIDE_PX * random.integers(1, 4)
    posts = np.clip((random.uniform(0.05, 0.2) - np.abs(columns % 1 - 0.5)) * 40, 0, 1)
    return np.broadcast_to(posts.astype(np.float32), (SIDE_PX, SIDE_PX)).copy()


def _composed(layers: list[_Layer], camera: _Camera, frame: int, height_px: int, width_px: int) -> NDArray[np.float32]:
    picture = np.zeros((height_px, width_px, 3), np.float32)
    for layer in layers:
        to_texture = _frame_to_texture(layer, camera, frame, height_px, width_px)
        color = _warped(layer.texture, to_texture, height_px, width_px)
        if layer.cover is None:
            picture = color
        else:
            cover = _warped(layer.cover, to_texture, height_px, width_px)[..., np.newaxis]
            picture = picture + (color - picture) * cover
    return picture


def _frame_to_texture(layer: _Layer, camera: _Camera, frame: int, height_px: int, width_px: int) -> NDArray[np.float64]:
    """The 2x3 affine from pixels of the frame to those of the texture, about the middle of the frame."""
    scale = 1 / (layer.scale * camera.zoom[frame])
    angle = layer.angle + camera.angle[frame]
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    middle = np.array([width_px / 2, height_px / 2])
    shift = SIDE_PX / 2 + linear @ (layer.parallax * camera.offset[frame] - middle)
    return np.hstack([linear, shift[:, np.newaxis]])


def _warped(
    image: NDArray[np.float32], to_image: NDArray[np.float64], height_px: int, width_px: int
) -> NDArray[np.float32]:
    warped = cv2.warpAffine(
        image,
        to_image,
        (width_px, height_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )
    return np.asarray(warped, np.float32)


def _with_sprite(clean: NDArray[np.float32], sprite: Sprite) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The shot with the sprite before it and its shadow under it, and what of it they touch."""
    shade = 1 - sprite.shadow[..., np.newaxis]
    filmed = clean * shade + (sprite.color - clean * shade) * sprite.cover[..., np.newaxis]
    touched = np.maximum(sprite.cover, (sprite.shadow > 0).astype(np.float32))
    return filmed.astype(np.float32), touched.astype(np.float32)


def _light(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A gain for each pixel: light that drifts over time, and a vignette."""
    frame_count, height_px, width_px, _ = shape
    drift = 1 + np.linspace(-1, 1, frame_count) * random.normal(0, 0.05) * (random.random() < 0.4)
    y, x = np.mgrid[-1 : 1 : height_px * 1j, -1 : 1 : width_px * 1j]
    vignette = 1 - random.uniform(0, 0.15) * (x**2 + y**2)
    return (drift[:, np.newaxis, np.newaxis] * vignette)[..., np.newaxis].astype(np.float32)
