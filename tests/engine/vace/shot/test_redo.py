"""Redoing a few frames of a finished render."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.effects.vace import Vace
from engine.errors import BadRequestError
from engine.ofx.parameters import ParameterSet
from engine.protocol import Event, FrameEvent, FrameRange, MediaSource, Output, RenderPass, RenderRequest
from engine.render.job_link import JobLink
from engine.render.shot_render import render_shot
from engine.vace.sampling.context_windows import ContextPlan
from engine.vace.shot.window_plan import planned_windows, window_frames
from roi_tools.geometry import Size
from tests.support.media import noise_clip
from timeline.media.reader import open_media

BOX = (5, 7, 33, 40)
COUNT = 15


def _request(source: Path, output: Path, model: Path) -> RenderRequest:
    vace = RenderPass(
        effect="vace",
        boxes=((BOX,),) * COUNT,
        parameters={"model": str(model), "steps": 1, "preview": False, "seed": 1},
    )
    return RenderRequest(
        source=MediaSource(path=str(source)),
        frames=FrameRange(start=2, end_exclusive=2 + COUNT),
        passes=(vace,),
        output=Output(path=str(output), overwrite=True),
    )


def _delivered(path: Path) -> np.ndarray:
    with open_media(path) as reader:
        return np.stack([frame.planes[0] for frame in reader.frames(0, COUNT)])


def test_only_the_frames_that_are_redone_change(tmp_path: Path, tiny_folder: Path) -> None:
    source = noise_clip(tmp_path / "source.mkv", 20, Size(64, 48))
    request = _request(source, tmp_path / "done.mkv", tiny_folder)
    render_shot(request, JobLink("first", lambda _: None, lambda: False), tmp_path)
    before = _delivered(tmp_path / "done.mkv")

    events: list[Event] = []
    again = request.redone(range(7, 10), {"seed": 2, "known_frames": 4}, output=request.output)
    report = render_shot(again, JobLink("second", events.append, lambda: False), tmp_path)
    after = _delivered(tmp_path / "done.mkv")

    assert [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [5 <= n < 8 for n in range(COUNT)]
    assert report.passes[1].frames_cleaned == 3
    assert {event.frame for event in events if isinstance(event, FrameEvent) and event.pass_index == 1} == {7, 8, 9}


def test_what_is_around_them_is_known_to_the_model(tmp_path: Path, tiny_folder: Path) -> None:
    request = _request(tmp_path / "source.mkv", tmp_path / "done.mkv", tiny_folder)
    first, again = request.redone(range(7, 10), {"seed": 2, "known_frames": 4}).passes
    assert first == request.passes[0]
    assert again.boxes == ((),) * 5 + ((BOX,),) * 3 + ((),) * 7
    assert (again.parameters["seed"], again.parameters["known_frames"], again.parameters["steps"]) == (2, 4, 1)


@pytest.mark.parametrize("frames", [range(1, 5), range(10, 18), range(5, 5)])
def test_frames_that_were_not_rendered_are_refused(tmp_path: Path, frames: range) -> None:
    with pytest.raises(BadRequestError, match="are not all rendered; choose from 2-16"):
        _request(tmp_path / "a.mkv", tmp_path / "b.mkv", tmp_path).redone(frames, {})


def test_a_pass_that_is_not_there_is_refused(tmp_path: Path) -> None:
    request = _request(tmp_path / "a.mkv", tmp_path / "b.mkv", tmp_path)
    with pytest.raises(BadRequestError, match="there is no pass 3; the request has 1"):
        request.redone(range(5, 7), {}, pass_index=3)


def test_boxes_of_the_whole_clip_are_cut_to_the_frames(tmp_path: Path) -> None:
    request = _request(tmp_path / "a.mkv", tmp_path / "b.mkv", tmp_path)
    moving = tuple(((n, 0, n + 9, 9),) for n in range(20))
    whole = request.passes[0].model_copy(update={"boxes": moving, "boxes_start": 0})
    again = request.model_copy(update={"passes": (whole,)}).redone(range(4, 6), {}).passes[1]
    assert again.boxes_start == 2
    assert again.boxes == ((), (), moving[4], moving[5], *((),) * 11)


def test_what_a_matte_marks_is_redone_on_its_frames_only(tmp_path: Path) -> None:
    request = _request(tmp_path / "a.mkv", tmp_path / "b.mkv", tmp_path)
    drawn = RenderPass(effect="vace", matte=MediaSource(path="/matte.mkv"))
    again = request.model_copy(update={"passes": (drawn,)}).redone(range(5, 7), {}).passes[1]
    assert again.matte == drawn.matte and again.boxes is not None
    assert [bool(boxes) for boxes in again.boxes] == [2 + n in (5, 6) for n in range(COUNT)]


def test_windows_as_frames() -> None:
    stretch = range(100, 261)
    found = [window_frames(stretch, window.latents) for window in ContextPlan().windows(41)]
    assert found == [range(100, 181), range(137, 221), range(177, 261)]
    assert window_frames(range(10), (0, 1, 2)) == range(9)
    assert window_frames(range(10), (1, 2, 3)) == range(1, 10)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [range(100, 181), range(137, 221), range(177, 261)]),
        ({"context_mode": "sequential", "context_frames": 81}, [range(100, 181), range(140, 221), range(180, 261)]),
        ({"context_schedule": "uniform_looped"}, None),
        ({"context_stride": 3}, None),
    ],
)
def test_planned_windows_lie_in_the_stretch_and_cover_it(given: dict[str, str], expected: list[range] | None) -> None:
    stretch = range(100, 261)
    found = planned_windows(stretch, ParameterSet(Vace.describe(), given))
    assert expected is None or found == expected
    assert {frame for window in found for frame in window} == set(stretch)
    assert found == sorted(set(found), key=lambda window: (window.start, window.stop))
