"""Redo a few frames of a finished render, or one of its context windows, and leave the rest as it is.

A second pass over the result: its boxes are those of the frames to redo, so that nothing else is written; the frames
around them are finished pictures, which the model is shown as known and goes on from on both sides. The first pass
comes from the frame cache, where it costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import BadRequestError
from engine.protocol import ParameterValue, RenderPass, RenderRequest
from engine.vace.latent_geometry import TEMPORAL_COMPRESSION

KNOWN_FRAMES = 16
"""Finished frames that the model sees on both sides: four latents."""


def redo_request(
    request: RenderRequest, frames: range, changes: Mapping[str, ParameterValue], pass_index: int = 0
) -> RenderRequest:
    """``request`` with a pass added that does ``frames`` of its pass ``pass_index`` again.

    ``frames`` are source frames; ``changes`` are parameters of the new pass, another seed for one. Raises
    BadRequestError for frames or a pass that the request does not have, and for a pass with a matte movie alone, which
    says nothing of frames.
    """
    first = _pass(request, pass_index)
    start, stop = request.frames.start, request.frames.end_exclusive
    if not frames or frames.start < start or frames.stop > stop:
        raise BadRequestError(
            f"frames {frames.start}-{frames.stop - 1} are not all rendered; choose from {start}-{stop - 1}"
        )
    assert first.boxes is not None
    boxes = tuple(marked if start + n in frames else () for n, marked in enumerate(first.boxes))
    parameters = {**first.parameters, "known_frames": KNOWN_FRAMES, **changes}
    again = RenderPass(effect=first.effect, parameters=parameters, boxes=boxes, matte=first.matte)
    return request.model_copy(update={"passes": (*request.passes, again)})


def window_frames(stretch: range, latents: tuple[int, ...]) -> range:
    """The source frames that a context window's latents stand for; ``stretch`` is the clip that it lies in."""
    first = TEMPORAL_COMPRESSION * (latents[0] - 1) + 1 if latents[0] else 0
    last = TEMPORAL_COMPRESSION * latents[-1]
    return range(stretch.start + first, min(stretch.start + last + 1, stretch.stop))


def _pass(request: RenderRequest, index: int) -> RenderPass:
    if not 0 <= index < len(request.passes):
        raise BadRequestError(f"there is no pass {index}; the request has {len(request.passes)}, counted from 0")
    found = request.passes[index]
    if found.boxes is None:
        raise BadRequestError(f"pass {index} has a matte movie and no boxes; draw a box around what to redo")
    return found
