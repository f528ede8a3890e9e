"""Copying a removal to another shot. Without Qt: the clipboard lives as long as the window."""

from __future__ import annotations

from dataclasses import dataclass, replace

from desktop.base.language import tr
from desktop.editing.session import Session
from timeline import edits
from timeline.marking import shifted_marking
from timeline.removal import Removal, new_id
from timeline.shot import Shot


@dataclass(frozen=True)
class _Copied:
    removal: Removal
    shot: Shot


class RemovalClipboard:
    """Holds one removal."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._copied: _Copied | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to paste."""
        return self._copied is None

    def copy(self) -> None:
        """Keep the selected removal."""
        shot, removal = self._session.shot, self._session.removal
        if shot and removal:
            self._copied = _Copied(removal, shot)

    def paste(self) -> None:
        """Add a copy to the shot under the playhead, selected.

        In a shot of the same media the box stays on its media frames; in other media it keeps its distance from the
        shot's first frame.
        """
        shot = self._session.shot
        if shot is None or self._copied is None:
            return
        copied = self._copied
        same_media = shot.media_path == copied.shot.media_path
        shift_frames = 0 if same_media else shot.source_start - copied.shot.source_start
        removal = replace(
            copied.removal,
            id=new_id(),
            label=_free_label(copied.removal.label, shot),
            shape=shifted_marking(copied.removal.shape, shift_frames),
            tracked_keys={frame + shift_frames: value for frame, value in copied.removal.tracked_keys.items()},
            otio_json="",
        )
        self._session.apply(tr("Paste Removal"), edits.add_removal(self._session.project, shot.id, removal))
        self._session.select_removal(removal.id)


def _free_label(label: str, shot: Shot) -> str:
    taken = {removal.label for removal in shot.removals}
    if label not in taken:
        return label
    copies = (
        tr("{name} copy").format(name=label)
        if number == 1
        else tr("{name} copy {number}").format(name=label, number=number)
        for number in range(1, len(taken) + 2)
    )
    return next(copy for copy in copies if copy not in taken)
