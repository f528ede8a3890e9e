"""``grayplate matte``: from clicks on an object to its matte, shapes and boxes through the shot."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from desktop.base.errors import UsageError
from desktop.roto.roi_files import RoiOptions, document_of_outlines, write_marks
from desktop.subcommands.engine_session import engine_session
from desktop.subcommands.frame_range import parse_frames
from engine.protocol import MediaSource, SegmentFrame, SegmentPrompt, SegmentRequest
from roi_tools.contours import outlines_matte
from roi_tools.geometry import Box
from roi_tools.roto.outlines import Polygon
from timeline.media.info import MediaInfo
from timeline.media.mattes import write_mattes
from timeline.media.reader import open_media

_SHAPE_FILES = (".json", ".nk", ".fxs", ".py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``grayplate matte``."""
    parser.add_argument("source", metavar="SOURCE", help="a movie, a pattern such as plate.####.exr, or a folder")
    parser.add_argument("--click", action="append", default=[], metavar="X,Y@FRAME", help="a point on the object")
    parser.add_argument("--not", action="append", default=[], dest="beside", metavar="X,Y@FRAME", help="one beside it")
    parser.add_argument("--box", action="append", default=[], metavar="X0,Y0,X1,Y1@FRAME", help="a box around it")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help="a matte such as matte.mkv or matte.####.png, or shapes: .json (ROI file), .nk, .fxs, .py",
    )
    parser.add_argument("--frames", metavar="A-B", help="first and last frame, both included, counted from 0")
    parser.add_argument("--model", default="", metavar="DIR", help="a SAM 2 folder or an installed model's name")
    parser.add_argument("--label", default="matte", help="name of the object")
    parser.add_argument(
        "--error", type=float, default=1.0, metavar="PX", help="how far edges may lie from the model's; default: 1"
    )
    parser.add_argument("--first-number", type=int, default=0, metavar="N", help="number of frame 0 in .nk, .fxs, .py")
    parser.add_argument("--overwrite", action="store_true", help="replace OUTPUT if it exists")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(options: argparse.Namespace) -> int:
    """Segment and write; Ctrl-C cancels."""
    with open_media(options.source) as reader:
        clip = reader.info
    request = build_request(options, clip)
    outlines, boxes = _segmented(request, quiet=options.quiet)
    if not boxes:
        raise UsageError("the model finds nothing there; click on the object's middle, or give a --box around it")
    output = Path(options.output)
    if output.suffix.lower() in _SHAPE_FILES:
        given = RoiOptions(options.first_number, options.error / 2, options.label)
        for label in write_marks(
            output, document_of_outlines(outlines, boxes, clip, given), given, overwrite=options.overwrite
        ):
            print(f"warning: '{label}' is left out", file=sys.stderr)
    else:
        mattes = (outlines_matte(outlines.get(frame, ()), clip.size) for frame in range(clip.frame_count))
        write_mattes(output, mattes, clip, overwrite=options.overwrite)
    print(f"{output}: '{options.label}' on {len(boxes)} of {len(request.frames)} frames")
    return 0


def build_request(options: argparse.Namespace, clip: MediaInfo) -> SegmentRequest:
    """What the options ask for. Raises UsageError."""
    if options.error <= 0:
        raise UsageError(f"--error {options.error:g}: give a number of pixels above 0")
    prompts: dict[int, dict[str, Any]] = {}
    for name, texts, count in (
        ("positive", options.click, 2),
        ("negative", options.beside, 2),
        ("box", options.box, 4),
    ):
        for text in texts:
            numbers, frame = _place(text, count)
            of_frame = prompts.setdefault(frame, {"frame": frame})
            if name == "box":
                of_frame["box"] = numbers
            else:
                of_frame[name] = (*of_frame.get(name, ()), numbers)
    if not prompts:
        raise UsageError("say where the object is: --click X,Y@FRAME on it, or --box X0,Y0,X1,Y1@FRAME around it")
    try:
        return SegmentRequest(
            source=MediaSource(path=str(Path(options.source).absolute())),
            frames=parse_frames(options.frames, clip.frame_count),
            prompts=tuple(SegmentPrompt(**prompt) for prompt in prompts.values()),
            model=_model(options.model),
            error_px=options.error / 2,
        )
    except ValidationError as error:
        raise UsageError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error


def _segmented(request: SegmentRequest, *, quiet: bool) -> tuple[dict[int, Sequence[Polygon]], dict[int, Box]]:
    outlines: dict[int, Sequence[Polygon]] = {}
    boxes: dict[int, Box] = {}
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=40), TextColumn("{task.completed}/{task.total}"))
    with (
        engine_session() as client,
        Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), disable=quiet) as progress,
    ):
        bar = progress.add_task("Segmenting", total=len(request.frames))
        for event in client.segment(request):
            if not isinstance(event, SegmentFrame):
                progress.update(bar, completed=event.done, description=event.message.capitalize() or "Segmenting")
            elif event.box is not None:
                outlines[event.frame] = [np.array(outline) for outline in event.outlines]
                boxes[event.frame] = Box(*event.box)
    return outlines, boxes


def _place(text: str, count: int) -> tuple[tuple[float, ...], int]:
    number = r"\d+(?:\.\d+)?"
    match = re.fullmatch(rf"({number}(?:,{number}){{{count - 1}}})@(\d+)", text.replace(" ", ""))
    if match is None:
        form = "X,Y@FRAME, such as 320,180@24" if count == 2 else "X0,Y0,X1,Y1@FRAME, such as 84,72,196,214@0"
        raise UsageError(f"'{text}' is no place on a frame; write {form}")
    return tuple(float(part) for part in match[1].split(",")), int(match[2])


def _model(given: str) -> str:
    """A folder's absolute path, because the engine runs elsewhere; or the name as it was given."""
    path = Path(given).expanduser()
    return str(path.absolute()) if given and path.exists() else given
