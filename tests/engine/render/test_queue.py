"""The queue keeps going, also when the disk of the job list is full."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.protocol import Job, ProgressEvent, WarningEvent
from engine.render import queue
from engine.render.job_store import JobStore
from engine.render.messages import JobFinished
from engine.render.queue import JobQueue
from engine.supervisor import EventSink, Supervisor
from tests.support.engine_process import render_request, wait_until

Script = Callable[[Job, EventSink], JobFinished | None]


class ScriptedSupervisor(Supervisor):
    """Renders as the test says, in the queue's thread."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self._script = script

    def render(self, job: Job, sink: EventSink) -> JobFinished | None:
        return self._script(job, sink)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process can grow."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "jobs.sqlite")
    yield store
    store.close()


def done(job: Job) -> JobFinished:
    return JobFinished(job_id=job.id, state="done")


def run(store: JobStore, script: Script) -> Job:
    """One job through a queue; returns it as it ended."""
    idle: list[bool] = []
    waiting = JobQueue(store, ScriptedSupervisor(script), on_idle=lambda: idle.append(True))
    job = store.add(render_request(Path("/a.mkv"), [[]]))
    waiting.start()
    try:
        wait_until(lambda: idle)
    finally:
        waiting.stop()
    return store.job(job.id)


def test_an_event_that_cannot_be_recorded_does_not_stop_the_render(store, caplog):
    def script(job: Job, sink: EventSink) -> JobFinished:
        with full_disk():
            sink(WarningEvent(job_id=job.id, message="lost"))
        sink(ProgressEvent(job_id=job.id, stage="render", done=1, total=1))
        return done(job)

    job = run(store, script)
    assert job.state == "done"
    assert [event.type for event in store.events(job.id)] == ["state", "state", "progress", "state"]
    assert "free space on its disk" in caplog.text


def test_the_end_of_a_job_is_recorded_once_there_is_space_again(store, monkeypatch, caplog):
    monkeypatch.setattr(queue, "RETRY_S", 0.01)
    finish, failures = store.finish, iter([sqlite3.OperationalError("database or disk is full")] * 3)

    def finish_when_there_is_space(*arguments, **more) -> None:
        for failure in failures:
            raise failure
        finish(*arguments, **more)

    monkeypatch.setattr(store, "finish", finish_when_there_is_space)
    assert run(store, lambda job, sink: done(job)).state == "done"
    assert caplog.text.count("cannot be recorded (database or disk is full)") == 3


def test_a_job_that_the_engine_stops_in_goes_back(store):
    assert run(store, lambda job, sink: None).state == "queued"
