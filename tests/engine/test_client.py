"""The client against scripted servers: broken streams, senseless answers, and what each becomes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import client
from engine.client import EngineClient, server_sent_data
from engine.errors import BadRequestError, EngineUnavailableError, JobNotFoundError, RenderFailedError
from engine.protocol import Event, ProgressEvent, StateEvent
from engine.server import server_sent_event

Script = Callable[[BaseHTTPRequestHandler], None]


class ScriptedEngine:
    """Answers request n with script n (the last one again and again) on a loopback endpoint file."""

    def __init__(self, path: Path, scripts: list[Script]) -> None:
        self.requests: list[tuple[str, str | None]] = []
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                engine.requests.append((f"{self.command} {self.path}", self.headers.get("Last-Event-ID")))
                scripts[min(len(engine.requests), len(scripts)) - 1](self)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Nothing on stderr."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        path.write_text(json.dumps({"port": self.server.server_address[1], "token": "t"}))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Callable[..., tuple[EngineClient, ScriptedEngine]]]:
    engines: list[ScriptedEngine] = []

    def start(*scripts: Script) -> tuple[EngineClient, ScriptedEngine]:
        engines.append(ScriptedEngine(tmp_path / "engine.sock", list(scripts)))
        return EngineClient(tmp_path / "engine.sock"), engines[-1]

    yield start
    for engine in engines:
        engine.close()


def answer(status: int, body: str, kind: str = "application/json") -> Script:
    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body.encode())))
        handler.end_headers()
        handler.wfile.write(body.encode())

    return script


def stream(*events: Event) -> Script:
    return answer(200, ": hello\n\n" + "".join(server_sent_event(e) for e in events), "text/event-stream")


def broken_stream(*events: Event) -> Script:
    """Announces more than it sends, as a connection that is cut does."""

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write("".join(server_sent_event(e) for e in events).encode())
        handler.close_connection = True

    return script


def progress(sequence: int) -> ProgressEvent:
    return ProgressEvent(job_id="j", sequence=sequence, stage="render", done=sequence, total=9)


DONE = StateEvent(job_id="j", sequence=9, state="done")


class TestEvents:
    def test_a_cut_stream_is_taken_up_where_it_broke(self, scripted):
        engine, server = scripted(broken_stream(progress(1), progress(2)), stream(progress(5), DONE))
        assert [e.sequence for e in engine.events("j")] == [1, 2, 5, 9]
        assert server.requests == [("GET /v1/jobs/j/events", "0"), ("GET /v1/jobs/j/events", "2")]

    def test_an_event_that_never_comes_ends_in_an_error(self, scripted, monkeypatch):
        monkeypatch.setattr(client, "_POLL_S", 0.001)
        engine, server = scripted(broken_stream())
        with pytest.raises(EngineUnavailableError, match=r"broke the event stream of job j 6 times; see .*engine\.log"):
            list(engine.events("j"))
        assert len(server.requests) == client.RECONNECTS + 1

    def test_progress_between_two_losses_counts_as_a_new_start(self, scripted, monkeypatch):
        monkeypatch.setattr(client, "_POLL_S", 0.001)
        scripts = [broken_stream(progress(n)) for n in range(1, 9)]
        engine, _ = scripted(*scripts, stream(DONE))
        assert [e.sequence for e in engine.events("j")] == [*range(1, 9), 9]

    def test_a_refused_stream_raises_the_reason(self, scripted):
        engine, _ = scripted(answer(404, '{"kind": "bad_input", "message": "there is no job"}'))
        with pytest.raises(JobNotFoundError, match="there is no job"):
            next(engine.events("j"))


ENDING = answer(503, '{"kind": "failed", "message": "the engine is about to end"}')
HEALTHY = answer(200, '{"version": "1", "pid": 7, "jobs_active": 0}')


class TestAnEngineThatEnds:
    def test_the_call_is_made_again_to_what_comes_after_it(self, scripted, monkeypatch):
        monkeypatch.setattr(client, "_POLL_S", 0.001)
        engine, server = scripted(ENDING, ENDING, HEALTHY)
        assert engine.health().pid == 7
        assert len(server.requests) == 3

    def test_in_the_end_its_own_words_are_raised(self, scripted, monkeypatch):
        monkeypatch.setattr(client, "_POLL_S", 0.001)
        engine, server = scripted(ENDING)
        with pytest.raises(EngineUnavailableError, match=r"^the engine is about to end$"):
            engine.health()
        assert len(server.requests) == client.ATTEMPTS

    def test_a_call_that_may_have_arrived_is_not_made_twice(self, scripted):
        def hang_up(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True

        engine, server = scripted(hang_up)
        with pytest.raises(EngineUnavailableError, match=r"does not answer \(Server disconnected"):
            engine.cancel("j")
        assert len(server.requests) == 1
        with pytest.raises(EngineUnavailableError, match=r"does not answer"):
            engine.jobs()
        assert len(server.requests) == 3


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "kind", "expected"),
        [(422, "bad_input", BadRequestError), (409, "bad_input", BadRequestError), (500, "failed", RenderFailedError)],
    )
    def test_the_engines_own_words_are_raised(self, scripted, status, kind, expected):
        engine, _ = scripted(answer(status, json.dumps({"kind": kind, "message": "the box is open"})))
        with pytest.raises(expected, match=r"^the box is open$"):
            engine.health()

    def test_an_error_that_says_nothing_is_still_one_line(self, scripted):
        engine, _ = scripted(answer(502, "<html>Bad gateway</html>", "text/html"))
        with pytest.raises(RenderFailedError, match=r"^the engine answered 502 without saying why; see its log$"):
            engine.health()

    def test_an_engine_of_another_version_is_told(self, scripted):
        engine, _ = scripted(answer(200, '{"version": "9", "pid": 7, "jobs_active": 0, "mood": "fine"}'))
        with pytest.raises(RenderFailedError) as caught:
            engine.health()
        assert str(caught.value) == (
            "the engine answered what this version cannot read (Extra inputs are not permitted); "
            "end it and start it again, so that both are of the same version"
        )

    def test_a_file_that_is_no_endpoint_is_told(self, tmp_path):
        path = tmp_path / "engine.sock"
        for content in ("", "[]", '{"port": "x"}', '{"port": 1}', "null"):
            path.write_text(content)
            with pytest.raises(EngineUnavailableError, match=r"is not the socket of an engine; pass another one"):
                EngineClient(path).health()

    def test_a_proxy_from_the_environment_is_not_asked(self, scripted, monkeypatch):
        for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        engine, _ = scripted(answer(200, '{"version": "1", "pid": 7, "jobs_active": 0}'))
        assert engine.health().pid == 7


CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from("\x85\u2028\r\n")


class TestServerSentEvents:
    @given(
        st.lists(st.text(CHARACTERS, max_size=30), max_size=6),
        st.integers(1, 200),
    )
    def test_what_the_server_writes_the_client_reads_however_it_is_cut(self, messages, piece):
        events = [progress(n).model_copy(update={"message": text}) for n, text in enumerate(messages)]
        text = ": still here\n\n".join(["", *(server_sent_event(e) for e in events)])
        pieces = [text[start : start + piece] for start in range(0, len(text), piece)]
        assert [ProgressEvent.model_validate_json(data) for data in server_sent_data(iter(pieces))] == events

    def test_line_separators_in_a_message_survive_the_wire(self, scripted):
        event = progress(1).model_copy(update={"message": "one\u2028two\x85three"})
        engine, _ = scripted(stream(event, DONE))
        assert list(engine.events("j")) == [event, DONE]

    def test_an_event_that_was_cut_is_dropped(self):
        assert list(server_sent_data(iter(["data: 1\n\nda", "ta: 2\n"]))) == ["1"]

    def test_several_data_lines_are_one_event(self):
        assert list(server_sent_data(iter(["data:1\r\ndata: 2\r\nid: 4\r\n\r\n"]))) == ["1\n2"]
