"""The in and out marks: a range of frames of one shot that is worked on. Without Qt; not part of the document."""

from __future__ import annotations

from psygnal import Signal

from desktop.editing.session import Session
from desktop.editing.timeline_map import Place
from timeline.shot import Shot


class InOut:
    """Both marks lie in one shot; a mark in another shot begins anew there."""

    changed = Signal()
    """A mark was set or cleared."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shot_id: str | None = None
        self._first: int | None = None
        self._last: int | None = None

    def range_of(self, shot: Shot) -> range | None:
        """The marked media frames of ``shot``, half-open, inside what it shows; None where nothing is marked."""
        if shot.id != self._shot_id or (self._first is None and self._last is None):
            return None
        first = max(self._first if self._first is not None else shot.source_start, shot.source_start)
        last = self._last if self._last is not None else shot.source_end_exclusive - 1
        end = min(last + 1, shot.source_end_exclusive)
        return range(first, end) if first < end else None

    def mark_in(self) -> None:
        """The range starts with the frame under the playhead; an out mark before it goes."""
        place = self._begin()
        if place:
            self._first = place.media_frame
            if self._last is not None and self._last < self._first:
                self._last = None
            self.changed.emit()

    def mark_out(self) -> None:
        """The range ends with the frame under the playhead; an in mark after it goes."""
        place = self._begin()
        if place:
            self._last = place.media_frame
            if self._first is not None and self._first > self._last:
                self._first = None
            self.changed.emit()

    def clear(self) -> None:
        """No marks."""
        self._shot_id = self._first = self._last = None
        self.changed.emit()

    def _begin(self) -> Place | None:
        place = self._session.place
        if place and place.shot.id != self._shot_id:
            self._shot_id, self._first, self._last = place.shot.id, None, None
        return place
