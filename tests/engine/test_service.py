"""Event streams of the service itself: waiting, keep-alive, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine.errors import EngineUnavailableError
from engine.ofx import host
from engine.protocol import Event, ProgressEvent, RenderRequest, StateEvent
from engine.service import EngineService
from tests.support.effects import Fill
from tests.support.engine_process import render_request


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineService]:
    """A service whose queue is not started: jobs stay queued until the test says otherwise."""
    monkeypatch.setattr(host, "installed_effects", lambda: {"test-fill": Fill})
    service = EngineService(tmp_path / "engine.sock")
    service.store.on_event(service._wake_streams)
    yield service
    service.store.close()


def request() -> RenderRequest:
    return render_request(Path("a.mkv"), [[(0, 0, 2, 2)]])


async def collect(stream: AsyncIterator[Event | None], count: int) -> list[Event | None]:
    found = []
    async for event in stream:
        found.append(event)
        if len(found) == count:
            break
    return found


def test_a_quiet_stream_says_that_it_is_still_there(service):
    job = service.submit(request())
    found = asyncio.run(collect(service.events(job.id, 0, keep_alive_s=0.01), 3))
    assert [e and e.type for e in found] == ["state", None, None]


def test_readers_are_woken_by_new_events_of_their_own_job(service):
    job, other = service.submit(request()), service.submit(request())

    async def read() -> list[Event | None]:
        async def tell() -> None:
            await asyncio.to_thread(service.store.add_event, progress(other.id))
            await asyncio.to_thread(service.store.add_event, progress(job.id))
            await asyncio.to_thread(service.store.finish, job.id, "done")

        telling = asyncio.create_task(tell())
        found = await collect(service.events(job.id, 1, keep_alive_s=60), 9)
        await telling
        return found

    found = asyncio.run(read())
    assert all(event is not None and event.job_id == job.id for event in found)
    assert isinstance(found[-1], StateEvent) and found[-1].state == "done"


def test_the_engine_ends_when_the_last_reader_has_gone(service):
    ended: list[bool] = []
    service.on_exit = lambda: ended.append(True)
    job = service.submit(request())
    service.end_when_idle()
    service.store.finish(job.id, "cancelled")

    async def read() -> None:
        async for _ in service.events(job.id, 0, keep_alive_s=60):
            assert ended == []

    asyncio.run(read())
    assert ended == [True]


def test_an_engine_that_ends_closes_its_streams_and_takes_no_jobs(service):
    job = service.submit(request())

    async def read() -> list[Event | None]:
        asyncio.get_running_loop().call_later(0.01, service.end_now)
        return await collect(service.events(job.id, 0, keep_alive_s=60), 9)

    assert len(asyncio.run(read())) == 1
    with pytest.raises(
        EngineUnavailableError, match="the engine is about to end; start it again and submit the job there"
    ):
        service.submit(request())


def progress(job_id: str) -> ProgressEvent:
    return ProgressEvent(job_id=job_id, stage="render", done=1, total=2)
