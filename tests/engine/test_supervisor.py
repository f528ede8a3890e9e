"""How the supervisor speaks of a worker's end. Its work is tested on real workers in test_server.py."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from engine import supervisor
from engine.errors import WorkerDiedError
from engine.file_lock import wait_for_lock
from engine.protocol import Job
from engine.supervisor import Supervisor, describe_exit
from tests.support.engine_process import render_request


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-signal.SIGKILL, "was killed by SIGKILL"),
        (-signal.SIGSEGV, "was killed by SIGSEGV"),
        (-250, "was killed by signal 250"),
    ],
)
def test_an_exit_status_in_words(status, text):
    assert describe_exit(status) == text


def test_a_stopped_supervisor_starts_no_worker():
    stopped = Supervisor()
    stopped.stop()
    job = Job(id="j", state="running", request=render_request(Path("a.mkv"), [[]]), created_ms=0)
    assert stopped.render(job, lambda event: None) is None
    assert stopped.worker_pid is None


def test_a_worker_that_cannot_be_started_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(supervisor, "WORKER_COMMAND", (str(tmp_path / "no-python"),))
    job = Job(id="j", state="running", request=render_request(Path("/a.mkv"), [[]]), created_ms=0)
    with pytest.raises(WorkerDiedError, match=r"^no worker can be started: .*No such file or directory.*; close other"):
        Supervisor().render(job, lambda event: None)


def test_a_job_that_was_cancelled_before_it_reached_the_worker_renders_nothing(tmp_path):
    running = Supervisor()
    job = Job(id="j", state="running", request=render_request(tmp_path / "gone.mkv", [[]]), created_ms=0)
    running.cancel("j")
    try:
        finished = running.render(job, lambda event: None)
    finally:
        running.stop()
    assert finished is not None and finished.state == "cancelled"


class TestFileLock:
    def test_one_holder_at_a_time(self, tmp_path):
        first = wait_for_lock(tmp_path / "new" / "a.lock", 0)
        assert first is not None
        assert wait_for_lock(tmp_path / "new" / "a.lock", 0.01) is None
        first.close()
        again = wait_for_lock(tmp_path / "new" / "a.lock", 0)
        assert again is not None
        again.close()

    def test_the_wait_can_be_given_up(self, tmp_path):
        first = wait_for_lock(tmp_path / "a.lock", 0)
        assert first is not None
        with first:
            assert wait_for_lock(tmp_path / "a.lock", 60, give_up=lambda: True) is None
