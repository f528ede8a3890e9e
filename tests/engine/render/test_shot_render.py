"""A request from start to end, in this process: what is rendered, written, verified and reported."""

from __future__ import annotations

import json
import resource
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import (
    BadRequestError,
    CancelledError,
    EngineError,
    OutputError,
    OutputExistsError,
    RenderFailedError,
)
from engine.file_lock import wait_for_lock
from engine.ofx import host
from engine.ofx.effect import ImageEffect
from engine.protocol import (
    Event,
    FrameEvent,
    FrameRange,
    MediaSource,
    Output,
    ProgressEvent,
    Remedy,
    RenderPass,
    RenderReport,
    RenderRequest,
    WarningEvent,
    WindowsEvent,
)
from engine.render import receipt
from engine.render.job_link import JobLink
from engine.render.shot_render import render_shot
from roi_tools.geometry import Box, Size
from roi_tools.roto.layer_json import layer_to_dict
from roi_tools.roto.model import RotoLayer, Shape, constant
from tests.support.effects import Fill
from tests.support.engine_process import render_request
from tests.support.media import noise_clip, noise_frame, write_clip
from timeline.media.frame import Frame
from timeline.media.frame_maps import SYNTHESISED, UNTOUCHED, FrameMaps
from timeline.media.patch import FramePatch
from timeline.media.reader import open_media

SIZE = Size(64, 48)
BOX = (5, 7, 21, 30)


@pytest.fixture(autouse=True)
def effects(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Mapping[str, type[ImageEffect]] = {"test-fill": Fill}
    monkeypatch.setattr(host, "installed_effects", lambda: found)


class Session:
    """Renders requests against one cache and keeps what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.cache.mkdir()
        self.events: list[Event] = []
        self.cancel_after: int | None = None

    def render(self, request: RenderRequest) -> RenderReport:
        self.events = []
        return render_shot(request, JobLink("job", self.events.append, self._is_cancelled), self.cache)

    def frames(self) -> list[int]:
        return [e.frame for e in self.events if isinstance(e, FrameEvent)]

    def stages(self) -> list[str]:
        return list(dict.fromkeys(e.stage for e in self.events if isinstance(e, ProgressEvent)))

    def warnings(self) -> list[str]:
        return [e.message for e in self.events if isinstance(e, WarningEvent)]

    def _is_cancelled(self) -> bool:
        return self.cancel_after is not None and len(self.frames()) >= self.cancel_after

    def calls(self) -> list[str]:
        log = self.folder / "calls.txt"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return noise_clip(tmp_path / "src.mkv", 5, SIZE)


def frames_of(path: Path) -> list[Frame]:
    with open_media(path) as reader:
        return list(reader.frames(0, reader.info.frame_count))


def same(a: Frame, b: Frame) -> bool:
    return all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in zip(a.planes, b.planes, strict=True))


def map_file(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


class TestRender:
    def test_marked_frames_are_cleaned_and_the_others_are_identical(self, session, source, tmp_path):
        out = tmp_path / "out.mkv"
        report = session.render(render_request(source, [[BOX], [], [BOX], [BOX], []], out))

        before, after = frames_of(source), frames_of(out)
        assert [same(a, b) for a, b in zip(before, after, strict=True)] == [False, True, False, False, True]
        assert (report.frames_in, report.frames_out, report.frames_cleaned) == (5, 5, 3)
        assert report.outside_max_difference == {"Y": 0.0, "U": 0.0, "V": 0.0}
        assert session.frames() == [0, 2, 3]
        assert session.stages() == ["load", "render", "deliver", "verify"]
        assert set(report.seconds) == {"load", "render", "deliver", "verify"}

    def test_only_the_asked_range_is_written(self, session, source, tmp_path):
        out = tmp_path / "out.mkv"
        report = session.render(render_request(source, [[], [BOX]], out, start=2))
        before, after = frames_of(source), frames_of(out)
        assert len(after) == 2 and same(after[0], before[2]) and not same(after[1], before[3])
        assert (report.frames_in, report.frames_out) == (5, 2)

    @pytest.mark.parametrize("name", ["yuv422p10le", "yuv444p", "gbrp", "gray16le"])
    def test_outside_the_boxes_every_plane_is_identical(self, session, tmp_path, name):
        source = noise_clip(tmp_path / "a.mkv", 2, Size(35, 21), name)
        report = session.render(render_request(source, [[(3, 1, 20, 14)], []], tmp_path / "out.mkv", feather_px=0))
        assert set(report.outside_max_difference.values()) == {0.0}
        before, after = frames_of(source)[0], frames_of(tmp_path / "out.mkv")[0]
        changed = before.planes[0] != after.planes[0]
        assert changed[1:14, 3:20].mean() > 0.5 and not changed[14:].any() and not changed[:, 20:].any()

    def test_half_float_exr_stays_identical_outside(self, session, tmp_path):
        source = write_clip(tmp_path / "plate.####.exr", [noise_frame("gbrpf16le", SIZE, n) for n in range(3)])
        out = tmp_path / "out" / "clean.####.exr"
        out.parent.mkdir()
        report = session.render(render_request(source, [[BOX], [], [BOX]], out))
        assert report.outside_max_difference == {"R": 0.0, "G": 0.0, "B": 0.0}
        before, after = frames_of(source), frames_of(out)
        assert same(before[1], after[1]) and not same(before[0], after[0])

    def test_a_lossy_output_has_no_measured_difference(self, session, source, tmp_path):
        report = session.render(render_request(source, [[BOX]], tmp_path / "out.mp4"))
        assert report.outside_max_difference is None and (tmp_path / "out.mp4").exists()
        assert "verify" not in session.stages()

    def test_without_an_output_the_frames_are_in_the_cache(self, session, source):
        report = session.render(render_request(source, [[BOX]]))
        assert (report.output, report.frames_out, report.frames_cleaned) == (None, 0, 1)
        (event,) = [e for e in session.events if isinstance(e, FrameEvent)]
        assert FramePatch.load(event.patch_path).box.contains(Box(*BOX))

    def test_patches_applied_to_the_source_are_the_output(self, session, source, tmp_path):
        out = tmp_path / "out.mkv"
        session.render(render_request(source, [[BOX]] * 5, out))
        before, after = frames_of(source), frames_of(out)
        for event in (e for e in session.events if isinstance(e, FrameEvent)):
            assert same(FramePatch.load(event.patch_path).apply(before[event.frame]), after[event.frame])

    def test_nothing_marked_is_a_warning_and_a_copy(self, session, source, tmp_path):
        out = tmp_path / "out.mkv"
        report = session.render(render_request(source, [[]] * 5, out))
        assert session.warnings() == list(report.warnings)
        assert session.warnings()[0].startswith("nothing is marked on frames 0-4 of ")
        assert all(same(a, b) for a, b in zip(frames_of(source), frames_of(out), strict=True))

    def test_what_no_frame_shows_is_a_warning_that_says_what_helps(self, session, source):
        report = session.render(render_request(source, [[BOX]] * 5))
        assert report.passes[0].share_synthesised == 0.5  # the test effect says so
        assert list(report.warnings) == session.warnings()
        assert session.warnings()[0].startswith("50% of the marked pixels are hidden in every frame within reach")

    @pytest.mark.parametrize(("frames", "marked", "advice"), [(1, 1, "single"), (3, 1, "only this"), (3, 3, "tighter")])
    def test_a_tighter_box_is_no_advice_where_no_other_frame_could_lend(
        self, session, tmp_path, frames, marked, advice
    ):
        clip = noise_clip(tmp_path / "short.mkv", frames, SIZE)
        session.render(render_request(clip, [[BOX]] * marked))
        assert [text for text in ("single", "only this", "tighter") if text in session.warnings()[0]] == [advice]

    def test_a_part_is_rendered_with_the_boxes_of_the_whole(self, session, source):
        request = render_request(source, [[BOX]] * 5)
        part = request.model_copy(
            update={
                "frames": FrameRange(start=2, end_exclusive=4),
                "passes": (request.passes[0].model_copy(update={"boxes_start": 0}),),
            }
        )
        assert session.render(part).frames_cleaned == 2

    def test_a_matte_movie_alone_marks(self, session, source, tmp_path):
        matte = np.zeros((5, 48, 64), np.uint8)
        matte[1, 10:20, 10:30] = 255
        gray = noise_frame("gray", SIZE)
        path = write_clip(tmp_path / "matte.mkv", [Frame((m,), gray.format, gray.color) for m in matte])
        request = RenderRequest(
            source=MediaSource(path=str(source)),
            frames=FrameRange(start=0, end_exclusive=5),
            passes=(RenderPass(effect="test-fill", matte=MediaSource(path=str(path)), parameters={"feather_px": 0}),),
            output=Output(path=str(tmp_path / "out.mkv")),
        )
        report = session.render(request)
        assert report.frames_cleaned == 1 and set(report.outside_max_difference.values()) == {0.0}
        changed = frames_of(tmp_path / "out.mkv")[1].planes[0] != frames_of(source)[1].planes[0]
        assert changed[10:20, 10:30].any() and changed.sum() <= 200

    def test_a_roto_layer_marks_and_is_part_of_the_cache_key(self, session, source, tmp_path):
        ellipse = Shape("moon", "ellipse", (constant(30, 20, 24, 16, 0),), first_frame=1, last_frame=2)
        request = RenderRequest(
            source=MediaSource(path=str(source)),
            frames=FrameRange(start=0, end_exclusive=5),
            passes=(RenderPass(effect="test-fill", roto=layer_to_dict(RotoLayer("a", (ellipse,)))),),
            output=Output(path=str(tmp_path / "out.mkv")),
        )
        report = session.render(RenderRequest.model_validate_json(request.model_dump_json()))
        assert session.frames() == [1, 2] and report.frames_cleaned == 2
        assert report.outside_max_difference == {"Y": 0.0, "U": 0.0, "V": 0.0}
        before, after = frames_of(source)[1].planes[0], frames_of(tmp_path / "out.mkv")[1].planes[0]
        changed = before != after
        assert changed[15:25, 22:38].mean() > 0.9 and not changed[:, :18].any() and not changed[12:14, 18:20].any()

        smaller = replace(ellipse, tracks=(constant(30, 20, 12, 16, 0),))
        changed_pass = RenderPass(effect="test-fill", roto=layer_to_dict(RotoLayer("a", (smaller,))))
        again = request.model_copy(update={"passes": (changed_pass,), "output": None})
        before_keys = set((session.cache / "frames").iterdir())
        session.render(again)
        assert len(set((session.cache / "frames").iterdir()) - before_keys) == 1

    def test_the_report_file_is_the_report(self, session, source, tmp_path):
        request = render_request(source, [[BOX]]).model_copy(update={"report_path": str(tmp_path / "r.json")})
        report = session.render(request)
        assert RenderReport.model_validate(json.loads((tmp_path / "r.json").read_text())) == report
        (done,) = report.passes
        assert (done.effect, done.frames_cleaned) == ("test-fill", 1)
        assert (done.share_recovered, done.share_synthesised) == (0.5, 0.5)
        assert done.parameters["feather_px"] == 2.0

    def test_previews_land_in_the_folder_as_pictures(self, session, source, tmp_path):
        folder = tmp_path / "preview" / "new"
        request = render_request(source, [[BOX], [], [BOX]], value=1.0, feather_px=0)
        session.render(request.model_copy(update={"preview_folder": str(folder)}))
        assert sorted(p.name for p in folder.iterdir()) == ["frame_000000.png", "frame_000002.png"]
        picture = cv2.imread(str(folder / "frame_000002.png"))
        assert picture is not None and picture.shape == (48, 64, 3) and (picture[8:29, 6:20] > 250).all()


class TestMaps:
    def maps_of(self, session: Session) -> dict[int, FrameMaps]:
        events = [e for e in session.events if isinstance(e, FrameEvent) and e.maps_path]
        return {e.frame: FrameMaps.load(e.maps_path) for e in events if e.maps_path}

    def test_a_finished_frame_says_where_its_pixels_came_from(self, session, source):
        session.render(render_request(source, [[], [BOX]]))
        (event,) = [e for e in session.events if isinstance(e, FrameEvent)]
        assert (event.confidence, event.share_synthesised) == (None, 0.5)  # the test effect does not say how sure it is
        maps = self.maps_of(session)[1]
        assert maps.box == Box(*BOX) and maps.confidence is None and maps.never_visible is None
        assert (maps.provenance[:, :8] == 0).all() and (maps.provenance[:, 8:] == SYNTHESISED).all()

    def test_they_come_from_the_cache_like_the_pixels(self, session, source):
        request = render_request(source, [[], [BOX], [BOX]])
        session.render(request)
        told = [e for e in session.events if isinstance(e, FrameEvent)]
        first = self.maps_of(session)
        session.render(request)
        assert [e for e in session.events if isinstance(e, FrameEvent)] == told
        assert self.maps_of(session).keys() == first.keys() == {1, 2}

    def test_a_later_pass_keeps_what_an_earlier_one_said(self, session, source):
        request = render_request(source, [[BOX], [BOX]])
        later = request.passes[0].model_copy(update={"boxes": (((15, 20, 40, 40),), ())})
        session.render(request.model_copy(update={"passes": (*request.passes, later)}))
        maps = self.maps_of(session)[0]
        assert maps.box == Box(5, 7, 40, 40)
        at = {(6, 8): 1, (16, 8): SYNTHESISED, (30, 8): UNTOUCHED, (16, 25): 1, (39, 39): SYNTHESISED}
        assert {(x, y): maps.provenance[y - 7, x - 5] for x, y in at} == at

    def test_sequences_of_the_frames_size_are_written_for_every_frame(self, session, source, tmp_path):
        folder = tmp_path / "new" / "maps"
        request = render_request(source, [[BOX], [], [BOX]], start=1)
        session.render(request.model_copy(update={"maps_folder": str(folder)}))
        numbers = ("000001", "000002", "000003")
        files = [("confidence", "png"), ("never_visible", "png"), ("provenance", "tif")]
        assert sorted(p.name for p in folder.iterdir()) == [f"{a}.{n}.{b}" for a, b in files for n in numbers]
        pictures = [map_file(folder / f"provenance.{n}.tif") for n in numbers]
        assert all(p.shape == (48, 64) and p.dtype == np.float32 for p in pictures)
        assert [p[10, 6] for p in pictures] == [0, UNTOUCHED, 2] and pictures[0][10, 20] == SYNTHESISED
        sure = map_file(folder / "confidence.000003.png")
        assert sure.dtype == np.uint16 and (sure[0, 0], sure[10, 20]) == (65535, 0)
        never = map_file(folder / "never_visible.000003.png")
        assert never.dtype == np.uint8 and not never.any()

    def test_a_sequences_own_numbers_are_those_of_its_maps(self, session, tmp_path):
        frames = [noise_frame("gbrp", SIZE, n) for n in range(3)]
        source, folder = write_clip(tmp_path / "plate.####.png", frames), tmp_path / "maps"  # from 1 on
        request = render_request(source, [[], [BOX], []])
        session.render(request.model_copy(update={"maps_folder": str(folder)}))
        picture = map_file(folder / "provenance.000002.tif")
        assert picture[10, 6] == 1 and picture[0, 0] == UNTOUCHED

    def test_a_folder_that_cannot_be_written_says_that_the_clip_is_done(self, session, source, tmp_path, monkeypatch):
        folder, out = tmp_path / "maps", tmp_path / "out.mkv"
        (tmp_path / "maps").mkdir()
        (tmp_path / "maps" / "provenance.000000.tif").mkdir()
        request = render_request(source, [[BOX]], out).model_copy(update={"maps_folder": str(folder)})
        with pytest.raises(
            OutputError, match=r"the map .*provenance.000000.tif cannot be written: .*the clip itself is"
        ):
            session.render(request)
        assert out.exists() and sorted(p.name for p in folder.iterdir()) == ["provenance.000000.tif"]


class TestPasses:
    def two_passes(
        self, source: Path, out: Path, second: tuple[int, int, int, int] = (15, 20, 40, 40)
    ) -> RenderRequest:
        first = render_request(source, [[BOX], [BOX], []], out, value=0.75, feather_px=0)
        later = RenderPass(
            effect="test-fill",
            boxes=((second,), (), (second,)),
            parameters={"add": True, "value": 0.125, "feather_px": 0},
        )
        return first.model_copy(update={"passes": (*first.passes, later)})

    def test_a_later_pass_works_on_the_result_of_the_earlier(self, session, tmp_path):
        source = noise_clip(tmp_path / "a.mkv", 3, SIZE, "gbrp")
        out = tmp_path / "out.mkv"
        report = session.render(self.two_passes(source, out))

        frame = frames_of(out)[0].planes[0]
        assert (frame[7:20, 5:15] == round(0.75 * 255)).all()  # the first pass alone
        assert (frame[20:30, 15:21] == round(0.875 * 255)).all()  # both
        assert report.frames_cleaned == 3 and [p.frames_cleaned for p in report.passes] == [2, 2]
        assert report.outside_max_difference == {"R": 0.0, "G": 0.0, "B": 0.0}

    def test_the_newest_event_of_a_frame_is_all_that_a_viewer_needs(self, session, tmp_path):
        source = noise_clip(tmp_path / "a.mkv", 3, SIZE)
        out = tmp_path / "out.mkv"
        session.render(self.two_passes(source, out, second=(40, 30, 60, 45)))
        newest = {e.frame: e for e in session.events if isinstance(e, FrameEvent)}
        before, after = frames_of(source), frames_of(out)
        assert {n: e.pass_index for n, e in newest.items()} == {0: 1, 1: 0, 2: 1}
        for number, event in newest.items():
            assert same(FramePatch.load(event.patch_path).apply(before[number]), after[number])


class TestCache:
    def test_a_second_export_renders_nothing_and_reports_the_same(self, session, source, tmp_path):
        log = str(tmp_path / "calls.txt")
        first = session.render(render_request(source, [[BOX]] * 3, tmp_path / "a.mkv", log=log))
        assert session.calls() == ["begin 0 3", "render 0", "render 1", "render 2", "end"]
        second = session.render(render_request(source, [[BOX]] * 3, tmp_path / "b.mkv", log=log))
        assert session.calls() == []
        assert session.frames() == [0, 1, 2]
        assert second.passes == first.passes
        assert all(
            same(a, b) for a, b in zip(frames_of(tmp_path / "a.mkv"), frames_of(tmp_path / "b.mkv"), strict=True)
        )

    def test_a_render_that_broke_off_goes_on_with_what_is_missing(self, session, source, tmp_path):
        request = render_request(source, [[BOX], [BOX], [], [BOX]], tmp_path / "a.mkv", log=str(tmp_path / "calls.txt"))
        session.cancel_after = 2
        with pytest.raises(CancelledError, match="finished frames are kept in the cache"):
            session.render(request)
        assert not (tmp_path / "a.mkv").exists() and session.calls()[-1] == "end"
        session.cancel_after = None
        report = session.render(request)
        assert session.calls() == ["begin 3 4", "render 3", "end"]
        assert report.passes[0].frames_cleaned == 3 and report.passes[0].share_recovered == 0.5

    def test_another_box_renders_anew(self, session, source, tmp_path):
        log = str(tmp_path / "calls.txt")
        session.render(render_request(source, [[BOX]], log=log))
        session.calls()
        session.render(render_request(source, [[(5, 7, 21, 31)]], log=log))
        assert "render 0" in session.calls()


class TestNextAttempt:
    def test_a_job_may_replace_what_it_wrote_itself_and_nothing_else(self, session, source, tmp_path):
        out = tmp_path / "out.mkv"
        request = render_request(source, [[BOX]], out)
        session.render(request)
        written = frames_of(out)
        session.render(request)  # the worker died after the delivery: the same job is tried again
        assert all(same(a, b) for a, b in zip(frames_of(out), written, strict=True))
        other_job = JobLink("other", session.events.append, lambda: False)
        with pytest.raises(OutputExistsError):
            render_shot(request, other_job, session.cache)
        out.write_text("precious")
        with pytest.raises(OutputExistsError):
            session.render(request)
        assert out.read_text() == "precious"

    def test_the_worker_of_an_earlier_engine_is_waited_for(self, session, source, monkeypatch):
        monkeypatch.setattr(receipt, "ORPHAN_WAIT_S", 0.1)
        lock = wait_for_lock(session.cache / "receipts" / "job.lock", 0)
        assert lock is not None
        with lock, pytest.raises(RenderFailedError, match="the worker of an earlier engine still works on this job"):
            session.render(render_request(source, [[BOX]]))
        assert session.render(render_request(source, [[BOX]])).frames_cleaned == 1

    def test_that_holds_for_sequences_too(self, session, source, tmp_path):
        request = render_request(source, [[BOX]] * 2, tmp_path / "out.####.png")
        session.render(request)
        session.render(request)
        (tmp_path / "out.0002.png").write_text("precious")
        with pytest.raises(OutputExistsError):
            session.render(request)


class TestEvents:
    def test_previews_come_before_the_finished_frames(self, session, source):
        session.render(render_request(source, [[BOX], [BOX]], preview=True))
        told = [(e.frame, e.provisional) for e in session.events if isinstance(e, FrameEvent)]
        assert told == [(0, True), (1, True), (0, False), (1, False)]

    def test_what_an_effect_tells_its_host_names_the_pass(self, session, source, monkeypatch):
        remedy = Remedy(label="Brighter", parameters={"value": 0.7})

        class Talking(Fill):
            def begin_sequence_render(self, frames: range) -> None:
                self.host.warn("too dark", remedy)
                self.host.windows([range(3), range(2, 5)])

        monkeypatch.setattr(host, "installed_effects", lambda: {"test-fill": Talking})
        request = render_request(source, [[BOX]] * 5)
        session.render(request.model_copy(update={"passes": request.passes * 2}))
        told = [(e.pass_index, e.remedy) for e in session.events if isinstance(e, WarningEvent) and e.remedy]
        assert told == [(0, remedy), (1, remedy)]
        windows = [(e.pass_index, e.windows) for e in session.events if isinstance(e, WindowsEvent)]
        expected = (FrameRange(start=0, end_exclusive=3), FrameRange(start=2, end_exclusive=5))
        assert windows == [(0, expected), (1, expected)]

    def test_what_was_wrong_with_frames_is_told_again_when_they_come_from_the_cache(self, session, source, monkeypatch):
        class Complaining(Fill):
            def end_sequence_render(self) -> None:
                self.host.warn("a shadow stays", Remedy(label="Grow", parameters={"grow_px": 8}))

        monkeypatch.setattr(host, "installed_effects", lambda: {"test-fill": Complaining})
        told = []
        for _ in range(2):
            session.render(render_request(source, [[BOX]] * 2))
            told.append([(e.message, e.remedy) for e in session.events if isinstance(e, WarningEvent) and e.remedy])
        assert len(told[0]) == 1 and told[0] == told[1]

    def test_the_files_of_previews_go_when_the_job_is_done(self, session, source):
        session.render(render_request(source, [[BOX]], preview=True))
        paths = {e.provisional: Path(e.patch_path) for e in session.events if isinstance(e, FrameEvent)}
        assert not paths[True].exists() and paths[False].exists()


class TestFailures:
    def failure(self, session: Session, request: RenderRequest) -> EngineError:
        with pytest.raises(EngineError) as caught:
            session.render(request)
        assert "\n" not in str(caught.value)
        return caught.value

    def test_an_effect_that_raises_is_named_with_the_frame_on_one_line(self, session, source, tmp_path, caplog):
        error = self.failure(session, render_request(source, [[BOX]] * 3, tmp_path / "out.mkv", raise_on=1))
        assert isinstance(error, RenderFailedError)
        assert str(error) == (
            "effect 'test-fill' failed on frame 1: ValueError: the plate is haunted; the engine's log says where"
        )
        assert "Traceback" in caplog.text
        assert not (tmp_path / "out.mkv").exists() and session.frames() == [0]

    def test_a_cancel_while_it_is_written_leaves_no_half_written_output(self, session, source, tmp_path):
        folder = tmp_path / "delivered"
        folder.mkdir()
        request = render_request(source, [[]] * 5, folder / "out.mkv")
        events: list[Event] = []

        def is_cancelled() -> bool:
            return any(isinstance(e, ProgressEvent) and e.stage == "deliver" for e in events)

        with pytest.raises(CancelledError):
            render_shot(request, JobLink("job", events.append, is_cancelled), session.cache)
        assert list(folder.iterdir()) == []

    def test_a_disk_that_fills_up_leaves_no_half_written_output(self, session, tmp_path):
        source = noise_clip(tmp_path / "a.mkv", 12, Size(256, 128))
        folder = tmp_path / "delivered"
        folder.mkdir()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            error = self.failure(session, render_request(source, [[(0, 0, 8, 8)]] * 12, folder / "out.mkv"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert isinstance(error, OutputError) and error.kind == "failed"
        assert str(error).startswith(f"cannot write {folder / 'out.mkv'}: ")
        assert list(folder.iterdir()) == []
        assert session.frames() == list(range(12))  # kept for the next attempt

    def test_a_report_that_cannot_be_written_says_that_the_clip_is_done(self, session, source, tmp_path):
        request = render_request(source, [[BOX]], tmp_path / "out.mkv")
        folder = tmp_path / "reports"
        folder.mkdir()
        request = request.model_copy(update={"report_path": str(folder / "r.json")})

        def send(event: Event) -> None:
            if isinstance(event, ProgressEvent) and event.stage == "deliver" and folder.exists():
                folder.rmdir()

        with pytest.raises(OutputError, match=r"r\.json cannot be written: No such file or directory; the clip itself"):
            render_shot(request, JobLink("job", send, lambda: False), session.cache)
        assert (tmp_path / "out.mkv").exists()

    def test_an_output_that_appears_meanwhile_is_not_overwritten(self, session, source, tmp_path):
        out = tmp_path / "out.mkv"

        def send(event: Event) -> None:
            if isinstance(event, FrameEvent):
                out.write_text("precious")

        with pytest.raises(OutputExistsError, match=r"out\.mkv exists"):
            render_shot(render_request(source, [[BOX]], out), JobLink("job", send, lambda: False), session.cache)
        assert out.read_text() == "precious"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "out.mkv", "src.mkv"]

    def test_a_source_that_breaks_off_is_bad_input_that_names_the_file(self, session, tmp_path):
        source = noise_clip(tmp_path / "a.mkv", 40, Size(256, 128))
        data = source.read_bytes()
        source.write_bytes(data[: len(data) // 2])
        error = self.failure(session, render_request(source, [[(0, 0, 8, 8)]] * 40, tmp_path / "out.mkv"))
        assert isinstance(error, BadRequestError) and "a.mkv" in str(error)
        assert not (tmp_path / "out.mkv").exists()
