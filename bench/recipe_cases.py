"""Shots that the starter model never trained on, rendered by the vace effect itself, and what is measured of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.effects.vace import Vace
from engine.ofx.effect import Clips, RenderedImage
from engine.ofx.parameters import ParameterSet
from engine.protocol import ParameterValue, Remedy
from engine.vace.training.configuration import ShotSize
from engine.vace.training.scenes import Shot
from engine.vace.training.validation import validation_shots
from roi_tools.geometry import Box, Size, frame_box

SIZE = ShotSize(height_px=64, width_px=64, frames=17)
LONG_FRAMES = 57
"""15 latents: three windows of 5 without overlap."""
WINDOW_LATENTS = 5
_VISIBLE_DIFFERENCE = 0.1
"""Object pixels that look like what is behind them say nothing about which of the two was painted."""

Video = NDArray[np.float32]


@dataclass(frozen=True)
class Footage:
    """A source clip that lies in memory, (frames, H, W, 3) in [0, 1]."""

    video: Video
    is_scene_linear: bool = False

    @property
    def frames(self) -> range:
        return range(len(self.video))

    @property
    def size(self) -> Size:
        return Size(self.video.shape[2], self.video.shape[1])

    def image(self, frame: int, window: Box | None = None) -> Video:
        return np.asarray(self.video[frame][(window or frame_box(self.size)).slices])


@dataclass(frozen=True)
class Mattes:
    """A matte clip that lies in memory, (frames, H, W) in [0, 1]."""

    coverage: Video

    @property
    def frames(self) -> range:
        return range(len(self.coverage))

    @property
    def known_frames(self) -> range:
        return self.frames

    @property
    def size(self) -> Size:
        return Size(self.coverage.shape[2], self.coverage.shape[1])

    def bounds(self, frame: int) -> Box | None:
        rows, columns = np.nonzero(self.coverage[frame])
        if not len(rows):
            return None
        return Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)

    def image(self, frame: int, window: Box | None = None) -> Video:
        return np.asarray(self.coverage[frame][(window or frame_box(self.size)).slices])


@dataclass
class Silence:
    """A host that hears the warnings only."""

    warnings: list[str] = field(default_factory=list)

    def progress(self, stage: Any, done: float, total: float, message: str = "") -> None:
        del stage, done, total, message

    def warn(self, message: str, remedy: Remedy | None = None) -> None:
        del remedy
        self.warnings.append(message)

    def windows(self, windows: Sequence[range]) -> None:
        del windows

    def preview(self, frame: int, image: RenderedImage) -> None:
        del frame, image


@dataclass(frozen=True)
class Case:
    """A shot, and the boxes around its matte, which are what is rendered and measured."""

    shot: Shot

    @cached_property
    def boxes(self) -> list[Box | None]:
        mattes = Mattes(self.shot.matte)
        return [mattes.bounds(frame) for frame in mattes.frames]

    @cached_property
    def hole(self) -> NDArray[np.bool_]:
        """(frames, H, W), True inside the boxes."""
        hole = np.zeros(self.shot.matte.shape, bool)
        for frame, box in enumerate(self.boxes):
            if box is not None:
                hole[frame][box.slices] = True
        return hole

    @cached_property
    def object_pixels(self) -> NDArray[np.bool_]:
        difference = np.abs(self.shot.filmed - self.shot.clean).max(axis=-1)
        return np.asarray((self.shot.matte > 0) & (difference > _VISIBLE_DIFFERENCE))


@dataclass(frozen=True)
class Result:
    """``in_box_db``, ``object_db``: PSNR against the truth in the boxes and on the object's pixels; ``gray_db``:
    against flat gray, in the boxes. ``object_share``: 0 where the background was painted, 1 where the object was.
    """

    in_box_db: float
    object_db: float
    gray_db: float
    object_share: float


def validation_cases(count: int, frames: int = SIZE.frames, speed: int = 1) -> list[Case]:
    """The first so many; with ``speed`` above 1 all of the motion is as many times as fast."""
    size = SIZE.model_copy(update={"frames": (frames - 1) * speed + 1})
    shots = validation_shots(size, count)
    return [Case(Shot(shot.clean[::speed], shot.filmed[::speed], shot.matte[::speed])) for shot in shots]


def rendered(case: Case, parameters: Mapping[str, ParameterValue]) -> Video:
    """The filmed shot with everything inside the boxes as the effect made it."""
    given = ParameterSet(Vace.describe(), {"device": "cpu", "preview": False, **parameters})
    effect = Vace(given, Clips(Footage(case.shot.filmed), Mattes(case.shot.matte)), Silence())
    marked = [frame for frame, box in enumerate(case.boxes) if box is not None]
    made = case.shot.filmed.copy()
    effect.begin_sequence_render(range(len(made)))
    for frame in marked:
        image = effect.render(frame)
        made[frame][image.window.slices] = image.rgb
    effect.end_sequence_render()
    return np.clip(made, 0, 1)


def with_telea(case: Case) -> Video:
    """OpenCV's inpainting of each frame, for comparison."""
    frames = []
    for picture, hole in zip(case.shot.filmed, case.hole, strict=True):
        pixels = np.rint(picture * 255).astype(np.uint8)
        frames.append(cv2.inpaint(pixels, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA) / 255)
    return np.asarray(frames, np.float32)


def with_gray(case: Case) -> Video:
    """The boxes as the model sees them."""
    return np.where(case.hole[..., np.newaxis], np.float32(0.5), case.shot.filmed)


def measured(case: Case, made: Video) -> Result:
    clean, filmed, where = case.shot.clean, case.shot.filmed, case.object_pixels
    axis, moved = filmed[where] - clean[where], made[where] - clean[where]
    share = (moved * axis).sum(axis=1) / np.square(axis).sum(axis=1)
    return Result(
        in_box_db=psnr(made[case.hole], clean[case.hole]),
        object_db=psnr(made[where], clean[where]),
        gray_db=psnr(made[case.hole], np.full_like(made[case.hole], 0.5)),
        object_share=float(np.median(share)),
    )


def psnr(made: Video, truth: Video) -> float:
    """In dB, of values in [0, 1]."""
    return float(-10 * np.log10(max(float(np.square(made - truth).mean()), 1e-12)))


def mean_result(results: Sequence[Result]) -> Result:
    """The mean over shots, of each number."""
    names = ("in_box_db", "object_db", "gray_db", "object_share")
    return Result(*(float(np.mean([getattr(result, name) for result in results])) for name in names))


def border_flicker(case: Case, made: Video) -> tuple[float, float]:
    """How much the error jumps from frame to frame, in 8-bit steps: where windows without overlap meet, and elsewhere.

    Elsewhere means where one latent ends and the next begins inside of such a window: what a latent's own border
    adds is on both sides.
    """
    first_frames = range(1, len(made), 4)
    borders = {1 + 4 * (latent - 1) for latent in range(WINDOW_LATENTS, len(first_frames) + 1, WINDOW_LATENTS)}
    jumps = {frame: _jump(case, made, frame) for frame in first_frames}
    at = [jump for frame, jump in jumps.items() if frame in borders and jump is not None]
    elsewhere = [jump for frame, jump in jumps.items() if frame not in borders and jump is not None]
    return float(np.mean(at)), float(np.mean(elsewhere))


def _jump(case: Case, made: Video, frame: int) -> float | None:
    both = case.hole[frame] & case.hole[frame - 1]
    if not both.any():
        return None
    error = made - case.shot.clean
    return float(255 * np.abs(error[frame] - error[frame - 1])[both].mean())
