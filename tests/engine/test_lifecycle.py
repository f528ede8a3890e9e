"""How an engine begins and ends: sockets, signals, restarts, and clients that start one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine import cli, client, paths
from engine.client import EngineClient, connect
from engine.errors import EngineUnavailableError
from engine.protocol import Event, FrameEvent, StateEvent
from engine.server import serve
from engine.service import EngineService
from roi_tools.geometry import Size
from tests.support.engine_process import (
    EngineProcess,
    children,
    environment,
    incidents,
    is_alive,
    render_request,
    run_job,
    running_engine,
    wait_until,
)
from tests.support.media import noise_clip

BOX = (4, 4, 20, 20)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return noise_clip(tmp_path / "src.mkv", 4, Size(48, 32))


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


def serve_again(engine: EngineProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "engine.cli", "serve", *arguments]
    return subprocess.run(command, env=engine.environment, capture_output=True, text=True, timeout=60)


def states(events: list[Event]) -> list[str]:
    return [event.state for event in events if isinstance(event, StateEvent)]


class TestOneEngine:
    """What one running engine is enough for."""

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
        with running_engine(tmp_path_factory.mktemp("engine")) as engine:
            yield engine

    def test_a_second_engine_on_the_same_socket_is_refused(self, engine):
        second = serve_again(engine, "--socket", str(engine.socket))
        assert second.returncode == 2
        assert second.stderr.splitlines()[-1] == (
            f"grayplate-engine: another engine already serves {engine.socket}; "
            "use that one, or start this one with another --socket"
        )
        assert engine.client.health().pid == engine.process.pid

    def test_connect_finds_the_running_engine(self, engine):
        with connect(engine.socket) as found:
            assert found.health().pid == engine.process.pid and not found.started_engine

    def test_an_engine_of_another_protocol_is_refused(self, engine, monkeypatch):
        monkeypatch.setattr(client, "PROTOCOL_VERSION", 2)
        with pytest.raises(EngineUnavailableError, match=r"speaks protocol 1, this program speaks 2; end it and start"):
            connect(engine.socket)

    def test_an_open_stream_does_not_keep_the_engine_from_ending(self, engine, source, gate):
        """Also the last test of this engine: it ends by SIGTERM in the middle of a job, in good order."""
        out = gate.parent / "out"
        out.mkdir()
        job = engine.client.submit(render_request(source, [[BOX]] * 2, out / "clean.mkv", gate=str(gate)))
        (gate / "0").touch()
        stream = engine.client.events(job.id)
        assert any(isinstance(event, FrameEvent) for event in stream)
        (worker,) = children(engine.process.pid)

        assert engine.end(signal.SIGTERM) == 0
        assert not engine.socket.exists() and not is_alive(worker) and list(out.iterdir()) == []

        with running_engine(engine.home, socket=engine.socket) as again:
            (gate / "1").touch()
            # The old stream takes up the new engine where the old one broke off.
            rest = list(stream)
            assert states(rest) == ["queued", "running", "done"]
            assert sorted(e.frame for e in rest if isinstance(e, FrameEvent)) == [0, 1]
            assert again.client.job(job.id).state == "done" and (out / "clean.mkv").exists()


class TestKilled:
    def test_jobs_of_a_killed_engine_go_on_at_the_next_start(self, tmp_path, source, gate):
        with running_engine(tmp_path) as engine:
            request = render_request(source, [[BOX]] * 2, tmp_path / "out.mkv", gate=str(gate), log=str(gate / "log"))
            running = engine.client.submit(request)
            waiting = engine.client.submit(render_request(source, [[BOX]]))
            (gate / "0").touch()
            next(event for event in engine.client.events(running.id) if isinstance(event, FrameEvent))
            wait_until(lambda: "render 1" in (gate / "log").read_text())
            (worker,) = children(engine.process.pid)
            engine.end(signal.SIGKILL)
            wait_until(lambda: not is_alive(worker))
            assert engine.socket.exists()  # stale
            with pytest.raises(
                EngineUnavailableError, match=r"no engine answers on .*; start one with: grayplate-engine"
            ):
                EngineClient(engine.socket).health()

        (gate / "1").touch()
        with running_engine(tmp_path) as engine:
            assert states(list(engine.client.events(waiting.id))) == ["queued", "running", "done"]
            assert states(list(engine.client.events(running.id)))[-1] == "done"
            report = engine.client.job(running.id).report
            assert report is not None and report.passes[0].frames_cleaned == 2
        rendered = [line for line in (gate / "log").read_text().splitlines() if line.startswith("render")]
        assert rendered == ["render 0", "render 1", "render 1"]


class TestShutdown:
    def test_idle_waits_for_the_job_and_for_its_readers(self, tmp_path, source, gate):
        with running_engine(tmp_path) as engine:
            job = engine.client.submit(render_request(source, [[BOX]], gate=str(gate)))
            with EngineClient(engine.socket) as other:
                other.shutdown_when_idle()
                assert other.health().jobs_active == 1
            (gate / "0").touch()
            assert states(list(engine.client.events(job.id)))[-1] == "done"
            assert engine.process.wait(20) == 0

    def test_now_ends_at_once_and_an_engine_that_has_gone_is_no_error(self, tmp_path):
        with running_engine(tmp_path) as engine:
            engine.client.shutdown_now()
            assert engine.process.wait(20) == 0
            engine.client.shutdown_when_idle()
            with pytest.raises(EngineUnavailableError, match=r"no engine serves .*engine\.sock; start one with"):
                engine.client.health()


class TestForgotten:
    """An engine whose desktop was killed: nobody asks it for anything any more. Its patience here is 1.5 s."""

    PATIENCE = ("--idle-exit", "0.025")

    def test_it_finishes_its_job_and_ends(self, tmp_path, source, gate):
        with running_engine(tmp_path, arguments=self.PATIENCE) as engine:
            engine.client.submit(render_request(source, [[BOX]], tmp_path / "out.mkv", gate=str(gate)))
            with pytest.raises(subprocess.TimeoutExpired):
                engine.process.wait(3)  # twice as long as it waits without a job
            (gate / "0").touch()
            assert engine.process.wait(20) == 0
            assert (tmp_path / "out.mkv").exists() and not engine.socket.exists()

    def test_one_who_asks_now_and_then_keeps_it(self, tmp_path, monkeypatch):
        service = EngineService(tmp_path / "engine.sock", idle_exit_s=600)
        clock, ended = [time.monotonic()], []
        service.on_exit = lambda: ended.append(clock[0])
        last_word = clock[0] + 3000

        async def sleep(seconds: float) -> None:
            clock[0] += seconds
            if clock[0] <= last_word and clock[0] % 500 < seconds:
                service.note_request()

        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(asyncio, "sleep", sleep)
        asyncio.run(service.end_when_forgotten())
        (end,) = ended
        assert last_word + 600 - 500 <= end <= last_word + 600 + 15
        service.stop()

    def test_a_client_that_stayed_open_gets_a_new_one(self, tmp_path, source, monkeypatch):
        for name, value in environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(client, "IDLE_EXIT_MIN", 0.02)
        with connect() as engine:
            first = engine.health().pid
            wait_until(lambda: not is_alive(first))
            monkeypatch.setattr(client, "IDLE_EXIT_MIN", 10)
            try:
                job = engine.submit(render_request(source, [[BOX]]))
                assert states(list(engine.events(job.id)))[-1] == "done"
                assert engine.health().pid != first
            finally:
                engine.shutdown_now()

    @pytest.mark.parametrize("minutes", ["0", "-1", "inf", "soon", "nan"])
    def test_an_impossible_patience_is_refused(self, minutes, capsys):
        with pytest.raises(SystemExit):
            cli.main(["serve", "--idle-exit", minutes])
        assert f"'{minutes}' is no number of minutes above 0" in capsys.readouterr().err


class TestConnect:
    @pytest.fixture
    def home(self, tmp_path, monkeypatch) -> Path:
        for name, value in environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        return tmp_path

    def test_it_starts_an_engine_and_takes_up_one_that_died(self, home, source, gate):
        with connect() as engine:
            assert engine.started_engine and engine.socket == paths.default_socket()
            first = engine.health().pid
            try:
                job = engine.submit(render_request(source, [[BOX]] * 2, home / "out.mkv", gate=str(gate)))
                (gate / "0").touch()
                stream = engine.events(job.id)
                assert any(isinstance(event, FrameEvent) for event in stream)
                os.kill(first, signal.SIGKILL)
                (gate / "1").touch()
                rest = list(stream)
                assert states(rest)[-1] == "done", rest[-1]
                second = engine.health().pid
                assert second != first and (home / "out.mkv").exists()
            finally:
                engine.shutdown_now()
            wait_until(lambda: not is_alive(second))

    def test_without_start_a_missing_engine_is_an_error(self, home):
        with pytest.raises(EngineUnavailableError, match="no engine serves"):
            connect(start=False)

    def test_an_engine_that_cannot_start_is_told_with_its_last_words(self, home, tmp_path):
        path = tmp_path / "occupied"
        path.write_text("a letter")
        with pytest.raises(EngineUnavailableError) as caught:
            connect(path)
        assert f"{path} exists and is no engine's socket; choose another --socket" in str(caught.value)
        assert "run `grayplate-engine serve --socket" in str(caught.value) and "\n" not in str(caught.value)
        assert path.read_text() == "a letter"

    def test_a_log_that_cannot_be_written_is_told(self, home):
        paths.log_file().mkdir(parents=True)
        with pytest.raises(EngineUnavailableError, match=r"the engine cannot be started: .*; check that .*engine\.log"):
            connect()


class TestServeInThisProcess:
    """Refusals come before anything is served, so they need no process."""

    def test_a_path_that_is_too_long(self, tmp_path, capsys):
        path = tmp_path / ("x" * 120)
        assert cli.main(["serve", "--socket", str(path)]) == 2
        assert "longer than 103 bytes, which the system does not allow; choose a shorter" in capsys.readouterr().err

    def test_a_folder_that_cannot_be_made(self, tmp_path, capsys):
        (tmp_path / "file").touch()
        assert cli.main(["serve", "--socket", str(tmp_path / "file" / "s.sock")]) == 2
        assert "cannot be made: File exists; choose another folder" in capsys.readouterr().err

    def test_a_file_that_is_no_socket(self, tmp_path, capsys):
        path = tmp_path / "letter"
        path.write_text("Dear editor")
        assert cli.main(["serve", "--socket", str(path)]) == 2
        assert f"{path} exists and is no engine's socket" in capsys.readouterr().err
        assert path.read_text() == "Dear editor"

    def test_a_socket_that_another_program_left_is_taken_over(self, tmp_path):
        path = tmp_path / "engine.sock"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        thread = threading.Thread(target=serve, args=(path,))
        thread.start()
        with EngineClient(path) as engine:
            wait_until(lambda: answers(engine))
            assert engine.health().pid == os.getpid()
            engine.shutdown_now()
        thread.join(20)
        assert not thread.is_alive() and not path.exists()


class TestLoopback:
    """What Windows gets: a port on 127.0.0.1 and a token in a private file."""

    @pytest.fixture
    def path(self, tmp_path) -> Iterator[Path]:
        path = tmp_path / "engine.sock"
        thread = threading.Thread(target=serve, args=(path,), kwargs={"loopback": True})
        thread.start()
        with EngineClient(path) as engine:
            wait_until(lambda: answers(engine))
            yield path
            engine.shutdown_now()
        thread.join(20)
        assert not thread.is_alive() and not path.exists()

    def test_the_token_is_private_and_needed(self, path, source):
        assert path.stat().st_mode & 0o777 == 0o600
        record = json.loads(path.read_text())
        for headers in ({}, {"Authorization": "Bearer guess"}, {"Authorization": record["token"]}):
            response = httpx.get(f"http://127.0.0.1:{record['port']}/v1/health", headers=headers)
            assert response.status_code == 401 and response.json() == {
                "kind": "bad_input",
                "message": "GET /v1/health: the token is missing or wrong; it is in the socket's file; "
                "GET /v1/openapi.json lists the routes",
                "about": "",
            }
        with EngineClient(path) as engine:
            assert engine.health().pid == os.getpid()


def answers(engine: EngineClient) -> bool:
    try:
        engine.health()
    except EngineUnavailableError:
        return False
    return True


def test_help_loads_no_server_and_no_codec():
    code = (
        "import sys, contextlib\nfrom engine.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "assert not {'fastapi', 'uvicorn', 'av', 'cv2', 'numpy', 'torch'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout


def test_the_client_loads_no_server_and_no_codec():
    code = (
        "import sys, engine.client\n"
        "assert not {'fastapi', 'uvicorn', 'av', 'cv2', 'numpy', 'torch', 'PySide6'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_worker_does_not_outlive_its_engine(tmp_path, source, gate):
    with running_engine(tmp_path) as engine:
        assert incidents(run_job(engine.client, render_request(source, [[BOX]]))) == []
        (worker,) = children(engine.process.pid)
        engine.end(signal.SIGINT)
        assert engine.process.returncode == 0 and not is_alive(worker)
