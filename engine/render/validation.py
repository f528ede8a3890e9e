"""Checks a request against what is really there, before anything is rendered."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from engine.errors import BadRequestError, OutputExistsError
from engine.ofx.animation import Animation
from engine.ofx.effect import ImageEffect
from engine.ofx.host import find_effect
from engine.ofx.parameters import ParameterSet
from engine.protocol import BoxTuple, MediaSource, Output, RenderPass, RenderRequest
from engine.render.clips import check_matte_fits
from engine.render.roto_matte import layers_from_request
from roi_tools.errors import ShapeError
from roi_tools.geometry import Box, Size
from roi_tools.roto.model import RotoLayer
from timeline.errors import MediaError, MediaExistsError, MediaWriteError
from timeline.media.info import MediaInfo
from timeline.media.reader import MediaReader, open_media
from timeline.media.writer import Delivery, delivery_for, open_writer


@dataclass(frozen=True)
class CheckedPass:
    """A pass whose effect, parameters, boxes, matte and roto fit the source."""

    number: int
    request: RenderPass
    effect: type[ImageEffect]
    parameters: ParameterSet
    animation: Animation
    known_frames: range
    """The frames that ``boxes`` speak of; all of the media where a matte or roto alone marks."""
    boxes: tuple[tuple[Box, ...], ...] | None
    matte: MediaReader | None
    roto: tuple[RotoLayer, ...] = ()


@dataclass(frozen=True)
class CheckedRender:
    """A request that can be rendered, with its media open."""

    request: RenderRequest
    source: MediaReader
    passes: tuple[CheckedPass, ...]
    delivery: Delivery | None

    @property
    def frames(self) -> range:
        """The frames to render."""
        return self.request.frames.as_range()


def check_effects(request: RenderRequest) -> None:
    """Checks all that needs no media: effects, parameters and roto. Raises BadRequestError or a subclass."""
    for number, render_pass in enumerate(request.passes):
        descriptor = find_effect(render_pass.effect).describe()
        Animation(descriptor, ParameterSet(descriptor, render_pass.parameters), render_pass.keyframes)
        layers_from_request(render_pass.roto, number)


@contextmanager
def checked(request: RenderRequest) -> Iterator[CheckedRender]:
    """Opens the media and checks everything; closes the media afterwards. Raises BadRequestError or a subclass."""
    check_effects(request)
    _check_paths(request)
    with ExitStack() as stack:
        source = stack.enter_context(_open(request.source))
        _check_frames(request, source)
        passes = tuple(_checked_pass(n, p, request, source, stack) for n, p in enumerate(request.passes))
        delivery = _check_output(request.output, request, source.info) if request.output else None
        if request.report_path is not None:
            _check_report(Path(request.report_path).absolute())
        for what, folder in (("preview", request.preview_folder), ("maps", request.maps_folder)):
            if folder is not None:
                _check_folder(what, Path(folder).absolute())
        yield CheckedRender(request, source, passes, delivery)


def _check_paths(request: RenderRequest) -> None:
    """Relative paths would be looked for wherever the engine happens to have been started."""
    mattes = [p.matte.path for p in request.passes if p.matte]
    output = request.output.path if request.output else None
    written = (output, request.report_path, request.preview_folder, request.maps_folder)
    for path in (request.source.path, *mattes, *written):
        if path is not None and not Path(path).is_absolute():
            raise BadRequestError(
                f"the path {path} is relative, but the engine runs in another folder; make it absolute"
            )


def _open(source: MediaSource) -> MediaReader:
    try:
        return open_media(source.path, rate=Fraction(source.rate) if source.rate else None)
    except MediaError as error:
        raise BadRequestError(str(error)) from error
    except (ValueError, ZeroDivisionError):
        raise BadRequestError(
            f"the rate of {source.path} is {source.rate!r}; write frames per second as 24 or 24000/1001"
        ) from None


def _check_frames(request: RenderRequest, source: MediaReader) -> None:
    count, frames = source.info.frame_count, request.frames
    if frames.end_exclusive > count:
        raise BadRequestError(
            f"{request.source.path} has {count} frames (0-{count - 1}), but frames "
            f"{frames.start}-{frames.end_exclusive - 1} are asked for; choose a range inside the media"
        )


def _checked_pass(
    number: int, given: RenderPass, request: RenderRequest, source: MediaReader, stack: ExitStack
) -> CheckedPass:
    effect = find_effect(given.effect)
    matte = None
    if given.matte is not None:
        matte = stack.enter_context(_open(given.matte))
        check_matte_fits(matte, source, given.matte.path)
    boxes, known = None, request.boxes_range(given)
    if given.boxes is not None:
        boxes = tuple(
            tuple(_box(box, frame, source.info.size, request.source.path) for box in of_frame)
            for frame, of_frame in zip(known or (), given.boxes, strict=True)
        )
    descriptor = effect.describe()
    parameters = ParameterSet(descriptor, given.parameters)
    animation = Animation(descriptor, parameters, given.keyframes)
    roto = tuple(layers_from_request(given.roto, number))
    known = known or range(source.info.frame_count)
    return CheckedPass(number, given, effect, parameters, animation, known, boxes, matte, roto)


def _box(corners: BoxTuple, frame: int, size: Size, path: str) -> Box:
    try:
        box = Box(*corners)
    except ShapeError as error:
        raise BadRequestError(f"frame {frame}: {error}") from None
    if box.clipped(size) is None:
        raise BadRequestError(f"frame {frame}: box {list(corners)} lies outside the {size} frames of {path}; move it")
    return box


def _check_output(output: Output, request: RenderRequest, info: MediaInfo) -> Delivery:
    """Opens the output and drops it again: nothing else tells as surely that it can be written."""
    inputs = [request.source.path, *(p.matte.path for p in request.passes if p.matte)]
    if any(Path(output.path).resolve() == Path(given).resolve() for given in inputs):
        raise BadRequestError(f"the output {output.path} is one of the inputs; choose another name")
    try:
        open_writer(output.path, info, overwrite=output.overwrite).abort()
        return delivery_for(output.path)
    except MediaExistsError as error:
        raise OutputExistsError(str(error)) from error
    except MediaWriteError as error:
        raise BadRequestError(str(error)) from error


def _check_report(path: Path) -> None:
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise BadRequestError(f"the report {path} cannot be written there; choose another place for it")


def _check_folder(what: str, folder: Path) -> None:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise BadRequestError(f"the {what} folder {folder} cannot be made or written; choose another folder")
