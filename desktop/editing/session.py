"""What is being edited: the document, its history, the selection and the playhead. Without Qt; signals by psygnal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from psygnal import Signal

from desktop.editing.history import History
from desktop.editing.timeline_map import Place, ShotSpan, place_at, span_of, spans
from timeline.project import Project
from timeline.removal import Removal
from timeline.shot import Shot
from timeline.take import ShotTakes


class Session:
    """One open document. Every edit is a new Project pushed by :meth:`apply`; nothing else changes it."""

    project_changed = Signal()
    """Another Project is current: after an edit, undo, redo or opening."""
    selection_changed = Signal()
    """Another removal is selected, or none."""
    playhead_changed = Signal()
    """The playhead moved to another frame."""
    document_changed = Signal()
    """The file name, or whether there are unsaved changes, changed."""
    takes_changed = Signal()
    """There are other takes to save: rendering is no edit and no step to undo."""

    def __init__(self, project: Project) -> None:
        self._history = History(project)
        self._saved = project
        self._takes: dict[str, ShotTakes] = {}
        self._saved_takes: dict[str, ShotTakes] = {}
        self._path: Path | None = None
        self._playhead = 0
        self._removal_id: str | None = None
        self._track: int | None = None

    # --- the document -------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The document now."""
        return self._history.value

    @property
    def path(self) -> Path | None:
        """The file it was opened from or saved to; None before the first save."""
        return self._path

    @property
    def is_modified(self) -> bool:
        """Whether it differs from what was last saved or opened."""
        if self.project is not self._saved and self.project != self._saved:
            return True
        return _worth_saving(self._takes) != _worth_saving(self._saved_takes)

    @property
    def document(self) -> Project:
        """The document with its takes: what is saved."""
        ids = {shot.id for shot in self.project.shots}
        return replace(self.project, takes={shot_id: takes for shot_id, takes in self._takes.items() if shot_id in ids})

    def note_takes(self, shot_id: str, takes: ShotTakes | None) -> None:
        """A shot has these takes now."""
        if self._takes.get(shot_id) == takes:
            return
        self._takes = {**self._takes, shot_id: takes} if takes else _without(self._takes, shot_id)
        self.takes_changed.emit()
        self.document_changed.emit()

    @property
    def undo_label(self) -> str | None:
        """What undo would take back."""
        return self._history.undo_label

    @property
    def redo_label(self) -> str | None:
        """What redo would bring back."""
        return self._history.redo_label

    def replace_document(self, project: Project, path: Path | None, *, modified: bool = False) -> None:
        """Another document, with a history of its own; ``modified`` for one recovered from a crash."""
        self._history = History(project)
        self._path = path
        self._saved = Project(name=project.name, shots=()) if modified else project
        self._takes = dict(project.takes)
        self._saved_takes = self._takes
        self._playhead = 0
        self._removal_id = self._track = None
        self._select_first_removal()
        self._announce()
        self.playhead_changed.emit()
        self.selection_changed.emit()

    def mark_saved(self, project: Project, path: Path) -> None:
        """``project`` now lies in ``path``; edits made meanwhile keep the document modified."""
        self._saved = self.project if project == self.project else project
        self._saved_takes = dict(project.takes)
        self._path = path
        self.document_changed.emit()

    # --- edits --------------------------------------------------------------------------------------------------

    def apply(self, label: str, project: Project, merge_key: str = "") -> None:
        """Make an edit. ``label`` names it in the Edit menu; equal ``merge_key`` of one gesture makes one undo step."""
        if project == self.project:
            return
        self._history.push(label, project, merge_key)
        self._announce()

    def end_gesture(self) -> None:
        """A drag or a burst of typing ended: the next edit is an undo step of its own."""
        self._history.seal()

    def undo(self) -> None:
        """Take back the last step."""
        if self._history.undo():
            self._announce()

    def redo(self) -> None:
        """Bring back what undo took."""
        if self._history.redo():
            self._announce()

    def _announce(self) -> None:
        self._keep_selection_valid()
        self.project_changed.emit()
        self.document_changed.emit()
        self.go_to(self._playhead)

    # --- playhead -----------------------------------------------------------------------------------------------

    @property
    def playhead(self) -> int:
        """Timeline frame, 0-based."""
        return self._playhead

    @property
    def length_frames(self) -> int:
        """Frames on the timeline."""
        return self.project.duration_frames

    @property
    def place(self) -> Place | None:
        """Shot and media frame under the playhead; None in an empty document, and where no track has a shot."""
        return place_at(self.project, self._playhead, self._track)

    @property
    def shot(self) -> Shot | None:
        """The shot under the playhead."""
        place = self.place
        return place.shot if place else None

    @property
    def span(self) -> ShotSpan | None:
        """Where the shot under the playhead lies."""
        shot = self.shot
        return span_of(self.project, shot.id) if shot else None

    def go_to(self, frame: int) -> None:
        """Move the playhead, kept on the timeline; entering another shot selects that shot's first removal."""
        frame = min(max(frame, 0), max(self.length_frames - 1, 0))
        if frame == self._playhead:
            return
        shot_before = self.shot
        self._playhead = frame
        shot = self.shot
        if shot and (shot_before is None or shot.id != shot_before.id):
            self._select_first_removal()
            self.selection_changed.emit()
        self.playhead_changed.emit()

    def go_to_media_frame(self, shot_id: str, media_frame: int) -> None:
        """Move the playhead to a frame of a shot, if the shot uses it; its track is worked on then."""
        span = span_of(self.project, shot_id)
        if span and span.shot.source_start <= media_frame < span.shot.source_end_exclusive:
            self.work_on_track(span.shot.track)
            self.go_to(span.timeline_frame(media_frame))

    def work_on_track(self, track: int | None) -> None:
        """Let the shot of this track be the one under the playhead, where it has one; None: the uppermost."""
        if track == self._track:
            return
        before = self.shot
        self._track = track
        shot = self.shot
        if (shot.id if shot else None) != (before.id if before else None):
            self._select_first_removal()
            self.selection_changed.emit()
            self.playhead_changed.emit()

    def work_on_next_track(self) -> None:
        """Work on the next lower track that has a shot under the playhead; after the lowest on the uppermost."""
        here = [span.shot.track for span in spans(self.project) if span.start <= self._playhead < span.end_exclusive]
        shot = self.shot
        if shot and len(here) > 1:
            lower = [track for track in here if track < shot.track]
            self.work_on_track(max(lower) if lower else max(here))

    # --- selection ----------------------------------------------------------------------------------------------

    @property
    def removal(self) -> Removal | None:
        """The selected removal, always one of the shot under the playhead."""
        shot = self.shot
        return next((removal for removal in shot.removals if removal.id == self._removal_id), None) if shot else None

    def select_removal(self, removal_id: str | None) -> None:
        """Select a removal of the shot under the playhead, or none."""
        if removal_id != self._removal_id:
            self._removal_id = removal_id
            self._history.seal()
            self.selection_changed.emit()

    def _keep_selection_valid(self) -> None:
        if self._removal_id is not None and self.removal is None:
            self._select_first_removal()
            self.selection_changed.emit()

    def _select_first_removal(self) -> None:
        shot = self.shot
        self._removal_id = shot.removals[0].id if shot and shot.removals else None


def _worth_saving(takes: Mapping[str, ShotTakes]) -> dict[str, ShotTakes]:
    """Takes that a person would miss; the only one of a shot is found again by the shot's settings."""
    return {shot_id: of_shot for shot_id, of_shot in takes.items() if len(of_shot.takes) > 1 or of_shot.takes[0].label}


def _without(takes: Mapping[str, ShotTakes], shot_id: str) -> dict[str, ShotTakes]:
    return {other: of_shot for other, of_shot in takes.items() if other != shot_id}
