"""Jobs survive the engine; events come back in order, the newest in place of what it replaces."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.errors import JobNotFoundError
from engine.protocol import (
    ErrorInfo,
    FrameEvent,
    FrameRange,
    ProgressEvent,
    RenderReport,
    StateEvent,
    WarningEvent,
    WindowsEvent,
)
from engine.render import job_store
from engine.render.job_store import JobStore
from tests.support.engine_process import render_request


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite"


@pytest.fixture
def store(path: Path):
    store = JobStore(path)
    yield store
    store.close()


def request():
    return render_request(Path("a.mkv"), [[(0, 0, 2, 2)]])


def progress(job_id: str, done: float) -> ProgressEvent:
    return ProgressEvent(job_id=job_id, stage="render", done=done, total=9)


def frame(job_id: str, number: int, pass_index: int = 0, provisional: bool = False) -> FrameEvent:
    path = f"{number}-{pass_index}-{provisional}"
    return FrameEvent(job_id=job_id, frame=number, patch_path=path, pass_index=pass_index, provisional=provisional)


def started(store: JobStore) -> str | None:
    job = store.start_next()
    return job.id if job else None


def test_jobs_are_started_in_the_order_in_which_they_came(store):
    first, second = store.add(request()), store.add(request())
    assert [j.id for j in store.jobs()] == [second.id, first.id]
    assert [started(store) for _ in range(3)] == [first.id, second.id, None]
    assert store.active_count() == 2


def test_a_job_comes_back_as_it_was_given(store):
    job = store.add(request())
    assert store.job(job.id) == job
    assert job.request == request() and job.state == "queued" and job.created_ms > 1.7e12


def test_an_unknown_job_is_named(store):
    for call in (store.job, store.state, store.cancel_queued):
        with pytest.raises(JobNotFoundError, match="there is no job 'nope'; GET /v1/jobs lists those there are"):
            call("nope")


def test_the_end_of_a_job_is_stored_with_its_event(store):
    job = store.add(request())
    report = RenderReport(
        source="a",
        output=None,
        frames_in=1,
        frames_out=0,
        frames_cleaned=1,
        passes=(),
        seconds={},
        outside_max_difference=None,
    )
    store.start_next()
    store.finish(job.id, "done", report=report)
    assert store.job(job.id).report == report
    assert [e.state for e in store.events(job.id) if isinstance(e, StateEvent)] == ["queued", "running", "done"]
    assert store.active_count() == 0


def test_sequences_rise_and_events_can_be_read_from_any_of_them(store):
    job = store.add(request())
    store.add_event(frame(job.id, 0))
    store.add_event(WarningEvent(job_id=job.id, message="careful"))
    events = store.events(job.id)
    assert [e.sequence for e in events] == [1, 2, 3]
    assert store.events(job.id, after=1) == events[1:]
    assert store.events(job.id, after=3) == ()


def test_new_progress_takes_the_place_of_old(store):
    job = store.add(request())
    for done in range(5):
        store.add_event(progress(job.id, done))
    events = store.events(job.id)
    assert [(e.sequence, e.type) for e in events] == [(1, "state"), (6, "progress")]
    assert events[-1].done == 4


def test_a_finished_frame_takes_the_place_of_its_previews(store):
    job = store.add(request())
    for event in (frame(job.id, 3, provisional=True), frame(job.id, 4, provisional=True), frame(job.id, 3)):
        store.add_event(event)
    assert [(e.frame, e.provisional) for e in store.events(job.id) if isinstance(e, FrameEvent)] == [
        (4, True),
        (3, False),
    ]
    store.finish(job.id, "cancelled")
    assert [(e.frame, e.provisional) for e in store.events(job.id) if isinstance(e, FrameEvent)] == [(3, False)]


def test_windows_take_the_place_of_those_that_an_earlier_attempt_told(store):
    job = store.add(request())
    for pass_index, end in ((0, 9), (1, 9), (0, 5)):
        window = FrameRange(start=0, end_exclusive=end)
        store.add_event(WindowsEvent(job_id=job.id, pass_index=pass_index, windows=(window,)))
    told = [e for e in store.events(job.id) if isinstance(e, WindowsEvent)]
    assert [(e.pass_index, e.windows[0].end_exclusive) for e in told] == [(1, 9), (0, 5)]


def test_the_newest_frame_event_is_the_last_passes(store):
    job = store.add(request())
    for event in (frame(job.id, 1, 0), frame(job.id, 1, 1), frame(job.id, 11, 0), frame(job.id, 2, provisional=True)):
        store.add_event(event)
    assert store.newest_frame_event(job.id, 1).pass_index == 1
    assert store.newest_frame_event(job.id, 11).patch_path == "11-0-False"
    assert store.newest_frame_event(job.id, 2) is None


def test_listeners_hear_of_every_event(store):
    heard: list[str] = []
    store.on_event(heard.append)
    job = store.add(request())
    store.start_next()
    store.add_event(progress(job.id, 1))
    store.finish(job.id, "done")
    assert heard == [job.id] * 4


def test_only_a_queued_job_is_cancelled_here(store):
    waiting, running = store.add(request()), store.add(request())
    assert store.cancel_queued(waiting.id)
    assert store.job(waiting.id).error == ErrorInfo(kind="cancelled", message="cancelled before it started")
    assert started(store) == running.id
    assert not store.cancel_queued(running.id)
    assert store.job(running.id).state == "running"


def test_jobs_of_a_killed_engine_are_queued_again(path):
    store = JobStore(path)
    running, waiting = store.add(request()), store.add(request())
    store.start_next()
    store.close()

    store = JobStore(path)
    store.recover()
    assert [store.job(job.id).state for job in (running, waiting)] == ["queued", "queued"]
    assert started(store) == running.id
    store.close()


def test_a_job_that_ends_every_engine_is_given_up(path):
    for _ in range(job_store.MAX_STARTS):
        store = JobStore(path)
        store.recover()
        job = store.jobs()[0] if store.jobs() else store.add(request())
        assert started(store) == job.id
        store.close()
    store = JobStore(path)
    store.recover()
    assert store.job(job.id).state == "failed"
    assert store.job(job.id).error == ErrorInfo(
        kind="failed", message="the engine ended 3 times while it rendered this job; see the engine's log for why"
    )
    store.close()


def test_an_engine_that_stops_in_good_order_does_not_count(path):
    for _ in range(job_store.MAX_STARTS + 1):
        store = JobStore(path)
        store.recover()
        job = store.jobs()[0] if store.jobs() else store.add(request())
        store.start_next()
        store.give_back(job.id)
        store.close()
    store = JobStore(path)
    store.recover()
    assert store.job(job.id).state == "queued"
    store.close()


def test_old_finished_jobs_and_their_events_are_forgotten(store, monkeypatch):
    monkeypatch.setattr(job_store, "KEPT_JOBS", 2)
    jobs = [store.add(request()) for _ in range(4)]
    for job in jobs[1:]:
        store.finish(job.id, "done")
    store.recover()
    assert {job.id for job in store.jobs()} == {jobs[0].id, jobs[2].id, jobs[3].id}
    assert store.events(jobs[1].id) == () and store.events(jobs[2].id) != ()


def test_a_broken_job_list_is_put_aside(path, caplog):
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    store = JobStore(path)
    assert store.jobs() == ()
    store.close()
    assert path.with_suffix(".broken").read_bytes().startswith(b"this is no database")
    assert "it is put aside as jobs.broken" in caplog.text


def test_the_job_list_of_another_version_is_put_aside(path, caplog):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    store = JobStore(path)
    assert store.add(request()).state == "queued"
    store.close()
    assert "made by another version of Grayplate" in caplog.text
