"""A shot with its removals -> one self-contained RenderRequest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from desktop.base.errors import NothingToRenderError
from desktop.base.language import tr
from desktop.rendering.default_model import with_default_model
from desktop.roto.convert import layer_of
from engine.protocol import (
    BoxTuple,
    FrameRange,
    MediaSource,
    Output,
    ParameterKey,
    ParameterValue,
    RenderPass,
    RenderRequest,
)
from roi_tools.geometry import Size
from roi_tools.keyframes import Track
from roi_tools.roto.layer_json import layer_to_dict
from timeline.marking import RotoMarking
from timeline.media.info import MediaInfo
from timeline.removal import Removal
from timeline.shot import Shot

_PassKey = tuple[str, tuple[tuple[str, ParameterValue], ...], tuple[tuple[str, Track], ...]]


def render_request(
    shot: Shot, info: MediaInfo, frames: range | None = None, output: Output | None = None
) -> RenderRequest:
    """What the engine needs to render ``frames`` (media frames, half-open; None = the whole shot).

    Removals that share effect, parameters and their keyframes become one pass, in the order of their first appearance,
    so that each knows what the others hide. Raises NothingToRenderError where no enabled removal marks a pixel.
    """
    whole = range(shot.source_start, shot.source_end_exclusive)
    chosen = frames if frames is not None else whole
    passes = tuple(
        RenderPass(
            effect=effect,
            parameters=with_default_model(effect, dict(parameters)),
            keyframes={name: _keyframes(track) for name, track in tracks},
            boxes=_boxes(removals, whole, info.size),
            boxes_start=whole.start,
            roto=_roto(removals),
        )
        for (effect, parameters, tracks), removals in _passes(shot.removals).items()
    )
    marked = tuple(given for given in passes if given.boxes and any(given.boxes[n - whole.start] for n in chosen))
    if not marked:
        raise NothingToRenderError(
            tr(
                "shot '{name}' marks nothing on frames {first}-{last}: "
                "draw a box around what should go (R), or enable a removal"
            ).format(name=shot.name, first=chosen.start, last=chosen.stop - 1)
        )
    return RenderRequest(
        source=_source(shot, info),
        frames=FrameRange(start=chosen.start, end_exclusive=chosen.stop),
        passes=marked,
        output=output,
        label=shot.name,
    )


def _passes(removals: Sequence[Removal]) -> dict[_PassKey, list[Removal]]:
    grouped: dict[_PassKey, list[Removal]] = {}
    for removal in removals:
        if removal.enabled:
            tracks = tuple(sorted(removal.parameter_tracks.items(), key=lambda item: item[0]))
            key = (removal.effect, tuple(sorted(removal.parameters.items())), tracks)
            grouped.setdefault(key, []).append(removal)
    return grouped


def _keyframes(track: Track) -> tuple[ParameterKey, ...]:
    return tuple(
        ParameterKey(
            frame=key.frame,
            value=key.value[0],
            interpolation="linear" if key.interpolation == "bezier" else key.interpolation,
        )
        for key in track.keys
    )


def _roto(removals: Sequence[Removal]) -> dict[str, Any] | tuple[dict[str, Any], ...] | None:
    """What is drawn inside the boxes; None where all are boxes and count as they are."""
    if not any(isinstance(removal.shape, RotoMarking) for removal in removals):
        return None
    layers = tuple(layer_to_dict(layer_of(removal.shape)) for removal in removals)
    return layers if len(layers) > 1 else layers[0]


def _boxes(removals: Sequence[Removal], frames: range, size: Size) -> tuple[tuple[BoxTuple, ...], ...]:
    return tuple(_boxes_at(removals, frame, size) for frame in frames)


def _boxes_at(removals: Sequence[Removal], frame: int, size: Size) -> tuple[BoxTuple, ...]:
    boxes = (removal.shape.box_at(frame, size) for removal in removals)
    return tuple(box.as_tuple() for box in boxes if box is not None)


def _source(shot: Shot, info: MediaInfo) -> MediaSource:
    # A movie knows its own rate; a sequence of files has only the one that the project gives it.
    rate = None if info.kind == "movie" else f"{info.rate.numerator}/{info.rate.denominator}"
    return MediaSource(path=shot.media_path, rate=rate)
