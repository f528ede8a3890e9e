"""New, open, save, recover: the document and its files. Whatever goes wrong is a notice, and loses nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.base.language import tr
from desktop.base.notices import Notices
from desktop.base.ui_thread import UiThread
from desktop.editing import commands
from desktop.editing.session import Session
from desktop.editing.shot_speed import speed_text
from desktop.media.media_service import MediaService
from desktop.project.project_saver import ProjectSaver
from desktop.project.recovery import LostSession, RecoveryFile, RecoveryWriter, lost_sessions
from timeline.errors import TimelineError
from timeline.media.info import MediaInfo
from timeline.project import Project
from timeline.shot import Shot

AUTOSAVE_AFTER_MS = 400
"""Quiet time after an edit: short enough to lose one edit at most, long enough not to write during a drag."""
PROJECT_ENDING = ".otio"
LIST_ENDING = ".edl"
EDIT_ENDINGS = (".xml", ".fcpxml", LIST_ENDING)
"""Edits of other programs; they are read, not written."""
_PROJECT_FILTER = "Grayplate projects and OTIO timelines (*.otio)"
_NAMES_TOLD = 6
_UNSAVED = "Save changes?"
_LOST = "Recover unsaved work?"


class Documents(QObject):
    """Everything about files of the document; the session itself knows none of them."""

    opened = Signal()
    """Another document is open."""
    file_used = Signal(object)
    """A project was opened from or saved to this Path."""
    media_sought = Signal(object, object)
    """A list that names no files was opened: paths of its shots (list of str), and the folder where they may lie."""
    said = Signal(str)
    """A short confirmation for the status bar."""
    quit_agreed = Signal()
    """Unsaved changes are saved or given up: the window may close."""

    def __init__(self, session: Session, media: MediaService, notices: Notices, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._media, self._notices, self._window = session, media, notices, window
        self._ui = UiThread(self)
        self._recovery = RecoveryWriter(RecoveryFile(), self._on_not_kept)
        self._saver = ProjectSaver(self)
        self._waiting_media: list[str] = []
        self._arrived: dict[str, MediaInfo | None] = {}
        self._sought: frozenset[str] = frozenset()
        self._autosave = QTimer(self)
        self._autosave.setSingleShot(True)
        self._autosave.setInterval(AUTOSAVE_AFTER_MS)
        self._autosave.timeout.connect(self._keep_recovery)
        session.project_changed.connect(self._on_edited)
        session.takes_changed.connect(self._on_edited)
        media.probed.connect(self._on_probed)
        media.probe_failed.connect(self._on_probe_failed)

    def set_autosave(self, delay_ms: int) -> None:
        """The recovery file is written so long after an edit, however many follow; at least a fraction of a second."""
        self._autosave.setInterval(max(delay_ms, AUTOSAVE_AFTER_MS))

    # --- opening ------------------------------------------------------------------------------------------------

    def open_paths(self, paths: Iterable[str]) -> None:
        """Projects and media as given on the command line or dropped on the window."""
        media = []
        for path in paths:
            if path.lower().endswith((PROJECT_ENDING, *EDIT_ENDINGS)):
                self.open_project(Path(path))
            else:
                media.append(path)
        self.add_media(media)

    def add_media(self, paths: list[str]) -> None:
        """Append each file, sequence or folder as a shot, once the decode thread has looked into it."""
        for path in paths:
            absolute = os.path.normpath(Path(path).absolute())  # links stay as the artist knows them
            self._waiting_media.append(absolute)
            self._media.probe(absolute)

    def open_project(self, path: Path) -> None:
        """Open a project, or another program's edit as a new one, asking first about unsaved changes."""
        if path.suffix.lower() in EDIT_ENDINGS:
            self._after_unsaved(lambda: self._load(path, None, recovered=True))
        else:
            self._after_unsaved(lambda: self._load(path, path))

    def new_project(self) -> None:
        """An empty document, asking first about unsaved changes."""
        self._after_unsaved(lambda: self._show(Project(), None))

    def _load(self, source: Path, path: Path | None, *, recovered: bool = False) -> bool:
        # Both load OpenTimelineIO.
        from timeline.edit_list import load_edit
        from timeline.project_file import load_project

        try:
            project = load_edit(source) if source.suffix.lower() in EDIT_ENDINGS else load_project(source)
        except TimelineError as error:
            self._notices.problem(tr("The project cannot be opened"), str(error))
            return False
        sought_in = source.parent if source.suffix.lower() == LIST_ENDING else None
        self._show(project, path, recovered=recovered, sought_in=sought_in)
        if source.suffix.lower() in EDIT_ENDINGS:
            self._tell_speeds(project)
        if path is not None:
            self.file_used.emit(path)
        return True

    def _show(
        self, project: Project, path: Path | None, *, recovered: bool = False, sought_in: Path | None = None
    ) -> None:
        self._autosave.stop()
        self._recovery.discard()
        self._session.replace_document(project, path, modified=recovered)
        if not sought_in:
            for shot in {shot.media_path: shot for shot in project.shots}.values():
                self._media.probe(shot.media_path, shot.media_rate)
        self.opened.emit()
        self._sought = frozenset(shot.media_path for shot in project.shots) if sought_in else frozenset()
        if sought_in:
            self.media_sought.emit(sorted(self._sought), sought_in)

    def _tell_speeds(self, project: Project) -> None:
        """Which shots another program plays at another speed than their media's, once, as the edit is opened."""
        retimed = [f"{shot.name} ({text})" for shot in project.shots if (text := speed_text(shot))]
        if retimed:
            names = ", ".join(retimed[:_NAMES_TOLD]) + (" …" if len(retimed) > _NAMES_TOLD else "")
            self._notices.problem(
                tr("Speed changes are not applied"),
                tr(
                    "The edit plays {names} at another speed. Here they show their media frame by frame, and as many "
                    "frames as the edit lasts; trim them where it uses more. The speeds stay in the project."
                ).format(names=names),
            )

    def _on_probed(self, path: str, info: MediaInfo) -> None:
        if path not in self._waiting_media:
            return
        if info.path != path:  # a folder of frames became a pattern
            self._media.probe(Shot.from_media(info).media_path, info.rate)
        self._arrived[path] = info
        self._add_arrived()

    def _on_probe_failed(self, path: str, message: str) -> None:
        if path not in self._sought:  # of these the search says what it did not find
            self._notices.problem(tr("Media cannot be opened"), message)
        if path in self._waiting_media:
            self._arrived[path] = None
            self._add_arrived()

    def _add_arrived(self) -> None:
        """All that was asked for becomes one undo step, in the order in which it was given."""
        if any(path not in self._arrived for path in self._waiting_media):
            return
        infos = [self._arrived[path] for path in self._waiting_media]
        shots = [Shot.from_media(info) for info in infos if info]
        self._waiting_media.clear()
        self._arrived.clear()
        was_empty = not self._session.project.shots
        commands.add_shots(self._session, shots)
        if was_empty and shots:
            self.opened.emit()

    # --- saving -------------------------------------------------------------------------------------------------

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Save where it was opened from, or ask; ``then`` is called once it is saved."""
        if self._session.path:
            self.save_to(self._session.path, then)
        else:
            self.save_as(then)

    def save_as(self, then: Callable[[], object] | None = None) -> None:
        """Ask for a file and save there; ``then`` is called once it is saved."""
        path = self.ask_for_path()
        if path:
            self.save_to(path, then)

    def ask_for_path(self) -> Path | None:
        """Where to save; None if the person thought better of it."""
        shots = self._session.project.shots
        start = self._session.path or Path(shots[0].media_path if shots else "project").with_suffix(PROJECT_ENDING)
        chosen, _ = QFileDialog.getSaveFileName(self._window, tr("Save Project"), str(start), tr(_PROJECT_FILTER))
        if not chosen:
            return None
        path = Path(chosen)
        return path if path.suffix.lower() == PROJECT_ENDING else path.with_name(path.name + PROJECT_ENDING)

    def save_to(self, path: Path, then: Callable[[], object] | None = None) -> None:
        """Save in the background; :attr:`said` tells when it is done."""
        project = self._session.document
        self.said.emit(tr("Saving {name} …").format(name=path.name))
        self._saver.save(project, path, partial(self._on_saved, project, path, then))

    @property
    def is_saving(self) -> bool:
        """Whether a save is on its way to the disk."""
        return self._saver.is_busy

    def _on_saved(self, project: Project, path: Path, then: Callable[[], object] | None, message: str | None) -> None:
        if message is not None:
            self.said.emit("")
            self._notices.problem(tr("The project was not saved"), message)
            return
        self._session.mark_saved(project, path)
        if not self._session.is_modified:  # edits made meanwhile are still to be kept
            self._autosave.stop()
            self._recovery.discard()
        self.file_used.emit(path)
        self.said.emit(tr("Saved {name}").format(name=path.name))
        if then is not None:
            then()

    def _after_unsaved(self, action: Callable[[], object]) -> None:
        """Run ``action`` now, or after a person has decided about unsaved changes."""
        if not self._session.is_modified:
            action()
            return

        name = self._session.path.name if self._session.path else tr("this project")
        message = tr("Changes to {name} were not saved.").format(name=name)
        self._notices.ask(
            tr(_UNSAVED),
            message,
            {tr("Save"): lambda: self.save(then=action), tr("Don't Save"): action, tr("Cancel"): lambda: None},
        )

    def ask_to_quit(self) -> None:
        """:attr:`quit_agreed` follows unless the person cancels; a save that is on its way is waited for."""
        if self._saver.is_busy:
            self.said.emit(tr("Saving … the window closes when it is done"))
            self._saver.idle.connect(self.ask_to_quit, Qt.ConnectionType.SingleShotConnection)
            return
        self._after_unsaved(self._agree_to_quit)

    def _agree_to_quit(self) -> None:
        self._autosave.stop()
        self._recovery.discard()
        self.quit_agreed.emit()

    # --- recovery -----------------------------------------------------------------------------------------------

    def offer_recovery(self) -> None:
        """Ask about work that a crashed session left, if there is any."""
        lost = lost_sessions()
        if not lost:
            return
        newest = lost[0]
        name = newest.original_path.name if newest.original_path else tr("an unsaved project")
        self._notices.ask(
            tr(_LOST),
            tr("Grayplate did not end properly. Its last edits of {name} were kept.").format(name=name),
            {
                tr("Recover"): lambda: self._recover(newest),
                tr("Discard"): lambda: _discard_all(lost),
                tr("Later"): lambda: None,
            },
        )

    def _recover(self, lost: LostSession) -> None:
        if self._load(lost.project_file, lost.original_path, recovered=True):
            # What was lost goes only after what takes its place is on disk.
            self._recovery.keep(self._session.document, self._session.path, then=lost.discard)

    def _on_edited(self) -> None:
        if self._session.is_modified and not self._autosave.isActive():
            self._autosave.start()

    def _keep_recovery(self) -> None:
        if self._session.is_modified:
            self._recovery.keep(self._session.document, self._session.path)

    def _on_not_kept(self, message: str) -> None:
        """On the autosave's thread."""
        self._ui.post(lambda: self.said.emit(message))


def _discard_all(lost: list[LostSession]) -> None:
    for session in lost:
        session.discard()
