"""``grayplate clean --redo``: some frames of the newest finished render of a clip, done again."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from desktop.base.errors import UsageError
from desktop.editing.redo import redo_changes
from desktop.subcommands.frame_range import parse_frames
from engine.client import EngineClient
from engine.protocol import Job, Output, ParameterValue, RenderRequest


def redo_request(
    client: EngineClient,
    options: argparse.Namespace,
    source: str,
    output: Output,
    given: Mapping[str, ParameterValue],
) -> RenderRequest:
    """The newest finished render of ``source``, with a pass that does the frames or the window asked for again.

    ``given``: parameters that the frames are to be done with. Raises UsageError where nothing was rendered yet.
    """
    job = _newest(client, source, options.effect)
    frames, index = _frames(client, job.request, options)
    first = job.request.passes[index]
    effect = next((effect for effect in client.effects() if effect.identifier == first.effect), None)
    if effect is None:
        raise UsageError(f"the effect '{first.effect}' is not installed any more; install it or render anew")
    changes = {**redo_changes(effect, first.parameters), **given}
    return job.request.redone(frames, changes, index, output).model_copy(update={"maps_folder": None})


def _newest(client: EngineClient, source: str, effect: str | None) -> Job:
    for job in client.jobs():
        effects = {render_pass.effect for render_pass in job.request.passes}
        if job.state == "done" and job.request.source.path == source and (effect is None or effect in effects):
            return job
    wanted = f" with {effect}" if effect else ""
    raise UsageError(f"{source} was not rendered{wanted} yet, so there is nothing to redo; leave --redo away")


def _frames(client: EngineClient, request: RenderRequest, options: argparse.Namespace) -> tuple[range, int]:
    """Source frames to redo, and the pass that marks them."""
    if options.redo is not None:
        frames = parse_frames(options.redo, request.frames.end_exclusive, "--redo").as_range()
        return frames, _marking_pass(request, frames)
    for found in client.preflight(request).passes:
        if found.windows:
            if not 1 <= options.redo_window <= len(found.windows):
                raise UsageError(
                    f"--redo-window {options.redo_window}: the render has {len(found.windows)} windows; "
                    f"choose 1 to {len(found.windows)}"
                )
            return found.windows[options.redo_window - 1].as_range(), found.pass_index
    raise UsageError("--redo-window: this render has no windows; give frames with --redo A-B")


def _marking_pass(request: RenderRequest, frames: range) -> int:
    for index, render_pass in enumerate(request.passes):
        known = request.boxes_range(render_pass)
        if render_pass.boxes is None or known is None:
            return index
        if any(render_pass.boxes[frame - known.start] for frame in frames if frame in known):
            return index
    return 0
