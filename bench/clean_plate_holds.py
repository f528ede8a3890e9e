"""Shots in which the object stands still for longer than the reach: what it hid is shown by frames far away alone.

    .venv/bin/python -m bench.clean_plate_holds [--still PICTURE] [--seed N] [--frames N ...] [--sheet SHEET.png]

A still under a virtual camera that is locked, pans slowly or is held by hand, with grain and a drift of the exposure.
Per camera and measured frame: PSNR in the box against the grainless truth, the share that was invented, the mean
confidence and how many frames away the pixels came from. By default the still is a frame of the sample plate.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.clean_plate import write_picture
from bench.clean_plate_shots import GRAIN, PLATE, SIZE, Picture
from engine.plate.model import SYNTHESISED, PlateSettings, RecoveredFrame
from engine.plate.recover import recover
from roi_tools.geometry import Box, frame_box

FRAMES = 340
STANDS_FRAMES = 280
LEAVES_PX = 12.0
"""So far it goes in a frame, once it does."""

EXPOSURE_DRIFT = 0.12
SPRITE_PX = (46, 74)
MEASURED = (10, 60, 110)
CELLS_PX = 6

Camera = Callable[[int], NDArray[np.float64]]
"""Maps the still to the view of a frame, twice as large as SIZE."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--still", type=Path, default=PLATE, help="a picture, or a movie's first frame")
    parser.add_argument("--seed", type=int, default=3, help="of the grain and of where the object stands")
    parser.add_argument("--cameras", nargs="+", choices=sorted(CAMERAS), default=list(CAMERAS))
    parser.add_argument("--frames", nargs="+", type=int, default=list(MEASURED), help="frames to measure")
    parser.add_argument("--reach", type=int, default=PlateSettings().reach_frames, help="see the effect's parameter")
    parser.add_argument("--sheet", type=Path, help="writes a picture: source, result and truth of every frame")
    given = parser.parse_args()
    table = Table("camera", "frame", "PSNR dB", "invented", "confidence", "frames away")
    rows: list[NDArray[np.uint8]] = []
    for name in given.cameras:
        shot = Hold(still(given.still), CAMERAS[name], given.seed)
        settings = PlateSettings(reach_frames=given.reach)
        for done in recover(shot, given.frames, range(FRAMES), settings, lambda share: None):
            table.add_row(name, *figures(shot, done))
            rows.append(row(shot, done))
    Console().print(table)
    if given.sheet is not None:
        write_picture(given.sheet, np.vstack(rows))


class Hold:
    """A PlateSource: `still`, (h, w, 3) codes, under a camera, with an object before it that leaves at last."""

    def __init__(self, still: Picture, camera: Camera, seed: int) -> None:
        self._still, self._camera, self._seed = still, camera, seed
        random = np.random.default_rng(seed)
        self._stands_at = np.array(
            [random.uniform(0.3, 0.6) * SIZE.width_px, random.uniform(0.3, 0.5) * SIZE.height_px]
        )
        self._seen = lru_cache(maxsize=FRAMES)(self._shot)

    def truth(self, frame: int) -> Picture:
        """(H, W, 3) codes without the object and its grain."""
        return view_of(self._still, self._camera(frame)) * np.float32(1.0 - EXPOSURE_DRIFT * frame / (FRAMES - 1))

    def box(self, frame: int) -> Box | None:
        """Around the object, which stays where it is in the scene."""
        # Where the still's point that the first frame shows at `_stands_at` has got to.
        there = self._camera(frame) @ np.linalg.inv(self._camera(0)) @ np.array([*(2 * self._stands_at), 1.0])
        x, y = there[:2] / there[2] / 2 + np.array([LEAVES_PX * max(frame - STANDS_FRAMES, 0), 0.0])
        width, height = SPRITE_PX
        left, top = round(x - width / 2), round(y - height / 2)
        return Box(left, top, left + width, top + height).intersected(frame_box(SIZE))

    def rgb(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        """See PlateSource."""
        image = self._seen(frame) if window is None else self._seen(frame)[window.slices]
        return np.asarray(image[..., ::-1], np.float32) / np.float32(255.0)

    def hole(self, frame: int) -> NDArray[np.bool_]:
        """See PlateSource."""
        mask = np.zeros((SIZE.height_px, SIZE.width_px), bool)
        box = self.box(frame)
        if box is not None:
            mask[box.slices] = True
        return mask

    def codes(self, frame: int) -> NDArray[np.uint8]:
        """(H, W, 3) B'G'R' as it was shot."""
        return self._seen(frame)

    def _shot(self, frame: int) -> NDArray[np.uint8]:
        image, box = self.truth(frame).copy(), self.box(frame)
        if box is not None:
            y, x = np.mgrid[: box.height_px, : box.width_px]
            cells = (x // CELLS_PX + y // CELLS_PX + frame // 12) % 2
            image[box.slices] = np.stack([40 + 160 * cells, 60 + 60 * cells, 220 - 120 * cells], axis=2)
        grain = np.random.default_rng((self._seed, frame)).normal(0.0, GRAIN, image.shape)
        return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


def figures(shot: Hold, done: RecoveredFrame) -> tuple[str, ...]:
    """The columns of a frame."""
    assert done.box is not None
    error = done.rgb[..., ::-1] * 255.0 - shot.truth(done.frame)[done.box.slices]
    psnr_db = 10 * np.log10(255**2 / float(np.square(error).mean()))
    invented = done.provenance == SYNTHESISED
    lent = (done.provenance >= 0) & (done.provenance != done.frame)
    away = np.abs(done.provenance[lent] - done.frame)
    trust = f"{float(done.confidence[lent].mean()):.2f}" if lent.any() else "-"
    return (
        str(done.frame),
        f"{psnr_db:.2f}",
        f"{invented.mean():.1%}",
        trust,
        f"{away.mean():.0f}" if len(away) else "-",
    )


def row(shot: Hold, done: RecoveredFrame) -> NDArray[np.uint8]:
    """Source, result and truth beside each other."""
    assert done.box is not None
    source, result = shot.codes(done.frame), shot.codes(done.frame).copy()
    result[done.box.slices] = np.clip(np.rint(done.rgb[..., ::-1] * 255.0), 0, 255)
    truth = np.clip(np.rint(shot.truth(done.frame)), 0, 255).astype(np.uint8)
    return np.asarray(np.hstack([source, result, truth]), np.uint8)


def still(path: Path) -> Picture:
    """A picture of at least 960x540 from a file; a smaller one is enlarged."""
    image = cv2.imread(str(path))
    if image is None:
        ok, image = cv2.VideoCapture(str(path)).read()
        if not ok:
            raise SystemExit(f"cannot read {path}; give a picture or a movie")
    scale = max(960 / image.shape[1], 540 / image.shape[0])
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.float32)


def view_of(picture: Picture, matrix: NDArray[np.float64]) -> Picture:
    """Rendered at twice the size and averaged down, without aliasing."""
    size = (2 * SIZE.width_px, 2 * SIZE.height_px)
    large = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(large, (SIZE.width_px, SIZE.height_px), interpolation=cv2.INTER_AREA), np.float32)


def camera(x_px: float, y_px: float, zoom: float = 1.0, roll: float = 0.0) -> NDArray[np.float64]:
    """Looks at the middle of the still, 640x360 px of it; offsets in pixels of the still."""
    centre = np.array([[1.0, 0.0, -480.0 - x_px], [0.0, 1.0, -270.0 - y_px], [0.0, 0.0, 1.0]])
    turn = np.array([[np.cos(roll), -np.sin(roll), 0.0], [np.sin(roll), np.cos(roll), 0.0], [0.0, 0.0, 1.0]])
    back = np.array([[zoom, 0.0, SIZE.width_px], [0.0, zoom, SIZE.height_px], [0.0, 0.0, 1.0]])
    return np.asarray(back @ turn @ centre)


def handheld(n: int) -> NDArray[np.float64]:
    """Sways, breathes and rolls, and drifts off by 50 px of the still."""
    x = 9.0 * np.sin(0.21 * n) + 5.0 * np.sin(0.53 * n + 1.0) + 50.0 * n / FRAMES
    y = 6.0 * np.sin(0.17 * n + 2.0) + 4.0 * np.sin(0.67 * n)
    return camera(x, y, zoom=1.05 + 0.03 * np.sin(0.02 * n), roll=0.012 * np.sin(0.13 * n))


CAMERAS: dict[str, Camera] = {
    "locked": lambda n: camera(0.0, 0.0),
    "pan": lambda n: camera(0.5 * (n - FRAMES / 2), 0.05 * n),
    "handheld": handheld,
}


if __name__ == "__main__":
    main()
