"""Every route of a real engine, as another host would call it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from engine.errors import BadRequestError, JobNotFoundError
from engine.protocol import FrameEvent, Preset, RenderPass, StateEvent
from roi_tools.geometry import Size
from tests.support.engine_process import (
    EngineProcess,
    children,
    incidents,
    is_alive,
    render_request,
    run_job,
    running_engine,
    wait_until,
)
from tests.support.media import noise_clip
from timeline.media.reader import open_media

BOX = (4, 4, 20, 20)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with running_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return noise_clip(tmp_path_factory.mktemp("media") / "src.mkv", 6, Size(48, 32))


@pytest.fixture
def http(engine: EngineProcess) -> Iterator[httpx.Client]:
    """What curl --unix-socket would do."""
    transport = httpx.HTTPTransport(uds=str(engine.socket))
    with httpx.Client(transport=transport, base_url="http://engine", timeout=20) as client:
        yield client


def fatal(response: httpx.Response, status: int, kind: str = "bad_input") -> str:
    assert response.status_code == status
    assert set(response.json()) == {"kind", "message", "about"} and response.json()["kind"] == kind
    message: str = response.json()["message"]
    assert "\n" not in message
    return message


def planes(path: Path) -> list[bytes]:
    with open_media(path) as reader:
        return [p.tobytes() for frame in reader.frames(0, reader.info.frame_count) for p in frame.planes]


class TestHealth:
    def test_it_says_who_answers(self, engine, http):
        assert http.get("/v1/health").json() == {
            "program": "grayplate-engine",
            "version": "0.1.0",
            "protocol": 1,
            "pid": engine.process.pid,
            "jobs_active": 0,
        }

    def test_the_socket_is_for_its_owner_only(self, engine):
        assert engine.socket.stat().st_mode & 0o777 == 0o600

    def test_the_schema_lists_every_route(self, http):
        routes = http.get("/v1/openapi.json").json()["paths"]
        assert {f"{method.upper()} {path}" for path, methods in routes.items() for method in methods} == {
            "GET /v1/health",
            "GET /v1/effects",
            "GET /v1/presets",
            "PUT /v1/presets",
            "DELETE /v1/presets/{effect}/{name}",
            "GET /v1/models",
            "POST /v1/models",
            "DELETE /v1/models/{name}",
            "POST /v1/models/{name}/download",
            "POST /v1/models/{name}/download/cancel",
            "GET /v1/models/{name}/download/events",
            "POST /v1/preflight",
            "POST /v1/segments",
            "POST /v1/jobs",
            "GET /v1/jobs",
            "GET /v1/jobs/{job_id}",
            "POST /v1/jobs/{job_id}/cancel",
            "GET /v1/jobs/{job_id}/events",
            "GET /v1/jobs/{job_id}/frames/{frame}",
            "POST /v1/shutdown",
        }

    def test_unknown_routes_and_methods_are_answered_in_the_same_format(self, http):
        assert fatal(http.get("/v2/health"), 404) == "GET /v2/health: Not Found; GET /v1/openapi.json lists the routes"
        assert fatal(http.delete("/v1/jobs"), 405).startswith("DELETE /v1/jobs: Method Not Allowed; ")


class TestEffects:
    def test_a_third_partys_effect_is_listed_with_its_parameters(self, engine):
        (effect,) = [e for e in engine.client.effects() if e.identifier == "test-fill"]
        assert effect.version == "1" and [c.name for c in effect.clips] == ["Source", "Matte", "Output"]
        assert {"value", "feather_px", "grow_px"} <= {p.name for p in effect.parameters}


class TestPresets:
    def test_one_is_kept_listed_and_deleted(self, engine):
        client = engine.client
        before = client.presets()
        assert {preset.effect for preset in before} == {"clean-plate", "vace"}
        kept = client.save_preset(Preset(name="Nacht / 夜?", effect="test-fill", parameters={"value": "0.5"}))
        assert kept.is_own and kept.parameters == {"value": 0.5}
        assert [preset for preset in client.presets() if preset not in before] == [kept]
        client.delete_preset(kept.effect, kept.name)
        assert client.presets() == before

    def test_one_that_makes_no_sense_is_refused(self, engine):
        with pytest.raises(BadRequestError, match="sets 'valeu', which test-fill does not have"):
            engine.client.save_preset(Preset(name="Mine", effect="test-fill", parameters={"valeu": 0.5}))
        with pytest.raises(BadRequestError, match="no preset 'Mine' of your own"):
            engine.client.delete_preset("test-fill", "Mine")


class TestPreflight:
    def test_it_answers_for_each_pass_and_renders_nothing(self, engine, source):
        request = render_request(source, [[BOX]])
        vace = RenderPass(effect="vace", boxes=(((4, 4, 20, 20),),), parameters={"prompt": "a dog"})
        jobs = engine.client.jobs()
        found = engine.client.preflight(request.model_copy(update={"passes": (*request.passes, vace)}))
        assert [p.pass_index for p in found.passes] == [0, 1]
        assert found.passes[1].warnings[0].remedy.parameters == {"prompt": ""}
        assert engine.client.jobs() == jobs

    def test_what_cannot_be_rendered_is_refused(self, engine, tmp_path):
        with pytest.raises(BadRequestError, match=r"gone\.mkv"):
            engine.client.preflight(render_request(tmp_path / "gone.mkv", [[BOX]]))


class TestSubmit:
    def test_a_job_runs_to_its_end(self, engine, source, tmp_path):
        job = engine.client.submit(render_request(source, [[BOX], [], [BOX]], tmp_path / "out.mkv"))
        events = list(engine.client.events(job.id))
        assert [e.state for e in events if isinstance(e, StateEvent)] == ["queued", "running", "done"]
        assert [e.frame for e in events if isinstance(e, FrameEvent)] == [0, 2]
        assert all(Path(e.patch_path).exists() for e in events if isinstance(e, FrameEvent))
        finished = engine.client.job(job.id)
        assert finished.state == "done" and finished.error is None and finished.report is not None
        assert finished.report.outside_max_difference == {"Y": 0.0, "U": 0.0, "V": 0.0}
        assert (tmp_path / "out.mkv").exists()

    def test_an_accepted_job_is_answered_with_201(self, http, source):
        response = http.post("/v1/jobs", json=render_request(source, [[BOX]]).model_dump(mode="json"))
        assert response.status_code == 201 and response.json()["request"]["source"]["path"] == str(source)

    def test_jobs_are_listed_newest_first(self, engine, source):
        first, second = (engine.client.submit(render_request(source, [[BOX]], value=v)) for v in (0.1, 0.2))
        assert [j.id for j in engine.client.jobs()[:2]] == [second.id, first.id]
        list(engine.client.events(second.id))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"passes": []}, "passes: Tuple should have at least 1 item after validation, not 0"),
            ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
            ({"source": {}}, "source.path: Field required"),
            ({"schema_version": "grayplate.render/9"}, "schema_version: Input should be 'grayplate.render/1'"),
            ({"frames": {"start": 3, "end_exclusive": 3}}, "frames: frame range 3-2 ends before it starts"),
            (
                {"frames": {"start": 0, "end_exclusive": 2}},
                "the body: pass 0 has boxes for 1 frames from 0 on, the range has 2 from 0 on",
            ),
            (
                {"passes": [{"effect": "test-fill"}]},
                "passes.0: a pass needs boxes, a matte or roto; without them nothing is marked for removal",
            ),
            (
                {"passes": [{"boxes": [[[1, 2, 3]]]}]},
                "passes.0.boxes.0.0.3: Field required",
            ),
            (
                {"frames": {"start": -1, "end_exclusive": "x"}},
                "frames.start: Input should be greater than or equal to 0 (and 1 more)",
            ),
            ({"passes": [{"effect": "magic", "boxes": [[]]}]}, "no effect 'magic'; installed are: "),
            (
                {"passes": [{"effect": "test-fill", "boxes": [[]], "parameters": {"feather_px": 999}}]},
                "parameter 'feather_px' is 999; it takes a number from 0 to 128",
            ),
        ],
    )
    def test_each_malformed_kind_has_its_own_message(self, http, source, change, message):
        body = json.loads(render_request(source, [[BOX]]).model_dump_json()) | change
        assert fatal(http.post("/v1/jobs", json=body), 422).startswith(message)

    def test_a_body_that_is_no_json_is_told_where(self, http):
        headers = {"Content-Type": "application/json"}
        message = fatal(http.post("/v1/jobs", content=b'{"source": oops}', headers=headers), 422)
        assert message == "the body is not JSON: Expecting value at character 11"

    def test_a_missing_body_is_told(self, http):
        assert fatal(http.post("/v1/jobs"), 422) == "the body: Field required"

    def test_a_body_of_another_type_is_told_the_header_to_send(self, http):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        message = fatal(http.post("/v1/jobs", content=b"{}", headers=headers), 422)
        assert message == "the body is application/x-www-form-urlencoded; send JSON with Content-Type: application/json"

    def test_the_client_raises_the_engines_own_message(self, engine, source):
        with pytest.raises(BadRequestError, match="parameter 'value' is 'red'; it takes a number"):
            engine.client.submit(render_request(source, [[BOX]], value="red"))

    def test_bad_media_fails_the_job_as_bad_input(self, engine, tmp_path):
        events = run_job(engine.client, render_request(tmp_path / "gone.mkv", [[BOX]]))
        assert isinstance(events[-1], StateEvent) and events[-1].error is not None
        assert events[-1].error.kind == "bad_input"
        assert events[-1].error.message == f"{tmp_path / 'gone.mkv'} does not exist; check the path"

    def test_an_effect_that_raises_fails_the_job_and_the_next_one_runs(self, engine, source):
        events = run_job(engine.client, render_request(source, [[BOX]], raise_on=0))
        assert isinstance(events[-1], StateEvent) and events[-1].error is not None
        assert events[-1].error.kind == "failed" and "the plate is haunted" in events[-1].error.message
        assert "Traceback" in engine.log
        assert run_job(engine.client, render_request(source, [[BOX]]))[-1].model_dump()["state"] == "done"


class TestJobs:
    @pytest.mark.parametrize("route", ["GET {}", "POST {}/cancel", "GET {}/events", "GET {}/frames/0"])
    def test_an_unknown_job_is_404(self, http, route):
        method, path = route.format("/v1/jobs/nope").split()
        assert fatal(http.request(method, path), 404) == "there is no job 'nope'; GET /v1/jobs lists those there are"

    def test_the_client_raises_job_not_found(self, engine):
        for call in (engine.client.job, engine.client.cancel, lambda job_id: next(engine.client.events(job_id))):
            with pytest.raises(JobNotFoundError, match="there is no job 'nope'"):
                call("nope")


class TestEvents:
    def test_the_stream_is_plain_server_sent_events(self, engine, http, source):
        job = engine.client.submit(render_request(source, [[BOX]]))
        response = http.get(f"/v1/jobs/{job.id}/events")
        assert response.headers["content-type"].startswith("text/event-stream")
        blocks = [b for b in response.text.split("\n\n") if b]
        fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
        assert all(list(f) == ["id", "event", "data"] for f in fields)
        assert [int(f["id"]) for f in fields] == sorted({int(f["id"]) for f in fields})
        assert all(json.loads(f["data"])["sequence"] == int(f["id"]) for f in fields)
        assert fields[-1]["event"] == "state" and json.loads(fields[-1]["data"])["state"] == "done"

    def test_a_reader_goes_on_where_it_stopped(self, engine, http, source):
        job = engine.client.submit(render_request(source, [[BOX]] * 3))
        assert list(engine.client.events(job.id))[-1].type == "state"
        events = list(engine.client.events(job.id))  # read again: only the last progress is left in it
        cut = events[2].sequence
        assert list(engine.client.events(job.id, after=cut)) == events[3:]
        by_header = http.get(f"/v1/jobs/{job.id}/events", headers={"Last-Event-ID": str(cut)}).text
        assert by_header == http.get(f"/v1/jobs/{job.id}/events?after={cut}").text
        assert by_header.startswith(f"id: {events[3].sequence}\n")

    def test_a_reader_that_knows_everything_is_not_kept_waiting(self, engine, http, source):
        job = engine.client.submit(render_request(source, [[BOX]]))
        last = list(engine.client.events(job.id))[-1].sequence
        assert http.get(f"/v1/jobs/{job.id}/events?after={last}").text == ""
        assert list(engine.client.events(job.id, after=last)) == []

    def test_a_senseless_position_is_refused(self, engine, http, source):
        job = engine.client.submit(render_request(source, [[BOX]]))
        message = fatal(http.get(f"/v1/jobs/{job.id}/events?after=soon"), 422)
        assert message.startswith("query.after: Input should be a valid integer")
        list(engine.client.events(job.id))


class TestFrames:
    def test_the_finished_frame_comes_as_a_picture(self, engine, http, source):
        job = engine.client.submit(render_request(source, [[BOX], [], [BOX]], value=1.0, feather_px=0))
        list(engine.client.events(job.id))
        response = http.get(f"/v1/jobs/{job.id}/frames/2")
        assert response.headers["content-type"] == "image/png"
        picture = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (32, 48, 3) and (picture[6:18, 6:18] > 250).all() and picture[25:].min() < 200
        assert engine.client.frame_png(job.id, 2) == response.content
        assert engine.client.frame_png(job.id, 1).startswith(b"\x89PNG")  # nothing is marked there: the source

    def test_frames_outside_the_range_are_refused(self, engine, http, source):
        job = engine.client.submit(render_request(source, [[BOX]], start=2))
        list(engine.client.events(job.id))
        assert fatal(http.get(f"/v1/jobs/{job.id}/frames/3"), 422) == f"job {job.id} renders frames 2-2, not 3"

    def test_a_frame_to_come_is_a_conflict(self, engine, http, source, tmp_path):
        job = engine.client.submit(render_request(source, [[BOX]], gate=str(tmp_path)))
        message = fatal(http.get(f"/v1/jobs/{job.id}/frames/0"), 409)
        assert message == f"frame 0 of job {job.id} is not finished; wait for its frame event"
        (tmp_path / "0").touch()
        list(engine.client.events(job.id))
        assert http.get(f"/v1/jobs/{job.id}/frames/0").status_code == 200

    def test_a_frame_that_left_the_cache_is_a_conflict(self, engine, http, source):
        job = engine.client.submit(render_request(source, [[BOX]], value=0.123))
        (event,) = [e for e in engine.client.events(job.id) if isinstance(e, FrameEvent)]
        Path(event.patch_path).unlink()
        message = fatal(http.get(f"/v1/jobs/{job.id}/frames/0"), 409)
        assert message == f"frame 0 of job {job.id} has left the frame cache; submit the job again"


class TestCancel:
    def start(self, engine: EngineProcess, source: Path, gate: Path, output: Path, **parameters) -> str:
        job = engine.client.submit(render_request(source, [[BOX]] * 3, output, gate=str(gate), **parameters))
        (gate / "0").touch()
        next(e for e in engine.client.events(job.id) if isinstance(e, FrameEvent))
        return job.id

    @pytest.mark.parametrize("deaf", [False, True])
    def test_a_running_job_stops_and_leaves_nothing(self, engine, source, tmp_path, deaf):
        gate, out = tmp_path / "gate", tmp_path / "out"
        gate.mkdir(), out.mkdir()
        job_id = self.start(engine, source, gate, out / "clean.mkv", deaf=deaf)
        engine.client.cancel(job_id)
        last = list(engine.client.events(job_id))[-1]
        assert isinstance(last, StateEvent) and last.state == "cancelled"
        assert last.error is not None and last.error.kind == "cancelled"
        assert list(out.iterdir()) == []
        (gate / "1").touch(), (gate / "2").touch()
        again = render_request(source, [[BOX]] * 3, out / "clean.mkv", gate=str(gate), deaf=deaf)
        assert run_job(engine.client, again)[-1].model_dump()["state"] == "done"
        assert [p.name for p in out.iterdir()] == ["clean.mkv"]

    def test_a_queued_job_is_cancelled_at_once(self, engine, source, tmp_path):
        running = self.start(engine, source, tmp_path, tmp_path / "a.mkv")
        waiting = engine.client.submit(render_request(source, [[BOX]], tmp_path / "b.mkv"))
        assert engine.client.cancel(waiting.id).state == "cancelled"
        assert [e.type for e in engine.client.events(waiting.id)] == ["state", "state"]
        engine.client.cancel(running)
        list(engine.client.events(running))
        assert not (tmp_path / "b.mkv").exists()

    def test_a_finished_job_stays_as_it_is(self, engine, source):
        job = engine.client.submit(render_request(source, [[BOX]]))
        list(engine.client.events(job.id))
        assert engine.client.cancel(job.id) == engine.client.job(job.id)
        assert engine.client.job(job.id).state == "done"


class TestWorkerDeath:
    def test_a_job_goes_on_from_the_cache_and_its_output_is_the_same(self, engine, source, tmp_path):
        def request(name: str, **parameters):
            return render_request(source, [[BOX]] * 6, tmp_path / name, value=0.3, **parameters)

        log, marker = tmp_path / "calls.txt", tmp_path / "died"
        events = run_job(engine.client, request("a.mkv", die_on=3, die_once=str(marker), log=str(log)))

        assert events[-1].model_dump()["state"] == "done" and Path(f"{marker}.3").exists()
        assert incidents(events) == ["the worker was killed by SIGKILL; a new one goes on from the finished frames"]
        rendered = [line for line in log.read_text().splitlines() if line.startswith("render")]
        assert rendered == ["render 0", "render 1", "render 2", "render 3", "render 3", "render 4", "render 5"]
        assert run_job(engine.client, request("b.mkv"))[-1].model_dump()["state"] == "done"
        assert planes(tmp_path / "a.mkv") == planes(tmp_path / "b.mkv")
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mkv", "b.mkv", "calls.txt", "died.3"]

    def test_a_worker_killed_from_outside_is_replaced(self, engine, source, tmp_path):
        job = engine.client.submit(render_request(source, [[BOX]] * 2, tmp_path / "out.mkv", gate=str(tmp_path)))
        (tmp_path / "0").touch()
        stream = engine.client.events(job.id)
        next(e for e in stream if isinstance(e, FrameEvent))
        (worker,) = children(engine.process.pid)
        os.kill(worker, 9)
        wait_until(lambda: not is_alive(worker))
        (tmp_path / "1").touch()
        assert list(stream)[-1].model_dump()["state"] == "done"
        assert children(engine.process.pid) not in ([], [worker])

    @pytest.mark.parametrize(("frames", "attempts", "state"), [(2, 3, "done"), (3, 3, "failed")])
    def test_progress_earns_one_more_attempt(self, engine, source, tmp_path, frames, attempts, state):
        """Attempt 1 dies on frame 0, attempt 2 finishes it and dies on frame 1, attempt 3 finishes that."""
        request = render_request(source, [[BOX]] * frames, die_each=True, die_once=str(tmp_path / "died"))
        events = run_job(engine.client, request)
        last = events[-1]
        assert isinstance(last, StateEvent) and last.state == state
        assert len(incidents(events)) == attempts - 1
        assert len(list(tmp_path.iterdir())) == min(frames, attempts)
        assert state == "done" or (last.error is not None and "SIGKILL, 3 times during this job" in last.error.message)

    def test_a_worker_that_always_dies_is_given_up_with_the_likely_cause(self, engine, source, tmp_path):
        log = tmp_path / "calls.txt"
        request = render_request(source, [[BOX]] * 2, tmp_path / "out.mkv", die_on=1, log=str(log))
        last = run_job(engine.client, request)[-1]
        assert isinstance(last, StateEvent) and last.error is not None and last.error.kind == "failed"
        assert last.error.message == (
            "the worker was killed by SIGKILL, 2 times during this job; the system was probably out of memory: "
            "close other programs, mark a smaller area or use a smaller model; finished frames are kept"
        )
        assert log.read_text().splitlines().count("render 1") == 2
        assert [p.name for p in tmp_path.iterdir()] == ["calls.txt"]
        assert run_job(engine.client, render_request(source, [[BOX]]))[-1].model_dump()["state"] == "done"
