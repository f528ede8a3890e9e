"""Autosave beside the document: what a crash would lose is offered at the next start."""

from __future__ import annotations

import json
import logging
import shutil
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile

from desktop.base import paths
from desktop.base.errors import RecoveryError
from desktop.base.language import tr
from timeline.errors import TimelineError
from timeline.project import Project

_PROJECT = "project.otio"
_ABOUT = "session.json"
_LOCK = "lock"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LostSession:
    """A document that a session which has gone left unsaved."""

    folder: Path
    original_path: Path | None
    saved_at_s: float
    """Seconds since the epoch."""

    @property
    def project_file(self) -> Path:
        """The document as it was last."""
        return self.folder / _PROJECT

    def discard(self) -> None:
        """Forget it."""
        shutil.rmtree(self.folder, ignore_errors=True)


class RecoveryFile:
    """This session's own recovery file; the lock beside it says that the session lives."""

    def __init__(self) -> None:
        self._folder = paths.recovery_folder() / uuid.uuid4().hex[:12]
        self._lock: QLockFile | None = None

    def write(self, project: Project, original_path: Path | None) -> None:
        """Keep ``project``. Raises RecoveryError."""
        from timeline.project_file import save_project

        about = {"original_path": str(original_path) if original_path else None, "saved_at_s": time.time()}
        try:
            self._take_lock()
            save_project(project, self._folder / _PROJECT)
            (self._folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        except (OSError, TimelineError) as error:
            raise RecoveryError(
                tr("no recovery file can be kept in {folder}: {error}; save your work").format(
                    folder=self._folder, error=error
                )
            ) from error

    def discard(self) -> None:
        """The document is saved, or given up: there is nothing to recover."""
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take_lock(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            self._lock = _lock_of(self._folder)
            self._lock.tryLock(0)


class RecoveryWriter:
    """Keeps the newest document on a thread of its own: a long project takes longer to write than a frame to show."""

    def __init__(self, file: RecoveryFile, failed: Callable[[str], None]) -> None:
        self._file, self._failed = file, failed
        self._threads = ThreadPoolExecutor(1, "autosave")
        self._newest: Project | None = None

    def keep(self, project: Project, original_path: Path | None, then: Callable[[], object] | None = None) -> None:
        """Write ``project`` soon, unless a newer one comes first; ``failed`` gets one line, on the thread.

        ``then`` is called there once it is written.
        """
        self._newest = project
        self._threads.submit(self._write, project, original_path, then)

    def discard(self) -> None:
        """Forget what was kept, and what waits to be."""
        self._newest = None
        self._threads.submit(self._file.discard)

    def _write(self, project: Project, original_path: Path | None, then: Callable[[], object] | None) -> None:
        if project is not self._newest and then is None:
            return
        try:
            self._file.write(project, original_path)
        except RecoveryError as error:
            _log.warning("%s", error)
            self._failed(str(error))
            return
        if then is not None:
            then()


def lost_sessions() -> list[LostSession]:
    """What sessions that no longer run left behind, the newest first."""
    found = []
    for about in paths.recovery_folder().glob(f"*/{_ABOUT}"):
        lock = _lock_of(about.parent)
        if not lock.tryLock(0):  # its session runs
            continue
        lock.unlock()
        session = _read(about)
        if session is not None:
            found.append(session)
    return sorted(found, key=lambda session: -session.saved_at_s)


def _lock_of(folder: Path) -> QLockFile:
    lock = QLockFile(str(folder / _LOCK))
    lock.setStaleLockTime(0)  # a lock is stale only if its process has gone, however old it is
    return lock


def _read(about: Path) -> LostSession | None:
    try:
        data: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
        original = data["original_path"]
        return LostSession(about.parent, Path(original) if original else None, float(data["saved_at_s"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("recovery file %s cannot be read: %s", about, error)
        return None
