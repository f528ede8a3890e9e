"""``grayplate demo``: clean the bundled sample clip, measure it against the true plate, and show it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from desktop.subcommands import clean
from roi_tools.geometry import Box
from roi_tools.roi_file import read_boxes
from timeline.media.color import frame_to_rgb
from timeline.media.reader import MediaReader, open_media

MEASURE_EVERY_FRAMES = 4
"""OpenCV's inpainting takes longer than the whole clean-up; a quarter of the frames gives its figure as well."""
PICTURE_FRAMES = (12, 24, 36)
_GRAY_LEVELS = 255.0
_BOX_COLOR = (64, 190, 255)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``grayplate demo`` takes no options; it writes to ``demo/`` in the current folder."""


@dataclass(frozen=True)
class Psnr:
    """Mean PSNR in dB against the true plate, inside the boxes."""

    cleaned_db: float
    inpainted_db: float
    untouched_db: float


def run(options: argparse.Namespace) -> int:
    """Clean, measure, draw; the last lines say where the results are and how to open the desktop."""
    del options
    folder = Path("demo")
    folder.mkdir(exist_ok=True)
    cleaned = folder / "cleaned.mp4"
    with as_file(files("resources") / "sample") as sample:
        status = clean.run(_clean_options(sample, folder, cleaned))
        if status:
            return status
        boxes = read_boxes(sample / "walkby_boxes.json").boxes
        with (
            open_media(sample / "walkby.mp4") as source,
            open_media(sample / "walkby_plate.mp4") as plate,
            open_media(cleaned) as result,
        ):
            psnr = measure(source, plate, result, boxes)
            picture = folder / "before_after.png"
            cv2.imwrite(str(picture), before_after(source, result, boxes)[..., ::-1])
    print(
        f"\nInside the box, against the true plate: {psnr.cleaned_db:.1f} dB with clean-plate, "
        f"{psnr.inpainted_db:.1f} dB with OpenCV's per-frame inpainting, {psnr.untouched_db:.1f} dB untouched.\n"
        f"Cleaned clip    {cleaned}\n"
        f"Before, after   {picture}\n"
        f"Report          {folder / 'report.json'}\n"
        "Open the desktop on this shot with: make app"
    )
    return 0


def _clean_options(sample: Path, folder: Path, cleaned: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    clean.add_arguments(parser)
    return parser.parse_args(
        [
            str(sample / "walkby.mp4"),
            *("--boxes", str(sample / "walkby_boxes.json")),
            *("--output", str(cleaned)),
            *("--report", str(folder / "report.json")),
            "--overwrite",
        ]
    )


def measure(source: MediaReader, plate: MediaReader, result: MediaReader, boxes: tuple[tuple[Box, ...], ...]) -> Psnr:
    """Mean PSNR inside the boxes over every MEASURE_EVERY_FRAMES-th frame that has one."""
    rows = []
    for frame in range(0, len(boxes), MEASURE_EVERY_FRAMES):
        if not boxes[frame]:
            continue
        truth, dirty, cleaned = (_rgb8(reader, frame) for reader in (plate, source, result))
        hole = _matte8(boxes[frame], dirty)
        inpainted = np.asarray(cv2.inpaint(dirty, hole, 3, cv2.INPAINT_TELEA), np.uint8)
        rows.append([_psnr(image, truth, hole > 0) for image in (cleaned, inpainted, dirty)])
    return Psnr(*np.mean(rows, axis=0).tolist())


def before_after(source: MediaReader, result: MediaReader, boxes: tuple[tuple[Box, ...], ...]) -> NDArray[np.uint8]:
    """Three moments as rows; source with its box, cleaned and matte as columns; uint8 (h, w, 3) RGB."""
    rows = []
    for frame in PICTURE_FRAMES:
        dirty = _rgb8(source, frame)
        matte = np.repeat(_matte8(boxes[frame], dirty)[..., None], 3, axis=2)
        boxed = dirty.copy()
        for box in boxes[frame]:
            cv2.rectangle(boxed, (box.x0, box.y0), (box.x1 - 1, box.y1 - 1), _BOX_COLOR, 3)
        titles = (f"source, frame {frame}", "cleaned", "matte")
        columns = [
            _titled(image, title) for image, title in zip((boxed, _rgb8(result, frame), matte), titles, strict=True)
        ]
        rows.append(np.hstack(columns))
    picture = np.vstack(rows)
    half = (picture.shape[1] // 2, picture.shape[0] // 2)
    return np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.uint8)


def _titled(image: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    titled = image.copy()
    for color, thickness in (((0, 0, 0), 6), ((255, 255, 255), 2)):
        cv2.putText(titled, title, (16, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, color, thickness, cv2.LINE_AA)
    return titled


def _rgb8(reader: MediaReader, frame: int) -> NDArray[np.uint8]:
    return np.rint(frame_to_rgb(reader.read(frame)).clip(0, 1) * _GRAY_LEVELS).astype(np.uint8)


def _matte8(boxes: tuple[Box, ...], image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    matte = np.zeros(image.shape[:2], np.uint8)
    for box in boxes:
        matte[box.slices] = 255
    return matte


def _psnr(image: NDArray[np.uint8], truth: NDArray[np.uint8], inside: NDArray[np.bool_]) -> float:
    error = (image[inside].astype(np.float64) - truth[inside]) ** 2
    return float(10 * np.log10(_GRAY_LEVELS**2 / max(error.mean(), 1e-6)))
