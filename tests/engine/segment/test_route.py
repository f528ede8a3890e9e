"""Click to matte through a real engine: what comes back, what is refused, and how it is cancelled."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.client import EngineClient
from engine.errors import BadRequestError, RenderFailedError
from engine.protocol import FrameRange, MediaSource, SegmentFrame, SegmentProgress, SegmentPrompt, SegmentRequest
from roi_tools.contours import outlines_matte
from roi_tools.geometry import Box, Size
from roi_tools.matte import bounds
from tests.support.engine_process import EngineProcess, children, is_alive, running_engine, wait_until
from tests.support.media import noise_clip

SIZE = Size(96, 64)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with running_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return noise_clip(tmp_path_factory.mktemp("media") / "src.mkv", 40, SIZE)


def request(source: Path, model: Path | str, first: int = 2, end: int = 8, **changes: object) -> SegmentRequest:
    prompt = SegmentPrompt(frame=4, positive=((40, 30),), negative=((2, 2),))
    return SegmentRequest(
        source=MediaSource(path=str(source)),
        frames=FrameRange(start=first, end_exclusive=end),
        prompts=(prompt,),
        model=str(model),
    ).model_copy(update=changes)


def test_outlines_and_boxes_come_for_every_frame(engine: EngineProcess, source: Path, tiny_sam2: Path) -> None:
    events = list(engine.client.segment(request(source, tiny_sam2, error_px=0.0)))
    frames = [event for event in events if isinstance(event, SegmentFrame)]
    assert [event.frame for event in frames] == [4, 5, 6, 7, 3, 2]
    last = [event for event in events if isinstance(event, SegmentProgress)][-1]
    assert (last.done, last.total) == (6, 6)
    for event in frames:
        matte = outlines_matte([np.array(outline) for outline in event.outlines], SIZE)
        assert set(np.unique(matte)) <= {0, 1} and matte.any()
        assert event.box is not None and bounds(matte) == Box(*event.box)


def test_an_outline_is_simplified_within_the_error_that_was_asked_for(
    engine: EngineProcess, source: Path, tiny_sam2: Path
) -> None:
    points = []
    for error_px in (0.0, 3.0):
        given = request(source, tiny_sam2, 4, 5, error_px=error_px)
        (frame,) = (event for event in engine.client.segment(given) if isinstance(event, SegmentFrame))
        points.append(sum(len(outline) for outline in frame.outlines))
    assert points[1] < points[0] / 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": ""}, "needs a SAM 2 model and none is installed: get one with `grayplate models get"),
        ({"frames": FrameRange(start=2, end_exclusive=99)}, r"src.mkv has 40 frames \(0-39\)"),
        ({"prompts": (SegmentPrompt(frame=4, positive=((500, 2),)),)}, r"frame 4: the click \[500.0, 2.0\] lies out"),
        ({"source": MediaSource(path="/nowhere.mov")}, "/nowhere.mov"),
    ],
)
def test_what_cannot_be_segmented_is_named(
    engine: EngineProcess, source: Path, tiny_sam2: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BadRequestError, match=message):
        list(engine.client.segment(request(source, tiny_sam2).model_copy(update=changes)))


def test_hanging_up_cancels_and_the_next_request_is_answered(
    engine: EngineProcess, source: Path, tiny_sam2: Path
) -> None:
    heard: list[SegmentFrame] = []
    for event in engine.client.segment(request(source, tiny_sam2, 0, 40), lambda: len(heard) == 2):
        if isinstance(event, SegmentFrame):
            heard.append(event)
    assert 2 <= len(heard) < 40
    again = EngineClient(engine.socket).segment(request(source, tiny_sam2, 4, 5))
    assert [event.frame for event in again if isinstance(event, SegmentFrame)] == [4]


@pytest.mark.slow
def test_a_worker_that_dies_is_told_and_replaced(engine: EngineProcess, source: Path, tiny_sam2: Path) -> None:
    list(engine.client.segment(request(source, tiny_sam2, 4, 5)))
    (worker,) = children(engine.process.pid)
    answers = engine.client.segment(request(source, tiny_sam2, 0, 40))
    next(answers)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(RenderFailedError, match="was killed by SIGKILL"):
        list(answers)
    assert len(list(engine.client.segment(request(source, tiny_sam2, 4, 5)))) >= 2


@pytest.mark.slow
def test_the_worker_ends_with_the_engine(tmp_path: Path, source: Path, tiny_sam2: Path) -> None:
    with running_engine(tmp_path) as engine:
        list(engine.client.segment(request(source, tiny_sam2, 4, 5)))
        (worker,) = children(engine.process.pid)
        assert engine.end() == 0
        wait_until(lambda: not is_alive(worker))
