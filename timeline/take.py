"""Takes: results of a shot that are kept beside each other, as far as a project file knows them."""

from __future__ import annotations

from dataclasses import dataclass

from timeline.removal import Removal


@dataclass(frozen=True)
class TakeRecord:
    """``removals`` are those that it was rendered with, ``job_ids`` the engine's jobs that hold its frames, in order.

    ``label`` is empty where nobody named it. The frames themselves lie in the engine's cache as long as it keeps them.
    """

    number: int
    removals: tuple[Removal, ...] = ()
    job_ids: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class ShotTakes:
    """A shot's takes, oldest first, and the number of the one that is shown."""

    takes: tuple[TakeRecord, ...]
    chosen: int
