"""A request that cannot be rendered is refused before anything is rendered, with its own message."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import BadRequestError, EffectNotFoundError, OutputExistsError, ParameterError
from engine.ofx import host
from engine.protocol import MediaSource, Output, RenderRequest
from engine.render.validation import check_effects, checked
from roi_tools.geometry import Size
from tests.support.effects import Fill
from tests.support.engine_process import render_request
from tests.support.media import noise_clip, noise_frame, write_clip

BOX = (1, 1, 9, 9)


@pytest.fixture(autouse=True)
def effects(monkeypatch):
    monkeypatch.setattr(host, "installed_effects", lambda: {"test-fill": Fill})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return noise_clip(tmp_path / "src.mkv", 3, Size(32, 24))


def refusal(request: RenderRequest, kind: type[Exception] = BadRequestError) -> str:
    with pytest.raises(kind) as caught, checked(request):
        pass
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_sound_request_is_opened_and_closed(source, tmp_path):
    with checked(render_request(source, [[BOX]] * 3, tmp_path / "out.mkv")) as render:
        assert render.frames == range(3)
        assert render.delivery is not None and render.passes[0].parameters.double("feather_px") == 2.0
    assert [p.name for p in tmp_path.iterdir()] == ["src.mkv"]


def test_an_unknown_effect_is_named_with_those_that_there_are(source):
    request = render_request(source, [[BOX]])
    request = request.model_copy(update={"passes": (request.passes[0].model_copy(update={"effect": "magic"}),)})
    assert refusal(request, EffectNotFoundError) == "no effect 'magic'; installed are: test-fill"


def test_bad_parameters_are_named(source):
    assert refusal(render_request(source, [[BOX]], feather_px=-1), ParameterError) == (
        "parameter 'feather_px' is -1; it takes a number from 0 to 128"
    )
    assert "has no parameter 'colour'" in refusal(render_request(source, [[BOX]], colour=1), ParameterError)


def test_a_missing_source_is_named(tmp_path):
    path = tmp_path / "gone.mkv"
    assert refusal(render_request(path, [[BOX]])) == f"{path} does not exist; check the path"


@pytest.mark.parametrize("field", ["source", "matte", "output", "report", "preview", "maps"])
def test_relative_paths_are_refused(source, field):
    request = render_request(source, [[BOX]])
    marked = request.passes[0].model_copy(update={"matte": MediaSource(path="plate.mkv")})
    change: dict[str, dict[str, object]] = {
        "source": {"source": MediaSource(path="plate.mkv")},
        "matte": {"passes": (marked,)},
        "output": {"output": Output(path="plate.mkv")},
        "report": {"report_path": "plate.mkv"},
        "preview": {"preview_folder": "plate.mkv"},
        "maps": {"maps_folder": "plate.mkv"},
    }
    assert refusal(request.model_copy(update=change[field])) == (
        "the path plate.mkv is relative, but the engine runs in another folder; make it absolute"
    )


def test_a_source_that_is_no_media_is_named(tmp_path):
    path = tmp_path / "letter.mkv"
    path.write_text("Dear editor")
    assert str(path) in refusal(render_request(path, [[BOX]]))


def test_frames_outside_the_media_are_refused(source):
    assert refusal(render_request(source, [[BOX]] * 3, start=1)) == (
        f"{source} has 3 frames (0-2), but frames 1-3 are asked for; choose a range inside the media"
    )


@pytest.mark.parametrize("rate", ["fast", "24/0", "24 fps"])
def test_a_senseless_rate_is_refused(source, rate):
    request = render_request(source, [[BOX]])
    request = request.model_copy(update={"source": MediaSource(path=str(source), rate=rate)})
    assert refusal(request) == f"the rate of {source} is {rate!r}; write frames per second as 24 or 24000/1001"


def test_a_box_outside_the_frame_is_refused_with_its_frame(source):
    assert refusal(render_request(source, [[BOX], [(40, 0, 50, 9)]])) == (
        f"frame 1: box [40, 0, 50, 9] lies outside the 32x24 frames of {source}; move it"
    )


def test_an_inverted_box_is_refused_with_its_frame(source):
    assert refusal(render_request(source, [[], [(9, 1, 1, 9)]])) == (
        "frame 1: box (9, 1, 1, 9) is empty or inverted; write it as x0, y0, x1, y1 with x0 < x1 and y0 < y1"
    )


def test_a_matte_of_another_length_is_refused(source, tmp_path):
    matte = noise_clip(tmp_path / "matte.mkv", 2, Size(32, 24), "gray")
    request = render_request(source, [[BOX]])
    render_pass = request.passes[0].model_copy(update={"matte": MediaSource(path=str(matte))})
    message = refusal(request.model_copy(update={"passes": (render_pass,)}))
    assert message.startswith(f"{matte} has 2 frames, but the source {source} has 3")


@pytest.mark.parametrize(
    ("roto", "problem"),
    [
        ({"version": 2}, "a roto layer of version 2 is not known; this program reads 1"),
        ({"version": 1, "name": "a"}, "a roto layer needs a list 'shapes'"),
        (
            {"version": 1, "name": "a", "shapes": [{"label": "boy", "kind": "bezier"}]},
            "shape 'boy' needs a list 'tracks'",
        ),
    ],
)
def test_roto_that_is_no_layer_is_refused_before_the_media_are_looked_at(source, roto, problem):
    good = {"version": 1, "name": "good", "shapes": []}
    request = render_request(source, [[BOX]])
    for given in (roto, (good, roto)):
        render_pass = request.passes[0].model_copy(update={"roto": given})
        bad = request.model_copy(update={"passes": (request.passes[0], render_pass)})
        assert refusal(bad) == f"the roto of pass 1: {problem}; docs/roi-file.md describes layers"
        with pytest.raises(BadRequestError, match="the roto of pass 1"):
            check_effects(bad)


def test_an_existing_output_is_refused_unless_it_may_be_overwritten(source, tmp_path):
    out = tmp_path / "out.mkv"
    out.write_text("precious")
    assert str(out) in refusal(render_request(source, [[BOX]], out), OutputExistsError)
    with checked(render_request(source, [[BOX]], out, overwrite=True)):
        pass
    assert out.read_text() == "precious"


def test_an_existing_sequence_is_refused(source, tmp_path):
    frame = noise_frame("gbrp", Size(32, 24))
    write_clip(tmp_path / "out.####.png", [frame])
    message = refusal(render_request(source, [[BOX]], tmp_path / "out.####.png"), OutputExistsError)
    assert "out.####.png exists already (out.0001.png)" in message


def test_an_output_of_no_known_format_is_refused(source, tmp_path):
    assert "write .mkv (FFV1, lossless)" in refusal(render_request(source, [[BOX]], tmp_path / "out.gif"))


def test_an_output_in_a_missing_folder_is_refused(source, tmp_path):
    assert f"the folder {tmp_path / 'gone'} does not exist" in refusal(
        render_request(source, [[BOX]], tmp_path / "gone" / "out.mkv")
    )


def test_the_source_is_never_the_output(source, tmp_path):
    alias = tmp_path / "alias.mkv"
    alias.symlink_to(source)
    for out in (source, alias):
        message = refusal(render_request(source, [[BOX]], out, overwrite=True))
        assert message == f"the output {out} is one of the inputs; choose another name"


def test_reports_and_previews_need_a_place(source, tmp_path):
    request = render_request(source, [[BOX]])
    report = request.model_copy(update={"report_path": str(tmp_path / "gone" / "r.json")})
    assert refusal(report).startswith(f"the report {tmp_path / 'gone' / 'r.json'} cannot be written there")
    previews = request.model_copy(update={"preview_folder": str(source / "previews")})
    assert refusal(previews).startswith(f"the preview folder {source / 'previews'} cannot be made or written")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_refused(source, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert f"the folder {folder} is not writable" in refusal(render_request(source, [[BOX]], folder / "out.mkv"))


def test_an_output_without_frames_is_no_request():
    with pytest.raises(ValueError, match="ends before it starts"):
        render_request(Path("a.mkv"), [], Path("b.mkv"))


def test_the_output_is_checked_before_anything_is_rendered(source):
    request = render_request(source, [[BOX]]).model_copy(update={"output": Output(path="/proc/nothing/out.mkv")})
    assert "/proc/nothing" in refusal(request)
