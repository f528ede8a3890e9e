"""``grayplate clean``: one render from the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from desktop.default_model import with_default_model
from desktop.errors import UsageError
from desktop.subcommands.engine_session import engine_session
from desktop.subcommands.exit_codes import EXIT_BY_KIND, EXIT_CANCELLED, EXIT_DONE, EXIT_FAILED
from desktop.subcommands.interrupts import interrupt_deferred
from desktop.subcommands.progress_bar import ProgressBars
from engine.client import EngineClient
from engine.errors import EngineError
from engine.protocol import (
    FINAL_STATES,
    FrameRange,
    Job,
    MediaSource,
    Output,
    ParameterValue,
    RenderPass,
    RenderRequest,
    StateEvent,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``grayplate clean``; other programs rely on them."""
    parser.add_argument("source", metavar="SOURCE", help="a movie, a pattern such as plate.####.exr, or a folder")
    parser.add_argument("--boxes", metavar="BOXES.json", help="boxes per frame, in pixels (docs/boxes.md)")
    parser.add_argument("--matte", metavar="MATTE", help="a gray movie or sequence, white where to remove")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help=".mkv FFV1 lossless, .mov ProRes 4444, .mp4 H.264, or a pattern for an image sequence",
    )
    parser.add_argument("--effect", default="clean-plate", metavar="NAME", help="clean-plate (default) or vace")
    parser.add_argument("--model", metavar="DIR", help="folder of model weights, or an installed name, for vace")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="see: grayplate effects")
    parser.add_argument("--frames", metavar="A-B", help="first and last frame, both included, counted from 0")
    parser.add_argument("--report", metavar="REPORT.json", help="write what was done and measured")
    parser.add_argument("--preview", metavar="DIR", help="write cleaned frames as PNG while it renders")
    parser.add_argument("--overwrite", action="store_true", help="replace OUTPUT if it exists")
    parser.add_argument("--quiet", action="store_true", help="no progress; warnings and errors only")


def run(options: argparse.Namespace) -> int:
    """Render and wait; Ctrl-C cancels the job in the engine."""
    request = build_request(options)
    with engine_session() as client, ProgressBars(quiet=options.quiet) as bars:
        job = None
        try:
            with interrupt_deferred():  # in the middle of the call, nobody would know which job to cancel
                job = client.submit(request)
            _show_until_final(client, job.id, bars)
        except KeyboardInterrupt:
            if job is not None:
                _cancel(client, job.id)
            raise
        return finish(client.job(job.id), quiet=options.quiet)


def build_request(options: argparse.Namespace) -> RenderRequest:
    """The request that the options ask for, checked against the media; raises errors of every floor below."""
    from roi_tools.roi_file import read_boxes
    from timeline.media.probe import probe

    if not options.boxes and not options.matte:
        raise UsageError("nothing is marked for removal; give --boxes BOXES.json, --matte MATTE or both")
    info = probe(options.source)
    frames = parse_frames(options.frames, info.frame_count)
    boxes = None
    if options.boxes:
        per_frame = read_boxes(options.boxes, frame_count=info.frame_count, size=info.size).boxes
        boxes = tuple(tuple(box.as_tuple() for box in of_frame) for of_frame in per_frame)
    try:
        return RenderRequest(
            source=MediaSource(path=_absolute(options.source)),
            frames=frames,
            passes=(
                RenderPass(
                    effect=options.effect,
                    parameters=with_default_model(options.effect, parse_parameters(options.param, options.model)),
                    boxes=boxes,
                    boxes_start=0,
                    matte=MediaSource(path=_absolute(options.matte)) if options.matte else None,
                ),
            ),
            output=Output(path=_absolute(options.output), overwrite=options.overwrite),
            report_path=_absolute(options.report) if options.report else None,
            preview_folder=_absolute(options.preview) if options.preview else None,
        )
    except ValidationError as error:
        raise UsageError(f"{options.source}: {error.errors()[0]['msg']}") from error


def parse_frames(text: str | None, frame_count: int) -> FrameRange:
    """``"A-B"`` (both included, from 0) or ``"A"`` as a half-open range; None is the whole clip. Raises UsageError."""
    if text is None:
        return FrameRange(start=0, end_exclusive=frame_count)
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
    if match is None:
        raise UsageError(f"--frames {text}: write it as A-B, two whole numbers from 0, such as 0-47")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if last < first:
        raise UsageError(f"--frames {text} ends before it starts; write the smaller number first")
    if last >= frame_count:
        raise UsageError(f"--frames {text} leaves the clip, whose frames are 0-{frame_count - 1}")
    return FrameRange(start=first, end_exclusive=last + 1)


def parse_parameters(assignments: Sequence[str], model: str | None) -> dict[str, ParameterValue]:
    """``NAME=VALUE`` texts as a dictionary (the engine checks names and values). Raises UsageError."""
    parameters: dict[str, ParameterValue] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {assignment}: write it as NAME=VALUE; `grayplate effects` lists the names")
        parameters[name.strip()] = value
    if model is not None:
        parameters["model"] = _model(model)
    return parameters


def finish(job: Job, *, quiet: bool) -> int:
    """Say how the job ended and return the exit code."""
    from rich.console import Console

    if job.state == "done":
        report = job.report
        if report is not None and not quiet:
            print(f"{report.output}: {report.frames_out} frames, {report.frames_cleaned} cleaned")
        return EXIT_DONE
    if job.state == "cancelled":
        return EXIT_CANCELLED
    error = job.error
    Console(stderr=True, soft_wrap=True).print(
        f"grayplate: {error.message if error else 'the render failed without a reason; see the engine log'}",
        markup=False,
        highlight=False,
    )
    return EXIT_BY_KIND[error.kind] if error else EXIT_FAILED


def _show_until_final(client: EngineClient, job_id: str, bars: ProgressBars) -> None:
    for event in client.events(job_id):
        bars.show(event)
        if isinstance(event, StateEvent) and event.state in FINAL_STATES:
            return


def _cancel(client: EngineClient, job_id: str) -> None:
    """Cancel and wait until the engine has cleaned up behind the job."""
    with suppress(EngineError):
        client.cancel(job_id)
        for event in client.events(job_id):
            if isinstance(event, StateEvent) and event.state in FINAL_STATES:
                break


def _model(given: str) -> str:
    """A folder or file as an absolute path; any other word is the name of an installed model (`grayplate models`)."""
    is_path = Path(given).expanduser().exists() or len(Path(given).parts) > 1
    return _absolute(given) if is_path else given


def _absolute(path: str) -> str:
    """The engine runs in another folder; patterns (####, %04d) pass through as they are."""
    return str(Path(path).expanduser().absolute())
