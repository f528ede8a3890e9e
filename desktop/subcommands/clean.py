"""``grayplate clean``: one render from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from desktop.base.errors import UsageError
from desktop.rendering.default_model import with_default_model
from desktop.subcommands.engine_session import engine_session
from desktop.subcommands.exit_codes import EXIT_BY_KIND, EXIT_CANCELLED, EXIT_DONE, EXIT_FAILED
from desktop.subcommands.frame_range import parse_frames
from desktop.subcommands.interrupts import interrupt_deferred
from desktop.subcommands.preflight import show_preflight, with_remedies
from desktop.subcommands.progress_bar import ProgressBars
from desktop.subcommands.redo_job import redo_request
from desktop.subcommands.summary import pass_summary
from engine.client import EngineClient
from engine.errors import EngineError
from engine.protocol import (
    FINAL_STATES,
    Job,
    MediaSource,
    Output,
    ParameterValue,
    Preset,
    RenderPass,
    RenderRequest,
    StateEvent,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``grayplate clean``; other programs rely on them."""
    parser.add_argument("source", metavar="SOURCE", help="a movie, a pattern such as plate.####.exr, or a folder")
    parser.add_argument("--boxes", metavar="BOXES.json", help="boxes (docs/boxes.md) or shapes (docs/roi-file.md)")
    parser.add_argument("--matte", metavar="MATTE", help="a gray movie or sequence, white where to remove")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUTPUT",
        help=".mkv FFV1 lossless, .mov ProRes 4444, .mp4 H.264, or a pattern for an image sequence",
    )
    parser.add_argument("--effect", metavar="NAME", help="clean-plate (default), vace or auto")
    parser.add_argument("--preset", metavar="NAME", help="a set of parameters; --param changes single ones of it")
    parser.add_argument("--model", metavar="DIR", help="folder of model weights, or an installed name (vace, auto)")
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help="see: grayplate effects")
    parser.add_argument("--frames", metavar="A-B", help="first and last frame, both included, counted from 0")
    redo = parser.add_mutually_exclusive_group()
    redo.add_argument(
        "--redo",
        metavar="A-B",
        help="do only these frames of the newest render of SOURCE again, going on from their finished neighbours; "
        "--param says what differs, otherwise the next seed",
    )
    redo.add_argument("--redo-window", type=int, metavar="N", help="the same for its N-th context window, from 1")
    parser.add_argument(
        "--apply-remedies", action="store_true", help="change the parameters that are known to fail, and say which"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what speaks against it and what it takes; render nothing"
    )
    parser.add_argument("--report", metavar="REPORT.json", help="write what was done and measured")
    parser.add_argument("--preview", metavar="DIR", help="write cleaned frames as PNG while it renders")
    parser.add_argument("--maps", metavar="DIR", help="write where pixels came from and how sure they are, as images")
    parser.add_argument("--overwrite", action="store_true", help="replace OUTPUT if it exists")
    parser.add_argument("--quiet", action="store_true", help="no progress; warnings and errors only")


def run(options: argparse.Namespace) -> int:
    """Render and wait; Ctrl-C cancels the job in the engine."""
    # Bad input is told before an engine is started, where that takes none.
    request = None if options.preset or _is_redo(options) else build_request(options)
    with engine_session() as client:
        request = _complete(client, options, request)
        if options.dry_run:
            show_preflight(client, request)
            return EXIT_DONE
        return _render(client, request, quiet=options.quiet)


def _complete(client: EngineClient, options: argparse.Namespace, request: RenderRequest | None) -> RenderRequest:
    """The request with all that only the engine knows: presets, earlier renders, remedies."""
    if _is_redo(options):
        request = _redo_request(client, options)
    elif request is None:
        request = build_request(options, find_preset(client.presets(), options.preset, options.effect))
    return with_remedies(client, request) if options.apply_remedies else request


def _render(client: EngineClient, request: RenderRequest, *, quiet: bool) -> int:
    with ProgressBars(quiet=quiet) as bars:
        job = None
        try:
            with interrupt_deferred():  # in the middle of the call, nobody would know which job to cancel
                job = client.submit(request)
            _show_until_final(client, job.id, bars)
        except KeyboardInterrupt:
            if job is not None:
                _cancel(client, job.id)
            raise
        return finish(client.job(job.id), quiet=quiet)


def find_preset(presets: Sequence[Preset], name: str, effect: str | None) -> Preset:
    """The preset of this name, in any case, of ``effect`` or of whichever has it. Raises UsageError."""
    fitting = [preset for preset in presets if effect in (None, preset.effect)]
    found = [preset for preset in fitting if preset.name.casefold() == name.strip().casefold()]
    if not found:
        there = ", ".join(f"'{preset.name}'" for preset in fitting) or "none"
        raise UsageError(f"there is no preset '{name}'{f' of {effect}' if effect else ''}; there are: {there}")
    if len({preset.effect for preset in found}) > 1:
        owners = " and ".join(sorted({preset.effect for preset in found}))
        raise UsageError(f"'{name}' is a preset of {owners}; say which with --effect")
    return found[-1]


def _is_redo(options: argparse.Namespace) -> bool:
    return options.redo is not None or options.redo_window is not None


def _redo_request(client: EngineClient, options: argparse.Namespace) -> RenderRequest:
    if options.boxes or options.matte or options.preset or options.frames:
        raise UsageError(
            "--redo takes its boxes, frames and parameters from the newest render of SOURCE; leave --boxes, --matte, "
            "--frames and --preset away"
        )
    given = parse_parameters(options.param, options.model)
    output = Output(path=_absolute(options.output), overwrite=options.overwrite)
    request = redo_request(client, options, _absolute(options.source), output, given)
    return request.model_copy(update=_side_outputs(options))


def _side_outputs(options: argparse.Namespace) -> dict[str, str | None]:
    return {
        "report_path": _absolute(options.report) if options.report else None,
        "preview_folder": _absolute(options.preview) if options.preview else None,
        "maps_folder": _absolute(options.maps) if options.maps else None,
    }


def build_request(options: argparse.Namespace, preset: Preset | None = None) -> RenderRequest:
    """The request that the options ask for, checked against the media; raises errors of every floor below."""
    from roi_tools.roi_marks import Marks, read_marks
    from roi_tools.roto.layer_json import layer_to_dict
    from timeline.media.probe import probe

    if not options.boxes and not options.matte:
        raise UsageError("nothing is marked for removal; give --boxes BOXES.json, --matte MATTE or both")
    effect = options.effect or (preset.effect if preset else "clean-plate")
    parameters = {**(preset.parameters if preset else {}), **parse_parameters(options.param, options.model)}
    info = probe(options.source)
    frames = parse_frames(options.frames, info.frame_count)
    marks = read_marks(options.boxes, info.frame_count, info.size) if options.boxes else Marks()
    boxes = None
    if marks.boxes is not None:
        boxes = tuple(tuple(box.as_tuple() for box in of_frame) for of_frame in marks.boxes)
    try:
        return RenderRequest(
            source=MediaSource(path=_absolute(options.source)),
            frames=frames,
            passes=(
                RenderPass(
                    effect=effect,
                    parameters=with_default_model(effect, parameters),
                    boxes=boxes,
                    boxes_start=0,
                    matte=MediaSource(path=_absolute(options.matte)) if options.matte else None,
                    roto=tuple(map(layer_to_dict, marks.layers)) or None,
                ),
            ),
            output=Output(path=_absolute(options.output), overwrite=options.overwrite),
        ).model_copy(update=_side_outputs(options))
    except ValidationError as error:
        raise UsageError(f"{options.source}: {error.errors()[0]['msg']}") from error


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
            print(*map(pass_summary, report.passes), sep="\n")
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
