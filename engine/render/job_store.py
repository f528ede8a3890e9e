"""Jobs and their events in SQLite: they survive the engine, whether it stops or is killed.

A job that was queued or running when the engine ended is queued again at the next start: its finished frames come
from the frame cache, so little is lost. A job that ended MAX_STARTS engines is marked failed instead, because it
would end the next one too. An engine that stops in good order does not count as such an end.
"""

from __future__ import annotations

import logging
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import cast

from pydantic import TypeAdapter

from engine.errors import EngineError, JobNotFoundError
from engine.protocol import (
    ErrorInfo,
    Event,
    FrameEvent,
    Job,
    JobState,
    ProgressEvent,
    RenderReport,
    RenderRequest,
    StateEvent,
    WindowsEvent,
)

MAX_STARTS = 3
KEPT_JOBS = 200
"""Finished jobs beyond these, oldest first, are forgotten at the next start."""

SCHEMA_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT UNIQUE NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    starts INTEGER NOT NULL DEFAULT 0,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    report TEXT
);
CREATE TABLE IF NOT EXISTS events (
    job_id TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    key TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (job_id, sequence)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_key ON events (job_id, key);
PRAGMA user_version = {SCHEMA_VERSION};
"""
_EVENTS: TypeAdapter[Event] = TypeAdapter(Event)
_log = logging.getLogger(__name__)


class JobStore:
    """Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the database; one that cannot be read is put aside as ``.broken``."""
        self._lock = RLock()
        self._listeners: list[Callable[[str], None]] = []
        self._db = _open(path)

    def close(self) -> None:
        """Closes the database; the store is of no use afterwards."""
        with self._lock:
            self._db.close()

    def on_event(self, listener: Callable[[str], None]) -> None:
        """Calls ``listener(job_id)`` after every new event, in the thread that added it."""
        self._listeners.append(listener)

    # --- jobs ---------------------------------------------------------------------------------------------------

    def add(self, request: RenderRequest) -> Job:
        """A new job at the end of the queue."""
        job_id = uuid.uuid4().hex[:12]
        with self._transaction() as db:
            db.execute(
                "INSERT INTO jobs (id, state, request, created_ms) VALUES (?, 'queued', ?, ?)",
                (job_id, request.model_dump_json(), time.time_ns() // 1_000_000),
            )
            self._insert_event(db, StateEvent(job_id=job_id, state="queued"))
        self._tell(job_id)
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """Raises JobNotFoundError."""
        with self._lock:
            row = self._db.execute(f"{_SELECT_JOB} WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise _no_such_job(job_id)
        return _job(row)

    def state(self, job_id: str) -> JobState:
        """Only the job's state, which is cheap to ask for often; raises JobNotFoundError."""
        with self._lock:
            row = self._db.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise _no_such_job(job_id)
        return cast(JobState, row[0])

    def jobs(self) -> tuple[Job, ...]:
        """All jobs, newest first."""
        with self._lock:
            rows = self._db.execute(f"{_SELECT_JOB} ORDER BY number DESC").fetchall()
        return tuple(_job(row) for row in rows)

    def active_jobs(self) -> tuple[Job, ...]:
        """The jobs that are queued or running, the next one first."""
        with self._lock:
            rows = self._db.execute(f"{_SELECT_JOB} WHERE state IN ('queued', 'running') ORDER BY number").fetchall()
        return tuple(_job(row) for row in rows)

    def active_count(self) -> int:
        """How many jobs are queued or running."""
        with self._lock:
            query = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
            return int(self._db.execute(query).fetchone()[0])

    def start_next(self) -> Job | None:
        """Takes the oldest queued job and marks it running; None when none waits."""
        with self._transaction() as db:
            row = db.execute("SELECT id FROM jobs WHERE state = 'queued' ORDER BY number LIMIT 1").fetchone()
            if row is None:
                return None
            db.execute("UPDATE jobs SET state = 'running', starts = starts + 1 WHERE id = ?", row)
            self._insert_event(db, StateEvent(job_id=row[0], state="running"))
        self._tell(row[0])
        return self.job(row[0])

    def finish(
        self, job_id: str, state: JobState, error: ErrorInfo | None = None, report: RenderReport | None = None
    ) -> None:
        """Sets a final state with its error or report, and adds the event that ends the job's stream."""
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET state = ?, error = ?, report = ? WHERE id = ?",
                (state, error and error.model_dump_json(), report and report.model_dump_json(), job_id),
            )
            db.execute("DELETE FROM events WHERE job_id = ? AND key LIKE 'preview:%'", (job_id,))
            self._insert_event(db, StateEvent(job_id=job_id, state=state, error=error))
        self._tell(job_id)

    def cancel_queued(self, job_id: str) -> bool:
        """Cancels the job if it has not started; says whether it did."""
        with self._transaction():
            if self.job(job_id).state != "queued":
                return False
            error = ErrorInfo(kind="cancelled", message="cancelled before it started")
            self.finish(job_id, "cancelled", error)
        return True

    def give_back(self, job_id: str) -> None:
        """Puts a running job back into the queue, because the engine stops in good order."""
        with self._transaction() as db:
            db.execute("UPDATE jobs SET state = 'queued', starts = starts - 1 WHERE id = ?", (job_id,))
            self._insert_event(db, StateEvent(job_id=job_id, state="queued"))
        self._tell(job_id)

    def recover(self) -> None:
        """At the engine's start: queues the jobs that the last engine left running, and forgets the oldest ones."""
        with self._lock:
            left = self._db.execute("SELECT id, starts FROM jobs WHERE state = 'running'").fetchall()
        for job_id, starts in left:
            if starts >= MAX_STARTS:
                message = f"the engine ended {starts} times while it rendered this job; see the engine's log for why"
                self.finish(job_id, "failed", ErrorInfo(kind="failed", message=message))
                continue
            with self._transaction() as db:
                db.execute("UPDATE jobs SET state = 'queued' WHERE id = ?", (job_id,))
                self._insert_event(db, StateEvent(job_id=job_id, state="queued"))
        with self._transaction() as db:
            db.execute(
                "DELETE FROM jobs WHERE state NOT IN ('queued', 'running') AND number NOT IN "
                "(SELECT number FROM jobs ORDER BY number DESC LIMIT ?)",
                (KEPT_JOBS,),
            )

    # --- events -------------------------------------------------------------------------------------------------

    def add_event(self, event: Event) -> None:
        """Adds an event under the job's next sequence number, in place of any older one that it makes worthless."""
        with self._transaction() as db:
            self._insert_event(db, event)
        self._tell(event.job_id)

    def events(self, job_id: str, after: int = 0) -> tuple[Event, ...]:
        """Events with a sequence above ``after``, in order; progress and previews only as far as they are current."""
        with self._lock:
            rows = self._db.execute(
                "SELECT body FROM events WHERE job_id = ? AND sequence > ? ORDER BY sequence", (job_id, after)
            ).fetchall()
        return tuple(_EVENTS.validate_json(body) for (body,) in rows)

    def newest_frame_event(self, job_id: str, frame: int) -> FrameEvent | None:
        """The last pass's finished patch of this frame, if there is one yet."""
        with self._lock:
            row = self._db.execute(
                "SELECT body FROM events WHERE job_id = ? AND key GLOB ? ORDER BY sequence DESC LIMIT 1",
                (job_id, f"frame:{frame}:*"),
            ).fetchone()
        return FrameEvent.model_validate_json(row[0]) if row else None

    def _insert_event(self, db: sqlite3.Connection, event: Event) -> None:
        (sequence,) = db.execute(
            "UPDATE jobs SET last_sequence = last_sequence + 1 WHERE id = ? RETURNING last_sequence", (event.job_id,)
        ).fetchone()
        key, replaced = _keys(event)
        db.executemany("DELETE FROM events WHERE job_id = ? AND key = ?", [(event.job_id, old) for old in replaced])
        body = event.model_copy(update={"sequence": sequence}).model_dump_json()
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (event.job_id, sequence, key, body))

    def _tell(self, job_id: str) -> None:
        for listener in self._listeners:
            listener(job_id)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; a transaction inside another one is part of it."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _no_such_job(job_id: str) -> JobNotFoundError:
    return JobNotFoundError(f"there is no job '{job_id}'; GET /v1/jobs lists those there are")


_SELECT_JOB = "SELECT id, state, request, created_ms, error, report FROM jobs"


def _job(row: tuple[str, JobState, str, int, str | None, str | None]) -> Job:
    job_id, state, request, created_ms, error, report = row
    return Job(
        id=job_id,
        state=state,
        request=RenderRequest.model_validate_json(request),
        created_ms=created_ms,
        error=ErrorInfo.model_validate_json(error) if error else None,
        report=RenderReport.model_validate_json(report) if report else None,
    )


def _keys(event: Event) -> tuple[str | None, tuple[str, ...]]:
    """The event's key, and the keys of older events that nobody needs once this one is there."""
    if isinstance(event, ProgressEvent):
        return "progress", ("progress",)
    if isinstance(event, FrameEvent):
        preview = f"preview:{event.frame}:{event.pass_index}"
        final = f"frame:{event.frame}:{event.pass_index}"
        return (preview, (preview,)) if event.provisional else (final, (preview, final))
    if isinstance(event, WindowsEvent):
        return f"windows:{event.pass_index}", (f"windows:{event.pass_index}",)
    return None, ()


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        aside = path.with_suffix(".broken")
        _log.warning("the job list %s cannot be read (%s); it is put aside as %s", path, error, aside.name)
        path.replace(aside)
        for leftover in ("-wal", "-shm"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
        return _connect(path)
    except OSError as error:
        raise EngineError(f"the job list {path} cannot be opened: {error.strerror}; check the folder") from error


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        if db.execute("PRAGMA user_version").fetchone()[0] not in (0, SCHEMA_VERSION):
            raise sqlite3.DatabaseError("it was made by another version of Grayplate")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db
