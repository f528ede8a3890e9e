"""A SegmentRequest from start to end: frames in, outlines and boxes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction

import numpy as np

from engine.errors import BadRequestError
from engine.protocol import PointTuple, SegmentFrame, SegmentProgress, SegmentPrompt, SegmentRequest
from engine.segment.model import ObjectMask, SegmentModel
from engine.segment.pictures import SquarePictures
from roi_tools.contours import outlines_of
from roi_tools.geometry import Size
from roi_tools.matte import bounds
from timeline.errors import MediaError
from timeline.media.reader import MediaReader, open_media

_DECIMALS = 3
"""Of outline points, in px."""


def segment(request: SegmentRequest, model: SegmentModel) -> Iterator[SegmentProgress | SegmentFrame]:
    """The object on each frame, as it is found. Raises BadRequestError where the media and the request do not fit."""
    source, frames = request.source, request.frames.as_range()
    try:
        with closing(open_media(source.path, rate=Fraction(source.rate) if source.rate else None)) as reader:
            size = reader.info.size
            _check(request, reader)
            pictures = SquarePictures(reader, model.input_side_px)
            yield SegmentProgress(done=0, total=len(frames), message="segmenting")
            for done, found in enumerate(model.follow(request.prompts, frames, size, pictures), 1):
                yield _frame(found, request.error_px)
                yield SegmentProgress(done=done, total=len(frames))
    except MediaError as error:
        raise BadRequestError(str(error)) from error


def _frame(found: ObjectMask, error_px: float) -> SegmentFrame:
    box = bounds((found.matte >= 0.5).astype(np.float32))
    outlines = tuple(
        tuple((round(float(x), _DECIMALS), round(float(y), _DECIMALS)) for x, y in outline)
        for outline in outlines_of(found.matte, error_px)
    )
    return SegmentFrame(
        frame=found.frame, outlines=outlines, box=box.as_tuple() if box else None, confidence=found.confidence
    )


def _check(request: SegmentRequest, reader: MediaReader) -> None:
    count, frames, size = reader.info.frame_count, request.frames, reader.info.size
    if frames.end_exclusive > count:
        raise BadRequestError(
            f"{request.source.path} has {count} frames (0-{count - 1}), but frames {frames.start}-"
            f"{frames.end_exclusive - 1} are asked for; choose a range inside the media"
        )
    for prompt in request.prompts:
        for point in _points(prompt):
            if not _inside(point, size):
                raise BadRequestError(
                    f"frame {prompt.frame}: the click {list(point)} lies outside the {size} frames of "
                    f"{request.source.path}; click inside the picture"
                )


def _points(prompt: SegmentPrompt) -> Iterator[PointTuple]:
    yield from prompt.positive
    yield from prompt.negative


def _inside(point: PointTuple, size: Size) -> bool:
    return 0 <= point[0] <= size.width_px and 0 <= point[1] <= size.height_px
