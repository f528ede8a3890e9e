"""Cuts inside the range: ``vace`` and ``auto`` do each scene as though it were all there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import paths
from engine.effects.auto import Auto
from engine.effects.vace import Vace
from engine.errors import CancelledError
from engine.ofx.effect import GENERATED, Clips, ImageEffect, RenderedImage
from engine.ofx.parameters import ParameterSet
from engine.plate.scenes import find_cuts, split
from engine.preflight import preflight
from engine.protocol import (
    Event,
    FrameEvent,
    FrameRange,
    MediaSource,
    Output,
    ParameterValue,
    RenderPass,
    RenderRequest,
)
from engine.render.job_link import JobLink
from engine.render.shot_render import render_shot
from roi_tools.geometry import Box, Size, frame_box
from tests.engine.effects.test_vace import Boxes, Recorder
from tests.engine.plate.synthetic import texture
from tests.support.media import RGB, write_clip
from tests.support.tiny_wan import build_tiny_wan
from timeline.media.frame import Frame, pixel_format
from timeline.media.reader import open_media

pytest.importorskip("torch")

SIZE = Size(120, 96)
FRAMES = range(3, 19)
ONE, OTHER = texture(200, 160), texture(200, 160, seed=9)[:, :, ::-1] * np.float32(0.55)
BoxAt = Callable[[int], Box | None]


@dataclass
class TwoScenes:
    """A SourceClip of one slow pan, and from frame ``cut`` on of another."""

    cut: int
    frames: range = FRAMES
    size: Size = SIZE
    is_scene_linear: bool = False

    def image(self, frame: int, window: Box | None = None) -> NDArray[np.float32]:
        assert frame in self.frames
        picture = ONE if frame < self.cut else OTHER
        shown = picture[frame : frame + SIZE.height_px, 2 * frame : 2 * frame + SIZE.width_px]
        return shown[(window or frame_box(SIZE)).slices]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_wan(tmp_path_factory.mktemp("tiny-wan"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    # Real frames are larger than the least crop.
    monkeypatch.setattr("engine.vace.shot.crops.MINIMUM_SIDE_PX", 32)


def boxes(cut: int) -> BoxAt:
    """Small and on the left in the first scene, larger and wandering in the other: their crops differ."""
    return lambda frame: Box(8, 20, 30, 44) if frame < cut else Box(50 + frame, 10, 90 + frame, 70)


def some(cut: int) -> BoxAt:
    """The same, with nothing marked for a while around the cut."""
    return lambda frame: None if abs(frame - cut) < 3 else boxes(cut)(frame)


@pytest.fixture
def make(tiny: Path) -> Callable[..., ImageEffect]:
    def effect(
        kind: type[ImageEffect], cut: int, box_at: BoxAt, frames: range, host: Recorder | None, **given: ParameterValue
    ) -> ImageEffect:
        base: dict[str, ParameterValue] = {"model": str(tiny), "steps": 1, "context_margin_px": 8, "preview": False}
        clips = Clips(TwoScenes(cut, frames), Boxes(frames, box_at, SIZE))
        return kind(ParameterSet(kind.describe(), base | given), clips, host or Recorder())

    return effect


def render(effect: ImageEffect, frames: range) -> dict[int, RenderedImage]:
    """As a host does it."""
    effect.begin_sequence_render(frames)
    try:
        return {frame: effect.render(frame) for frame in frames if not effect.is_identity(frame)}
    finally:
        effect.end_sequence_render()


def assert_same(images: dict[int, RenderedImage], expected: dict[int, RenderedImage], within: float = 0.0) -> None:
    assert list(images) == list(expected)
    for frame, image in images.items():
        assert image.window == expected[frame].window
        np.testing.assert_allclose(image.rgb, expected[frame].rgb, rtol=0, atol=within, err_msg=f"frame {frame}")


# --- where cuts are ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [4, 11, 18])
def test_a_cut_is_found_where_it_is(cut: int) -> None:
    told: list[float] = []
    clips = Clips(TwoScenes(cut), Boxes(FRAMES, boxes(cut), SIZE))
    assert find_cuts(clips, FRAMES, told.append) == (cut,)
    assert told == sorted(told) and told[-1] == 1.0
    assert find_cuts(clips, range(cut - 1, cut), told.append) == ()
    assert find_cuts(clips, range(0), told.append) == ()


def test_a_search_that_takes_too_long_goes_on_with_the_next_call() -> None:
    clips = Clips(TwoScenes(11), Boxes(FRAMES, boxes(11), SIZE), media="test: two scenes")
    assert find_cuts(clips, FRAMES, lambda _: None, limit_s=-1.0) == ()
    assert find_cuts(clips, FRAMES, lambda _: None) == (11,)
    again: list[float] = []
    assert find_cuts(clips, FRAMES, again.append, limit_s=-1.0) == (11,) and again == []


def test_a_range_is_split_at_the_cuts_inside() -> None:
    assert split(range(3, 9), [1, 3, 5, 8, 9]) == [range(3, 5), range(5, 8), range(8, 9)]
    assert split(range(3, 9), []) == [range(3, 9)]


# --- each scene alone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cut", "box_at", "given"),
    [
        (11, boxes, {}),
        (11, boxes, {"known_frames": 6}),
        (11, some, {"known_frames": 6}),
        (11, boxes, {"context_mode": "sequential", "context_frames": 5, "context_overlap": 1}),
        (4, boxes, {}),
        (18, boxes, {"known_frames": 2}),
        pytest.param(9, boxes, {"fill": "plate"}, marks=pytest.mark.slow),
    ],
)
def test_two_scenes_are_what_each_is_alone(
    make: Callable[..., ImageEffect], cut: int, box_at: Callable[[int], BoxAt], given: dict[str, ParameterValue]
) -> None:
    whole = render(make(Vace, cut, box_at(cut), FRAMES, None, **given), FRAMES)
    alone = [
        render(make(Vace, cut, box_at(cut), part, None, **given), part)
        for part in (range(FRAMES.start, cut), range(cut, FRAMES.stop))
    ]
    assert_same(whole, alone[0] | alone[1])


def test_a_resume_in_either_scene_makes_the_same_frames(make: Callable[..., ImageEffect]) -> None:
    whole = render(make(Vace, 11, boxes(11), FRAMES, None), FRAMES)
    for part in (range(8, 19), range(14, 19), range(5, 7)):
        assert_same(render(make(Vace, 11, boxes(11), FRAMES, None), part), {frame: whole[frame] for frame in part})


def test_windows_and_the_crop_end_at_the_cut(make: Callable[..., ImageEffect]) -> None:
    host, given = Recorder(), {"context_frames": 5, "context_overlap": 4, "known_frames": 3}
    effect = make(Vace, 11, boxes(11), FRAMES, host, **given)
    render(effect, FRAMES)
    (windows,) = host.told_windows
    assert {frame for window in windows for frame in window} == set(FRAMES)
    assert all(window.stop <= 11 or window.start >= 11 for window in windows)
    told = make(Vace, 11, boxes(11), FRAMES, None, **given).preflight(FRAMES)
    assert [range(window.start, window.end_exclusive) for window in told.windows] == windows
    left, right = effect.get_regions_of_interest(5), effect.get_regions_of_interest(12)
    assert left == effect.get_regions_of_interest(10) != right
    assert effect.get_frames_needed(10) == range(3, 11) and effect.get_frames_needed(11) == range(11, 19)


def test_a_scene_that_is_short_itself_is_not_asked_for_more(make: Callable[..., ImageEffect]) -> None:
    warnings = make(Vace, 18, boxes(18), FRAMES, None).preflight(FRAMES).warnings
    assert not any("hardly any motion" in advice.message for advice in warnings)
    box_at = some(12)
    host = make(Vace, 30, lambda frame: None if frame > 6 else box_at(frame), FRAMES, None).preflight(FRAMES)
    assert any("4 frames show the model hardly any motion" in advice.message for advice in host.warnings)


# --- auto -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "known_frames"), [(11, 4), (18, 16)])
def test_auto_does_each_scene_as_if_alone(make: Callable[..., ImageEffect], cut: int, known_frames: int) -> None:
    host, given = Recorder(), {"known_frames": known_frames, "smallest_part_px": 1}
    whole = render(make(Auto, cut, boxes(cut), FRAMES, host, **given), FRAMES)
    parts = range(FRAMES.start, cut), range(cut, FRAMES.stop)
    alone = [render(make(Auto, cut, boxes(cut), part, None, **given), part) for part in parts]
    # Sums in the plate may round differently.
    assert_same(whole, alone[0] | alone[1], within=1e-5)
    assert all(window.stop <= cut or window.start >= cut for window in host.told_windows[-1])
    assert all(image.provenance is not None and (image.provenance == GENERATED).any() for image in whole.values())


@pytest.mark.slow
def test_auto_resumes_behind_a_cut(make: Callable[..., ImageEffect]) -> None:
    whole = render(make(Auto, 11, boxes(11), FRAMES, None), FRAMES)
    part = range(13, 19)
    assert_same(
        render(make(Auto, 11, boxes(11), FRAMES, None), part), {frame: whole[frame] for frame in part}, within=1e-5
    )


# --- the whole engine -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["vace", pytest.param("auto", marks=pytest.mark.slow)])
def test_a_render_that_broke_off_goes_on_and_is_what_each_scene_is_alone(
    tmp_path: Path, tiny: Path, effect: str
) -> None:
    source = _movie(tmp_path / "source.mkv")

    def request(frames: range, output: str) -> RenderRequest:
        marked = RenderPass(
            effect=effect,
            boxes=tuple(((box.as_tuple(),) if (box := boxes(11)(frame)) else ()) for frame in frames),
            parameters={"model": str(tiny), "steps": 1, "preview": False, "context_margin_px": 8},
        )
        return RenderRequest(
            source=MediaSource(path=str(source)),
            frames=FrameRange(start=frames.start, end_exclusive=frames.stop),
            passes=(marked,),
            output=Output(path=str(tmp_path / output)),
        )

    finished: list[int] = []

    def note(event: Event) -> None:
        if isinstance(event, FrameEvent):
            finished.append(event.frame)

    with pytest.raises(CancelledError):
        render_shot(request(FRAMES, "whole.mkv"), JobLink("first", note, lambda: len(finished) >= 10), tmp_path)
    assert 10 <= len(finished) < len(FRAMES)
    render_shot(request(FRAMES, "whole.mkv"), JobLink("second", note, lambda: False), tmp_path)
    for part, name in ((range(3, 11), "one.mkv"), (range(11, 19), "other.mkv")):
        render_shot(request(part, name), JobLink(name, lambda _: None, lambda: False), tmp_path / "elsewhere")
    alone = [*_delivered(tmp_path / "one.mkv"), *_delivered(tmp_path / "other.mkv")]
    whole = list(_delivered(tmp_path / "whole.mkv"))
    assert len(whole) == len(FRAMES)
    for frame, one, other in zip(FRAMES, whole, alone, strict=True):
        differ = np.abs(one.astype(int) - other)
        # Sums in the plate may round differently.
        assert differ.max() <= (effect == "auto") and np.count_nonzero(differ) <= 3, f"frame {frame}"


def test_a_check_before_the_render_shows_windows_that_end_at_the_cut(tmp_path: Path, tiny: Path) -> None:
    source = _movie(tmp_path / "source.mkv")
    marked = RenderPass(
        effect="vace", boxes=(((8, 20, 30, 44),),) * len(FRAMES), parameters={"model": str(tiny), "known_frames": 4}
    )
    frames = FrameRange(start=FRAMES.start, end_exclusive=FRAMES.stop)
    request = RenderRequest(source=MediaSource(path=str(source)), frames=frames, passes=(marked,))
    for _ in range(2):  # the second one remembers
        (told,) = preflight(request).passes
        assert [(window.start, window.end_exclusive) for window in told.windows] == [(3, 11), (11, 19)]


def _movie(path: Path) -> Path:
    scenes = TwoScenes(11, range(FRAMES.stop))
    planes = [np.rint(scenes.image(frame) * 255).astype(np.uint8) for frame in scenes.frames]
    return write_clip(
        path, [Frame(tuple(plane[..., n].copy() for n in range(3)), pixel_format("gbrp"), RGB) for plane in planes]
    )


def _delivered(path: Path) -> Iterator[NDArray[np.uint8]]:
    with open_media(path) as reader:
        for frame in reader.frames(0, reader.info.frame_count):
            yield np.stack(frame.planes)
