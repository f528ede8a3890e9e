"""Shots whose true background is known because they are made here: a still under a virtual camera, with grain, drifting
exposure and a sprite that crosses the picture.

The still is a frame of the project's own sample plate. Truth is without grain: what is measured is the distance from
the scene, and a recovery that averages grain is nearer to it than the footage itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roi_tools.geometry import Box, Size, frame_box

PLATE = Path(__file__).resolve().parents[1] / "resources" / "sample" / "walkby_plate.mp4"
FRAMES = 40
SIZE = Size(320, 180)
GRAIN = 2.0
GRAIN_SEED = 7
EXPOSURE_DRIFT = 0.06
SPRITE_PX = (46, 74)
"""About 6 % of the picture."""

Picture = NDArray[np.float32]
Shot = tuple[str, list[NDArray[np.uint8]], list[NDArray[np.uint8]], list[Box | None]]
"""Name, source, truth, boxes."""


def made_shots(seed: int = GRAIN_SEED) -> list[Shot]:
    """All of them; the same on every call with the same seed of the grain."""
    still = _still()
    cameras: dict[str, Callable[[float, int], NDArray[np.float64]]] = {
        "static": lambda t, n: _camera(0.0, 0.0),
        "pan with perspective": lambda t, n: _camera(140 * (t - 0.5), 20 * (t - 0.5), tilt=4e-4 * (t - 0.5)),
        "handheld": _handheld,
        "zoom": lambda t, n: _camera(0.0, 0.0, zoom=1.0 + 0.35 * t),
        "changing light": lambda t, n: _camera(0.0, 0.0),
    }
    shots = []
    for name, camera in cameras.items():
        views = [_view(still, camera(n / (FRAMES - 1), n)) for n in range(FRAMES)]
        if name == "changing light":
            views = [_relit(view, n / (FRAMES - 1)) for n, view in enumerate(views)]
        shots.append(_shot(name, views, seed))
    return [*shots, _shot("three-layer parallax", _parallax(still), seed)]


def _still() -> Picture:
    capture = cv2.VideoCapture(str(PLATE))
    ok, image = capture.read()
    if not ok:
        raise SystemExit(f"cannot read {PLATE}; fetch the sample clip with the repository")
    return np.asarray(image, np.float32)


def _camera(x_px: float, y_px: float, zoom: float = 1.0, tilt: float = 0.0, roll: float = 0.0) -> NDArray[np.float64]:
    """Maps the still, of which 640x360 px are seen, to a view of twice SIZE; offsets in pixels of the still."""
    centre = np.array([[1.0, 0.0, -480.0 - x_px], [0.0, 1.0, -270.0 - y_px], [0.0, 0.0, 1.0]])
    turn = np.array([[np.cos(roll), -np.sin(roll), 0.0], [np.sin(roll), np.cos(roll), 0.0], [tilt, 0.0, 1.0]])
    back = np.array([[zoom, 0.0, SIZE.width_px], [0.0, zoom, SIZE.height_px], [0.0, 0.0, 1.0]])
    return np.asarray(back @ turn @ centre)


def _handheld(t: float, n: int) -> NDArray[np.float64]:
    x = 9.0 * np.sin(0.31 * n) + 5.0 * np.sin(0.83 * n + 1.0)
    y = 6.0 * np.sin(0.37 * n + 2.0) + 4.0 * np.sin(0.97 * n)
    return _camera(x + 40.0 * (t - 0.5), y, zoom=1.05, roll=0.01 * np.sin(0.23 * n))


def _view(picture: Picture, matrix: NDArray[np.float64], flags: int = cv2.INTER_CUBIC) -> Picture:
    """Rendered at twice the size and averaged down: as sharp as a camera, and without aliasing."""
    large = cv2.warpPerspective(
        picture, matrix, (2 * SIZE.width_px, 2 * SIZE.height_px), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(cv2.resize(large, (SIZE.width_px, SIZE.height_px), interpolation=cv2.INTER_AREA), np.float32)


def _relit(view: Picture, t: float) -> Picture:
    """A soft shadow's edge that wanders over the picture, and a change of colour."""
    ramp = (np.arange(SIZE.width_px) / SIZE.width_px - t) * 3.0
    shade = 1.0 - 0.15 / (1.0 + np.exp(-4.0 * ramp))
    tint = 1.0 + 0.04 * np.array([t, 0.0, -t])
    return np.asarray(view * shade[None, :, None] * tint, np.float32)


def _parallax(still: Picture) -> list[Picture]:
    """The still, its mirror image as a hedge before it, and posts before that, at three speeds."""
    hedge = np.ascontiguousarray(still[:, ::-1])
    x = np.arange(still.shape[1])
    edge = 330.0 + 18.0 * np.sin(x / 31.0) + 9.0 * np.sin(x / 7.0)
    hedge_alpha = (np.arange(still.shape[0])[:, None] > edge[None]).astype(np.float32)
    posts = np.ascontiguousarray(still[::-1] * np.float32(0.6))
    post_alpha = np.repeat((x % 260 < 34).astype(np.float32)[None], still.shape[0], axis=0)
    views = []
    for n in range(FRAMES):
        away = n / (FRAMES - 1) - 0.5
        view = _view(still, _camera(60 * away, 0.0))
        for picture, alpha, speed in ((hedge, hedge_alpha, 110.0), (posts, post_alpha, 180.0)):
            camera = _camera(speed * away, 0.0)
            cover = np.clip(_view(alpha, camera, cv2.INTER_LINEAR), 0.0, 1.0)[..., None]
            view = view + cover * (_view(picture, camera) - view)
        views.append(view)
    return views


def _shot(name: str, views: list[Picture], seed: int) -> Shot:
    random = np.random.default_rng(seed)
    truth = [view * np.float32(1.0 - EXPOSURE_DRIFT * n / (FRAMES - 1)) for n, view in enumerate(views)]
    boxes = [_sprite_box(n) for n in range(FRAMES)]
    source = []
    for n, (image, box) in enumerate(zip(truth, boxes, strict=True)):
        shown = image.copy()
        if box is not None:
            _draw_sprite(shown[box.slices], n)
        source.append(_codes(shown + random.normal(0.0, GRAIN, shown.shape)))
    return name, source, [_codes(image) for image in truth], boxes


def _sprite_box(n: int) -> Box | None:
    """Crosses the picture, and is outside it at both ends."""
    width, height = SPRITE_PX
    x = round(-60 + (SIZE.width_px + 70) * n / (FRAMES - 1))
    y = round(60 + 10 * np.sin(n / 4.0))
    return Box(x, y, x + width, y + height).intersected(frame_box(SIZE))


def _draw_sprite(patch: Picture, n: int) -> None:
    """A checkered ellipse whose checks change."""
    height, width = patch.shape[:2]
    y, x = np.mgrid[:height, :width]
    inside = ((x - width / 2) / (width / 2 - 2)) ** 2 + ((y - height / 2) / (height / 2 - 2)) ** 2 < 1.0
    checks = ((x // 6 + y // 6 + n) % 2).astype(np.float32)
    patch[inside] = np.stack([40 + 160 * checks, 60 + 60 * checks, 220 - 120 * checks], axis=2)[inside]


def _codes(image: NDArray) -> NDArray[np.uint8]:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
