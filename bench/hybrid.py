"""Measures the auto effect: what the threshold of trust and the model behind it do to shots whose truth is known.

    .venv/bin/python -m bench.hybrid CLIPS_FOLDER --cost [--model starter-vace] [--steps 4]
    .venv/bin/python -m bench.hybrid CLIPS_FOLDER [--thresholds 0 0.15 0.25 0.35 0.5] [--model starter-vace] [--steps 4]
                                     [--generators truth soft model] [--sheet SHEET.png]

CLIPS_FOLDER holds clip.mp4 (and mask.mkv) of each clip that SHOTS names. A flat box is painted over a part of it: what
is under the box is the truth. Beside the model two others bound what any model could reach: ``truth`` paints the truth
itself, ``soft`` the truth without its detail. Per line: which share of the box the generator painted, PSNR and SSIM in
the box, flicker (mean absolute change of the error from frame to frame, in 8-bit codes), and the CPU seconds of all but
the plate. --cost has one box move faster and faster, so that less and less of what it hides is left to the model: what
Wan VACE 1.3B computes for that (20 steps), and the CPU seconds of ``model``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.clean_plate import ssim_map
from bench.clean_plate_cases import read_video
from bench.recipe_cases import Footage, Mattes, Silence, Video, psnr
from engine.effects.auto import Auto
from engine.effects.clean_plate import CleanPlate
from engine.effects.vace import Vace
from engine.hybrid.parameters import part_of
from engine.ofx.effect import GENERATED, Clips, Host, ImageEffect, RenderedImage
from engine.ofx.parameters import ParameterSet
from engine.protocol import EffectDescriptor, ParameterValue
from engine.vace.native import NATIVE_FILE
from engine.vace.shot.crops import planned_crop
from roi_tools.geometry import Box, Size

SOFT_PX = 8.0
"""Standard deviation of the blur that takes the detail away."""
PAINTED = (0.9, 0.1, 0.9)
GRAIN_CODES = 4.0
STEPS = 4


@dataclass(frozen=True)
class Shot:
    """A part of a clip, or one frame of it that stands still, and a box that moves by ``speed`` px a frame over it."""

    clip: str
    first: int
    box: Box
    speed: tuple[int, int]
    frames: int = 17
    is_still: bool = False


SHOTS = (
    Shot("bmx-trees", 20, Box(260, 70, 350, 180), (3, 0)),
    Shot("tennis", 10, Box(560, 120, 680, 320), (-4, 0)),
    Shot("paragliding-launch", 20, Box(90, 150, 240, 350), (4, 0)),
    Shot("bear", 10, Box(500, 100, 640, 320), (2, 0)),
)


COST_SHOTS = tuple(
    Shot("bear", 10, Box(20, 20, 340, 440), (speed, 0), is_still=True) for speed in (0, 5, 10, 15, 18, 20)
)


@dataclass(frozen=True)
class Case:
    """A shot with its truth, (frames, H, W, 3) in [0, 1]. ``scored``: (frames, H, W), where the truth is known."""

    name: str
    truth: Video
    boxes: Sequence[Box]
    scored: NDArray[np.bool_]

    @cached_property
    def filmed(self) -> Video:
        """With the box painted over."""
        grain = np.random.default_rng(7)
        filmed = self.truth.copy()
        for frame, box in enumerate(self.boxes):
            noise = grain.normal(0, GRAIN_CODES / 255, (box.height_px, box.width_px, 3))
            filmed[frame][box.slices] = np.clip(np.array(PAINTED) + noise, 0, 1)
        return filmed

    @property
    def clips(self) -> Clips:
        """As an effect sees them."""
        coverage = np.zeros(self.truth.shape[:3], np.float32)
        for frame, box in enumerate(self.boxes):
            coverage[frame][box.slices] = 1
        return Clips(Footage(self.filmed), Mattes(coverage))


def load(folder: Path, shot: Shot) -> Case:
    frames = range(shot.first, shot.first + shot.frames)
    pictures = read_video(folder / shot.clip / "clip.mp4")[frames.start : frames.stop]
    if shot.is_still:
        pictures = pictures[:1] * shot.frames
    truth = np.stack([picture[..., ::-1] for picture in pictures]).astype(np.float32) / np.float32(255)
    size = Size(truth.shape[2], truth.shape[1])
    boxes = [shot.box.shifted(shot.speed[0] * n, shot.speed[1] * n).clipped(size) for n in range(shot.frames)]
    scored = np.zeros(truth.shape[:3], bool)
    for frame, box in enumerate(boxes):
        assert box is not None, f"{shot.clip}: the box has left the frame"
        scored[frame][box.slices] = True
    mask = folder / shot.clip / "mask.mkv"
    if mask.is_file():
        # What moves there itself no other frame shows.
        moving = [picture[..., 0] > 0 for picture in read_video(mask)[frames.start : frames.stop]]
        scored &= ~np.stack(moving)
    return Case(shot.clip, truth, [box for box in boxes if box], scored)


class Given(ImageEffect):
    """Pictures that are there already, in place of a model or of the plate."""

    identifier: ClassVar[str] = "given"

    @classmethod
    def describe(cls) -> EffectDescriptor:
        return CleanPlate.describe()

    def __init__(self, clips: Clips, host: Host, images: dict[int, RenderedImage]) -> None:
        super().__init__(ParameterSet(self.describe(), {}), clips, host)
        self._images = images

    def render(self, frame: int) -> RenderedImage:
        return self._images[frame]


class Measured(Auto):
    """The effect, with a plate that was made before, and a clock on what paints the rest."""

    plates: dict[int, RenderedImage]
    pictures: Video | None = None
    """What paints the rest; None is the model."""
    forecast_by: Path | None = None
    """A model's folder: what that one would compute for the rest."""
    flop: float = 0.0
    crops: str = ""

    def plate_effect(self, host: Host, frame: int) -> ImageEffect:
        return Given(self.clips, host, self.plates)

    def model_effect(self, clips: Clips, host: Host) -> ImageEffect:
        if self.forecast_by is not None:
            values = part_of(self.parameters, Vace.describe())
            full = ParameterSet(Vace.describe(), {**values, "model": str(self.forecast_by), "steps": 20})
            told = Vace(full, clips, Silence(), has_cuts=False).preflight(clips.matte.frames)
            self.flop += told.forecast.flop if told.forecast else 0
            bounds = {frame: box for frame in clips.matte.frames if (box := clips.matte.bounds(frame))}
            self.crops += f"{planned_crop(bounds, clips.source.size, full).working_size} x {len(bounds)} "
        if self.pictures is not None:
            windows = {frame: box for frame in clips.matte.frames if (box := clips.matte.bounds(frame))}
            images = {n: RenderedImage(box, self.pictures[n][box.slices]) for n, box in windows.items()}
            return Given(clips, host, images)
        return super().model_effect(clips, host)


@dataclass(frozen=True)
class Result:
    share: float
    psnr_db: float
    ssim: float
    flicker: float
    seconds: float
    flop: float
    crops: str
    made: Video


def plates_of(case: Case) -> dict[int, RenderedImage]:
    plate = CleanPlate(ParameterSet(CleanPlate.describe(), {"keep_agreeing": False}), case.clips, Silence())
    frames = range(len(case.truth))
    plate.begin_sequence_render(frames)
    return {frame: plate.render(frame) for frame in frames}


def rendered(
    case: Case,
    plates: dict[int, RenderedImage],
    pictures: Video | None,
    values: dict[str, ParameterValue],
    forecast_by: Path | None = None,
) -> Result:
    effect = Measured(ParameterSet(Auto.describe(), {"preview": False, **values}), case.clips, Silence())
    effect.plates, effect.pictures, effect.forecast_by = plates, pictures, forecast_by
    start = time.process_time()
    effect.begin_sequence_render(range(len(case.truth)))
    images = [effect.render(frame) for frame in range(len(case.truth))]
    effect.end_sequence_render()
    seconds = time.process_time() - start
    made, painted = case.filmed.copy(), 0
    for frame, image in enumerate(images):
        made[frame][image.window.slices] = np.clip(image.rgb, 0, 1)
        assert image.provenance is not None
        painted += int(np.count_nonzero(image.provenance == GENERATED))
    share = painted / sum(box.area_px for box in case.boxes)
    return replace(measured(case, made), share=share, seconds=seconds, flop=effect.flop, crops=effect.crops)


def measured(case: Case, made: Video) -> Result:
    error = made - case.truth
    both = case.scored[1:] & case.scored[:-1]
    flicker = 255 * float(np.abs(np.diff(error, axis=0))[both].mean())
    similar = [
        float(ssim_map(codes(one), codes(other))[where].mean())
        for one, other, where in zip(made, case.truth, case.scored, strict=True)
    ]
    return Result(0, psnr(made[case.scored], case.truth[case.scored]), float(np.mean(similar)), flicker, 0, 0, "", made)


def codes(picture: Video) -> NDArray[np.uint8]:
    return np.rint(picture * 255).astype(np.uint8)


def generators(case: Case, names: Sequence[str]) -> dict[str, Video | None]:
    soft = np.stack([cv2.GaussianBlur(picture, (0, 0), SOFT_PX) for picture in case.truth]).astype(np.float32)
    known: dict[str, Video | None] = {"truth": case.truth, "soft": soft, "model": None}
    return {name: known[name] for name in names}


def cost_table(clips: Path, values: dict[str, ParameterValue]) -> Table:
    table = Table("speed", "left to the model", "crop x frames", "TFLOP of the 1.3B", "CPU s of the model")
    with tempfile.TemporaryDirectory() as folder:
        large = configurations_of_the_large_one(Path(folder) / "model")
        for shot in COST_SHOTS:
            case = load(clips, shot)
            got = rendered(case, plates_of(case), None, values, large)
            table.add_row(
                f"{shot.speed[0]} px", f"{got.share:.3f}", got.crops, f"{got.flop / 1e12:.0f}", f"{got.seconds:.1f}"
            )
    return table


def configurations_of_the_large_one(folder: Path) -> Path:
    """A model's folder that tells the sizes of Wan VACE 1.3B; its weights are not those, and are never read."""
    models = files("resources.models")
    shutil.copytree(str(models / "starter-vace"), folder)
    (folder / NATIVE_FILE).unlink()
    for part, name in (("transformer", "wan2.1-vace-1.3b.transformer.json"), ("vae", "wan2.1.vae.json")):
        (folder / part / "config.json").write_text((models / name).read_text())
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, metavar="CLIPS_FOLDER")
    parser.add_argument("--thresholds", nargs="+", type=float, default=[0.0, 0.15, 0.25, 0.35, 0.5])
    parser.add_argument(
        "--generators", nargs="+", choices=("truth", "soft", "model"), default=["truth", "soft", "model"]
    )
    parser.add_argument("--cost", action="store_true", help="what is left to the model, and what that costs")
    parser.add_argument("--only", nargs="+", choices=[shot.clip for shot in SHOTS], help="these clips")
    parser.add_argument("--model", default="starter-vace")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--sheet", type=Path, help="writes the middle frame of every line")
    given = parser.parse_args()
    base: dict[str, ParameterValue] = {"model": given.model, "steps": given.steps, "device": "cpu"}
    if given.cost:
        Console(width=110).print(cost_table(given.clips, base))
        return
    table, rows = Table("clip", "generator", "threshold", "painted", "PSNR dB", "SSIM", "flicker", "CPU s"), []
    for shot in SHOTS:
        if given.only and shot.clip not in given.only:
            continue
        case = load(given.clips, shot)
        plates = plates_of(case)
        for name, pictures in generators(case, given.generators).items():
            row = []
            for threshold in given.thresholds:
                got = rendered(case, plates, pictures, {**base, "confidence_threshold": threshold})
                figures = (f"{got.share:.3f}", f"{got.psnr_db:.2f}", f"{got.ssim:.4f}", f"{got.flicker:.2f}")
                table.add_row(case.name, name, f"{threshold:.2f}", *figures, f"{got.seconds:.1f}")
                row.append(codes(got.made[len(got.made) // 2]))
            rows.append(np.hstack([codes(case.truth[len(case.truth) // 2]), *row]))
    Console(width=110).print(table)
    if given.sheet:
        width = max(row.shape[1] for row in rows)
        padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows]
        if not cv2.imwrite(str(given.sheet), np.vstack(padded)[..., ::-1]):
            raise SystemExit(f"cannot write {given.sheet}; choose a folder that exists and a .png name")


if __name__ == "__main__":
    main()
