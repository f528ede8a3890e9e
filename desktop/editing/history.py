"""Undo and redo of an immutable value: snapshots with labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

LIMIT = 500
"""Snapshots kept. They share everything that an edit left alone, so this costs little."""


@dataclass(frozen=True)
class _Step(Generic[T]):
    label: str
    before: T
    merge_key: str


class History(Generic[T]):
    """The value now, and the steps that lead back and forth."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._done: list[_Step[T]] = []
        self._undone: list[_Step[T]] = []

    @property
    def value(self) -> T:
        """The value now."""
        return self._value

    @property
    def undo_label(self) -> str | None:
        """What undo would take back; None if nothing."""
        return self._done[-1].label if self._done else None

    @property
    def redo_label(self) -> str | None:
        """What redo would bring back; None if nothing."""
        return self._undone[-1].label if self._undone else None

    def push(self, label: str, value: T, merge_key: str = "") -> None:
        """Make ``value`` the value now; a step with the same non-empty ``merge_key`` as the last one joins it."""
        joins = bool(merge_key) and bool(self._done) and self._done[-1].merge_key == merge_key
        if not joins:
            self._done.append(_Step(label, self._value, merge_key))
            del self._done[:-LIMIT]
        self._undone.clear()
        self._value = value

    def seal(self) -> None:
        """End a gesture: the next step won't join the last one."""
        if self._done and self._done[-1].merge_key:
            last = self._done[-1]
            self._done[-1] = _Step(last.label, last.before, "")

    def undo(self) -> bool:
        """Back one step; False if there is none."""
        return self._swap(self._done, self._undone)

    def redo(self) -> bool:
        """Forth one step; False if there is none."""
        return self._swap(self._undone, self._done)

    def _swap(self, source: list[_Step[T]], target: list[_Step[T]]) -> bool:
        if not source:
            return False
        step = source.pop()
        target.append(_Step(step.label, self._value, ""))
        self._value = step.before
        return True
