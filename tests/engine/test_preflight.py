"""A render looked at before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.effects.vace import Vace
from engine.errors import BadRequestError, ParameterError
from engine.preflight import MOST_DRAWN_MATTES, preflight
from engine.protocol import FrameRange, MediaSource, Output, PassPreflight, RenderPass, RenderRequest
from roi_tools.geometry import Box, Size
from tests.support.media import noise_clip

COUNT = 6
BOXES = (((4, 4, 20, 20),),) * COUNT


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return noise_clip(tmp_path / "source.mkv", COUNT, Size(64, 48))


def _request(source: Path, *passes: RenderPass) -> RenderRequest:
    return RenderRequest(
        source=MediaSource(path=str(source)), frames=FrameRange(start=0, end_exclusive=COUNT), passes=passes
    )


def test_each_pass_is_looked_at_by_its_own_effect(source: Path) -> None:
    plate, vace = RenderPass(boxes=BOXES), RenderPass(effect="vace", boxes=BOXES, parameters={"prompt": "a dog"})
    first, second = preflight(_request(source, plate, vace)).passes
    assert first == PassPreflight(pass_index=0)
    assert second.pass_index == 1
    assert [advice.remedy.parameters for advice in second.warnings if advice.remedy] == [{"prompt": ""}]


def test_an_output_that_exists_is_no_matter_yet(source: Path) -> None:
    request = _request(source, RenderPass(boxes=BOXES)).model_copy(update={"output": Output(path=str(source))})
    assert preflight(request).passes == (PassPreflight(),)
    assert source.exists()


def test_of_a_long_matte_only_some_frames_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.render.clips import RenderMatte

    count = 3 * MOST_DRAWN_MATTES
    source, matte = (noise_clip(tmp_path / name, count, Size(64, 48)) for name in ("source.mkv", "matte.mkv"))
    read, bounds = set(), RenderMatte.bounds

    def counted(self: RenderMatte, frame: int) -> object:
        read.add(frame)
        return bounds(self, frame)

    monkeypatch.setattr(RenderMatte, "bounds", counted)
    drawn = RenderPass(effect="vace", matte=MediaSource(path=str(matte)), parameters={"prompt": "a dog"})
    request = _request(source, drawn).model_copy(update={"frames": FrameRange(start=0, end_exclusive=count)})
    (found,) = preflight(request).passes
    assert found.warnings and 0 < len(read) <= MOST_DRAWN_MATTES


def test_boxes_are_known_without_drawing_them(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.render.clips import RenderMatte

    seen: list[list[Box | None]] = []

    class Looks(Vace):
        def preflight(self, frames: range, worker_pid: int | None = None) -> PassPreflight:
            seen.append([self.clips.matte.bounds(frame) for frame in frames])
            return PassPreflight()

    def never(self: RenderMatte, frame: int) -> None:
        raise AssertionError(f"frame {frame} was drawn")

    monkeypatch.setattr("engine.render.validation.find_effect", lambda _: Looks)
    moving = tuple(((n, 4, n + 16, 20), (n + 20, 6, n + 60, 30)) if n % 2 else () for n in range(COUNT))
    given = RenderPass(effect="vace", boxes=moving, parameters={"grow_px": 3})
    monkeypatch.setattr(RenderMatte, "bounds", never)
    preflight(_request(source, given))
    (bounds,) = seen
    drawn = RenderMatte(range(COUNT), Size(64, 48), [[Box(*box) for box in boxes] for boxes in moving], None, 3)
    monkeypatch.undo()
    assert bounds == [drawn.bounds(frame) for frame in range(COUNT)]
    assert bounds[:2] == [None, Box(0, 1, 64, 33)]


def test_what_cannot_be_rendered_is_refused_with_the_reason(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="has no parameter 'stepps'"):
        preflight(_request(source, RenderPass(boxes=BOXES, parameters={"stepps": 1})))
    with pytest.raises(BadRequestError, match=r"gone\.mkv"):
        preflight(_request(tmp_path / "gone.mkv", RenderPass(boxes=BOXES)))
