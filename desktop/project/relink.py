"""Missing media: a folder is searched for it on a thread of its own, and what is found is linked as one step."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path, PurePath
from types import MappingProxyType

from PySide6.QtCore import QObject, Signal

from desktop.base.language import tr
from desktop.base.ui_thread import UiThread
from desktop.editing.session import Session
from desktop.media.media_service import MediaService
from timeline import edits
from timeline.errors import EditError
from timeline.media.info import MediaInfo
from timeline.shot import Shot

_NO_MEDIA = frozenset({".edl", ".otio", ".xml", ".fcpxml", ".txt", ".ale", ".aaf", ".wav", ".mp3", ".json", ".csv"})
"""Files that lie beside media under the same name."""
_NUMBER = re.compile(r"#+|%0?\d*d")

_log = logging.getLogger(__name__)


def missing_media(session: Session, media: MediaService) -> list[str]:
    """Paths of the document's media that could not be opened, each once."""
    paths = dict.fromkeys(shot.media_path for shot in session.project.shots)
    return [path for path in paths if media.failure(path) is not None]


def find_media(
    paths: Iterable[str], folder: Path, names: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, str]:
    """Old path -> the path under ``folder`` of the same name; of several the one whose folders fit best.

    For a sequence the folder counts whose files fit the pattern. ``names`` are others that the media of a path may
    have, the likeliest first, with or without their ending.
    """
    wanted = {path: _name_pattern(path) for path in paths}
    found: dict[str, str] = {}
    named: dict[str, tuple[int, str]] = {}
    for parent, _, files in os.walk(folder):
        for path, pattern in wanted.items():
            if any(pattern.fullmatch(name) for name in files):
                candidate = str(Path(parent, _actual_name(path, pattern, files)))
                if path not in found or _shared_parts(path, candidate) > _shared_parts(path, found[path]):
                    found[path] = candidate
            for rank, name in enumerate(names.get(path, ())):
                fit = next((file for file in sorted(files) if _is_called(file, name)), None)
                if fit is not None and (path not in named or rank < named[path][0]):
                    named[path] = rank, str(Path(parent, fit))
    return {path: candidate for path, (_, candidate) in named.items()} | found


def _is_called(file: str, name: str) -> bool:
    path = PurePath(file)
    is_media = path.suffix.lower() not in _NO_MEDIA and not file.startswith(".")
    return is_media and name.lower() in (file.lower(), path.stem.lower())


def _name_pattern(path: str) -> re.Pattern[str]:
    parts = _NUMBER.split(PurePath(path).name)
    return re.compile(r"\d+".join(map(re.escape, parts)), re.IGNORECASE)


def _actual_name(path: str, pattern: re.Pattern[str], names: list[str]) -> str:
    name = PurePath(path).name
    return name if _NUMBER.search(name) else next(entry for entry in names if pattern.fullmatch(entry))


def _shared_parts(one: str, other: str) -> int:
    pairs = zip(reversed(PurePath(one).parts), reversed(PurePath(other).parts), strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a.lower() != b.lower()), 0)


class Relinker(QObject):
    """Searches and links; at most one search at a time."""

    linked = Signal(int)
    """Shots that show other media now."""
    failed = Signal(str)
    """One line: nothing was found, or it does not fit."""

    def __init__(self, session: Session, media: MediaService, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._media = session, media
        self._ui = UiThread(self)
        self._waiting: dict[str, list[str]] = {}
        self._arrived: dict[str, MediaInfo | None] = {}
        media.probed.connect(self._on_probed)
        media.probe_failed.connect(self._on_probe_failed)

    def search(self, folder: Path) -> None:
        """Look for everything that is missing; :attr:`linked` or :attr:`failed` follows."""
        self.search_for(missing_media(self._session, self._media), folder)

    def search_for(self, paths: Sequence[str], folder: Path) -> None:
        """Look for media of these paths, or of the names that an edit list has for them."""
        from timeline.cmx_list import media_names  # loads OpenTimelineIO

        shots = {shot.media_path: shot for shot in self._session.project.shots}
        names = {path: media_names(shots[path]) for path in paths if path in shots}
        work = partial(self._search, paths, folder, names)
        threading.Thread(target=work, name="relink", daemon=True).start()

    def link(self, found: dict[str, str]) -> None:
        """Let shots show other media: old path -> new path."""
        self._waiting, self._arrived = {}, {}
        for old, new in found.items():
            self._waiting.setdefault(os.path.normpath(Path(new).absolute()), []).append(old)
        for new in self._waiting:
            self._media.probe(new, self._rate_of(self._waiting[new][0]))

    def _search(self, missing: Sequence[str], folder: Path, names: Mapping[str, Sequence[str]]) -> None:
        try:
            found = find_media(missing, folder, names)
        except OSError as error:
            _log.warning("search in %s: %s", folder, error)
            found = {}
        self._ui.post(partial(self._on_searched, found, missing, folder))

    def _on_searched(self, found: dict[str, str], missing: Sequence[str], folder: Path) -> None:
        for path in missing:
            if path not in found and self._media.failure(path) is None:
                self._media.probe(path)  # it is known as missing then
        if found:
            self.link(found)
        else:
            self.failed.emit(
                tr("no file of these names lies in {folder} or below; choose another folder").format(folder=folder)
            )

    def _rate_of(self, old: str) -> Fraction | None:
        """The rate that the shot has its media read at; a list that knows only timecode has nothing to say of it."""
        shots = (shot for shot in self._session.project.shots if shot.media_path == old)
        return next((shot.media_rate for shot in shots if shot.media_frame_count is not None), None)

    def _on_probed(self, path: str, info: MediaInfo) -> None:
        self._on_answer(path, info)

    def _on_probe_failed(self, path: str, message: str) -> None:
        del message  # the window shows it
        self._on_answer(path, None)

    def _on_answer(self, path: str, info: MediaInfo | None) -> None:
        if path in self._waiting:
            self._arrived[path] = info
            if len(self._arrived) == len(self._waiting):
                self._link_all()

    def _link_all(self) -> None:
        project, count = self._session.project, 0
        for new, old_paths in self._waiting.items():
            info = self._arrived[new]
            for shot in project.shots:
                if info is None or shot.media_path not in old_paths:
                    continue
                try:
                    project = edits.relink_shot(project, shot.id, Shot.from_media(info))
                    count += 1
                except EditError as error:
                    self.failed.emit(str(error))
                    self._media.probe(shot.media_path)  # it is known as missing then
        self._waiting, self._arrived = {}, {}
        self._session.apply(tr("Relink Media"), project)
        if count:
            self.linked.emit(count)
